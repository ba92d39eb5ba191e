"""How much a fixed lattice gives away: by averaging over its tables, and by differences of nested cells.

Averaging. A number can be put together from other cells: a total from the values of every table that divides it, a
quarter from its months. Each such sum carries the noise of its cells, so a table of c cells gives the number once more,
with variance c·V. Weighted at best, all of them together have the variance V/M, M = Σ 1/c. M depends on the lattice
alone, not on the data, and a lattice that would bring the noise below one check is refused.

Differences. Two shown cells of which one contains the other show, up to their noise, how many checks lie between them.
Where that is 1 to 10 the inner ones have to go. Containment is a matter of areas, periods and tables, which this module
knows nothing of: the caller describes it as hierarchies.
"""

from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from math import sqrt
from typing import Generic, NamedTuple, TypeVar

from receipt_service.errors import ConfigurationError
from receipt_service.statistics.method.cell_key import THRESHOLD

Key = TypeVar("Key", bound=Hashable)

Hierarchy = Mapping[Key, Sequence[Key]]
"""For each cell that has some: cells that lie in it and have no check in common. They need not make up all of it."""


class Nesting(NamedTuple, Generic[Key]):
    """A shown cell, and shown cells that lie in it and have no check in common."""

    whole: Key
    parts: tuple[Key, ...]


class Sliver(NamedTuple, Generic[Key]):
    """A nesting whose cell holds 1 to 10 checks more than its parts: ``difference`` is that true number."""

    whole: Key
    parts: tuple[Key, ...]
    difference: int


def information(cells_of_tables: Iterable[int]) -> float:
    """Return M, how many times over a lattice shows one number: Σ 1/c over the tables that add up to it.

    ``cells_of_tables`` has the number of cells c of each: 1 for the number itself, 12 for its months or a breakdown by
    twelve bases, 12·3 for a table of two dimensions. Raises ``ValueError`` for a table without cells.
    """
    cells = list(cells_of_tables)
    if any(count < 1 for count in cells):
        raise ValueError("a table has a cell at least")
    return sum(1 / count for count in cells)


def best_error(variance: float, cells_of_tables: Iterable[int]) -> float:
    """Return √(V/M): the smallest standard error, in checks, with which anybody can know a number of the lattice."""
    return sqrt(variance / information(cells_of_tables))


def require_bounded(variance: float, cells_of_tables: Iterable[int]) -> float:
    """Return V/M. Raises ``ConfigurationError`` where it is below 1: the noise would average out.

    ``variance`` is the smallest one of any count that is shown, ``p_table.Row.variance`` from 11 on.
    """
    left = variance / information(cells_of_tables)
    if left < 1:
        raise ConfigurationError(f"averaging over the lattice leaves a variance of {left:.2f}; at least 1 is needed")
    return left


def nestings(shown: Collection[Key], hierarchy: Hierarchy[Key]) -> Iterator[Nesting[Key]]:
    """Find, for each shown cell, the nearest shown cells below it. ``shown`` is best a set or mapping.

    The nearest suffice. What lies between a cell and any other shown cells below it is a sum of such differences, one
    for each generation; if none of them is 1 to 10, neither is the sum.
    """
    for whole in shown:
        parts = tuple(_nearest(whole, shown, hierarchy))
        if parts:
            yield Nesting(whole, parts)


def slivers(true: Mapping[Key, int], hierarchies: Iterable[Hierarchy[Key]]) -> list[Sliver[Key]]:
    """List the nestings of shown cells whose true difference is 1 to 10.

    ``true`` has the true count of every shown cell, and of no other. Of a cell's parts only all together are tried, not
    every choice of them: to leave a part out adds its count to the difference, and a cell that is shown counts 11 or
    more. One pass over each hierarchy; no pair is looked at twice. Describe containment of each kind as a hierarchy of
    its own: areas within areas, months within quarters within years, the cells of a two-way table within its rows, the
    same within its columns. Parts that overlap (reasons, outcomes) go into hierarchies apart, one part each.

    Raises ``ValueError`` when a cell holds fewer checks than its parts, or a cell shown has 1 to 10 checks itself.
    """
    if any(0 < count < THRESHOLD for count in true.values()):
        raise ValueError("a cell of 1 to 10 checks is not to be shown at all")
    found = []
    for hierarchy in hierarchies:
        for whole, parts in nestings(true, hierarchy):
            difference = true[whole] - sum(true[part] for part in parts)
            if difference < 0:
                raise ValueError("a cell holds the checks of its parts")
            if 0 < difference < THRESHOLD:
                found.append(Sliver(whole, parts, difference))
    return found


def to_withhold(true: Mapping[Key, int], hierarchies: Sequence[Hierarchy[Key]]) -> frozenset[Key]:
    """Return cells without which no sliver is left: of each nesting found the smallest part, until there is none.

    A part taken away may make a sliver elsewhere, so the search is repeated; it ends, since each turn takes cells away.
    What is returned depends on true counts, as every rule of suppression does. Raises what ``slivers`` raises.
    """
    left = dict(true)
    while found := slivers(left, hierarchies):
        for sliver in found:
            if all(part in left for part in sliver.parts):
                del left[min(sliver.parts, key=lambda part: (left[part], str(part)))]
    return frozenset(true.keys() - left.keys())


def _nearest(whole: Key, shown: Collection[Key], hierarchy: Hierarchy[Key]) -> Iterator[Key]:
    for part in hierarchy.get(whole, ()):
        if part in shown:
            yield part
        else:
            yield from _nearest(part, shown, hierarchy)
