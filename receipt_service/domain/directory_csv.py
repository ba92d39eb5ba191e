"""Reading a directory file: CSV as spreadsheets write it, whatever they made of its encoding and separators.

One file holds units and officers, told apart by the column ``kind``. The form stands in docs/directory.md.
"""

import csv
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from receipt_service.domain.directory import Fault, OfficerEntry, Placed, UnitEntry

UNIT_COLUMNS: Final = ("code", "name", "parent", "force", "department", "commune")
OFFICER_COLUMNS: Final = ("number", "rank", "quality", "unit", "subject", "active")
COLUMNS: Final = ("kind", *UNIT_COLUMNS, *OFFICER_COLUMNS)
REQUIRED: Final = ("kind",)
_NEEDED: Final[Mapping[str, tuple[str, ...]]] = {
    "unit": ("code", "name", "force"),
    "officer": ("number", "rank", "quality", "unit"),
}
_OTHERS: Final[Mapping[str, tuple[str, ...]]] = {"unit": OFFICER_COLUMNS, "officer": UNIT_COLUMNS}
_YES: Final = frozenset({"", "yes", "oui", "true", "vrai", "1", "y", "o"})
_NO: Final = frozenset({"no", "non", "false", "faux", "0", "n"})
_SEPARATORS: Final = ";,\t"


@dataclass(slots=True)
class DirectoryFile:
    """What was read, and what could not be."""

    placed: list[Placed] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    mentioned: set[str] = field(default_factory=set)
    """Codes of units whose own line is at fault: whoever refers to them needs no fault of their own."""
    encoding: str = "utf-8"


def read_directory(data: bytes) -> DirectoryFile:
    """Read a file; what is wrong with it stands in ``faults``, line by line, and nothing is raised."""
    file = DirectoryFile()
    text, file.encoding = _decode(data)
    if text is None or "\0" in text:
        file.faults.append(Fault(1, "", "not a text file; save the sheet as “CSV UTF-8”"))
        return file
    lines = text.splitlines(keepends=True)
    start = next((index for index, line in enumerate(lines) if line.strip()), None)
    if start is None:
        file.faults.append(Fault(1, "", "the file is empty"))
        return file
    if lines[start].lower().startswith("sep="):  # what Excel writes to remember its separator
        start += 1
    rows = _rows(lines[start:], _separator(lines[start]) if start < len(lines) else ";", start, file)
    header = next(rows, None)
    if header is not None and (columns := _columns(*header, file)) is not None:
        for line, cells in rows:
            if any(cell.strip() for cell in cells):
                _read_row(line, cells, columns, file)
    return file


def _decode(data: bytes) -> tuple[str | None, str]:
    sixteen_bits = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    candidates = ["utf-16"] if sixteen_bits else ["utf-8-sig", "cp1252"]
    for encoding in candidates:
        try:
            return data.decode(encoding), encoding
        except UnicodeDecodeError:
            continue
    return None, "unknown"


def _separator(header: str) -> str:
    """Choose the separator under which the header names the most columns."""

    def named(separator: str) -> int:
        return sum(cell.strip().strip('"').lower() in COLUMNS for cell in header.split(separator))

    return max(_SEPARATORS, key=named)


def _rows(lines: list[str], separator: str, offset: int, file: DirectoryFile) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(lines, delimiter=separator, strict=True)
    while True:
        first = offset + reader.line_num + 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error:
            file.faults.append(Fault(first, "", "quotation marks that don't match; nothing after this line was read"))
            return
        yield first, row


def _columns(line: int, header: list[str], file: DirectoryFile) -> list[str] | None:
    columns = [_clean(cell).lower() for cell in header]
    while columns and not columns[-1]:
        columns.pop()
    before = len(file.faults)
    for index, column in enumerate(columns):
        if column not in COLUMNS:
            file.faults.append(Fault(line, column[:40], f"unknown column; there are {', '.join(COLUMNS)}"))
        elif column in columns[:index]:
            file.faults.append(Fault(line, column, "the column stands there twice"))
    for column in REQUIRED:
        if column not in columns:
            file.faults.append(Fault(line, column, "the first line must name the columns, this one among them"))
    return columns if len(file.faults) == before else None


def _read_row(line: int, cells: list[str], columns: list[str], file: DirectoryFile) -> None:
    if any(cell.strip() for cell in cells[len(columns) :]):
        file.faults.append(Fault(line, "", f"{len(cells)} cells under {len(columns)} columns"))
        return
    row = dict.fromkeys(COLUMNS, "") | dict(zip(columns, map(_clean, cells), strict=False))
    kind = row["kind"].lower()
    if kind not in _NEEDED:
        file.faults.append(Fault(line, "kind", "unit or officer"))
        return
    faults = [Fault(line, column, "is missing") for column in _NEEDED[kind] if not row[column]]
    faults += [
        Fault(line, column, f"stays empty for {'a unit' if kind == 'unit' else 'an officer, who is known by number'}")
        for column in _OTHERS[kind]
        if row[column]
    ]
    faults += [
        Fault(line, column, "holds control characters")
        for column, value in row.items()
        if any(unicodedata.category(letter) in {"Cc", "Cf", "Cs", "Zl", "Zp"} for letter in value)
    ]
    if kind == "officer" and row["active"].lower() not in _YES | _NO:
        faults.append(Fault(line, "active", "yes or no (oui, non); empty is yes"))
    file.faults += faults
    if faults:
        file.mentioned.add(row["code"].upper())
    else:
        file.placed.append(Placed(line, _unit(row) if kind == "unit" else _officer(row)))


def _clean(cell: str) -> str:
    """Trim, make one space of many (no-break ones too), compose accents (NFC); other white space is a fault."""
    words = cell.replace("\u00a0", " ").replace("\u202f", " ").split(" ")
    return unicodedata.normalize("NFC", " ".join(word for word in words if word)).strip()


def _unit(row: Mapping[str, str]) -> UnitEntry:
    return UnitEntry(
        code=row["code"].upper(),
        name=row["name"],
        parent_code=row["parent"].upper() or None,
        force=row["force"].upper(),
        department=row["department"].upper() or None,
        commune=row["commune"].upper() or None,
    )


def _officer(row: Mapping[str, str]) -> OfficerEntry:
    number = row["number"].upper()
    return OfficerEntry(
        number=number,
        subject=row["subject"] or number,
        rank=row["rank"].upper(),
        quality=row["quality"].upper(),
        unit_code=row["unit"].upper(),
        active=row["active"].lower() in _YES,
    )
