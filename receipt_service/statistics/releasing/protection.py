"""What may be shown of one area and period: the rules between cells, on top of the noise in each.

Noise hides what a cell says about one check; it does not hide the difference of two cells, since the same checks always
get the same noise. So two shown cells of which one contains the other must differ by eleven checks or more, and by
eleven as the noise shows it: then nobody finds a handful of checks between them. A category that would break this, or
that is too small itself, is not shown; in a table whose categories add up, it is merged with the other small ones.

Two cells may also hold the same checks in fact: every check on a requisition was declared so, a unit was the only one
in a place. Then they would show the same number, and another one as soon as a single check is of one alone. So the
noise belongs to the table too, and to whether it counts places or units (``_of_table``).

All decisions that could tell "none" from "one" come out the same for both: a category without a check is treated as one
with a few.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Final, NamedTuple
from zlib import crc32

from receipt_service.statistics.lattice import (
    MESSAGE_DIMENSIONS,
    RECORD_KEY_MODULUS,
    TABLES,
    Dimension,
    Table,
    partitions,
)
from receipt_service.statistics.method.cell_key import THRESHOLD, Mark, Perturbation

OTHER: Final = "~other"
"""The value under which merged categories are shown together; no code of the catalogue begins with a tilde."""


class CellId(NamedTuple):
    """A cell of one area and period: the table's code, and the values of its dimensions."""

    table: str
    a: str = ""
    b: str = ""


TOTAL: Final = CellId("total")


class Count(NamedTuple):
    """True number of checks, and the sum of their record keys."""

    n: int
    k: int

    def minus(self, part: "Count") -> "Count":
        """Give the checks that are left without a part of them."""
        return Count(self.n - part.n, (self.k - part.k) % RECORD_KEY_MODULUS)

    def plus(self, more: "Count") -> "Count":
        """Give these checks and others."""
        return Count(self.n + more.n, (self.k + more.k) % RECORD_KEY_MODULUS)


class ShownCell(NamedTuple):
    """A cell that may be shown. ``truth`` stays inside; ``value`` is what people see."""

    truth: Count
    value: int
    mark: Mark


class ShownCells(dict[CellId, ShownCell]):
    """What is shown of one area and period. Not to be changed once it was held against another."""

    @cached_property
    def groups(self) -> Mapping[CellId, frozenset[CellId]]:
        """The cells beside which a merged cell stands, or would stand, by the name of that cell."""
        found: dict[CellId, set[CellId]] = {}
        for cell in self:
            if cell.table in _MERGING and (merged := _merged_beside(cell)) != cell:
                found.setdefault(merged, set()).add(cell)
        return {merged: frozenset(cells) for merged, cells in found.items()}


class Relation(StrEnum):
    """How another area or period stands to the one at hand."""

    AROUND = "around"
    """It contains the one at hand: every check here is also there."""
    WITHIN = "within"
    """It lies within the one at hand."""
    BESIDE = "beside"
    """Neither by definition, but perhaps in fact: a unit and the département in which it works."""


@dataclass(frozen=True, slots=True)
class Neighbour:
    """Another area or period, and what is shown of it."""

    shown: ShownCells
    relation: Relation
    hidden: Mapping[CellId, Count] = field(default_factory=dict)
    """Its true counts where it shows nothing at all. Another period may show it, or something that is nearly it."""


@dataclass(frozen=True, slots=True)
class Protection:
    """The rules with their noise, and how many values the closed dimensions have."""

    noise: Perturbation
    tables: Sequence[Table]
    domain_sizes: Mapping[Dimension, int] = field(default_factory=dict)
    """Where all values of a dimension are shown, nothing is left to be merged."""
    counted: str = ""
    """What the areas are: a word for places, another for units."""

    def protect(self, counts: Mapping[CellId, Count], neighbours: Sequence[Neighbour] = ()) -> ShownCells:
        """Choose and perturb what may be shown of one area and period.

        ``neighbours`` are the released areas and periods that contain it, lie within it, or may coincide with it. Cells
        of messages (``delivery``) count other things than the total does, so nothing lies between them and it.
        """
        shown = ShownCells()
        total = counts.get(TOTAL)
        if total is None or not self._may_be_shown(TOTAL, total, (), neighbours):
            return shown
        shown[TOTAL] = self._perturbed(TOTAL, total)
        by_table: dict[str, dict[CellId, Count]] = {}
        for cell, count in counts.items():
            by_table.setdefault(cell.table, {})[cell] = count
        for table in sorted(self.tables, key=lambda table: len(table.dimensions)):
            cells = by_table.get(table.code, {})
            if len(table.dimensions) == 1:
                shown.update(self._one_way(table, cells, total, neighbours))
            elif table.dimensions:
                shown.update(self._two_way(table, cells, shown, neighbours))
        return shown

    def _one_way(
        self, table: Table, cells: Mapping[CellId, Count], total: Count, neighbours: Sequence[Neighbour]
    ) -> dict[CellId, ShownCell]:
        (dimension,) = table.dimensions
        parents = () if dimension in MESSAGE_DIMENSIONS else (total,)
        kept = {cell: count for cell, count in cells.items() if self._may_be_shown(cell, count, parents, neighbours)}
        if not partitions(dimension):
            return {cell: self._perturbed(cell, count) for cell, count in kept.items()}
        return self._with_other(kept, total, CellId(table.code, OTHER), self.domain_sizes.get(dimension), neighbours)

    def _two_way(
        self,
        table: Table,
        cells: Mapping[CellId, Count],
        shown: Mapping[CellId, ShownCell],
        neighbours: Sequence[Neighbour],
    ) -> dict[CellId, ShownCell]:
        """Hold each cell against its row, its column and the total; merge what is left of a row."""
        first, second = table.dimensions
        columns: dict[str, dict[CellId, Count]] = {}
        for cell, count in cells.items():
            row, column = shown.get(CellId(first, cell.a)), shown.get(CellId(second, cell.b))
            if row is None or column is None:
                continue
            total = shown[TOTAL].truth
            neither = total.minus(row.truth).minus(column.truth).plus(count)
            parents = (row.truth, column.truth, total)
            if self._is_large(neither) and self._may_be_shown(cell, count, parents, neighbours):
                columns.setdefault(cell.b, {})[cell] = count
        rows: dict[str, dict[CellId, Count]] = {}
        for b, kept in columns.items():
            if partitions(first):
                self._leave_enough(kept, shown[CellId(second, b)].truth, self.domain_sizes.get(first))
            for cell, count in kept.items():
                rows.setdefault(cell.a, {})[cell] = count
        found: dict[CellId, ShownCell] = {}
        for a, kept in rows.items():
            if partitions(second):
                whole = shown[CellId(first, a)].truth
                size = self.domain_sizes.get(second)
                found |= self._with_other(kept, whole, CellId(table.code, a, OTHER), size, neighbours)
            else:
                found |= {cell: self._perturbed(cell, count) for cell, count in kept.items()}
        return found

    def _leave_enough(self, kept: dict[CellId, Count], whole: Count, size: int | None) -> None:
        """Drop the smallest cells of a column until what is left of it without the others is large.

        Where every row is shown nothing is left, and everybody knows it.
        """
        rest = whole
        for count in kept.values():
            rest = rest.minus(count)
        for cell in sorted(kept, key=lambda cell: (kept[cell].n, cell)):
            if len(kept) == size or self._is_large(rest):
                return
            rest = rest.plus(kept.pop(cell))

    def _with_other(
        self,
        kept: Mapping[CellId, Count],
        whole: Count,
        other: CellId,
        size: int | None,
        neighbours: Sequence[Neighbour],
    ) -> dict[CellId, ShownCell]:
        """Merge the smallest categories with those that are not shown, until together they may be shown too.

        With none left the table shows nothing and only the whole stands. A dimension whose every value is shown has
        no others: there is nothing between the whole and its parts.
        """
        if size is not None and len(kept) == size:
            return {cell: self._perturbed(cell, count) for cell, count in kept.items()}
        rest = whole
        for count in kept.values():
            rest = rest.minus(count)
        waiting = sorted(kept, key=lambda cell: (kept[cell].n, cell), reverse=True)
        while waiting and (
            len(waiting) + 1 == size  # a single value is no group: it would be shown under another name
            or not self._may_stand_for_others(other, rest, whole, set(waiting), neighbours)
        ):
            rest = rest.plus(kept[waiting.pop()])
        if not waiting:
            return {}
        shown = {cell: self._perturbed(cell, kept[cell]) for cell in waiting}
        shown[other] = self._perturbed(other, rest, Mark.MERGED)
        return shown

    def _may_stand_for_others(
        self, other: CellId, rest: Count, whole: Count, alone: set[CellId], neighbours: Sequence[Neighbour]
    ) -> bool:
        """Whether the merged cell is large, and so is what lies between it and any cell around or within it.

        ``alone`` are the cells shown beside it: the merged one has every other value of the dimension. So it contains
        a neighbour's cell of a value that is not shown here, and one merged cell contains another whose neighbours
        are shown at least as those of the first. In fact it may have a single value, and lie within that one's cell.
        """
        between = [whole.minus(rest)]
        for neighbour in neighbours:
            merged = neighbour.shown.get(other)
            theirs = neighbour.shown.groups.get(other, _NONE)
            if neighbour.relation is Relation.AROUND:
                if any(_are_close(rest, neighbour.shown[cell]) for cell in theirs - alone):
                    return False
                if merged is not None and alone >= theirs:
                    between.append(merged.truth.minus(rest))
            if neighbour.hidden:
                between.append(_rest(neighbour.hidden, other, alone).minus(rest))
            if neighbour.relation is Relation.WITHIN:
                between += [rest.minus(neighbour.shown[cell].truth) for cell in theirs - alone]
                if merged is not None and theirs >= alone:
                    between.append(rest.minus(merged.truth))
        return self._can_be_seen(other, rest) and all(map(self._is_large, between))

    def _may_be_shown(
        self, cell: CellId, count: Count, wholes: Iterable[Count], neighbours: Sequence[Neighbour]
    ) -> bool:
        """Whether a cell is large, and so is what lies between it and every shown cell around, within or beside it.

        Of a period within it that merges this value the merged cell is taken: it may have no other value in fact.
        Where an area around it shows something but not this cell, this one isn't shown either: it may lie within what
        is merged there. Where it shows nothing, its true count is what this one must be far from.
        """
        if not self._can_be_seen(cell, count) or not all(self._is_large(whole.minus(count)) for whole in wholes):
            return False
        for neighbour in neighbours:
            shown = neighbour.shown.get(cell)
            there = neighbour.hidden.get(cell) if shown is None else shown.truth
            if there is None:
                merged = neighbour.shown.get(_merged_beside(cell))
                if neighbour.relation is Relation.AROUND or _are_close(count, merged):
                    return False
            elif not self._is_far(count, there, neighbour.relation):
                return False
        return True

    def _is_far(self, count: Count, there: Count, relation: Relation) -> bool:
        if relation is Relation.AROUND:
            return self._is_large(there.minus(count))
        if relation is Relation.WITHIN:
            return self._is_large(count.minus(there))
        return abs(there.n - count.n) >= THRESHOLD

    def _is_large(self, count: Count) -> bool:
        """Eleven checks or more, in truth and with noise: one alone would tell ten from eleven."""
        if count.n >= self.noise.large_from:
            return True
        return count.n >= THRESHOLD and (self.noise.perturb_one(*count) or 0) >= THRESHOLD

    def _can_be_seen(self, cell: CellId, count: Count) -> bool:
        """Say the same of a cell itself, with its own noise: no smaller number is shown."""
        return count.n >= self.noise.large_from or (count.n >= THRESHOLD and self._value(cell, count) >= THRESHOLD)

    def _perturbed(self, cell: CellId, count: Count, mark: Mark = Mark.PERTURBED) -> ShownCell:
        return ShownCell(count, self._value(cell, count), mark)

    def _value(self, cell: CellId, count: Count) -> int:
        table = f"{self.counted} {cell.table}{OTHER if OTHER in cell else ''}"
        return self.noise.perturb_one(count.n, _of_table(count.k, table)) or 0


def _of_table(key: int, table: str) -> int:
    """Turn a sum of record keys into the one that a table looks up: a permutation of all there are, for each table.

    It needs no secret, since the record keys are; it must mix well, so that one number tells nothing about another of
    the same checks. The steps are those of a hash of 16 bits, each of which can be undone, between two of the table's.

    Source of the constants: C. Wellons, Hash Function Prospector (2018), ``hash16_xm3``; public domain.
    """
    first, second = divmod(crc32(table.encode()), RECORD_KEY_MODULUS)
    key ^= second
    for shift, factor in ((7, 0x2993), (5, 0xE877), (9, 0x0235)):
        key = (key ^ key >> shift) * factor % RECORD_KEY_MODULUS
    return key ^ key >> 10 ^ first


def _rest(counts: Mapping[CellId, Count], other: CellId, alone: set[CellId]) -> Count:
    """Give what a merged cell would count, were these cells shown beside it."""
    first = other.table.split("*")[0]
    rest = counts.get(TOTAL if other.a == OTHER else CellId(first, other.a), Count(0, 0))
    for cell in alone & counts.keys():
        rest = rest.minus(counts[cell])
    return rest


def _merged_beside(cell: CellId) -> CellId:
    """Name the merged cell that would stand beside a cell."""
    return CellId(cell.table, cell.a, OTHER) if cell.b else CellId(cell.table, OTHER)


def _are_close(count: Count, shown: ShownCell | None) -> bool:
    return shown is not None and abs(shown.truth.n - count.n) < THRESHOLD


_NONE: Final[frozenset[CellId]] = frozenset()
_MERGING: Final = frozenset(table.code for table in TABLES if table.dimensions and partitions(table.dimensions[-1]))
"""Tables in which values are merged."""
