"""Facts as columns of small numbers, and the book that says what the numbers stand for."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from receipt_service.statistics.facts import Fact
from receipt_service.statistics.lattice import TABLES, AreaLevel, Dimension, partitions

Numbers = NDArray[np.int64]

AREA_BITS: Final = 20
A_BITS: Final = 22
B_BITS: Final = 9
MONTH_BITS: Final = 12
"""Room for each part of a cell: together the 63 bits of a number that isn't negative."""
OFFICER_BITS: Final = (MONTH_BITS, 20, 20, 5, 6)
"""Room for month, unit, officer, family and outcome of an officer's cell."""
LEVELS: Final = (AreaLevel.DEPARTMENT, AreaLevel.COMMUNE, AreaLevel.UNIT)
"""The areas that facts name themselves."""


class Vocabulary:
    """Numbers for texts, in the order in which they come."""

    def __init__(self, limit: int, texts: Iterable[str] = ()) -> None:
        self.texts: list[str] = []
        self._codes: dict[str, int] = {}
        self._limit = limit
        for text in texts:
            self.code(text)

    def __len__(self) -> int:
        """Count the texts."""
        return len(self.texts)

    def code(self, text: str) -> int:
        """Return the number of a text. Raises ``OverflowError`` when there are more texts than a cell has room for."""
        found = self._codes.get(text)
        if found is None:
            found = self._codes[text] = len(self.texts)
            self.texts.append(text)
            if found >= self._limit:
                raise OverflowError("too many different values for one aggregation")
        return found

    def array(self) -> NDArray[np.object_]:
        """Return the texts, so that an array of numbers finds them."""
        return np.array(self.texts, dtype=object)


class Codebook:
    """What the numbers of the columns stand for."""

    def __init__(self) -> None:
        second = {table.dimensions[1] for table in TABLES if len(table.dimensions) > 1}
        self.months = Vocabulary(1 << 12)
        self.values = {
            dimension: Vocabulary(1 << (B_BITS if dimension in second else A_BITS)) for dimension in Dimension
        }
        self.areas = {level: Vocabulary(1 << AREA_BITS) for level in LEVELS}
        self.officers = Vocabulary(1 << OFFICER_BITS[2])
        self.families = Vocabulary(1 << OFFICER_BITS[3])


class Several(NamedTuple):
    """The values of a dimension of which a check has several or none: rows ascending, a value for each."""

    rows: Numbers
    values: Numbers


@dataclass(frozen=True, slots=True, kw_only=True)
class FactColumns:
    """Facts as columns of numbers. ``weight`` is the sign of a check, 0 where only messages are counted."""

    months: Numbers
    areas: Mapping[AreaLevel, Numbers]
    single: Mapping[Dimension, Numbers]
    """The dimensions that partition the checks."""
    several: Mapping[Dimension, Several]
    officers: Numbers
    families: Numbers
    keys: Numbers
    signs: Numbers
    weights: Numbers


_SEVERAL: Final = tuple(dimension for dimension in Dimension if not partitions(dimension))
_SINGLE: Final = tuple(dimension for dimension in Dimension if partitions(dimension))


class Signed(NamedTuple):
    """A fact, the record key of its check, and whether it is added (1) or taken back (-1)."""

    fact: Fact
    key: int
    sign: int


def columns_of(facts: Sequence[Signed], book: Codebook) -> FactColumns:
    """Write facts as columns."""
    of = [each.fact for each in facts]

    def coded(vocabulary: Vocabulary, texts: Iterable[str]) -> Numbers:
        code = vocabulary.code
        return np.array([code(text) for text in texts], dtype=np.int64)

    several: dict[Dimension, Several] = {}
    for dimension in _SEVERAL:
        code = book.values[dimension].code
        pairs = [(row, code(value)) for row, fact in enumerate(of) for value in fact.values(dimension)]
        table = np.array(pairs, dtype=np.int64).reshape(-1, 2)
        several[dimension] = Several(np.ascontiguousarray(table[:, 0]), np.ascontiguousarray(table[:, 1]))
    signs = np.array([each.sign for each in facts], dtype=np.int64)
    return FactColumns(
        months=coded(book.months, (str(fact.month) for fact in of)),
        areas={
            AreaLevel.DEPARTMENT: coded(book.areas[AreaLevel.DEPARTMENT], (fact.department for fact in of)),
            AreaLevel.COMMUNE: coded(book.areas[AreaLevel.COMMUNE], (fact.commune for fact in of)),
            AreaLevel.UNIT: coded(book.areas[AreaLevel.UNIT], (fact.unit for fact in of)),
        },
        single={each: coded(book.values[each], (fact.values(each)[0] for fact in of)) for each in _SINGLE},
        several=several,
        officers=coded(book.officers, (fact.officer for fact in of)),
        families=coded(book.families, (fact.family for fact in of)),
        keys=np.array([each.key for each in facts], dtype=np.int64),
        signs=signs,
        weights=signs * np.array([fact.counts_check for fact in of], dtype=np.int64),
    )
