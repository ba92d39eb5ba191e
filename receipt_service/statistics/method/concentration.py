"""Concentration of checks in places and hours: how uneven they are, compared with what, and with what chance makes.

None of these figures says whether concentration is justified, and none sees who was checked. Evenness is no virtue in
itself: checks follow tasks, requisitions and people. What they show is where to ask.
"""

from collections.abc import Sequence
from typing import NamedTuple

from scipy.special import chdtr, chdtrc


class Dispersion(NamedTuple):
    """Counts of like parts, held against chance."""

    ratio: float
    """Variance over mean, the noise taken out: 1 under chance, above 1 clustered, below 1 more even than chance."""
    clustered: float
    """Probability that chance alone gives counts at least as uneven."""
    even: float
    """Probability that chance alone gives counts at most as uneven."""


def gini(counts: Sequence[float]) -> float:
    """Return the Gini coefficient of the counts of places: 0 if all have the same, (n - 1)/n if one of n has all.

    Cannot show: whether the uneven places have more people, crime or stations; it compares places by their number
    alone, so it depends on how they are cut. With few checks it is above 0 by chance, and the noise adds to that.
    Raises ``ValueError`` without a count above 0, or with one below.

    Source: C. Gini, Variabilità e mutabilità, 1912; as Σ (2i - n - 1)·x of the ascending x, over n·Σ x.
    """
    total = sum(counts)
    if total <= 0 or min(counts) < 0:
        raise ValueError("a concentration is one of something, and no count is negative")
    places = len(counts)
    weighted = sum((2 * rank - places - 1) * count for rank, count in enumerate(sorted(counts), start=1))
    return weighted / (places * total)


def location_quotient(part: float, whole: float, reference_part: float, reference_whole: float) -> float:
    """Return how many times as frequent something is here as in the reference: a share over a share.

    For instance night checks among a unit's checks, over night checks among all checks of its département. 1 is the
    same share. Cannot show: what is due to the unit's tasks, nor anything where the counts are small, since the noise
    of four counts is in it. Raises ``ValueError`` unless whole, reference part and reference whole are above 0.

    Source: the location quotient of regional analysis (P. S. Florence, 1939).
    """
    if whole <= 0 or reference_part <= 0 or reference_whole <= 0 or part < 0:
        raise ValueError("a location quotient needs checks here, and in the reference some of the kind")
    return part / whole / (reference_part / reference_whole)


def variance_to_mean(counts: Sequence[float], *, noise_variance: float = 0.0) -> Dispersion:
    """Hold the counts of like parts (weeks, equal hour bands, like places) against a Poisson law of one rate.

    Under chance (m - 1)·s²/(mean + V) follows a χ² law of m - 1 degrees of freedom, nearly so when the mean is 5 or
    more; V is the variance of the noise, in checks squared. Cannot show: why checks come in clusters. One operation of
    many checks is a cluster, so is a Saturday night; parts of unlike length or traffic are never one rate. With few
    parts a true cluster passes for chance. Raises ``ValueError`` for fewer than two parts, a negative count, or none
    above 0.

    Source: R. A. Fisher, Statistical Methods for Research Workers, 1925, § 16, the index of dispersion.
    """
    parts, total = len(counts), sum(counts)
    if parts < 2 or total <= 0 or min(counts) < 0 or noise_variance < 0:  # noqa: PLR2004 - one part varies from nothing
        raise ValueError("dispersion needs two parts and a check, and no count is negative")
    mean = total / parts
    square = sum((count - mean) ** 2 for count in counts)
    statistic = square / (mean + noise_variance)
    return Dispersion(
        ratio=max(0.0, square / (parts - 1) - noise_variance) / mean,
        clustered=float(chdtrc(parts - 1, statistic)),
        even=float(chdtr(parts - 1, statistic)),
    )
