"""The words of every text that a person reads, one file per language beside this module.

French is the language of the receipt; any other file in ``texts/`` is a second language that may
stand beside it. To add one, copy ``en.json``, translate its values, and add the same language to
the labels of the catalogue; a test holds every file to the keys and placeholders of ``fr.json``.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from importlib import resources
from typing import Final

FRENCH: Final = "fr"

FOLDER: Final = resources.files(__package__) / "texts"
"""One JSON object per language, served to the page as it stands."""

_DAY_PARTS: Final = 3


@cache
def languages() -> tuple[str, ...]:
    """List the languages that have a file, French first."""
    found = sorted(entry.name.removesuffix(".json") for entry in FOLDER.iterdir() if entry.name.endswith(".json"))
    return (FRENCH, *(language for language in found if language != FRENCH))


def chosen(asked: tuple[str, ...]) -> tuple[str, ...]:
    """Return French and those of the languages asked for that we have, without repeats.

    An unknown language is left out rather than refused: a receipt in French alone is better than none.
    """
    known = languages()
    return tuple(dict.fromkeys((FRENCH, *(language for language in asked if language in known))))


@dataclass(frozen=True, slots=True)
class Labels:
    """The words of one language, and its ways of writing dates, yes and no, and lists."""

    language: str
    texts: Mapping[str, str | list[str]]

    def __call__(self, key: str, **values: str | int) -> str:
        """Return the text of a key with its placeholders filled; raises ``KeyError`` for an unknown key."""
        text = self.texts[key]
        if not isinstance(text, str):
            raise KeyError(key)
        return text.format(**values) if values else text

    def has(self, key: str) -> bool:
        """Say whether the key has a text."""
        return key in self.texts

    def day(self, day: date) -> str:
        """Write a date: ``23 novembre 2026``, ``1er mai 2026``."""
        number = self("date.first") if day.day == 1 else str(day.day)
        return self("date.day", day=number, month=self._named("date.months", day.month - 1), year=str(day.year))

    def moment(self, iso: str, zone: str | None = None, *, short: bool = False) -> str:
        """Write an ISO 8601 moment as the clock of its own offset showed it.

        With ``zone`` (an IANA name) the place whose time it is and its distance from UTC follow, so
        that a receipt from Mayotte is not read as Paris time.
        """
        moment = datetime.fromisoformat(iso)
        text = self(
            "date.moment_short" if short else "date.moment",
            date=self.day(moment.date()),
            hour=moment.hour,
            minute=moment.minute,
            **({} if short else {"weekday": self._named("date.weekdays", moment.weekday())}),
        )
        return text if zone is None else f"{text} ({self._clock(moment.utcoffset() or timedelta(), zone)})"

    def partial_day(self, text: str) -> str:
        """Write ``YYYY``, ``YYYY-MM`` or ``YYYY-MM-DD``; anything else stays as it is."""
        try:
            parts = [int(part) for part in text.split("-")]
            if len(parts) == _DAY_PARTS:
                return self.day(date(*parts))
            year, month = parts
            return f"{self._named('date.months', month - 1)} {year}" if month > 0 else text
        except (ValueError, IndexError):
            return text

    def _clock(self, offset: timedelta, zone: str) -> str:
        minutes = int(offset.total_seconds()) // 60
        distance = f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60}"
        distance += f":{abs(minutes) % 60:02}" if minutes % 60 else ""
        utc = self("zone.utc", offset=distance)
        return f"{self(f'zone.{zone}')}, {utc}" if self.has(f"zone.{zone}") else utc

    def _named(self, key: str, index: int) -> str:
        return self.texts[key][index]


@cache
def labels(language: str) -> Labels:
    """Read the words of a language; raises ``FileNotFoundError`` for one that has no file."""
    return Labels(language, json.loads((FOLDER / f"{language}.json").read_text("utf-8")))
