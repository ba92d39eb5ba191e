"""Communes, départements and the zone in which a place's clock runs.

The data are INSEE's Code officiel géographique (``schemas/catalogue/communes-2026.json``, which a
script beside it generates). Times are kept with the zone of the place: six rules of time hold
between Paris and Nouméa alone, and the 12 h and 6 h limits run over changes of the clock.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from receipt_service.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class Commune:
    """One commune or municipal arrondissement (Paris, Lyon, Marseille) of the COG."""

    code: str
    name: str
    department: str
    zone: str
    parent: str | None = None
    """The commune of which this is an arrondissement."""


@dataclass(frozen=True, slots=True)
class Department:
    """A département or overseas collectivity, with its usual zone."""

    code: str
    name: str
    zone: str

    @property
    def metropolitan(self) -> bool:
        """Whether it lies in metropolitan France, where al. 9 and 10 of CPP 78-2 apply."""
        return len(self.code) == 2  # noqa: PLR2004 - overseas codes have three characters


@dataclass(frozen=True, slots=True)
class Territory:
    """Look-ups over one edition of the COG."""

    version: str
    departments: Mapping[str, Department]
    zones: Mapping[str, ZoneInfo]
    """Loaded once, so that validating reads no file."""
    _communes: Mapping[str, tuple[str, str | None]]
    _zone_of_commune: Mapping[str, str]

    def commune(self, code: str) -> Commune | None:
        """Return the commune of this INSEE code, or ``None`` when the COG has none."""
        found = self._communes.get(code)
        if found is None:
            return None
        name, parent = found
        department = department_code(code)
        zone = self._zone_of_commune.get(code) or self.departments[department].zone
        return Commune(code, name, department, zone, parent)

    def has(self, code: str) -> bool:
        """Whether the COG knows this INSEE code."""
        return code in self._communes

    def covers(self, listed: tuple[str, ...], commune: Commune) -> bool:
        """Whether a list of INSEE codes contains the commune, by itself or by its parent city."""
        return commune.code in listed or (commune.parent is not None and commune.parent in listed)

    def __len__(self) -> int:
        """Count the communes and arrondissements known."""
        return len(self._communes)


def department_code(commune: str) -> str:
    """Return the département of an INSEE code: two characters, three overseas (``97x``, ``98x``)."""
    return commune[:3] if commune[:2] in {"97", "98"} else commune[:2]


def parse_territory(document: bytes) -> Territory:
    """Read the communes file; raises ``ConfigurationError`` when it is not one."""
    try:
        data = json.loads(document)
        departments = {code: Department(code, row["name"], row["zone"]) for code, row in data["departments"].items()}
        communes = _communes(data)
        overrides = dict(data["zones"])
        zones = {key: ZoneInfo(key) for key in {d.zone for d in departments.values()} | set(overrides.values())}
        version = str(data["version"])
    except (ValueError, KeyError, TypeError, AttributeError, ZoneInfoNotFoundError) as error:
        raise ConfigurationError(f"the communes file cannot be read: {type(error).__name__}") from error
    orphans = {department_code(code) for code in communes} - departments.keys()
    if orphans:
        raise ConfigurationError(f"communes without a département: {', '.join(sorted(orphans))}")
    return Territory(
        version,
        MappingProxyType(departments),
        MappingProxyType(zones),
        MappingProxyType(communes),
        MappingProxyType(overrides),
    )


def _communes(data: Any) -> dict[str, tuple[str, str | None]]:
    """Join communes and arrondissements into one table of (name, parent)."""
    communes: dict[str, tuple[str, str | None]] = {code: (name, None) for code, name in data["communes"].items()}
    for code, row in data["arrondissements"].items():
        communes[code] = (row["name"], row["commune"])
    return communes
