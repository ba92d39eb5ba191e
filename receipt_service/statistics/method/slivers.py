"""Differences of nested cells: what lies between two figures, however much noise they carry.

Two shown cells of which one contains the other show, up to their noise, how many checks lie between them. Where that is
1 to 10 the inner one has to go. Containment is a matter of areas, periods and tables, which this module knows nothing
of: the caller describes it as hierarchies. What averaging can do is reckoned in ``statistics.releasing.averaging``.
"""

from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Generic, NamedTuple, TypeVar

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


def nestings(shown: Collection[Key], hierarchy: Hierarchy[Key]) -> Iterator[Nesting[Key]]:
    """Find, for each shown cell of the hierarchy, the nearest shown cells below it. ``shown`` is best a set or mapping.

    The nearest suffice. What lies between a cell and any other shown cells below it is a sum of such differences, one
    for each generation; if none of them is 1 to 10, neither is the sum.
    """
    for whole in hierarchy:
        parts = tuple(_nearest(whole, shown, hierarchy)) if whole in shown else ()
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


def _nearest(whole: Key, shown: Collection[Key], hierarchy: Hierarchy[Key]) -> Iterator[Key]:
    for part in hierarchy.get(whole, ()):
        if part in shown:
            yield part
        else:
            yield from _nearest(part, shown, hierarchy)
