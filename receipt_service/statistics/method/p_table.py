"""Perturbation tables: with what probability a count is shown as which other count.

The row of a count i gives the probabilities p(v) of the deviations v. Of all distributions that keep the constraints it
is the one of greatest entropy, so the noise carries no more information than they force upon it:

1. mean: Σ p(v)·v = 0, so that sums over many cells stay true;
2. variance: Σ p(v)·v² = V, or less where even flat noise does not reach V;
3. bound: -D ≤ v ≤ D;
4. no result below 0, and none in 1…js;
5. p does not fall on the way from the lowest deviation up to 0 (what the option ``mono`` of Destatis's ptable does).

Counts so high that neither 0 nor 1…js is within reach have all the same row. The count 0 stays 0.

Source: S. Giessing, Computational Issues in the Design of Transition Probabilities, PSD 2016,
doi:10.1007/978-3-319-45381-1_18. The numbers equal those of Destatis's R package ptable
(``tests/unit/test_statistics_p_table.py``).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from receipt_service.errors import ConfigurationError

_PRECISION: Final = 1e-12
_CLOSE: Final = 1e-6
"""A variance no further above the smallest one than this share is taken for it."""
_STEEPEST: Final = 600.0
"""No score is steeper in sum: beyond it e^-x is nothing beside the largest term of a row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Noise:
    """What a perturbation table is made from. ``deviation`` and ``variance`` are kept secret where they can be."""

    deviation: int
    """D: the furthest that a shown count lies from the true one, in checks."""
    variance: float
    """V: the variance of the noise, in checks squared."""
    forbidden: int = 0
    """js: no count in 1…js is ever shown."""


@dataclass(frozen=True, slots=True)
class Row:
    """The distribution of the noise for one count: ``deviations`` ascend, and stand beside their ``probabilities``."""

    deviations: tuple[int, ...]
    probabilities: tuple[float, ...]

    @property
    def mean(self) -> float:
        """Mean of the noise, in checks."""
        return math.fsum(p * v for v, p in zip(self.deviations, self.probabilities, strict=True))

    @property
    def variance(self) -> float:
        """Variance of the noise, in checks squared."""
        mean = self.mean
        return math.fsum(p * (v - mean) ** 2 for v, p in zip(self.deviations, self.probabilities, strict=True))


def perturbation_table(noise: Noise) -> tuple[Row, ...]:
    """Return the rows of the counts 0, 1, 2…; the last one holds for all higher counts.

    A count in 1…js cannot have a smaller variance than i·(js+1-i), that of showing either 0 or js+1. Where V is
    smaller than that, its row has that variance. Raises ``ConfigurationError`` when V is not above 0, or when D ≤ js:
    then some counts in 1…js cannot reach both 0 and js+1, which unbiased noise must, and js+1 could not be perturbed.
    """
    if not noise.variance > 0 or noise.forbidden < 0 or noise.deviation <= noise.forbidden:
        raise ConfigurationError("noise needs a variance above 0, and a deviation above the last forbidden count")
    first_free = noise.deviation + noise.forbidden + (noise.forbidden > 0)
    return (Row((0,), (1.0,)), *(_row(count, noise) for count in range(1, first_free + 1)))


def least_variance(count: int, forbidden: int) -> int:
    """Return the smallest variance that unbiased noise on ``count`` can have when 1…``forbidden`` may not be shown."""
    return count * (forbidden + 1 - count) if 0 < count <= forbidden else 0


def _row(count: int, noise: Noise) -> Row:
    lowest, highest = max(0, count - noise.deviation), count + noise.deviation
    shown = [result for result in range(lowest, highest + 1) if not 0 < result <= noise.forbidden]
    deviations = np.array([result - count for result in shown])
    if noise.variance <= least_variance(count, noise.forbidden) * (1 + _CLOSE):
        up = noise.forbidden + 1
        return Row((-count, up - count), (1 - count / up, count / up))
    probabilities = _of_greatest_entropy(deviations, noise.variance)
    return Row(tuple(deviations.tolist()), tuple(probabilities.tolist()))


def _of_greatest_entropy(deviations: NDArray[np.int64], variance: float) -> NDArray[np.float64]:
    """Solve for the two multipliers: p(v) ∝ exp(tilt·v - curvature·v²), levelled where it would fall towards 0.

    The inner root makes the mean 0, the outer one the variance V. Without curvature the noise has all the variance
    that its mean and bound allow; where that is not above V there is nothing to solve.
    """
    furthest = float(np.abs(deviations).max())

    def at(curvature: float) -> NDArray[np.float64]:
        steepest = _STEEPEST / furthest + 2 * curvature * furthest

        def mean(tilt: float) -> float:
            return float(_distribution(deviations, tilt, curvature) @ deviations)

        return _distribution(deviations, _root(mean, -steepest, steepest), curvature)

    def excess(curvature: float) -> float:
        return float(at(curvature) @ deviations**2) - variance

    if excess(0.0) <= 0:
        return at(0.0)
    bound = 1 / variance
    while excess(bound) > 0:
        bound *= 2
    return at(_root(excess, 0.0, bound))


def _root(function: Callable[[float], float], low: float, high: float) -> float:
    return float(brentq(function, low, high, xtol=_PRECISION, rtol=4 * np.finfo(float).eps, maxiter=500))


def _distribution(deviations: NDArray[np.int64], tilt: float, curvature: float) -> NDArray[np.float64]:
    scores = tilt * deviations - curvature * deviations**2
    if (deviations == 0).any():
        rising = int(np.argmax(deviations == 0)) + 1
        scores = np.concatenate((_levelled(scores[:rising]), scores[rising:]))
    weights = np.exp(scores - scores.max())
    return np.asarray(weights / weights.sum())


def _levelled(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Pool adjacent violators: the non-falling sequence nearest to the scores.

    Under an entropy objective the probabilities of a pooled block share the geometric mean, hence the plain mean here.
    """
    blocks: list[tuple[float, int]] = []
    for score in scores.tolist():
        mean, size = score, 1
        while blocks and blocks[-1][0] > mean:
            before, many = blocks.pop()
            mean, size = (mean * size + before * many) / (size + many), size + many
        blocks.append((mean, size))
    return np.repeat([mean for mean, _ in blocks], [size for _, size in blocks])
