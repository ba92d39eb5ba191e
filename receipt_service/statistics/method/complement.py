"""The complement rule: nothing that is shown, and no difference of what is shown, stands for 0 to 10 checks.

Noise protects a cell. It does not protect a difference that the reader can form: where the same checks always show the
same number, "all checks" minus "all checks but one" betrays that one. So what may be shown together is decided first:

1. A parent is shown when its true and its perturbed count are 11 or more; otherwise nothing of it is.
2. Values that divide the parent among them (each check has exactly one) are shown when the true and the perturbed count
   of each are 11 or more. Until then the smallest are merged into one line, ``OTHER``, which is held to the same. If
   fewer than two lines remain, only the parent is shown.
3. Values that do not divide it (a check has several or none) are judged one by one: the checks with the value, and
   those without it, must be 11 or more.
4. A two-way table keeps to both: every cell of the grid, of the merged lines too, must be 11 or more, row by row and
   column by column. Against a dimension that does not divide the checks, each of its values makes a grid of its own:
   the checks with it and the checks without it. Of two such dimensions all four corners must be 11 or more.

From 2 and 4 follows that every set of checks whose exact number could be reckoned from a table, its two margins and its
total is a union of lines or cells that are shown themselves (argument: ``docs/statistics-method.md``).

None and few look alike throughout: whether a value is merged or withheld does not tell 0 checks from 1 or 10. Only
values that everybody knows to be impossible are shown as 0. That takes all values of the catalogue in every breakdown,
those without a check included: a list of the values that occurred would say which did.
"""

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Generic, NamedTuple, TypeVar

from receipt_service.statistics.method.cell_key import THRESHOLD, Mark, Perturbation

OTHER: Final = "*"
"""The line of all values that are marked ``MERGED``; in a two-way table, of those so marked in that row or column."""

_WITH: Final = "*with"
_WITHOUT: Final = "*without"

Key = TypeVar("Key", bound=Hashable)
Pair = tuple[str, str]


class Count(NamedTuple):
    """A true count: ``n`` checks, and ``k``, the sum of their record keys. Secret."""

    n: int
    k: int


NONE: Final = Count(0, 0)


class Shown(NamedTuple):
    """What a reader gets of a cell: ``value`` in checks, None where the mark is ``MERGED`` or ``WITHHELD``."""

    value: int | None
    mark: Mark


_WITHHELD: Final = Shown(None, Mark.WITHHELD)
_MERGED: Final = Shown(None, Mark.MERGED)
_ZERO: Final = Shown(0, Mark.ZERO)


@dataclass(frozen=True, slots=True, kw_only=True)
class Breakdown:
    """A parent and its values, before protection.

    ``values`` names every value that can occur, with ``NONE`` where there is no check. ``partition`` says that each of
    the parent's checks has exactly one of them. ``impossible`` values can't occur, whatever the data: known to all.
    """

    parent: Count
    values: Mapping[str, Count]
    partition: bool
    impossible: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        """Raise ``ValueError`` when the values of a partition don't add up, or something impossible was counted."""
        if self.partition and sum(count.n for count in self.values.values()) != self.parent.n:
            raise ValueError("the values of a partition add up to their parent")
        if any(self.values[value].n for value in self.impossible & self.values.keys()) or OTHER in self.values:
            raise ValueError(f"an impossible value has no check, and {OTHER} is no value")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cross:
    """A two-way table, before protection: two breakdowns of the same parent and the ``cells`` (row, column).

    A pair that is not named has no check.
    """

    rows: Breakdown
    columns: Breakdown
    cells: Mapping[Pair, Count]


@dataclass(frozen=True, slots=True)
class Protected(Generic[Key]):
    """Cells after protection: ``shown`` may leave the house, ``true`` may not.

    ``shown`` has every cell that was handed in, and the lines of ``OTHER``. ``true`` has the count of each cell that is
    shown with noise, for the audit (``leak``) and for revisions.
    """

    shown: Mapping[Key, Shown]
    true: Mapping[Key, Count] = field(repr=False)


@dataclass(frozen=True, slots=True)
class ProtectedBreakdown(Protected[str]):
    """A breakdown after protection, its parent apart."""

    parent: Shown


@dataclass(frozen=True, slots=True)
class ProtectedCross(Protected[Pair]):
    """A two-way table after protection, its margins apart."""

    rows: ProtectedBreakdown
    columns: ProtectedBreakdown


def protect_count(count: Count, perturbation: Perturbation) -> Shown:
    """Show one count with noise when true and perturbed count are 11 or more, withhold it otherwise."""
    value = perturbation.perturb_one(*count)
    return _WITHHELD if count.n < THRESHOLD or value is None or value < THRESHOLD else Shown(value, Mark.PERTURBED)


def protect_breakdown(breakdown: Breakdown, perturbation: Perturbation) -> ProtectedBreakdown:
    """Apply rules 1 to 3 to a parent and its values."""
    parent = protect_count(breakdown.parent, perturbation)
    shown = dict.fromkeys(breakdown.values, _WITHHELD)
    true: dict[str, Count] = {}
    if parent.value is not None:
        possible = {value: count for value, count in breakdown.values.items() if value not in breakdown.impossible}
        if breakdown.partition:
            grid = _Grid({(value, ""): count for value, count in possible.items()}, perturbation, axes=(0,))
            lines = {line: count for (line, _), count in grid.cells.items()} if grid.coarsen() else {}
            shown |= dict.fromkeys(grid.merged(0) if lines else (), _MERGED)
        else:
            lines = {value: count for value, count in possible.items() if _far(breakdown.parent.n - count.n)}
        seen = {line: protect_count(count, perturbation) for line, count in lines.items()}
        true = {line: count for line, count in lines.items() if seen[line].value is not None}
        shown |= seen | dict.fromkeys(breakdown.impossible & breakdown.values.keys(), _ZERO)
    return ProtectedBreakdown(shown, true, parent)


def protect_cross(cross: Cross, perturbation: Perturbation) -> ProtectedCross:
    """Apply rule 4 to a two-way table, and rules 1 to 3 to its margins.

    Raises ``ValueError`` when the cells don't agree with the margins.
    """
    rows, columns = protect_breakdown(cross.rows, perturbation), protect_breakdown(cross.columns, perturbation)
    if cross.rows.partition and cross.columns.partition:
        cells = _both(cross, rows, columns, perturbation)
    elif cross.rows.partition:
        cells = _strips(cross.rows, cross.columns, cross.cells, (rows, columns), perturbation)
    elif cross.columns.partition:
        turned = {(column, row): count for (row, column), count in cross.cells.items()}
        strips = _strips(cross.columns, cross.rows, turned, (columns, rows), perturbation)
        cells = _Cells(
            {(row, column): shown for (column, row), shown in strips.shown.items()},
            {(row, column): count for (column, row), count in strips.true.items()},
        )
    else:
        cells = _corners(cross, rows, columns, perturbation)
    named = {(row, column): _WITHHELD for row in cross.rows.values for column in cross.columns.values}
    impossible = {
        (row, column): _ZERO for row, column in named if rows.shown[row] is _ZERO or columns.shown[column] is _ZERO
    }
    return ProtectedCross(named | cells.shown | impossible, cells.true, rows, columns)


class _Cells(NamedTuple):
    shown: dict[Pair, Shown]
    true: dict[Pair, Count]


def _far(difference: int) -> bool:
    """Whether a set of so many checks, derived from others, gives nothing away; below 0 it is no set at all."""
    return not 0 <= difference < THRESHOLD


def _sum(counts: Iterable[Count]) -> Count:
    n = k = 0
    for count in counts:
        n += count.n
        k += count.k
    return Count(n, k)


def _lines(breakdown: Breakdown, protected: ProtectedBreakdown) -> dict[str, tuple[str, ...]]:
    """Return the lines that a protected breakdown shows, and the values that each stands for."""
    merged = tuple(value for value in breakdown.values if protected.shown[value].mark is Mark.MERGED)
    return {line: merged if line == OTHER else (line,) for line in protected.true}


def _both(cross: Cross, rows: ProtectedBreakdown, columns: ProtectedBreakdown, perturbation: Perturbation) -> _Cells:
    for axis, breakdown in enumerate((cross.rows, cross.columns)):
        sums = dict.fromkeys(breakdown.values, 0)
        for pair, count in cross.cells.items():
            sums[pair[axis]] += count.n
        if any(sums[value] != count.n for value, count in breakdown.values.items()):
            raise ValueError("the cells of a row or column add up to its margin")
    row_lines, column_lines = _lines(cross.rows, rows), _lines(cross.columns, columns)
    if not row_lines or not column_lines:
        return _Cells({}, {})
    coarse = {
        (row, column): _sum(cross.cells.get((a, b), NONE) for a in members for b in others)
        for row, members in row_lines.items()
        for column, others in column_lines.items()
    }
    grid = _Grid(coarse, perturbation, axes=(0, 1), members=(row_lines, column_lines))
    if not grid.coarsen():
        return _Cells({}, {})
    merged = {
        (row, column): _MERGED
        for row in cross.rows.values
        for column in cross.columns.values
        if (row, column) not in grid.cells
    }
    return _Cells(merged | {pair: protect_count(count, perturbation) for pair, count in grid.cells.items()}, grid.cells)


def _strips(
    lengthwise: Breakdown,
    across: Breakdown,
    cells: Mapping[Pair, Count],
    margins: tuple[ProtectedBreakdown, ProtectedBreakdown],
    perturbation: Perturbation,
) -> _Cells:
    """For each value of the dimension that does not divide the checks: a grid of those with it and those without."""
    shown: dict[Pair, Shown] = {}
    true: dict[Pair, Count] = {}
    lines = _lines(lengthwise, margins[0])
    for value in margins[1].true:
        strip: dict[Pair, Count] = {}
        for line, members in lines.items():
            having = _sum(cells.get((member, value), NONE) for member in members)
            strip[line, _WITH] = having
            strip[line, _WITHOUT] = Count(sum(lengthwise.values[member].n for member in members) - having.n, 0)
        if lines and sum(strip[line, _WITH].n for line in lines) != across.values[value].n:
            raise ValueError("the cells of a row or column add up to its margin")
        if any(count.n < 0 for count in strip.values()):
            raise ValueError("a cell is no larger than its row and its column")
        grid = _Grid(strip, perturbation, axes=(0,), members=(lines, {}))
        if lines and grid.coarsen():
            seen = {(line, value): count for (line, half), count in grid.cells.items() if half == _WITH}
            shown |= {(member, value): _MERGED for member in grid.merged(0)}
            shown |= {pair: protect_count(count, perturbation) for pair, count in seen.items()}
            true |= seen
    return _Cells(shown, true)


def _corners(cross: Cross, rows: ProtectedBreakdown, columns: ProtectedBreakdown, perturbation: Perturbation) -> _Cells:
    """Of two dimensions that do not divide the checks: both values, one, the other, neither."""
    shown: dict[Pair, Shown] = {}
    true: dict[Pair, Count] = {}
    everything = cross.rows.parent.n
    for row, whole_row in rows.true.items():
        for column, whole_column in columns.true.items():
            both = cross.cells.get((row, column), NONE)
            rest = (whole_row.n - both.n, whole_column.n - both.n, everything - whole_row.n - whole_column.n + both.n)
            if min(rest) < 0:
                raise ValueError("a cell is no larger than its row and its column")
            seen = protect_count(both, perturbation)
            if seen.value is not None and min(rest) >= THRESHOLD:
                shown[row, column] = seen
                true[row, column] = both
    return _Cells(shown, true)


class _Grid:
    """A table whose lines are merged until every cell may be shown. Cells of the column ``_WITHOUT`` are only counted.

    ``axes`` are those along which lines may be merged (0 rows, 1 columns), ``members`` the values behind each line
    where it is not the line's own name.
    """

    def __init__(
        self,
        cells: dict[Pair, Count],
        perturbation: Perturbation,
        *,
        axes: tuple[int, ...],
        members: tuple[Mapping[str, tuple[str, ...]], Mapping[str, tuple[str, ...]]] = ({}, {}),
    ) -> None:
        """Take the finest grid; ``cells`` has every pair of a row and a column."""
        self.cells = cells
        self._perturbation = perturbation
        self._axes = axes
        self._members = tuple(
            {pair[axis]: members[axis].get(pair[axis], (pair[axis],)) for pair in cells} for axis in (0, 1)
        )
        self._margins = tuple(self._margins_of(axis) for axis in (0, 1))
        self._small = {pair for pair in cells if self._is_small(pair)}

    def merged(self, axis: int) -> tuple[str, ...]:
        """Return the values that now stand in the line ``OTHER`` of an axis."""
        return self._members[axis].get(OTHER, ())

    def coarsen(self) -> bool:
        """Merge the smallest lines until no cell is small; False if that would leave fewer than two on an axis."""
        while self._small:
            candidates = [
                self._size(line, axis)
                for axis in self._axes
                if len(self._members[axis]) > 2  # noqa: PLR2004 - merging two of two would leave one
                for line in self._candidates(axis)
            ]
            if not candidates:
                return False
            _, axis, line = min(candidates)
            self._merge(line, axis)
        return all(len(self._members[axis]) > 1 for axis in self._axes)

    def _candidates(self, axis: int) -> set[str]:
        lines = {pair[axis] for pair in self._small}
        if OTHER in lines:
            lines = lines - {OTHER} | {self._smallest(axis, {OTHER})}
        return lines

    def _smallest(self, axis: int, besides: set[str]) -> str:
        return min(self._size(line, axis) for line in self._members[axis] if line not in besides)[2]

    def _margins_of(self, axis: int) -> dict[str, Count]:
        margins = dict.fromkeys(self._members[axis], NONE)
        for pair, count in self.cells.items():
            if pair[1] != _WITHOUT:
                margins[pair[axis]] = _sum((margins[pair[axis]], count))
        return margins

    def _size(self, line: str, axis: int) -> tuple[int, int, str]:
        """Order lines by what a reader would see of them, so that the order gives nothing away."""
        return self._perturbation.perturb_one(*self._margins[axis][line]) or 0, axis, line

    def _merge(self, line: str, axis: int) -> None:
        partner = OTHER if OTHER in self._members[axis] else self._smallest(axis, {line})
        members, margins = self._members[axis], self._margins[axis]
        members[OTHER] = members.pop(partner) + members.pop(line)
        margins[OTHER] = _sum((margins.pop(partner), margins.pop(line)))
        for cross in self._members[1 - axis]:
            first, second, both = ((name, cross) if axis == 0 else (cross, name) for name in (partner, line, OTHER))
            self.cells[both] = _sum((self.cells.pop(first), self.cells.pop(second)))
            self._small -= {first, second, both}
            if self._is_small(both):
                self._small.add(both)

    def _is_small(self, pair: Pair) -> bool:
        count = self.cells[pair]
        if pair[1] == _WITHOUT:
            return count.n < THRESHOLD
        return protect_count(count, self._perturbation).value is None
