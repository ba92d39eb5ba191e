"""What a supervisor may ask: one area, one period, at most two ways to divide the checks. Nothing else can be said.

A question that is not on the lattice is refused with what could have been asked instead. There is one form of each
question (the order in which the divisions are named does not matter), so there is one answer to it.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from receipt_service.errors import Violation
from receipt_service.statistics.lattice import (
    AreaLevel,
    Period,
    Table,
    commune_area,
    department_area,
    level_of,
    months_of,
    tables_of,
    unit_area,
)

MOST_DIVISIONS: Final = 2
_AREA: Final = re.compile(r"F|D[0-9AB]{2,3}|C[0-9AB]{5}|U[A-Z0-9][A-Z0-9._-]{0,39}")


class Split(StrEnum):
    """A division by area or by time: the areas below the one asked for, or the parts of the period."""

    UNIT = "unit"
    """The units directly below."""
    DEPARTMENT = "department"
    COMMUNE = "commune"
    MONTH = "month"
    QUARTER = "quarter"

    __hash__ = str.__hash__


AREA_SPLITS: Final = frozenset({Split.UNIT, Split.DEPARTMENT, Split.COMMUNE})
AREA_OF_SPLIT: Final[Mapping[str, Callable[[str], str]]] = {
    Split.UNIT: unit_area,
    Split.DEPARTMENT: department_area,
    Split.COMMUNE: commune_area,
}
"""The area that a value of a split by area names."""
_SPLITS_OF_AREA: Final[Mapping[AreaLevel, tuple[Split, ...]]] = {
    AreaLevel.FRANCE: (Split.DEPARTMENT,),
    AreaLevel.DEPARTMENT: (Split.COMMUNE,),
    AreaLevel.COMMUNE: (),
    AreaLevel.UNIT: (Split.UNIT,),
}
_LEVEL_BELOW: Final = {
    Split.UNIT: AreaLevel.UNIT,
    Split.DEPARTMENT: AreaLevel.DEPARTMENT,
    Split.COMMUNE: AreaLevel.COMMUNE,
}
_SPLITS_OF_MONTHS: Final[Mapping[int, tuple[Split, ...]]] = {
    1: (),
    3: (Split.MONTH,),
    12: (Split.MONTH, Split.QUARTER),
}


class InvalidQuestion(ValueError):
    """The question is not on the lattice; ``violations`` name each parameter at fault and what it may be."""

    def __init__(self, violations: Sequence[Violation]) -> None:
        """Keep the violations in the order of the parameters."""
        super().__init__(f"{len(violations)} parameter(s) are not on the lattice")
        self.violations = tuple(violations)


@dataclass(frozen=True, slots=True)
class Question:
    """A question of the lattice, in its one form."""

    area: str
    period: Period
    table: Table
    area_split: Split | None = None
    period_split: Split | None = None

    @property
    def by(self) -> tuple[str, ...]:
        """The divisions as an answer names them: area, time, then the table's dimensions."""
        splits = (self.area_split, self.period_split)
        return (*(split.value for split in splits if split), *(each.value for each in self.table.dimensions))


def question_of(*, area: str, period: str, by: Sequence[str]) -> Question:
    """Read a question. ``area`` and ``period`` as the lattice writes them, ``by`` names of dimensions and splits.

    Raises ``InvalidQuestion``.
    """
    found: list[Violation] = []
    if not _AREA.fullmatch(area):
        found.append(_violation("area", "Attendu : F, D75, C75110, UPN-75 …", "Expected: F, D75, C75110, UPN-75 …"))
    months = _months(period)
    if months == 0:
        found.append(_violation("period", "Attendu : 2026-10, 2026-Q3 ou 2026.", "Expected: 2026-10, 2026-Q3 or 2026."))
    if found:
        raise InvalidQuestion(found)
    splits = (*_SPLITS_OF_AREA[level_of(area)], *_SPLITS_OF_MONTHS[months])
    asked = [Split(name) for name in by if name in {*splits}]
    dimensions = {name for name in by if name not in {*splits}}
    level = next((_LEVEL_BELOW[split] for split in asked if split in AREA_SPLITS), level_of(area))
    repeated = len({*by}) < len(by)
    table = None if repeated else next((each for each in tables_of(level) if {*each.dimensions} == dimensions), None)
    of_area = [split for split in asked if split in AREA_SPLITS]
    of_time = [split for split in asked if split not in AREA_SPLITS]
    if table is None or len(by) > MOST_DIVISIONS or len(of_area) > 1 or len(of_time) > 1:
        raise InvalidQuestion([_not_divisible(level_of(area), splits)])
    return Question(area, period, table, *(next(iter(found), None) for found in (of_area, of_time)))


def splits_of(level: AreaLevel) -> tuple[Split, ...]:
    """Give the divisions of an area of a level into areas below it."""
    return _SPLITS_OF_AREA[level]


def divisions_of(level: AreaLevel) -> tuple[tuple[str, ...], ...]:
    """Give the divisions that tables of a level have, by dimension names."""
    return tuple(tuple(each.value for each in table.dimensions) for table in tables_of(level))


def _months(period: str) -> int:
    try:
        return len(months_of(period))
    except ValueError:
        return 0


def _not_divisible(level: AreaLevel, splits: Sequence[Split]) -> Violation:
    tables = ", ".join("+".join(names) for names in divisions_of(level) if names)
    below = ", ".join(splits) or "-"
    return _violation(
        "by",
        f"Deux divisions au plus, parmi : {tables} ; ou l’une de : {below}, seule ou avec une seule autre.",
        f"Two divisions at most, among: {tables}; or one of: {below}, alone or with one other.",
    )


def _violation(parameter: str, fr: str, en: str) -> Violation:
    return Violation(field=f"/query/{parameter}", rule="not_on_lattice", fr=fr, en=en)
