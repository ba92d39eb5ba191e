"""Releasing a period: once it is closed, every figure of it that may be shown is decided, once and for good.

After that the same question has the same answer on any day and by any path, and a check that comes late changes none.
Areas are taken from the largest to the smallest and periods from the shortest to the longest, so that each figure keeps
its distance from all that are shown already (``statistics.protection``).

Reading goes on from one state of the rollup. What is written becomes visible at once, when all of it stands; whoever is
killed before leaves nothing to be seen, and the next one begins anew.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import Connection, Engine

from receipt_service.domain.check import SelectionMode
from receipt_service.domain.territory import department_code
from receipt_service.errors import ConfigurationError, ReceiptServiceError
from receipt_service.statistics.lattice import (
    FRANCE,
    HOUR_BANDS,
    AreaLevel,
    Dimension,
    Period,
    code_of,
    commune_area,
    department_area,
    level_of,
    months_of,
    partitions,
    period_of,
    tables_of,
    unit_area,
)
from receipt_service.statistics.method.cell_key import Mark, Perturbation
from receipt_service.statistics.protection import (
    TOTAL,
    CellId,
    Count,
    Neighbour,
    Protection,
    Relation,
    ShownCell,
)
from receipt_service.statistics.units import UnitTree
from receipt_service.storage import directory, fold_queue, releases, rollup, rollup_units
from receipt_service.storage.engine import is_sqlite, reading, writing
from receipt_service.storage.releases import Release, ReleasedCell

DELAY: Final = timedelta(days=5)
"""How long after its end a period may be released: until then checks come in that were made without a network."""
_AT_ONCE: Final = 20_000
_LEASE: Final = timedelta(minutes=2)
_LAST_MIDNIGHT: Final = timedelta(hours=12)
"""A month ends last in the west: twelve hours after UTC's."""
_DOMAIN_SIZES: Final = {Dimension.HOUR_BAND: len(HOUR_BANDS), Dimension.SELECTION: len(SelectionMode)}


class NotReleasable(ReceiptServiceError):
    """The period is not closed, or one that it is made of is not released; or it is released already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """The perturbation, its variance for counts above the smallest ones, and a digest that names its parameters."""

    noise: Perturbation
    variance: float
    digest: str


@dataclass(frozen=True, slots=True)
class Released:
    """What a release came to."""

    period: Period
    areas: int
    """Areas of which something is shown."""
    cells: int
    leak: float
    """M at the area where averaging over tables would help a reader most; the noise's variance is divided by it."""


def closes_at(period: Period) -> datetime:
    """Give the moment from which a period may be released. Raises ``ValueError`` when it is none."""
    last = months_of(period)[-1]
    year, month = divmod(last, 100)
    end = datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC)
    return end + _LAST_MIDNIGHT + DELAY


def parts_of(period: Period) -> tuple[Period, ...]:
    """Give the periods of the calendar that lie within one: a quarter's months, a year's months and quarters."""
    months = months_of(period)
    if len(months) == 1:
        return ()
    inside = tuple(map(period_of, months))
    return inside if len(months) == 3 else (*inside, *(f"{period}-Q{quarter}" for quarter in range(1, 5)))  # noqa: PLR2004


def due(engine: Engine, now: datetime) -> list[Period]:
    """Give the periods that are closed, have checks and are not released, in the order in which they can be."""
    with reading(engine) as connection:
        months = list(rollup_units.months(connection))
        earlier = releases.released(connection)
    years = sorted({month // 100 for month in months})
    found = [period_of(month) for month in months]
    for parts in ([f"{year}-Q{quarter}" for year in years for quarter in range(1, 5)], [f"{year}" for year in years]):
        found += [period for period in parts if {*parts_of(period)} <= {*found, *earlier}]
    return [period for period in found if period not in earlier and closes_at(period) <= now]


def release(
    engine: Engine,
    period: Period,
    *,
    method: Method,
    now: datetime,
    clock: Callable[[], datetime],
    progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> Released:
    """Release a period. ``progress`` hears how many areas are done, of how many.

    Raises ``ValueError`` for what is no period, ``NotReleasable``, and ``ConfigurationError`` when the noise is too
    small for the lattice: a reader who averaged over tables could find counts to less than one check.
    """
    if now < closes_at(period):
        raise NotReleasable(f"{period} may be released from {closes_at(period):%Y-%m-%d} on")
    with reading(engine) as connection:
        earlier = releases.released(connection)
    if missing := [part for part in parts_of(period) if part not in earlier]:
        raise NotReleasable(f"{period} needs these to be released first: {', '.join(missing)}")
    with reading(engine) as connection:
        waiting = fold_queue.waiting(connection)
    if waiting.since is not None and waiting.since < closes_at(period) - DELAY:
        raise NotReleasable(f"{waiting.rows} stubs and messages of that time are not folded into the rollup yet")
    with writing(engine) as connection:
        if not releases.claim(connection, period, method=method.digest, now=now, until=now + _LEASE):
            raise NotReleasable(f"{period} is released, or is being released")
    with _one_state(engine) as connection:
        making = _Making(connection, period, method)
        areas = _write(engine, making, clock, progress)
        leak = making.leak()
    if method.variance < leak:
        raise ConfigurationError(f"the noise is too small for what is shown: its variance must be above {leak:.2f}")
    with writing(engine) as connection:
        releases.finish(connection, Release(period, clock(), method.digest, leak))
    return Released(period, areas, making.cells, leak)


def _one_state(engine: Engine) -> Connection:
    """Open a transaction that sees the database as it is now until its end."""
    connection = engine.connect()
    return connection if is_sqlite(engine) else connection.execution_options(isolation_level="REPEATABLE READ")


def _write(
    engine: Engine, making: "_Making", clock: Callable[[], datetime], progress: Callable[[int, int], None]
) -> int:
    """Write the cells, many at once, and say each time that this goes on; return the areas that show something."""
    waiting: list[ReleasedCell] = []
    areas = 0

    def flush() -> None:
        with writing(engine) as connection:
            releases.add_cells(connection, waiting)
            releases.prolong(connection, making.period, clock() + _LEASE)
        waiting.clear()

    for number, (area, shown) in enumerate(making.areas()):
        areas += bool(shown)
        waiting += [
            ReleasedCell(making.period, cell.table, area, cell.a, cell.b, found.value, found.mark.value, *found.truth)
            for cell, found in shown.items()
        ]
        if len(waiting) >= _AT_ONCE:
            flush()
        progress(number + 1, making.number_of_areas)
    flush()
    return areas


class _Making:
    """One release while it is made: the areas in order, with what is shown of those above them."""

    def __init__(self, connection: Connection, period: Period, method: Method) -> None:
        self.period = period
        self.cells = 0
        self._connection = connection
        self._months = months_of(period)
        self._units = directory.units(connection)
        self._tree = UnitTree({code: entry.parent_code for code, entry in self._units.items()})
        self._shown: dict[str, Mapping[CellId, ShownCell]] = {}
        self._leaks: dict[str, float] = {}
        self._totals: dict[str, int] = {}
        self._times: dict[str, list[list[float]]] = {}
        self._parents: dict[str, tuple[str, ...]] = {}
        self._protections = {level: Protection(method.noise, tables_of(level), _DOMAIN_SIZES) for level in AreaLevel}
        present = {cell.area for cell in rollup.cells(connection, months=self._months, tables=("total",))}
        self._order = sorted((area for area in present if not area.startswith("L")), key=self._rank)
        self.number_of_areas = len(self._order)

    def areas(self) -> Iterator[tuple[str, Mapping[CellId, ShownCell]]]:
        """Yield each area and what may be shown of it, an area above before those below."""
        kept = {commune_area(unit.commune) for unit in self._units.values() if unit.commune}
        for area in self._order:
            level = level_of(area)
            around = self._around(area)
            neighbours = [Neighbour(self._shown.get(above, {}), Relation.AROUND) for above in around]
            neighbours += [Neighbour(self._shown.get(near, {}), Relation.BESIDE) for near in {*self._beside(area)}]
            within = self._within(area)
            neighbours += [Neighbour(part, Relation.WITHIN) for part in within.values()]
            shown = self._protections[level].protect(self._counts(area), neighbours)
            self.cells += len(shown)
            if shown:
                self._note_leak(area, around, shown, within)
            if level is not AreaLevel.COMMUNE or area in kept:
                self._shown[area] = shown
            yield area, shown

    def leak(self) -> float:
        """M, the sum of 1/cells over the ways to add cells up to an area's total, where it is largest.

        The ways are the area's own tables, the areas below where they add up to it, and the parts of the period, which
        count as though the areas below served them as well. The best estimate from all of them has the noise's variance
        divided by M (Asghar and Kaafar, PETS 2020).
        """
        below: dict[str, list[str]] = {}
        for area, around in self._parents.items():
            if around and area in self._leaks:
                below.setdefault(around[-1], []).append(area)
        whole: dict[str, float] = {}
        for area in reversed(self._order):
            if area not in self._leaks:
                continue
            levels = [[part for part in below.get(area, ()) if level_of(part) is level] for level in AreaLevel]
            complete = [
                parts for parts in levels if parts and sum(self._totals[part] for part in parts) == self._totals[area]
            ]
            areas = sum(_together(whole[part] for part in parts) for parts in complete)
            times = sum(_together(leak + areas for leak in leaks) for leaks in self._times[area])
            whole[area] = self._leaks[area] + areas + times
        return max(whole.values(), default=0.0)

    def _rank(self, area: str) -> tuple[int, int, str]:
        level = level_of(area)
        return (
            list(AreaLevel).index(level),
            len(self._tree.ancestors(code_of(area))) if level is AreaLevel.UNIT else 0,
            area,
        )

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

    def _beside(self, area: str) -> Iterator[str]:
        """Give the places where a unit or one below it is seated: its checks may be nearly all that there are."""
        if level_of(area) is AreaLevel.UNIT:
            for code in self._tree.subtree(code_of(area)) & self._units.keys():
                seat = self._units[code]
                if seat.department:
                    yield department_area(seat.department)
                if seat.commune:
                    yield commune_area(seat.commune)

    def _note_leak(
        self,
        area: str,
        around: tuple[str, ...],
        shown: Mapping[CellId, ShownCell],
        within: Mapping[Period, Mapping[CellId, ShownCell]],
    ) -> None:
        """Keep what ``leak`` needs: the part periods count where all of one kind are shown, so that they add up."""
        self._leaks[area] = _leak_of_tables(shown)
        self._totals[area] = shown[TOTAL].truth.n
        self._parents[area] = around
        lengths = {len(months_of(part)) for part in parts_of(self.period)}
        kinds = [[part for part in parts_of(self.period) if len(months_of(part)) == length] for length in lengths]
        self._times[area] = [[_leak_of_tables(within[part]) for part in kind] for kind in kinds if {*kind} <= {*within}]

    def _within(self, area: str) -> dict[Period, dict[CellId, ShownCell]]:
        by_period: dict[Period, dict[CellId, ShownCell]] = {}
        tables = [table.code for table in tables_of(level_of(area))]
        for row in releases.basis_of(self._connection, periods=parts_of(self.period), area=area, tables=tables):
            cell = CellId(row.table_code, row.a, row.b)
            by_period.setdefault(row.period, {})[cell] = ShownCell(Count(row.n, row.k), row.value, Mark(row.mark))
        return by_period

    def _counts(self, area: str) -> dict[CellId, Count]:
        counts: dict[CellId, Count] = {}
        for row in rollup.cells(self._connection, months=self._months, areas=(area,)):
            cell = CellId(row.table_code, row.a, row.b)
            counts[cell] = counts.get(cell, Count(0, 0)).plus(Count(row.n, row.k))
        return counts


def _leak_of_tables(shown: Mapping[CellId, ShownCell]) -> float:
    """Add 1 for the total itself, and 1/cells for each table of one dimension whose cells add up to it."""
    sizes = Counter(cell.table for cell in shown)
    adding_up = (dimension.value for dimension in Dimension if partitions(dimension))
    return 1.0 + sum(1 / sizes[table] for table in adding_up if sizes[table])


def _together(leaks: Iterable[float]) -> float:
    """Give the leak of a sum of which each part is known by its own: variances add up."""
    return 1 / sum(1 / leak for leak in leaks)
