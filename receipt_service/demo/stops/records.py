"""Stop-and-search records as data.police.uk publishes them, read with every fault named.

Two spellings of the columns are read: those of the JSON API (``datetime``, ``latitude``, …) and those
of the CSV downloads (``Date``, ``Latitude``, …; they have no street). Columns about the person searched
(age range, gender, ethnicity) are dropped here, at the first line of code that sees them: a French stub
has no field for them (CSI R.434-16).
"""

import csv
import gzip
import io
import math
import zlib
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO

from receipt_service.errors import ReceiptServiceError


class StopsFileUnreadable(ReceiptServiceError):
    """The file as a whole can't be read as records: not CSV, no known columns, a cut-off archive."""


class RowFault(StrEnum):
    """Why a row can't even be put as a request; what can be put is left to the service to refuse."""

    MALFORMED_ROW = "malformed_row"
    UNREADABLE_TEXT = "unreadable_text"
    BAD_DATETIME = "bad_datetime"
    BAD_COORDINATES = "bad_coordinates"


EXPLANATIONS = {
    RowFault.MALFORMED_ROW: "the row is not one CSV record with as many values as the header has columns",
    RowFault.UNREADABLE_TEXT: "the row is not UTF-8 text",
    RowFault.BAD_DATETIME: "the date and time is missing, not ISO 8601, or has no offset from UTC",
    RowFault.BAD_COORDINATES: "latitude and longitude are not a pair of degrees on Earth",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class StopRecord:
    """One search, in the source's own words; an empty text or ``None`` is what the source left out."""

    line: int
    """Line of the file on which the row ends, for messages only: equal rows are equal records without it."""
    at: datetime
    kind: str
    coordinates: tuple[float, float] | None
    """Latitude and longitude in degrees, moved by the publisher to a nearby anchor point."""
    street: str | None
    """``None``: the file has no such column. Empty: the row leaves it out."""
    legislation: str
    search_object: str
    outcome: str

    @property
    def fingerprint(self) -> bytes:
        """The row's content, unambiguously joined: equal for exact duplicates, whatever their line."""
        where = "" if self.coordinates is None else f"{self.coordinates[0]:.6f},{self.coordinates[1]:.6f}"
        parts = (self.at.isoformat(), self.kind, where, self.street, self.legislation, self.search_object, self.outcome)
        return "\x1f".join("\x00" if part is None else part for part in parts).encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultyRow:
    """A row that holds no readable record."""

    line: int
    fault: RowFault

    @property
    def explanation(self) -> str:
        """What is wrong, without the value."""
        return EXPLANATIONS[self.fault]


_COLUMNS = {
    "datetime": ("datetime", "date"),
    "kind": ("type",),
    "latitude": ("latitude",),
    "longitude": ("longitude",),
    "street": ("street_name", "street"),
    "legislation": ("legislation",),
    "search_object": ("object_of_search",),
    "outcome": ("outcome",),
}
_REQUIRED = frozenset(_COLUMNS) - {"street"}


def read_stops(path: Path, *, limit: int | None = None) -> Iterator[StopRecord | FaultyRow]:
    """Give every row of a CSV file, plain or gzip, in the order of the file and one at a time.

    ``limit`` counts rows, faulty ones too. Raises ``StopsFileUnreadable`` when the file as a whole is
    at fault; rows before that have been given by then.
    """
    with closing(_open(path)) as raw:
        text = io.TextIOWrapper(raw, encoding="utf-8-sig", errors="replace", newline="")
        rows = csv.reader(text, strict=True)
        try:
            places = _header(next(rows))
            width = max(places.values()) + 1
            given = 0
            while limit is None or given < limit:
                row = _next_row(rows, width)
                if row is None:
                    return
                if row == []:
                    continue
                given += 1
                yield _record(row, places, rows.line_num)
        except StopIteration:
            raise StopsFileUnreadable("the file is empty") from None
        except csv.Error as problem:
            raise StopsFileUnreadable("the first line is not a CSV header") from problem
        except (EOFError, OSError, zlib.error) as problem:
            raise StopsFileUnreadable("the file ends in the middle of its archive, or can't be read") from problem


def count_rows(path: Path, *, limit: int | None = None) -> int:
    """Count the rows that ``read_stops`` will give: for a progress bar."""
    return sum(1 for _ in read_stops(path, limit=limit))


def _open(path: Path) -> BinaryIO:
    """Open the file, through gzip when it begins like a gzip file whatever its name."""
    try:
        with path.open("rb") as beginning:
            packed = beginning.read(2) == b"\x1f\x8b"
        return gzip.open(path, "rb") if packed else path.open("rb")  # type: ignore[return-value]
    except OSError as problem:
        raise StopsFileUnreadable("the file can't be opened") from problem


def _header(names: list[str]) -> dict[str, int]:
    """Find our columns among the file's, by either spelling."""
    known = {name.strip().lower().replace(" ", "_"): index for index, name in reversed(list(enumerate(names)))}
    places = {
        field: known[spelling]
        for field, spellings in _COLUMNS.items()
        for spelling in reversed(spellings)
        if spelling in known
    }
    missing = sorted(_REQUIRED - places.keys())
    if missing:
        raise StopsFileUnreadable(f"columns not found: {', '.join(missing)}")
    return places | {"": len(names) - 1}


def _next_row(rows: Iterator[list[str]], width: int) -> list[str] | RowFault | None:
    """Give the next row, its fault, an empty list for a blank line, or ``None`` at the end."""
    try:
        row = next(rows)
    except StopIteration:
        return None
    except csv.Error:
        return RowFault.MALFORMED_ROW
    if row and len(row) != width:
        return RowFault.MALFORMED_ROW
    return row


def _record(row: list[str] | RowFault, places: dict[str, int], line: int) -> StopRecord | FaultyRow:
    if isinstance(row, RowFault):
        return FaultyRow(line=line, fault=row)
    values = {field: row[index].strip() for field, index in places.items() if field}
    if any("\ufffd" in value for value in values.values()):
        return FaultyRow(line=line, fault=RowFault.UNREADABLE_TEXT)
    at = _instant(values["datetime"])
    if at is None:
        return FaultyRow(line=line, fault=RowFault.BAD_DATETIME)
    try:
        coordinates = _coordinates(values["latitude"], values["longitude"])
    except ValueError:
        return FaultyRow(line=line, fault=RowFault.BAD_COORDINATES)
    return StopRecord(
        line=line,
        at=at,
        kind=values["kind"],
        coordinates=coordinates,
        street=values.get("street"),
        legislation=values["legislation"],
        search_object=values["search_object"],
        outcome=_outcome(values["outcome"]),
    )


def _instant(text: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return None if at.tzinfo is None else at


def _coordinates(latitude: str, longitude: str) -> tuple[float, float] | None:
    """Read a pair of degrees, ``None`` when both are left out; raise ``ValueError`` for anything else."""
    if not latitude and not longitude:
        return None
    pair = (float(latitude), float(longitude))
    if not all(map(math.isfinite, pair)) or not (abs(pair[0]) <= 90 and abs(pair[1]) <= 180):  # noqa: PLR2004 - degrees
        raise ValueError("not on Earth")
    return pair


def _outcome(text: str) -> str:
    """Read "nothing found", which the API spells as a JSON false in its older months."""
    return "" if text.lower() in {"false", "null", "none"} else text
