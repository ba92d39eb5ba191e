"""The noise of the public file: the discrete Laplace mechanism of OpenDP, drawn once for each cell.

P(x) = (1 - q) / (1 + q) · q^|x| with q = exp(-1 / b), over the whole numbers (Ghosh, Roughgarden, Sundararajan 2009).
OpenDP samples it exactly, from the operating system's generator, without floating point in the sampler; its own
privacy map is asked whether what we state holds.
"""

from collections.abc import Mapping
from functools import cache
from math import ceil, exp, log, sqrt
from typing import Any, Final

import numpy as np
import opendp.prelude as dp

from receipt_service.errors import ConfigurationError
from receipt_service.statistics.publication.tables import BUDGET, PUBLIC_TABLES, Counts, PublicTable

MECHANISM: Final = "discrete Laplace (OpenDP make_laplace over vectors of integers, L1 distance)"
MARGIN_LEVEL: Final = 0.95
_ROUNDING: Final = 1e-9
"""OpenDP rounds ε up in floating point; a stated ε is exact."""
_NORMAL_975: Final = 1.959963984540054


def add_noise(counts: Mapping[str, Counts]) -> dict[str, Counts]:
    """Give every cell of every table its noise. Results may be negative.

    Raises ``ConfigurationError`` when the tables together would cost more than ``BUDGET``, or when OpenDP
    holds a table to cost more than is stated.
    """
    if sum(table.epsilon for table in PUBLIC_TABLES) > BUDGET:
        raise ConfigurationError("the tables of the public file cost more than a receipt's privacy budget")
    noisy = {}
    for table in PUBLIC_TABLES:
        true = counts[table.code]
        drawn = measurement(table)(true.ravel().tolist())
        noisy[table.code] = np.array(drawn, np.int64).reshape(true.shape)
    return noisy


@cache
def measurement(table: PublicTable) -> Any:
    """Build OpenDP's measurement of a table: integers in, noisy integers out.

    Raises ``ConfigurationError`` when its privacy map says more than the table's ε at the table's sensitivity.
    """
    dp.enable_features("contrib")
    space = dp.vector_domain(dp.atom_domain(T="i64")), dp.l1_distance(T="i64")
    made: Any = dp.m.make_laplace(*space, scale=float(table.scale))
    if made.map(table.sensitivity) > float(table.epsilon) * (1 + _ROUNDING):
        raise ConfigurationError(f"OpenDP holds the table {table.code} to cost more than is stated")
    return made


def variance(scale: int) -> float:
    """Return the variance of discrete Laplace noise: 2 q / (1 - q)²."""
    q = exp(-1 / scale)
    return 2 * q / (1 - q) ** 2


def standard_deviation(scale: int) -> float:
    """Return the standard deviation of the noise of one cell."""
    return sqrt(variance(scale))


def margin(scale: int, summed: int = 1) -> int:
    """Return the smallest m such that the noise stays within -m … m with probability ``MARGIN_LEVEL`` or more.

    ``summed`` is the number of cells whose noise is added up; for many of them the normal approximation is used.
    """
    if summed > 1:
        return ceil(_NORMAL_975 * sqrt(summed * variance(scale)))
    # P(|x| > m) = 2 q^(m + 1) / (1 + q)
    q = exp(-1 / scale)
    return ceil(-scale * log((1 - MARGIN_LEVEL) * (1 + q) / 2)) - 1
