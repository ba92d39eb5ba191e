"""How far averaging can take a reader: every way to add shown cells up to the total of an area, together.

A number is shown with noise of variance V. Where other cells add up to it, their sum gives it once more, with the noise
of all of them. The best estimate from independent ones has the variance V/M, M the sum of their weights: 1 for the
number itself, 1/c for a table of c cells (Asghar and Kaafar, PETS 2020). A release refuses noise with V below M.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from receipt_service.statistics.lattice import (
    TABLES,
    AreaLevel,
    Period,
    level_of,
    months_of,
    partitions,
)
from receipt_service.statistics.releasing.protection import TOTAL, CellId, ShownCell

_ADDING_UP: Final = [table for table in TABLES if table.dimensions and all(map(partitions, table.dimensions))]
_ONE_WAY: Final = [table for table in _ADDING_UP if len(table.dimensions) == 1]
_TWO_WAY: Final = [table for table in _ADDING_UP if len(table.dimensions) > 1]


class Averaging:
    """M of every area of a release, from what was noted of each."""

    def __init__(self, parts: Sequence[Period]) -> None:
        """``parts`` are the released periods within the one at hand."""
        lengths = sorted({len(months_of(part)) for part in parts})
        self._kinds = [[part for part in parts if len(months_of(part)) == length] for length in lengths]
        self._own: dict[str, float] = {}
        self._totals: dict[str, int] = {}
        self._times: dict[str, list[list[float]]] = {}
        self._below: dict[str, list[str]] = {}

    def note(
        self,
        area: str,
        above: str | None,
        shown: Mapping[CellId, ShownCell],
        within: Mapping[Period, Mapping[CellId, ShownCell]],
    ) -> None:
        """Keep what M needs of an area, those above first. Parts count where all of one length are shown."""
        self._own[area] = weight_of_tables(shown)
        self._totals[area] = shown[TOTAL].truth.n
        self._times[area] = [
            [weight_of_tables(within[part]) for part in kind] for kind in self._kinds if {*kind} <= {*within}
        ]
        if above is not None:
            self._below.setdefault(above, []).append(area)

    def leak(self) -> float:
        """Return M where it is largest.

        The areas directly below count where they add up to the one above; the parts of the period count as though the
        areas below served them as well. Both make M too large rather than too small.
        """
        weight: dict[str, float] = {}
        for area in reversed(self._own):
            levels = [[part for part in self._below.get(area, ()) if level_of(part) is level] for level in AreaLevel]
            complete = [
                parts for parts in levels if parts and sum(self._totals[part] for part in parts) == self._totals[area]
            ]
            areas = sum(_together(weight[part] for part in parts) for parts in complete)
            times = sum(_together(own + areas for own in kind) for kind in self._times[area])
            weight[area] = self._own[area] + areas + times
        return max(weight.values(), default=0.0)


def weight_of_tables(shown: Mapping[CellId, ShownCell]) -> float:
    """Return the weight of an area's own tables: 1 for the total, and that of each table that adds up to it.

    The lines of such a table are known better than by themselves, where another table divides them once more.
    """
    lines: dict[str, list[CellId]] = {}
    for cell in shown:
        lines.setdefault(cell.table, []).append(cell)
    again: list[Counter[CellId]] = [
        Counter(CellId(table.dimensions[side], (cell.a, cell.b)[side]) for cell in lines.get(table.code, ()))
        for table in _TWO_WAY
        for side in (0, 1)
    ]
    return 1.0 + sum(
        _together(1 + sum(1 / more[line] for more in again if more[line]) for line in lines[table.code])
        for table in _ONE_WAY
        if table.code in lines
    )


def _together(weights: Iterable[float]) -> float:
    """Return the weight of a sum of which each part is known by its own: variances add up."""
    return 1 / sum(1 / weight for weight in weights)
