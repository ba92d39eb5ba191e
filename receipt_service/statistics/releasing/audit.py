"""What is about to be released, looked at once more and by other code: no few checks between two figures.

``protection`` chooses cells so that none lie there. This looks at what was chosen, with the true counts, and stops the
release where a cell that contains another holds 1 to 10 checks more: a fault of ours must not become a figure.
"""

from collections.abc import Iterator, Mapping, Sequence

from receipt_service.errors import ConfigurationError
from receipt_service.statistics.lattice import MESSAGE_DIMENSIONS, TABLE_OF
from receipt_service.statistics.method.slivers import slivers
from receipt_service.statistics.releasing.protection import OTHER, TOTAL, CellId, Neighbour, Relation, ShownCell

_Place = tuple[int, CellId]
"""A cell at hand (0) or of the neighbour of that number."""


def require_no_slivers(shown: Mapping[CellId, ShownCell], neighbours: Sequence[Neighbour]) -> None:
    """Raise ``ConfigurationError`` when 1 to 10 checks lie between a cell and one that contains it."""
    true: dict[_Place, int] = {(0, cell): found.truth.n for cell, found in shown.items()}
    for number, neighbour in enumerate(neighbours, 1):
        true |= {(number, cell): neighbour.shown[cell].truth.n for cell in shown.keys() & neighbour.shown.keys()}
    pairs = [*_within_tables(shown), *_across(shown, neighbours)]
    if found := slivers(true, [{whole: (part,)} for whole, part in pairs]):
        raise ConfigurationError(f"{len(found)} pairs of figures would differ by a few checks: nothing is released")


def _within_tables(shown: Mapping[CellId, ShownCell]) -> Iterator[tuple[_Place, _Place]]:
    """Yield each cell with its row, its column and the total, where those are shown."""
    for cell in shown:
        dimensions = TABLE_OF[cell.table].dimensions
        if not dimensions or MESSAGE_DIMENSIONS.intersection(dimensions):
            continue
        wholes = [TOTAL]
        if len(dimensions) > 1:
            wholes += [CellId(dimensions[0], cell.a), CellId(dimensions[1], cell.b)]
        yield from (((0, whole), (0, cell)) for whole in wholes if whole in shown and whole.a != OTHER)


def _across(shown: Mapping[CellId, ShownCell], neighbours: Sequence[Neighbour]) -> Iterator[tuple[_Place, _Place]]:
    """Yield each cell with the same one of the areas and periods around and within; merged cells differ in content."""
    for number, neighbour in enumerate(neighbours, 1):
        for cell in shown.keys() & neighbour.shown.keys():
            if OTHER in {cell.a, cell.b}:
                continue
            if neighbour.relation is Relation.AROUND:
                yield (number, cell), (0, cell)
            elif neighbour.relation is Relation.WITHIN:
                yield (0, cell), (number, cell)
