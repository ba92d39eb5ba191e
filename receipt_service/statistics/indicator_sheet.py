"""The sheet of indicators: what each says, how it is reckoned, where it comes from, and what it cannot show.

Words alone, kept in ``texts/indicators.json``; ``indicators`` reckons. docs/indicators.md is written from here
(docs/write_indicators.py).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from importlib.resources import files
from typing import Any, Final

import orjson

from receipt_service.statistics.lattice import TABLE_OF

Texts = Mapping[str, str]
"""French under ``fr``, English under ``en``."""


class Kind(StrEnum):
    """What sort of number an indicator gives."""

    COUNT = "count"
    """Checks, or receipts."""
    PER_DAY = "per_day"
    SHARE = "share"
    """0 to 1."""
    SECONDS = "seconds"
    INDEX = "index"
    """A pure number whose meaning the definition gives."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Indicator:
    """One line of the sheet."""

    code: str
    kind: Kind
    tables: tuple[str, ...]
    """Tables of the lattice that it is reckoned from; none where the counts come from elsewhere."""
    label: Texts
    definition: Texts
    formula: str
    source: str
    cannot_show: Texts

    def __post_init__(self) -> None:
        """Raise ``ValueError`` for a table that the lattice doesn't have."""
        if unknown := set(self.tables) - set(TABLE_OF):
            raise ValueError(f"not in the lattice: {sorted(unknown)}")


def _indicator(entry: dict[str, Any]) -> Indicator:
    return Indicator(**entry | {"kind": Kind(entry["kind"]), "tables": tuple(entry["tables"])})


_FILE: Final = orjson.loads((files("receipt_service.statistics") / "texts" / "indicators.json").read_bytes())
NOT_MEASURED: Final[Texts] = _FILE["not_measured"]
"""That disproportion by perceived origin is not measured, and where it is: stands wherever indicators are shown."""
SHEET: Final = tuple(_indicator(entry) for entry in _FILE["indicators"])
"""Every indicator, in the order in which they are shown."""
INDICATOR_OF: Final[Mapping[str, Indicator]] = {indicator.code: indicator for indicator in SHEET}
