"""From noisy counts to counts that are whole, not negative, and add up: post-processing, which costs no privacy.

Nothing here looks at a true count. The département's total is estimated from its own noisy count and from the sums of
the tables that partition the checks, each weighted by the inverse of its variance (Hay, Rastogi, Miklau, Suciu 2010);
the cells of those tables are then moved to the nearest point with that sum and no negative cell, the projection onto
the simplex ("Norm-Sub" in Wang and others 2020); what is left to whole numbers goes to the largest remainders.
Outcomes are several to a check: they are held between nought and the total, and together to at least the total.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from receipt_service.statistics.lattice import Dimension, partitions
from receipt_service.statistics.publication.noise import variance
from receipt_service.statistics.publication.tables import PUBLIC_TABLES, Counts

SMALLEST_SHOWN: Final = 11
"""Counts below it are not shown, nought included."""
_PARTITIONS: Final = tuple(
    table for table in PUBLIC_TABLES if table.dimension is not None and partitions(table.dimension)
)
_SCALES: Final = {table.code: table.scale for table in PUBLIC_TABLES}
_OUTCOME: Final = Dimension.OUTCOME.value

Reals = NDArray[np.float64]


def reconcile(noisy: Mapping[str, Counts]) -> dict[str, Counts]:
    """Make each row of the tables consistent; row i of every table is the same area.

    Every table that partitions the checks adds up to the total; every outcome is at most the total, and all outcomes
    together are at least the total.
    """
    totals = _totals(noisy)
    settled = {"total": totals.reshape(-1, 1)}
    for table in _PARTITIONS:
        rows = noisy[table.code].astype(np.float64)
        settled[table.code] = np.array(
            [to_integers(project(row, int(total)), int(total)) for row, total in zip(rows, totals, strict=True)]
        )
    settled[_OUTCOME] = np.array(
        [_outcomes(row, int(total)) for row, total in zip(noisy[_OUTCOME], totals, strict=True)]
    )
    return settled


def _totals(noisy: Mapping[str, Counts]) -> Counts:
    """Estimate the totals with the smallest variance that the noisy tables allow, and make them whole."""
    estimates = [noisy["total"][:, 0].astype(np.float64)]
    weights = [1 / variance(_SCALES["total"])]
    for table in _PARTITIONS:
        cells = noisy[table.code]
        estimates.append(cells.sum(axis=1).astype(np.float64))
        weights.append(1 / (cells.shape[1] * variance(table.scale)))
    mean = np.average(np.array(estimates), axis=0, weights=np.array(weights))
    return np.maximum(np.rint(mean), 0).astype(np.int64)


def _outcomes(row: Counts, total: int) -> Counts:
    kept = np.clip(row, 0, total)
    if kept.sum() >= total:
        return kept
    return to_integers(project(row.astype(np.float64), total), total)


def project(values: Reals, total: int) -> Reals:
    """Return the nearest point (Euclidean) that has no negative coordinate and the given sum.

    ``total`` is nought or more. Sort-based projection onto the simplex (Held, Wolfe, Crowder 1974).
    """
    if total <= 0:
        return np.zeros_like(values)
    descending = np.sort(values)[::-1]
    shifts = (np.cumsum(descending) - total) / np.arange(1, len(values) + 1)
    last = int(np.flatnonzero(descending > shifts)[-1])
    nearest: Reals = np.maximum(values - shifts[last], 0.0)
    return nearest


def to_integers(values: Reals, total: int) -> Counts:
    """Round non-negative values of that sum to whole numbers of the same sum, each by less than one."""
    whole = np.floor(values).astype(np.int64)
    missing = int(total - whole.sum())
    if missing > 0:
        largest = np.argsort(whole - values, kind="stable")[:missing]
        whole[largest] += 1
    return whole
