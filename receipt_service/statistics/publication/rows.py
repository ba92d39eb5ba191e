"""The rows of the public file: counts made consistent, and shown only from ``SMALLEST_SHOWN`` on."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, NamedTuple

from receipt_service.statistics.lattice import FRANCE, code_of
from receipt_service.statistics.publication.noise import margin
from receipt_service.statistics.publication.rounding import SMALLEST_SHOWN, reconcile
from receipt_service.statistics.publication.tables import (
    FRANCE_AREA,
    PUBLIC_TABLES,
    Counts,
    PublicDomain,
    PublicTable,
)

_FRANCE: Final = "FR"


class CellStatus(StrEnum):
    """How a count of the file is to be read."""

    SHOWN = "shown"
    WITHIN_NOISE = "within_noise"
    """Shown, and not larger than its margin: the true count may be nought."""
    BELOW_THRESHOLD = "below_threshold"
    """Not shown: the protected count is below ``SMALLEST_SHOWN``; the true one may be nought."""


class PublicRow(NamedTuple):
    """One line of the file, its columns in order."""

    period: str
    area: str
    area_name: str
    table: str
    category: str
    label_fr: str
    label_en: str
    checks: int | None
    margin_95: int
    status: str


def public_rows(domain: PublicDomain, noisy: Mapping[str, Counts], period: str) -> list[PublicRow]:
    """Turn noisy counts into the whole file, France first.

    France's cells are the sums of the départements' noisy cells, made consistent among themselves like those of any
    area. They are not the sums of the départements' own consistent cells, in which the zeros of small areas have all
    been lifted a little.
    """
    france = {table: cells.sum(axis=0, keepdims=True) for table, cells in noisy.items()}
    rows: list[PublicRow] = []
    summed = len(domain.departments)
    for areas, counts, cells_summed in (
        ((FRANCE_AREA,), reconcile(france), summed),
        (domain.departments, reconcile(noisy), 1),
    ):
        margins = {table.code: margin(table.scale, cells_summed) for table in PUBLIC_TABLES}
        for index, area in enumerate(areas):
            code = _FRANCE if area.code == FRANCE else code_of(area.code)
            for table in PUBLIC_TABLES:
                column = counts[table.code][index]
                rows += _rows_of(domain, table, column, margins[table.code], (period, code, area.name))
    return rows


def _rows_of(
    domain: PublicDomain, table: PublicTable, column: Counts, margin_95: int, where: tuple[str, str, str]
) -> list[PublicRow]:
    rows = []
    for category, count in zip(domain.categories[table.code], column.tolist(), strict=True):
        status = cell_status(count, margin_95)
        shown = None if status is CellStatus.BELOW_THRESHOLD else count
        rows.append(
            PublicRow(*where, table.code, category.code, category.fr, category.en, shown, margin_95, status.value)
        )
    return rows


def cell_status(count: int, margin_95: int) -> CellStatus:
    """Tell how a consistent count is shown."""
    if count < SMALLEST_SHOWN:
        return CellStatus.BELOW_THRESHOLD
    return CellStatus.WITHIN_NOISE if count <= margin_95 else CellStatus.SHOWN
