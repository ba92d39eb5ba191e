"""Many facts at once: coded columns in, cells out. The same as ``facts.cells_of``, some hundred times faster.

For each table the pairs of values are crossed by array operations, and counted by month, area and pair for three kinds
of area: départements, communes, and units by their own checks. France and the sums of units follow from those.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import repeat
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from receipt_service.statistics.fact_columns import (
    A_BITS,
    AREA_BITS,
    B_BITS,
    LEVELS,
    OFFICER_BITS,
    Codebook,
    FactColumns,
    Numbers,
    Several,
    Vocabulary,
)
from receipt_service.statistics.lattice import (
    FRANCE,
    MESSAGE_DIMENSIONS,
    RECORD_KEY_MODULUS,
    TABLES,
    AreaLevel,
    Dimension,
    Month,
    Table,
    commune_area,
    department_area,
    partitions,
    tables_of,
    unit_area,
)
from receipt_service.statistics.units import UnitTree

_A_SHIFT, _AREA_SHIFT = B_BITS, A_BITS + B_BITS
_MONTH_SHIFT = _AREA_SHIFT + AREA_BITS
"""A cell of a table as one number: month, area, ``a``, ``b``; 63 bits, so that none is negative."""
_A_MASK, _B_MASK, _AREA_MASK = (1 << A_BITS) - 1, (1 << B_BITS) - 1, (1 << AREA_BITS) - 1
_OFFICER_SHIFTS: Final = (51, 31, 11, 6, 0)
"""Likewise for officers: month, unit, officer, family, outcome."""
_CROWDED: Final = 8
"""Counting into a place for every possible cell pays as long as there are at most so many of them for each entry."""
_MANY: Final = 1 << 16


class _Sums(NamedTuple):
    """Cells as numbers, each once and in order, with what is in them."""

    cells: Numbers
    n: Numbers
    k: Numbers


@dataclass(slots=True)
class _Gathered:
    """Sums of several batches, merged now and then so that memory follows the cells and not the facts."""

    parts: list[_Sums] = field(default_factory=list)
    loose: int = 0

    def add(self, sums: _Sums) -> None:
        self.parts.append(sums)
        self.loose += len(sums.cells)
        if len(self.parts) > 1 and self.loose > 2 * len(self.parts[0].cells) + _MANY:
            self.merged()

    def merged(self) -> _Sums:
        if not self.parts:
            nothing = np.zeros(0, dtype=np.int64)
            return _Sums(nothing, nothing, nothing)
        if len(self.parts) > 1:
            self.parts = [_grouped(*(np.concatenate(column) for column in zip(*self.parts, strict=True)))]
        self.loose = len(self.parts[0].cells)
        return self.parts[0]


def _grouped(cells: Numbers, n: Numbers, k: Numbers) -> _Sums:
    """Add up by sorting."""
    if not len(cells):
        return _Sums(cells, n, k)
    order = np.argsort(cells)
    cells = cells[order]
    starts = np.flatnonzero(np.concatenate(([True], cells[1:] != cells[:-1])))
    sums = np.add.reduceat(n[order], starts), np.add.reduceat(k[order], starts)
    return _Sums(cells[starts], sums[0], np.mod(sums[1], RECORD_KEY_MODULUS))


class Aggregation:
    """Adds up batches of facts; every batch must have been coded with the book that this was made with."""

    def __init__(self, book: Codebook) -> None:
        self._book = book
        self._cells: dict[tuple[AreaLevel, str], _Gathered] = {
            (level, table.code): _Gathered() for level in LEVELS for table in tables_of(level)
        }
        self._officers = _Gathered()

    def add(self, facts: FactColumns) -> None:
        """Count a batch."""
        months = facts.months << _MONTH_SHIFT
        places = {level: months | (facts.areas[level] << _AREA_SHIFT) for level in LEVELS}
        for table in TABLES:
            rows, a, b = _crossed(facts, table)
            of_messages = bool(MESSAGE_DIMENSIONS.intersection(table.dimensions))
            signs = facts.signs if of_messages else facts.weights
            if rows is None:
                weights, keys, pair = signs, facts.keys, (a << _A_SHIFT) | b
            else:
                weights, keys, pair = signs[rows], facts.keys[rows], (a << _A_SHIFT) | b
            for level in LEVELS:
                gathered = self._cells.get((level, table.code))
                if gathered is not None:
                    place = places[level] if rows is None else places[level][rows]
                    gathered.add(self._counted(table, level, place | pair, weights, keys))
        self._add_officers(facts)

    def _counted(self, table: Table, level: AreaLevel, cells: Numbers, weights: Numbers, keys: Numbers) -> _Sums:
        """Count into one place for each possible cell where they are few enough, else by sorting."""
        width_a, width_b = (*(max(len(self._book.values[each]), 1) for each in table.dimensions), 1, 1)[:2]
        if not len(cells) or len(cells) < _MANY // _CROWDED:
            return _grouped(cells, weights, weights * keys)
        month, area = cells >> _MONTH_SHIFT, (cells >> _AREA_SHIFT) & _AREA_MASK
        first = int(month.min())
        month -= first
        widths = (int(month.max()) + 1, len(self._book.areas[level]))
        size = widths[0] * widths[1] * width_a * width_b
        if size > _CROWDED * len(cells):
            return _grouped(cells, weights, weights * keys)
        a, b = (cells >> _A_SHIFT) & _A_MASK, cells & _B_MASK
        dense = ((month * widths[1] + area) * width_a + a) * width_b + b
        n = np.bincount(dense, weights, minlength=size)
        k = np.bincount(dense, weights * keys, minlength=size)
        found = np.flatnonzero((n != 0) | (k != 0))
        rest, b = np.divmod(found, width_b)
        rest, a = np.divmod(rest, width_a)
        month, area = np.divmod(rest, widths[1])
        codes = ((month + first) << _MONTH_SHIFT) | (area << _AREA_SHIFT) | (a << _A_SHIFT) | b
        sums = n[found].astype(np.int64), k[found].astype(np.int64)
        return _Sums(codes, sums[0], np.mod(sums[1], RECORD_KEY_MODULUS))

    def _add_officers(self, facts: FactColumns) -> None:
        """Count each check under no outcome (code 0), and under each of its outcomes (code and one)."""
        parts = (facts.months, facts.areas[AreaLevel.UNIT], facts.officers, facts.families)
        place = np.zeros_like(facts.months)
        for part, shift in zip(parts, _OFFICER_SHIFTS, strict=False):
            place |= part << shift
        rows, outcomes = facts.several[Dimension.OUTCOME]
        cells = np.concatenate((place, place[rows] | (outcomes + 1)))
        weights = np.concatenate((facts.weights, facts.weights[rows]))
        self._officers.add(_grouped(cells, weights, np.zeros_like(weights)))

    def cells(self, tree: UnitTree) -> Iterator[tuple[Month, str, str, str, str, int, int]]:
        """Yield month, area, table, ``a``, ``b``, n and k of every cell that isn't nothing, table by table."""
        areas = self._book.areas
        names = (
            (AreaLevel.COMMUNE, areas[AreaLevel.COMMUNE].array(commune_area(""))),
            (AreaLevel.DEPARTMENT, areas[AreaLevel.DEPARTMENT].array(department_area(""))),
        )
        sums = _UnitSums(tree, areas[AreaLevel.UNIT])
        for table in TABLES:
            for level, texts in names:
                if (level, table.code) in self._cells:
                    yield from self._decoded(table, self._cells[level, table.code].merged(), texts)
            whole = self._cells[AreaLevel.DEPARTMENT, table.code].merged()
            nowhere = whole.cells & ~(_AREA_MASK << _AREA_SHIFT)
            yield from self._decoded(table, _grouped(nowhere, whole.n, whole.k), np.array([FRANCE], dtype=object))
            own = self._cells[AreaLevel.UNIT, table.code].merged()
            yield from self._decoded(table, own, sums.own_names)
            yield from self._decoded(table, sums.above(own), sums.sum_names)

    def _decoded(self, table: Table, sums: _Sums, areas: NDArray[Any]) -> Iterator[Any]:
        """Turn numbers into texts again; what adds up to nothing is left out."""
        kept = np.flatnonzero((sums.n != 0) | (sums.k != 0))
        cells = sums.cells[kept]
        months = np.array([int(text) for text in self._book.months.texts], dtype=np.int64)
        a, b = (*(self._book.values[each].array() for each in table.dimensions), _NO_VALUE, _NO_VALUE)[:2]
        return zip(
            months[cells >> _MONTH_SHIFT].tolist(),
            areas[(cells >> _AREA_SHIFT) & _AREA_MASK].tolist(),
            repeat(table.code),
            a[(cells >> _A_SHIFT) & _A_MASK].tolist(),
            b[cells & _B_MASK].tolist(),
            sums.n[kept].tolist(),
            sums.k[kept].tolist(),
            strict=False,
        )

    def officers(self) -> Iterator[tuple[Month, str, str, str, str, int]]:
        """Yield month, unit, officer, family, outcome and n of every officer's cell that isn't nothing."""
        sums = self._officers.merged()
        kept = np.flatnonzero(sums.n)
        book = self._book
        outcomes = np.concatenate((_NO_VALUE, book.values[Dimension.OUTCOME].array()))
        texts = (
            np.array([int(text) for text in book.months.texts], dtype=np.int64),
            book.areas[AreaLevel.UNIT].array(),
            book.officers.array(),
            book.families.array(),
            outcomes,
        )
        columns = (
            names[(sums.cells[kept] >> shift) & ((1 << bits) - 1)].tolist()
            for names, shift, bits in zip(texts, _OFFICER_SHIFTS, OFFICER_BITS, strict=True)
        )
        return zip(*columns, sums.n[kept].tolist(), strict=True)


_NO_VALUE: Final = np.array([""], dtype=object)


def _crossed(facts: FactColumns, table: Table) -> tuple[Numbers | None, Numbers, Numbers]:
    """Give the entries of a table: row (None: each row once), ``a``, ``b``."""
    several = [dimension for dimension in table.dimensions if not partitions(dimension)]
    if len(several) > 1:
        return _joined(facts.several[several[0]], facts.several[several[1]], len(facts.months))
    rows = facts.several[several[0]].rows if several else None

    def values(dimension: Dimension | None) -> Numbers:
        if dimension is None:
            return np.zeros(1, dtype=np.int64)
        if not partitions(dimension):
            return facts.several[dimension].values
        return facts.single[dimension] if rows is None else facts.single[dimension][rows]

    first, second = (*table.dimensions, None, None)[:2]
    return rows, values(first), values(second)


def _joined(first: Several, second: Several, rows: int) -> tuple[Numbers, Numbers, Numbers]:
    """Cross two dimensions of several values each, row by row."""
    counts = np.bincount(second.rows, minlength=rows)
    starts = np.concatenate((np.zeros(1, dtype=np.int64), np.cumsum(counts)))[:-1]
    times = counts[first.rows]
    total = int(times.sum())
    within = np.arange(total, dtype=np.int64) - np.repeat(np.cumsum(times) - times, times)
    return (
        np.repeat(first.rows, times),
        np.repeat(first.values, times),
        second.values[np.repeat(starts[first.rows], times) + within],
    )


class _UnitSums:
    """Sums of units: what each unit passes on to those above it."""

    def __init__(self, tree: UnitTree, units: Vocabulary) -> None:
        known = list(units.texts)
        names = list(dict.fromkeys([*known, *(up for unit in known for up in tree.ancestors(unit))]))
        codes = {name: code for code, name in enumerate(names)}
        self.own_names = np.array([tree.own_area(unit) for unit in known], dtype=object)
        self.sum_names = np.array([unit_area(name) for name in names], dtype=object)
        parents = (tree.parents.get(name) for name in names)
        self._parents = np.array([-1 if up is None else codes[up] for up in parents], dtype=np.int64)
        self._parental = np.array([tree.has_children(unit) for unit in known], dtype=bool)

    def above(self, own: _Sums) -> _Sums:
        """Add up what stands below each unit that has units below it, its own checks included."""
        units = (own.cells >> _AREA_SHIFT) & _AREA_MASK
        rest = own.cells & ~(_AREA_MASK << _AREA_SHIFT)
        parts: list[tuple[Numbers, Numbers, Numbers]] = []
        kept = np.flatnonzero(self._parental[units]) if len(units) else units
        parts.append((own.cells[kept], own.n[kept], own.k[kept]))
        at, n, k = units, own.n, own.k
        while len(at):
            up = self._parents[at]
            kept = np.flatnonzero(up >= 0)
            at, rest, n, k = up[kept], rest[kept], n[kept], k[kept]
            parts.append((rest | (at << _AREA_SHIFT), n, k))
        return _grouped(*(np.concatenate(column) for column in zip(*parts, strict=True)))
