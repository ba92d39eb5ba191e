"""The officers of the sample directory, by the place they can be sent to.

Read from the same CSV file that ``receipt-service directory import`` takes: the replay invents no officer.
"""

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from receipt_service.errors import ConfigurationError

OPJ = "OPJ"
_CHECKING = frozenset({OPJ, "APJ"})
"""Qualities that may check under every basis of the replay (CPP 16, 20)."""
_FORCES = frozenset({"PN", "GN"})


@dataclass(frozen=True, slots=True, kw_only=True)
class RosterOfficer:
    """An officer whose token the replay asks for."""

    number: str
    subject: str
    quality: str
    unit: str
    department: str | None
    commune: str | None


class Roster:
    """Officers who may check, found by commune, else by département, else anyone."""

    def __init__(self, officers: Iterable[RosterOfficer]) -> None:
        """Keep the order of the directory. Raises ``ConfigurationError`` without a single OPJ."""
        self._officers = tuple(officers)
        self._found: dict[tuple[str, bool], tuple[RosterOfficer, ...]] = {}
        if not any(officer.quality == OPJ for officer in self._officers):
            raise ConfigurationError("the directory has no OPJ, without whom no check can be ordered")

    def near(self, commune: str, *, opj: bool) -> Sequence[RosterOfficer]:
        """Give the officers nearest to a commune, at least one; ``opj``: of that quality only."""
        key = (commune, opj)
        if key not in self._found:
            able = tuple(officer for officer in self._officers if officer.quality == OPJ or not opj)
            department = commune[:3] if commune.startswith(("97", "98")) else commune[:2]
            self._found[key] = (
                tuple(officer for officer in able if officer.commune == commune)
                or tuple(officer for officer in able if officer.department == department)
                or able
            )
        return self._found[key]


def read_roster(path: Path) -> Roster:
    """Read the officers of the police and gendarmerie who may check. Raises ``ConfigurationError``."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error):
        raise ConfigurationError("the directory file can't be read") from None
    raise NotImplementedError(str(rows))
