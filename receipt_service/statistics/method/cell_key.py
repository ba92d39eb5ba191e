"""The cell key method: which noise a count gets follows from the checks that it counts, and from nothing else.

Every check has a secret record key. The sum of the record keys of a cell's checks, reduced, is the cell's key; count
and cell key say where in the perturbation table to look. The same set of checks therefore shows the same number in
every table, on every day, to every reader, and asking again cannot average the noise away. Since only sums are needed,
a rollup of (n, k) is enough: n checks, k the sum of their record keys modulo ``RECORD_KEY_MODULUS``.

Two ways to look up, each equal to an office's own software (``tests/property/test_statistics_cell_key.py``):

* INSEE (R package ckm 1.1.0): record key (r + ½) / 2¹⁶ in [0, 1), cell key = fraction of their sum; the deviation is
  the first one, in ascending order, whose cumulated probability is not below the cell key;
* ONS (Python package cell-key-perturbation 3.1.0): cell key = sum of the record keys modulo K; the deviation stands in
  a table of 750 rows by K columns, of which the last 250 rows serve all larger counts in turn.
"""

from bisect import bisect_left
from collections.abc import Sequence
from enum import StrEnum
from typing import Final, NamedTuple, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from receipt_service.errors import ConfigurationError
from receipt_service.statistics.lattice import RECORD_KEY_MODULUS
from receipt_service.statistics.method.p_table import Row

THRESHOLD: Final = 11
"""The smallest count that is shown: no shown count lies in 1…10."""
NOT_SHOWN: Final = -1
"""Stands in an array of counts where nothing may be shown."""

_STEPS: Final = 2 * RECORD_KEY_MODULUS
"""The cell key in whole steps: the sum of n record keys (r + ½)/2¹⁶ is (2k + n)/2¹⁷."""
_ONS_ROWS: Final = 750
_ONS_REUSED: Final = 250


class Mark(StrEnum):
    """How a figure is protected. Every figure that is shown, or is not, carries one."""

    ZERO = "zero"
    """Shown as 0: no check, or so few that the noise made it 0; the two look the same on purpose."""
    PERTURBED = "perturbed"
    """Shown with noise."""
    MERGED = "merged"
    """Not shown by itself; counted in the line of the other values."""
    WITHHELD = "withheld"
    """Not shown: small itself, or a difference with other figures would show something small."""


class Perturbed(NamedTuple):
    """Cells after perturbation: ``counts`` in checks (``NOT_SHOWN`` where withheld), beside their ``marks``."""

    counts: NDArray[np.int64]
    marks: NDArray[np.str_]


class Perturbation(Protocol):
    """A way from (n, k) to what may be shown. The same (n, k) always gives the same."""

    @property
    def large_from(self) -> int:
        """A true count from which on no noise brings any below the threshold: nothing needs to be looked up then."""

    def perturb(self, n: ArrayLike, k: ArrayLike) -> Perturbed:
        """Perturb many cells. Raises ``ValueError`` for a negative count."""

    def perturb_one(self, n: int, k: int) -> int | None:
        """Perturb one cell; None where the result may not be shown. Raises ``ValueError`` for a negative count."""


class InseePerturbation:
    """Perturbation as INSEE does it: 0 stays 0, the noise is unbiased, the cell key has 2¹⁷ steps.

    ``rows`` come from ``p_table.perturbation_table``. The cumulated probabilities are kept as whole numbers of steps,
    so no rounding of the machine decides about a count; they are off by less than one step, 1/131072, each.
    """

    def __init__(self, rows: Sequence[Row], *, threshold: int = THRESHOLD) -> None:
        """Lay the rows out one after the other: row i has the keys from i·2¹⁷ on, so one search finds a deviation."""
        self._last = len(rows) - 1
        self._threshold = threshold
        cumulated = [_cumulated(row) + index * _STEPS for index, row in enumerate(rows)]
        self._bounds = np.concatenate(cumulated)
        self._deviations = np.concatenate([np.array(row.deviations, np.int64) for row in rows])
        self.large_from = threshold - int(self._deviations.min())
        self._bound_list: list[int] = self._bounds.tolist()
        self._deviation_list: list[int] = self._deviations.tolist()

    def perturb(self, n: ArrayLike, k: ArrayLike) -> Perturbed:
        """Perturb many cells. Raises ``ValueError`` for a negative count."""
        counts, sums = _cells(n, k)
        keys = np.minimum(counts, self._last) * _STEPS + (2 * (sums % RECORD_KEY_MODULUS) + counts) % _STEPS
        return _marked(counts + self._deviations[np.searchsorted(self._bounds, keys)], 1, self._threshold)

    def perturb_one(self, n: int, k: int) -> int | None:
        """Perturb one cell; None for a result in 1…threshold - 1. Raises ``ValueError`` for a negative count."""
        if n < 0:
            raise ValueError("a count is never negative")
        key = min(n, self._last) * _STEPS + (2 * k + n) % _STEPS
        shown = n + self._deviation_list[bisect_left(self._bound_list, key)]
        return None if 0 < shown < self._threshold else shown


class OnsPerturbation:
    """Perturbation as the ONS does it, with a p-table of its form: ``deviations[i]`` for row and cell key number i.

    A pair (row, cell key) that the table does not name means no deviation. Results below ``threshold`` are not shown,
    0 included. ``rows`` are the ONS's ``pcv`` (0…750), ``keys`` its ``ckey`` (0…K-1), ``deviations`` its ``pvalue``.
    Raises ``ConfigurationError`` for rows or keys out of range, a pair named twice, or a K that does not divide
    ``RECORD_KEY_MODULUS``: from sums reduced by that, such a cell key could not be had.
    """

    def __init__(self, rows: ArrayLike, keys: ArrayLike, deviations: ArrayLike, *, threshold: int = THRESHOLD) -> None:
        """Turn the list into a table with a place for every row and key."""
        row, key = np.asarray(rows, np.int64), np.asarray(keys, np.int64)
        if row.size == 0 or row.min() < 0 or row.max() > _ONS_ROWS or key.min() < 0:
            raise ConfigurationError("an ONS p-table has rows 0…750 and keys from 0 on, and is not empty")
        self._modulus = int(key.max()) + 1
        if RECORD_KEY_MODULUS % self._modulus:
            raise ConfigurationError(f"the number of cell keys must divide {RECORD_KEY_MODULUS}")
        if np.unique(row * self._modulus + key).size < row.size:
            raise ConfigurationError("an ONS p-table names each row and key once")
        self._threshold = threshold
        self._table = np.zeros((_ONS_ROWS + 1, self._modulus), np.int64)
        self._table[row, key] = np.asarray(deviations, np.int64)
        self.large_from = threshold - int(self._table.min())

    def perturb(self, n: ArrayLike, k: ArrayLike) -> Perturbed:
        """Perturb many cells. Raises ``ValueError`` for a negative count."""
        counts, sums = _cells(n, k)
        rows = np.where(counts <= _ONS_ROWS, counts, (counts - 1) % _ONS_REUSED + _ONS_ROWS - _ONS_REUSED + 1)
        return _marked(counts + self._table[rows, sums % self._modulus], None, self._threshold)

    def perturb_one(self, n: int, k: int) -> int | None:
        """Perturb one cell; None for a result below the threshold. Raises ``ValueError`` for a negative count."""
        shown = int(self.perturb([n], [k]).counts[0])
        return None if shown == NOT_SHOWN else shown


def _cumulated(row: Row) -> NDArray[np.int64]:
    bounds: NDArray[np.int64] = np.floor(np.cumsum(row.probabilities) * _STEPS).astype(np.int64)
    # A sum that comes to 1 before the last deviation would reach into the next row, and the bounds must ascend.
    np.minimum(bounds, _STEPS - 1, out=bounds)
    bounds[-1] = _STEPS - 1
    return bounds


def _cells(n: ArrayLike, k: ArrayLike) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    counts, sums = np.asarray(n, np.int64), np.asarray(k, np.int64)
    if counts.size and counts.min() < 0:
        raise ValueError("a count is never negative")
    return counts, sums


def _marked(counts: NDArray[np.int64], least_withheld: int | None, threshold: int) -> Perturbed:
    withheld = counts < threshold
    if least_withheld is not None:
        withheld &= counts >= least_withheld
    marks = np.where(withheld, Mark.WITHHELD.value, np.where(counts == 0, Mark.ZERO.value, Mark.PERTURBED.value))
    return Perturbed(np.where(withheld, NOT_SHOWN, counts), marks)
