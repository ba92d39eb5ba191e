"""The directory's entries, and the rules that a directory keeps before any of it is imported.

A directory names units (services, in a tree) and officers (numbers, ranks, judicial qualities). It never names a
person: an officer is known by number alone.
"""

import difflib
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from receipt_service.domain.catalogue import Catalogue
from receipt_service.domain.check import Quality
from receipt_service.domain.territory import Territory

UNIT_CODE = re.compile(r"[A-Z0-9][A-Z0-9._-]{0,39}")
NAME_LIMIT = 120
SUBJECT_LIMIT = 255
NUMBER_LIMIT = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitEntry:
    """A unit: a service of the police, the gendarmerie, a commune or the customs."""

    code: str
    name: str
    parent_code: str | None
    force: str
    department: str | None
    commune: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OfficerEntry:
    """An officer; ``subject`` is how the identity provider's tokens name them."""

    number: str
    subject: str
    rank: str
    quality: str
    unit_code: str
    active: bool


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One thing wrong with a directory: where, and what would be right."""

    line: int
    column: str
    """Name of the column, or empty where the whole line or file is meant."""
    reason: str


@dataclass(frozen=True, slots=True)
class Placed:
    """An entry and the line that it stands on."""

    line: int
    entry: UnitEntry | OfficerEntry


@dataclass(frozen=True, slots=True)
class Known:
    """What the directory holds already, and what its codes are held against."""

    catalogue: Catalogue
    territory: Territory
    units: Mapping[str, UnitEntry]
    officers: Mapping[str, OfficerEntry]


def check_directory(placed: Collection[Placed], known: Known, mentioned: Collection[str] = ()) -> list[Fault]:
    """Hold a whole file against the catalogue, the territory, itself and what is stored; give every fault by line.

    ``mentioned`` are codes of units whose own line was refused already: to refer to them is not another fault.
    """
    units = [(each.line, each.entry) for each in placed if isinstance(each.entry, UnitEntry)]
    officers = [(each.line, each.entry) for each in placed if isinstance(each.entry, OfficerEntry)]
    after = {**known.units, **{unit.code: unit for _, unit in units}}
    faults = list(_repeated(((line, unit.code) for line, unit in units), "code"))
    faults += _repeated(((line, officer.number) for line, officer in officers), "number")
    for line, unit in units:
        faults += _unit_faults(line, unit, after.keys() | mentioned, known)
    faults += _cycles(units, after)
    for line, officer in officers:
        faults += _officer_faults(line, officer, after, known)
        if officer.unit_code not in after and officer.unit_code not in mentioned:
            faults += _unknown(line, "unit", officer.unit_code, after)
    faults += _shared_subjects(officers, known.officers)
    return sorted(faults)


def _repeated(keys: Iterable[tuple[int, str]], column: str) -> Iterator[Fault]:
    first: dict[str, int] = {}
    for line, key in keys:
        if key in first:
            yield Fault(line, column, f"stands on line {first[key]} already")
        first.setdefault(key, line)


def _unit_faults(line: int, unit: UnitEntry, codes: Collection[str], known: Known) -> Iterator[Fault]:
    if not UNIT_CODE.fullmatch(unit.code):
        yield Fault(line, "code", "up to 40 capital letters, digits, dots, hyphens and underscores")
    if not unit.name or len(unit.name) > NAME_LIMIT:
        yield Fault(line, "name", f"1 to {NAME_LIMIT} characters: it is printed on receipts")
    yield from _unknown(line, "force", unit.force, known.catalogue.forces)
    if unit.parent_code is not None:
        yield from _unknown(line, "parent", unit.parent_code, codes)
    if unit.department is not None:
        yield from _unknown(line, "department", unit.department, known.territory.departments)
    if unit.commune is not None:
        commune = known.territory.commune(unit.commune)
        if commune is None:
            yield Fault(line, "commune", "no commune of the Code officiel géographique (five characters, e.g. 75110)")
        elif unit.department not in {None, commune.department}:
            yield Fault(line, "commune", f"lies in the département {commune.department}")


def _cycles(units: Iterable[tuple[int, UnitEntry]], after: Mapping[str, UnitEntry]) -> Iterator[Fault]:
    sound: set[str] = set()
    for line, unit in units:
        path: list[str] = []
        code: str | None = unit.code
        while code is not None and code in after and code not in sound and code not in path:
            path.append(code)
            code = after[code].parent_code
        if code == unit.code and path:
            yield Fault(line, "parent", "the unit would stand below itself: " + " → ".join([*path, unit.code]))
        elif code is None or code in sound:
            sound.update(path)


def _officer_faults(line: int, officer: OfficerEntry, after: Mapping[str, UnitEntry], known: Known) -> Iterator[Fault]:
    catalogue = known.catalogue
    unit = after.get(officer.unit_code)
    yield from _unknown(line, "rank", officer.rank, catalogue.ranks)
    yield from _unknown(line, "quality", officer.quality, {quality.value for quality in Quality})
    if not officer.subject or len(officer.subject) > SUBJECT_LIMIT:
        yield Fault(line, "subject", f"1 to {SUBJECT_LIMIT} characters, or empty: then it is the number")
    force = catalogue.forces.get(unit.force) if unit is not None else None
    if force is None:
        return
    yield from _number_faults(line, officer.number, force.number_pattern, force.number_label)
    rank, quality = catalogue.ranks.get(officer.rank), catalogue.qualities.get(officer.quality)
    if rank is not None and force.code not in rank.forces:
        yield Fault(line, "rank", f"not a rank of the force {force.code}")
    if quality is not None and force.code not in quality.forces:
        yield Fault(line, "quality", f"not a quality of the force {force.code}")


def _number_faults(line: int, number: str, pattern: str, label: str) -> Iterator[Fault]:
    if re.fullmatch(pattern, number) and len(number) <= NUMBER_LIMIT:
        return
    hint = "; a spreadsheet may have dropped leading zeros" if number.isdigit() and "{7}" in pattern else ""
    yield Fault(line, "number", f"not of the form of a {label} ({pattern}){hint}")


def _shared_subjects(
    officers: Iterable[tuple[int, OfficerEntry]], stored: Mapping[str, OfficerEntry]
) -> Iterator[Fault]:
    listed = {officer.number for _, officer in officers}
    holder = {officer.subject: officer.number for officer in stored.values() if officer.number not in listed}
    for line, officer in officers:
        other = holder.setdefault(officer.subject, officer.number)
        if other != officer.number:
            yield Fault(line, "subject", f"names the officer {other} already")


def _unknown(line: int, column: str, code: str, accepted: Collection[str]) -> Iterator[Fault]:
    if code in accepted:
        return
    near = difflib.get_close_matches(code, accepted, n=1) if len(accepted) < 5000 else []  # noqa: PLR2004 - quadratic
    if not code:
        yield Fault(line, column, "is missing")
    else:
        yield Fault(line, column, f"unknown: {code[:40]!r}" + (f"; did you mean {near[0]!r}?" if near else ""))
