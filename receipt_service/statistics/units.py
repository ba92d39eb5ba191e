"""The tree of units, as sums follow it."""

from collections.abc import Mapping
from types import MappingProxyType

from receipt_service.statistics.lattice import own_area, unit_area


class UnitTree:
    """Which unit stands below which. A unit that isn't in it stands alone."""

    def __init__(self, parents: Mapping[str, str | None]) -> None:
        """``parents`` gives the parent of each unit, without a circle (``domain.directory`` refuses those)."""
        self.parents = MappingProxyType(dict(parents))
        self._above: dict[str, tuple[str, ...]] = {}
        self._have_children = frozenset(up for up in self.parents.values() if up is not None)

    def ancestors(self, unit: str) -> tuple[str, ...]:
        """Return the units above, the nearest first."""
        known = self._above.get(unit)
        if known is None:
            up = self.parents.get(unit)
            known = () if up is None else (up, *self.ancestors(up))
            self._above[unit] = known
        return known

    def has_children(self, unit: str) -> bool:
        """Say whether units stand below it: then its own checks are kept apart from the sum."""
        return unit in self._have_children

    def own_area(self, unit: str) -> str:
        """Return the area in which the unit's own checks stand."""
        return own_area(unit) if self.has_children(unit) else unit_area(unit)

    def areas(self, unit: str) -> tuple[str, ...]:
        """Return every area to which a check of this unit is added."""
        sums = tuple(unit_area(each) for each in self.ancestors(unit))
        own = unit_area(unit)
        return (own_area(unit), own, *sums) if self.has_children(unit) else (own, *sums)

    def subtree(self, unit: str) -> frozenset[str]:
        """Return the unit and all that stand below it."""
        return frozenset({unit, *(each for each in self.parents if unit in self.ancestors(each))})

    def changes_to(self, new: "UnitTree") -> tuple[frozenset[str], frozenset[str], frozenset[str]]:
        """Compare with a new tree: units with another parent, units that gain their first child, that lose their last.

        A unit that only one of the trees knows counts as standing alone in the other.
        """
        every = self.parents.keys() | new.parents.keys()
        moved = frozenset(unit for unit in every if self.parents.get(unit) != new.parents.get(unit))
        before, after = self._have_children, new._have_children  # noqa: SLF001 - of the same class
        return moved, after - before, before - after
