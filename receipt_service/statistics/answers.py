"""Answering supervisors: released figures of their own units, and of the places where those work.

Whoever answers reads ``released_cell`` alone; the rollup is out of reach from here. What is not shown is not counted
here either: a missing value and one with a few checks look the same. Who may ask is found out each time; the answer
itself never changes, and is kept (``statistics.frozen``).
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

from sqlalchemy import Connection, Engine

from receipt_service.domain.check import Officer
from receipt_service.domain.directory import UnitEntry
from receipt_service.domain.territory import department_code
from receipt_service.errors import OutsideOwnUnits, PeriodNotReleased
from receipt_service.statistics.frozen import AREAS_KEPT, LINES_KEPT, Kept
from receipt_service.statistics.lattice import (
    AreaLevel,
    Period,
    code_of,
    commune_area,
    department_area,
    level_of,
    parts_of,
    unit_area,
)
from receipt_service.statistics.method.cell_key import Mark
from receipt_service.statistics.questions import Question, Split
from receipt_service.statistics.releasing.protection import OTHER, TOTAL
from receipt_service.storage import directory, releases
from receipt_service.storage.engine import reading
from receipt_service.storage.releases import Figure, Release

_LATEST: Final = 3
_MARKS: Final = {mark.value: mark for mark in Mark}
_NAMES: Final = {OTHER: "other"}
"""Values that an answer names in another way."""


class Line(NamedTuple):
    """One figure: ``values`` beside the question's divisions, in their order."""

    values: tuple[str, ...]
    checks: int
    mark: Mark


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What is shown of a question."""

    question: Question
    released_at: datetime
    total: int | None
    """Checks of the whole area and period; None where even that may not be shown."""
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Scope:
    """The areas that a supervisor may ask for: their unit, those below it, and the places where these work."""

    units: frozenset[str]
    departments: frozenset[str]
    """Départements in which a unit of the subtree is seated; their communes go with them."""
    france: bool
    """France goes with a unit that nothing stands above."""

    def allows(self, area: str) -> bool:
        """Whether the area may be asked for."""
        code = code_of(area)
        match level_of(area):
            case AreaLevel.FRANCE:
                return self.france
            case AreaLevel.DEPARTMENT:
                return code in self.departments
            case AreaLevel.COMMUNE:
                return department_code(code) in self.departments
            case AreaLevel.UNIT:
                return code in self.units


class Structure:
    """The units of one revision of the directory. Who asks often need not wait until thousands of units are read."""

    def __init__(self, revision: int, units: Mapping[str, UnitEntry]) -> None:
        """Note what stands below each unit."""
        self.revision, self.units = revision, units
        self.below: dict[str | None, list[str]] = {}
        self._scopes: dict[str, Scope] = {}
        for entry in units.values():
            self.below.setdefault(entry.parent_code, []).append(entry.code)

    def scope_of(self, unit: str) -> Scope:
        """Give the scope of a supervisor of a unit."""
        known = self._scopes.get(unit)
        if known is None:
            within = frozenset(self._subtree(unit))
            seats = (self.units[code].department for code in within if code in self.units)
            top = self.units.get(unit)
            alone = top is not None and top.parent_code is None
            known = self._scopes[unit] = Scope(within, frozenset(seat for seat in seats if seat), alone)
        return known

    def _subtree(self, top: str) -> set[str]:
        found: set[str] = set()
        waiting = [top]
        while waiting:
            code = waiting.pop()
            if code not in found:
                found.add(code)
                waiting += self.below.get(code, ())
        return found


@dataclass(frozen=True, slots=True)
class Offer:
    """What a reader can ask for now."""

    scope: Scope
    units: Mapping[str, UnitEntry]
    periods: tuple[Release, ...]
    """The released ones."""


class Answers:
    """Answers supervisors, each in one transaction and off the event loop."""

    def __init__(self, engine: Engine, *, lines_kept: int = LINES_KEPT) -> None:
        """``lines_kept``: how many lines of answers are kept in memory at most."""
        self._engine = engine
        self._structure = Structure(-1, {})
        self._answers = Kept[tuple[int, Question], Answer](lines_kept, lambda answer: 1 + len(answer.lines))
        self._areas = Kept[tuple[Period, str], Sequence[str]](AREAS_KEPT, lambda areas: 1 + len(areas))

    async def offer(self, reader: Officer) -> Offer:
        """Tell what the reader can ask for."""
        return await asyncio.to_thread(self._offer, reader)

    async def ask(self, question: Question, reader: Officer) -> Answer:
        """Answer a question. Raises ``OutsideOwnUnits`` and ``PeriodNotReleased``."""
        return await asyncio.to_thread(self._ask, question, reader)

    def _offer(self, reader: Officer) -> Offer:
        with reading(self._engine) as connection:
            structure = self._structure_of(connection)
            periods = tuple(releases.released(connection).values())
            return Offer(structure.scope_of(reader.service.code), structure.units, periods)

    def _ask(self, question: Question, reader: Officer) -> Answer:
        with reading(self._engine) as connection:
            structure = self._structure_of(connection)
            if not structure.scope_of(reader.service.code).allows(question.area):
                raise OutsideOwnUnits("the area is neither the reader's own nor below it")
            key = (structure.revision, question)  # which units stand below another may change
            return self._answers.get(key) or self._answers.keep(key, self._read(connection, structure, question))

    def _read(self, connection: Connection, structure: Structure, question: Question) -> Answer:
        released = releases.released(connection)
        if question.period not in released:
            raise PeriodNotReleased(tuple(released)[-_LATEST:])
        areas = self._areas_of(connection, structure, question)
        periods = [period for period in _periods_of(question) if period in released]
        total = releases.figures(connection, periods=[question.period], areas=[question.area], table=TOTAL.table)
        found = releases.figures(connection, periods=periods, areas=areas, table=question.table.code)
        return Answer(
            question=question,
            released_at=released[question.period].released_at,
            total=next((value for *_, value, _ in total), None),
            lines=tuple(_lines(found, question)),
        )

    def _areas_of(self, connection: Connection, structure: Structure, question: Question) -> Sequence[str]:
        """Give the area, or the areas directly below it."""
        code = code_of(question.area)
        match question.area_split:
            case None:
                return (question.area,)
            case Split.UNIT:
                return [unit_area(below) for below in structure.below.get(code, ())]
            case Split.DEPARTMENT:
                return self._areas_like(connection, question.period, department_area(""))
            case _:
                return self._areas_like(connection, question.period, commune_area(code))

    def _areas_like(self, connection: Connection, period: Period, beginning: str) -> Sequence[str]:
        found = self._areas.get((period, beginning))
        if found is None:
            found = self._areas.keep((period, beginning), releases.areas_like(connection, period, beginning))
        return found

    def _structure_of(self, connection: Connection) -> Structure:
        """Read the units again when the directory has another revision."""
        revision = directory.revision(connection)
        if self._structure.revision != revision:
            self._structure = Structure(revision, directory.units(connection))
        return self._structure


def _periods_of(question: Question) -> tuple[Period, ...]:
    """Give the period, or the parts into which the question divides it."""
    if question.period_split is None:
        return (question.period,)
    quarters = question.period_split is Split.QUARTER
    return tuple(part for part in parts_of(question.period) if ("Q" in part) == quarters)


def _lines(figures: Iterable[Figure], question: Question) -> list[Line]:
    """Name figures by the values of the question's divisions. There may be tens of thousands: operations of France."""
    marks, names, number = _MARKS, _NAMES, len(question.table.dimensions)
    if question.area_split is None and question.period_split is None and number == 1:
        return sorted(Line((names.get(a, a),), value, marks[mark]) for _, _, a, _, value, mark in figures)
    by_area, by_time = question.area_split is not None, question.period_split is not None
    lines = []
    for period, area, a, b, value, mark in figures:
        values = (names.get(a, a), names.get(b, b))[:number]
        first = (code_of(area),) if by_area else ()
        lines.append(Line((*first, period, *values) if by_time else (*first, *values), value, marks[mark]))
    return sorted(lines)
