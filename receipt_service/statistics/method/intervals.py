"""Rates with an interval that allows for chance and for the noise of the protection.

The checks of a period are all there are, not a sample of them. The interval reads them as what a stable way of working
gave this time: it says how far another period of the same work could differ by chance. Noise comes on top, since
numerator and denominator are both shown perturbed.
"""

from math import sqrt
from statistics import NormalDist
from typing import Final, NamedTuple

LEAST_DENOMINATOR: Final = 100
"""No rate is given of fewer checks: at a noise of variance 3 its noise alone has a standard error of 1.7 points."""
CONFIDENCE: Final = 0.95


class Rate(NamedTuple):
    """A share and its interval, each from 0 to 1."""

    share: float
    low: float
    high: float


def rate(numerator: int, denominator: int, *, noise_variance: float, confidence: float = CONFIDENCE) -> Rate | None:
    """Return the share of ``numerator`` in ``denominator``, both perturbed; None below ``LEAST_DENOMINATOR``.

    The interval is Wilson's, widened: to the variance of its half-width that of the noise is added, V·(1 + R²)/b² for
    the share R of b checks, since the noises of the two counts are independent. ``noise_variance`` is V, in checks
    squared, the larger one if they differ. Noise can lift a numerator above its denominator; the share is then 1.
    Raises ``ValueError`` for a negative count, a negative variance, or a confidence outside 0…1.

    Source: E. B. Wilson, J. Am. Stat. Assoc. 22 (1927) 209-212; the variance of a ratio by the delta method.
    """
    if numerator < 0 or noise_variance < 0 or not 0 < confidence < 1:
        raise ValueError("counts and variances are not negative, a confidence lies between 0 and 1")
    if denominator < LEAST_DENOMINATOR:
        return None
    share = min(1.0, numerator / denominator)
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    shrunk = 1 + z * z / denominator
    centre = (share + z * z / (2 * denominator)) / shrunk
    chance = z / shrunk * sqrt(share * (1 - share) / denominator + (z / (2 * denominator)) ** 2)
    noise = z * noise_error(share, denominator, noise_variance)
    half = sqrt(chance**2 + noise**2)
    return Rate(share, max(0.0, centre - half), min(1.0, centre + half))


def noise_error(share: float, denominator: int, noise_variance: float) -> float:
    """Return the standard error of a share that the noise alone causes: √(V·(1 + R²))/b, between 0 and 1."""
    return sqrt(noise_variance * (1 + share**2)) / denominator
