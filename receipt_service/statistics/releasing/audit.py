"""What is about to be released, looked at once more and by other code: no few checks between two figures.

``protection`` chooses cells so that none lie there. This looks at what was chosen, with the true counts, and stops the
release where a cell that contains another holds 1 to 10 checks more: a fault of ours must not become a figure.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from receipt_service.errors import ConfigurationError
from receipt_service.statistics.lattice import MESSAGE_DIMENSIONS, TABLES
from receipt_service.statistics.method.cell_key import THRESHOLD
from receipt_service.statistics.method.slivers import slivers
from receipt_service.statistics.releasing.protection import OTHER, TOTAL, CellId, Neighbour, Relation, ShownCell

_Cell = tuple[int, CellId, int]
"""A cell at hand (0) or of the neighbour of that number, and its true count."""
_DIMENSIONS: Final = {
    table.code: table.dimensions
    for table in TABLES
    if table.dimensions and not MESSAGE_DIMENSIONS.intersection(table.dimensions)
}
"""Of the tables whose cells lie within the total."""


def require_no_slivers(shown: Mapping[CellId, ShownCell], neighbours: Sequence[Neighbour]) -> None:
    """Raise ``ConfigurationError`` when 1 to 10 checks lie between a cell and one that contains it.

    Raises ``ValueError`` for a cell of 1 to 10 checks, and for one that holds fewer than one within it.
    """
    if any(found.truth.n < THRESHOLD for found in shown.values()):
        raise ValueError("a cell of 1 to 10 checks is not to be shown at all")
    close = [*_close(_within_tables(shown)), *_close(_across(shown, neighbours))]
    true = {(place, cell): n for pair in close for place, cell, n in pair}
    if found := slivers(true, [{whole[:2]: (part[:2],)} for whole, part in close]):
        raise ConfigurationError(f"{len(found)} pairs of figures would differ by a few checks: nothing is released")


def _close(pairs: Iterator[tuple[_Cell, _Cell]]) -> Iterator[tuple[_Cell, _Cell]]:
    """Leave those pairs that have to be looked at: nearly all differ by many checks."""
    return (pair for pair in pairs if pair[0][2] - pair[1][2] < THRESHOLD)


def _within_tables(shown: Mapping[CellId, ShownCell]) -> Iterator[tuple[_Cell, _Cell]]:
    """Yield each cell with its row, its column and the total, where those are shown."""
    for cell, found in shown.items():
        dimensions = _DIMENSIONS.get(cell.table)
        if dimensions is None:
            continue
        wholes = [TOTAL]
        if len(dimensions) > 1:
            wholes += [CellId(dimensions[0], cell.a), CellId(dimensions[1], cell.b)]
        for whole in wholes:
            if whole in shown and whole.a != OTHER:
                yield (0, whole, shown[whole].truth.n), (0, cell, found.truth.n)


def _across(shown: Mapping[CellId, ShownCell], neighbours: Sequence[Neighbour]) -> Iterator[tuple[_Cell, _Cell]]:
    """Yield each cell with the same one of the areas and periods around and within; merged cells differ in content."""
    alone = {cell: found.truth.n for cell, found in shown.items() if OTHER not in {cell.a, cell.b}}
    for number, neighbour in enumerate(neighbours, 1):
        if neighbour.relation is Relation.BESIDE:
            continue
        around = neighbour.relation is Relation.AROUND
        for cell, here in alone.items():
            there = neighbour.shown.get(cell)
            if there is None:
                continue
            pair = (number, cell, there.truth.n), (0, cell, here)
            yield pair if around else (pair[1], pair[0])
