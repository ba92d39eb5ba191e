"""Choosing what is shown of a period: area by area, each holding its distance from all that stands already.

Areas are taken from the largest to the smallest, so that what is shown of one can be held against what is shown of
those around it; of those within the period, against what was released before.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Final

from sqlalchemy import Connection

from receipt_service.domain.check import SelectionMode
from receipt_service.domain.directory import UnitEntry
from receipt_service.domain.territory import department_code
from receipt_service.statistics.lattice import (
    FRANCE,
    HOUR_BANDS,
    TABLES,
    AreaLevel,
    Dimension,
    Period,
    code_of,
    commune_area,
    department_area,
    level_of,
    months_of,
    parts_of,
    tables_of,
    unit_area,
)
from receipt_service.statistics.method.cell_key import THRESHOLD, Mark, Perturbation
from receipt_service.statistics.releasing.audit import require_no_slivers
from receipt_service.statistics.releasing.averaging import Averaging
from receipt_service.statistics.releasing.protection import (
    TOTAL,
    CellId,
    Count,
    Neighbour,
    Protection,
    Relation,
    ShownCell,
    ShownCells,
)
from receipt_service.statistics.units import UnitTree
from receipt_service.storage import directory, releases, rollup

DOMAIN_SIZES: Final = {Dimension.HOUR_BAND: len(HOUR_BANDS), Dimension.SELECTION: len(SelectionMode)}
_READ_AT_ONCE: Final = 500
"""Areas of a month; of a quarter or year fewer, since all of its parts are read with it."""
_LEVELS: Final = tuple(AreaLevel)
_TABLES: Final = tuple(table.code for table in TABLES)
_MARKS: Final = {mark.value: mark for mark in Mark}

Counts = dict[CellId, Count]
_NOTHING: Final = ShownCells()


class Choice:
    """One release while it is made: the areas in order, with what is shown of those above them."""

    def __init__(self, connection: Connection, period: Period, noise: Perturbation) -> None:
        """Find the areas; ``connection`` sees one state of the database until the end."""
        self.period = period
        self._connection = connection
        self._months, self._parts = months_of(period), parts_of(period)
        self._units = directory.units(connection)
        self._tree = UnitTree({code: entry.parent_code for code, entry in self._units.items()})
        self._shown: dict[str, ShownCells] = {}
        self._hidden: dict[str, Counts] = {}
        self._seats = {commune_area(unit.commune) for unit in self._units.values() if unit.commune}
        self._beside = _seats(self._units, self._tree)
        self._averaging = Averaging(self._parts)
        self._protections = {
            level: Protection(noise, tables_of(level), DOMAIN_SIZES, "unit" if level is AreaLevel.UNIT else "place")
            for level in AreaLevel
        }
        totals = rollup.sums(connection, months=self._months, least=THRESHOLD, tables=(TOTAL.table,))
        self._order = sorted((area for area, *_ in totals if not area.startswith("L")), key=self._rank)
        self.number_of_areas = len(self._order)

    def areas(self) -> Iterator[tuple[str, ShownCells]]:
        """Yield each area with checks enough, and what may be shown of it, an area above before those below."""
        waiting = iter(self._order)
        at_once = _READ_AT_ONCE // (1 + len(self._parts))
        while some := list(islice(waiting, at_once)):
            counts, within = self._counts(some), self._within(some)
            for area in some:
                shown = self._of_area(area, counts[area], within.get(area, {}))
                if self._is_held_against(area):
                    self._shown[area] = shown
                    if not shown:
                        self._hidden[area] = counts[area]
                yield area, shown

    def leak(self) -> float:
        """M at the area where averaging over all that is shown helps a reader most (``averaging``)."""
        return self._averaging.leak()

    def _of_area(self, area: str, counts: Counts, within: Mapping[Period, ShownCells]) -> ShownCells:
        around, shown_of = self._around(area), self._shown
        neighbours = [
            Neighbour(shown_of.get(above, _NOTHING), Relation.AROUND, self._hidden.get(above, {})) for above in around
        ]
        neighbours += [Neighbour(shown_of.get(near, _NOTHING), Relation.BESIDE) for near in self._beside.get(area, ())]
        neighbours += [Neighbour(part, Relation.WITHIN) for part in within.values()]
        shown = self._protections[level_of(area)].protect(counts, neighbours)
        if shown:
            require_no_slivers(shown, neighbours)
            above = next((above for above in reversed(around) if shown_of.get(above)), None)
            self._averaging.note(area, above, shown, within)
        return shown

    def _is_held_against(self, area: str) -> bool:
        """Whether others are still to be held against it: France, départements, units with some below, seats."""
        match level_of(area):
            case AreaLevel.UNIT:
                return self._tree.has_children(code_of(area))
            case AreaLevel.COMMUNE:
                return area in self._seats
            case _:
                return True

    def _rank(self, area: str) -> tuple[int, int, str]:
        level = level_of(area)
        depth = len(self._tree.ancestors(code_of(area))) if level is AreaLevel.UNIT else 0
        return _LEVELS.index(level), depth, area

    def _around(self, area: str) -> tuple[str, ...]:
        """Give the areas that contain one, the largest first."""
        match level_of(area):
            case AreaLevel.FRANCE:
                return ()
            case AreaLevel.DEPARTMENT:
                return (FRANCE,)
            case AreaLevel.COMMUNE:
                return FRANCE, department_area(department_code(code_of(area)))
            case AreaLevel.UNIT:
                return (FRANCE, *map(unit_area, reversed(self._tree.ancestors(code_of(area)))))

    def _within(self, areas: Sequence[str]) -> dict[str, dict[Period, ShownCells]]:
        found: dict[str, dict[Period, ShownCells]] = {}
        if not self._parts:
            return found
        cells_of_parts = releases.basis_of(self._connection, periods=self._parts, areas=areas, tables=_TABLES)
        for period, table, area, a, b, value, mark, n, k in cells_of_parts:
            cells = found.setdefault(area, {}).setdefault(period, ShownCells())
            cells[CellId(table, a, b)] = ShownCell(Count(n, k), value, _MARKS[mark])
        return found

    def _counts(self, areas: Sequence[str]) -> dict[str, Counts]:
        """Read the cells that could be shown; of smaller ones the choice is to know nothing."""
        found: dict[str, Counts] = {area: {} for area in areas}
        for area, table, a, b, n, k in rollup.sums(self._connection, months=self._months, least=THRESHOLD, areas=areas):
            found[area][CellId(table, a, b)] = Count(n, k)
        return found


def _seats(units: Mapping[str, UnitEntry], tree: UnitTree) -> dict[str, set[str]]:
    """Give the places where a unit or one below it is seated: its checks may be nearly all that there are."""
    found: dict[str, set[str]] = {}
    for code, unit in units.items():
        places = {department_area(unit.department)} if unit.department else set()
        if unit.commune:
            places.add(commune_area(unit.commune))
        for each in (code, *tree.ancestors(code)):
            found.setdefault(unit_area(each), set()).update(places)
    return found
