"""What the public file counts, and what each of its tables costs of a receipt's privacy budget.

Five one-way tables by département. Their cells are the whole lists of the catalogue and of the territory, never the
values that happened to occur: so that a cell stands in the file tells nothing. A receipt falls into one quarter and one
département, hence into one column of cells of each table; over the five tables it can change what is published by a
factor of at most exp(1), once and for ever (sequential composition over tables, parallel over départements: Dwork and
Roth, The Algorithmic Foundations of Differential Privacy, 2014, §3.5).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from receipt_service.domain.catalogue import Catalogue
from receipt_service.domain.catalogue_entries import Entry
from receipt_service.domain.check_request import MAX_OUTCOMES
from receipt_service.domain.territory import Territory
from receipt_service.errors import ConfigurationError
from receipt_service.statistics.lattice import FRANCE, HOUR_BANDS, Dimension, department_area

Counts = NDArray[np.int64]
"""Whole numbers, one row for each département, one column for each category."""

ALL: Final = "all"
"""The one category of the table ``total``."""


@dataclass(frozen=True, slots=True)
class PublicTable:
    """One table of the file and the discrete Laplace noise of its cells."""

    dimension: Dimension | None
    """``None`` is the table ``total``."""
    sensitivity: int
    """The most by which one receipt changes the sum of the table's cells (L1)."""
    scale: int
    """Scale b of the noise: P(x) is proportional to exp(-|x| / b)."""

    @property
    def code(self) -> str:
        """The table's code in the lattice."""
        return "total" if self.dimension is None else self.dimension.value

    @property
    def epsilon(self) -> Fraction:
        """What the table costs: sensitivity / scale, exactly."""
        return Fraction(self.sensitivity, self.scale)


PUBLIC_TABLES: Final = (
    PublicTable(None, 1, 8),
    PublicTable(Dimension.BASIS, 1, 4),
    PublicTable(Dimension.OUTCOME, MAX_OUTCOMES, 20),
    PublicTable(Dimension.HOUR_BAND, 1, 8),
    PublicTable(Dimension.SELECTION, 1, 10),
)
"""In the order of the file. A check has one main basis, hour band and way of selection, and up to ``MAX_OUTCOMES``
different outcomes (the rules of a check refuse more). Two fifths of the budget go to the outcomes: equal shares would
give them twice the noise that they have, to spare the others a few units."""

BUDGET: Final = Fraction(1)
"""ε of one receipt, for ever."""


class Category(NamedTuple):
    """A column of a table: its code and its names."""

    code: str
    fr: str
    en: str


class PublicArea(NamedTuple):
    """A row of the tables: its code in the lattice and its name."""

    code: str
    name: str


@dataclass(frozen=True, slots=True)
class PublicDomain:
    """Every cell of the file, whether or not a check fell into it."""

    departments: tuple[PublicArea, ...]
    categories: Mapping[str, tuple[Category, ...]]
    """By table code."""

    @property
    def size(self) -> int:
        """How many cells there are, France's own left out."""
        return len(self.departments) * sum(map(len, self.categories.values()))

    def counts(self, cells: Iterable[tuple[str, str, str, int]]) -> dict[str, Counts]:
        """Place true counts, ``(table, area, category, n)``, in whole tables; what is not given is nought.

        Raises ``ConfigurationError`` for a cell that is not of this domain: to leave it out would make the totals
        wrong, to add it would tell that it occurred.
        """
        rows = {area.code: index for index, area in enumerate(self.departments)}
        columns = {
            table: {category.code: index for index, category in enumerate(categories)}
            for table, categories in self.categories.items()
        }
        counts = {table: np.zeros((len(rows), len(found)), np.int64) for table, found in columns.items()}
        for table, area, category, n in cells:
            try:
                place = rows[area], columns[table][category or ALL]
            except KeyError:
                raise ConfigurationError(
                    "the rollup counts something that neither the catalogue nor the territory of this program knows"
                ) from None
            counts[table][place] += n
        return counts


FRANCE_AREA: Final = PublicArea(FRANCE, "France")
_TOTAL: Final = (Category(ALL, "Ensemble des contrôles", "All checks"),)


def public_domain(catalogues: Mapping[str, Catalogue], territory: Territory) -> PublicDomain:
    """Write down the domain: every département, and every code of every version of the catalogue.

    ``catalogues`` by version, the newest last: its words are taken where versions differ.
    """
    departments = sorted(territory.departments.values(), key=lambda department: department.code)
    return PublicDomain(
        tuple(PublicArea(department_area(each.code), each.name) for each in departments),
        {
            "total": _TOTAL,
            "basis": _named(catalogue.bases for catalogue in catalogues.values()),
            "outcome": _named(catalogue.outcomes for catalogue in catalogues.values()),
            "hour_band": tuple(Category(band, _hours_fr(band), _hours_en(band)) for band in HOUR_BANDS),
            "selection": _named(catalogue.selection_modes for catalogue in catalogues.values()),
        },
    )


def _named(versions: Iterable[Mapping[str, Entry]]) -> tuple[Category, ...]:
    found: dict[str, Category] = {}
    for entries in versions:
        found.update({code: Category(code, entry.label["fr"], entry.label["en"]) for code, entry in entries.items()})
    return tuple(found.values())


def _hours_fr(band: str) -> str:
    begin, end = band.split("-")
    return f"De {int(begin)} h à {int(end)} h"


def _hours_en(band: str) -> str:
    begin, end = band.split("-")
    return f"{begin}:00 to {end}:00"
