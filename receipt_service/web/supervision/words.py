"""Words and numbers of the dashboard in French and English: what codes are called, how counts are written."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib import resources
from typing import Final

from receipt_service.domain.catalogue import Catalogue, parse_catalogue
from receipt_service.domain.directory import UnitEntry
from receipt_service.statistics.lattice import (
    AreaLevel,
    Dimension,
    Period,
    code_of,
    level_of,
)
from receipt_service.statistics.questions import AREA_OF_SPLIT, Split

LANGUAGES: Final[Mapping[str, str]] = {"fr": "Français", "en": "English"}
_THIN_SPACE: Final = "\N{NARROW NO-BREAK SPACE}"
_KIND_OF: Final[Mapping[str, str]] = {
    Dimension.BASIS: "bases",
    Dimension.REASON: "reasons",
    Dimension.MEASURE: "measures",
    Dimension.OUTCOME: "outcomes",
    Dimension.SELECTION: "selection_modes",
}
"""Which entries of the catalogue name the values of a dimension."""
_MINUTE, _HOUR = 60, 3600


@cache
def catalogue_of(document: bytes) -> Catalogue:
    """Parse a catalogue once."""
    return parse_catalogue(document)


@cache
def texts(language: str) -> Mapping[str, str]:
    """Read the words of the dashboard."""
    content = (resources.files("receipt_service.web") / "texts" / f"supervision.{language}.json").read_bytes()
    words: dict[str, str] = json.loads(content)
    return words


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """Everything in one language."""

    language: str
    catalogue: Catalogue
    units: Mapping[str, UnitEntry]
    area_name: Callable[[str], str | None]
    """Name of a département or commune, by its area's code."""

    def say(self, key: str, **values: str) -> str:
        """Give a text. Raises ``KeyError`` for one that there is not."""
        return texts(self.language)[key].format(**values)

    def number(self, value: float, decimals: int = 0) -> str:
        """Write a number: 1 234,5 in French, 1,234.5 in English."""
        written = f"{value:,.{decimals}f}"
        if self.language == "fr":
            written = written.replace(",", _THIN_SPACE).replace(".", ",")
        return written

    def percent(self, share: float) -> str:
        """Write a share of 0 to 1 in percent, to a tenth."""
        return self.number(100 * share, 1) + (f"{_THIN_SPACE}%" if self.language == "fr" else "%")

    def duration(self, seconds: float) -> str:
        """Write seconds so that they can be read: 45 s, 3 min, 2.5 h."""
        if seconds < _MINUTE:
            return f"{self.number(seconds, 0 if seconds == int(seconds) else 1)} s"
        if seconds < _HOUR:
            return f"{self.number(seconds / _MINUTE, 0 if seconds % _MINUTE == 0 else 1)} min"
        return f"{self.number(seconds / _HOUR, 0 if seconds % _HOUR == 0 else 1)} h"

    def date(self, moment: datetime) -> str:
        """Write a day: 5 octobre 2026, 5 October 2026."""
        return f"{moment.day} {self.say(f'month.{moment.month:02d}')} {moment.year}"

    def period(self, period: Period) -> str:
        """Name a period: octobre 2026, 3e trimestre 2026, 2026."""
        year, _, part = period.partition("-")
        if not part:
            return year
        return f"{self.say(f'quarter.{part[1]}' if part[0] == 'Q' else f'month.{part}')} {year}"

    @staticmethod
    def opening(text: str) -> str:
        """Begin with a capital letter, and leave the rest as it is."""
        return text[:1].upper() + text[1:]

    def area(self, area: str) -> str:
        """Name an area."""
        code = code_of(area)
        match level_of(area):
            case AreaLevel.FRANCE:
                return self.say("area.france")
            case AreaLevel.UNIT:
                return self.units[code].name if code in self.units else code
            case _:
                name = self.area_name(area)
                return code if name is None else f"{name} ({code})"

    def value(self, division: str, value: str) -> str:
        """Name a value of a division, by which an answer is divided."""
        if value == "other":
            return self.say("other")
        if division in {Split.MONTH, Split.QUARTER}:
            return self.period(value)
        if division in AREA_OF_SPLIT:
            return self.area(AREA_OF_SPLIT[division](value))
        if division == Dimension.HOUR_BAND:
            first, last = value.split("-")
            return self.say("hours", first=str(int(first)), last=str(int(last)))
        if division in _KIND_OF:
            entries = getattr(self.catalogue, _KIND_OF[division])
            return str(entries[value].label[self.language]) if value in entries else value
        return texts(self.language).get(f"{division}.{value}", value)

    def division(self, division: str) -> str:
        """Name a division."""
        return self.say(f"by.{division}")
