"""Many facts at once: coded columns in, cells out. The same as ``facts.cells_of``, some hundred times faster.

For each table the pairs of values are crossed by array operations, and counted by month, area and pair for three kinds
of area: départements, communes, and units by their own checks. France and the sums of units follow from those.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import repeat
from typing import Final, NamedTuple

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
_DECODED_AT_ONCE: Final = 50_000
_PLACE_BITS: Final = 25
"""Room for a place in the alphabet of areas, or of values."""


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
        """Yield month, area, table, ``a``, ``b``, n and k of every cell that isn't nothing, in that order.

        The order is that of the rows in the database: so they are written from one end to the other. One month at a
        time, so that memory for sorting follows the largest month and not the years.
        """
        names = _CellNames(self._book, tree)
        months = self._book.months.texts
        for month in sorted(range(len(months)), key=months.__getitem__):
            parts = [part for table in TABLES for part in self._parts(table, month, names)]
            yield from _in_order(int(months[month]), parts, names)

    def _parts(self, table: Table, month: int, names: "_CellNames") -> Iterator["_Part"]:
        """Give the cells of a table in a month, for each kind of area."""
        whole = _of_month(self._cells[AreaLevel.DEPARTMENT, table.code].merged(), month)
        own = _of_month(self._cells[AreaLevel.UNIT, table.code].merged(), month)
        nowhere = _grouped(whole.cells & ~(_AREA_MASK << _AREA_SHIFT), whole.n, whole.k)
        found = [
            (nowhere, names.france),
            (whole, names.departments),
            (own, names.own_units),
            (names.sums.above(own), names.sum_units),
        ]
        if (AreaLevel.COMMUNE, table.code) in self._cells:
            found.append((_of_month(self._cells[AreaLevel.COMMUNE, table.code].merged(), month), names.communes))
        code = names.table_of[table.code]
        a, b = (*(names.begins[each] for each in table.dimensions), 0, 0)[:2]
        for sums, area in found:
            yield _part(sums, area, code, a, b)

    def officers(self) -> Iterator[tuple[Month, str, str, str, str, int]]:
        """Yield month, unit, officer, family, outcome and n of every officer's cell that isn't nothing."""
        sums = self._officers.merged()
        kept = np.flatnonzero(sums.n)
        book = self._book
        outcomes = np.array(["", *book.values[Dimension.OUTCOME].texts], dtype=object)
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


class _Names:
    """Texts by number, and each text's place in the alphabet."""

    def __init__(self, texts: Iterable[str] = ()) -> None:
        self._texts = list(texts)

    def add(self, texts: Iterable[str]) -> int:
        """Add texts; return the number of the first one."""
        begin = len(self._texts)
        self._texts += texts
        return begin

    def array(self) -> NDArray[np.object_]:
        return np.array(self._texts, dtype=object)

    def places(self) -> Numbers:
        places = np.empty(len(self._texts), dtype=np.int64)
        places[np.argsort(self.array(), kind="stable")] = np.arange(len(self._texts), dtype=np.int64)
        return places


class _CellNames:
    """The texts behind the numbers of cells: where each kind of area and each dimension begins among them."""

    def __init__(self, book: Codebook, tree: UnitTree) -> None:
        units = book.areas[AreaLevel.UNIT]
        self.sums = _UnitSums(tree, units)
        self.areas, self.tables, self.values = _Names(), _Names(), _Names([""])
        self.france = self.areas.add([FRANCE])
        self.departments = self.areas.add([department_area(code) for code in book.areas[AreaLevel.DEPARTMENT].texts])
        self.communes = self.areas.add([commune_area(code) for code in book.areas[AreaLevel.COMMUNE].texts])
        self.own_units, self.sum_units = self.areas.add(self.sums.own_names), self.areas.add(self.sums.sum_names)
        self.begins = {dimension: self.values.add(known.texts) for dimension, known in book.values.items()}
        self.table_of = {table.code: self.tables.add([table.code]) for table in TABLES}


class _Part(NamedTuple):
    """Cells of one month, table and kind of area: numbers of area, table, ``a`` and ``b``; n and k."""

    area: Numbers
    table: Numbers
    a: Numbers
    b: Numbers
    n: Numbers
    k: Numbers


def _of_month(sums: _Sums, month: int) -> _Sums:
    """Take the cells of one month; they stand together."""
    least = month << _MONTH_SHIFT
    first = np.searchsorted(sums.cells, least)
    last = np.searchsorted(sums.cells, least | ((1 << _MONTH_SHIFT) - 1), side="right")
    return _Sums(*(column[first:last] for column in sums))


def _part(sums: _Sums, area: int, table: int, a: int, b: int) -> _Part:
    """Take cells apart; what adds up to nothing is left out."""
    kept = np.flatnonzero((sums.n != 0) | (sums.k != 0))
    cells = sums.cells[kept]
    return _Part(
        ((cells >> _AREA_SHIFT) & _AREA_MASK) + area,
        np.full_like(cells, table),
        ((cells >> _A_SHIFT) & _A_MASK) + a,
        (cells & _B_MASK) + b,
        sums.n[kept],
        sums.k[kept],
    )


def _in_order(
    month: Month, parts: list[_Part], names: _CellNames
) -> Iterator[tuple[Month, str, str, str, str, int, int]]:
    """Sort by the alphabet of each part of the key, and turn numbers into texts, some at a time."""
    whole = _Part(*(np.concatenate(column) for column in zip(*parts, strict=True)))
    values = names.values.places()
    area, table = names.areas.places()[whole.area], names.tables.places()[whole.table]
    order = np.lexsort(((table << 2 * _PLACE_BITS) | (values[whole.a] << _PLACE_BITS) | values[whole.b], area))
    areas, tables, texts = names.areas.array(), names.tables.array(), names.values.array()
    for start in range(0, len(order), _DECODED_AT_ONCE):
        chosen = _Part(*(column[order[start : start + _DECODED_AT_ONCE]] for column in whole))
        yield from zip(
            repeat(month, len(chosen.n)),
            areas[chosen.area].tolist(),
            tables[chosen.table].tolist(),
            texts[chosen.a].tolist(),
            texts[chosen.b].tolist(),
            chosen.n.tolist(),
            chosen.k.tolist(),
            strict=True,
        )


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
        self.own_names = [tree.own_area(unit) for unit in known]
        self.sum_names = [unit_area(name) for name in names]
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
