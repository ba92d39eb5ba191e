"""The funnel around an expected number of hits, and how wide honest differences between officers make it.

Numbers in, numbers out: who and what they stand for is ``funnel``'s. Sources: Spiegelhalter 2005, 10.1002/sim.1970, for
z scores, winsorising and the two models; DerSimonian and Laird, Controlled Clinical Trials 7 (1986), for τ²; Benjamini
and Hochberg, JRSS B 57 (1995), for ``discoveries``.
"""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtr, expit, logit, ndtr, ndtri

Floats = NDArray[np.float64]

WINSORISED: Final = 0.1
"""Share of the scores at each end that is pulled in before over-dispersion is estimated (Spiegelhalter 2005, §3.3)."""
_STEP: Final = 0.25
_NODES: Final = np.arange(-6.0, 6.0 + _STEP / 2, _STEP)
_WEIGHTS: Final = np.exp(-(_NODES**2) / 2) / np.exp(-(_NODES**2) / 2).sum()
"""The trapezoidal rule for a mean over a standard normal variable: tail areas right to 1 in 1000 up to 10,000 checks,
where the Gauss-Hermite rule with as many nodes is a tenth off."""
_LEAST_CHANCE: Final = 1e-15
_OUTSIDE: Final = 0.025


@dataclass(frozen=True, slots=True)
class Funnel:
    """How many hits each of several officers may have, chance and honest differences allowed for.

    The number is binomial with log odds that vary normally between officers, by τ² and by what is not known of the
    peers. Not the normal law for the number itself: shares lie near 0, where it is too narrow on one side.
    """

    checks: Floats
    expected: Floats
    information: Floats
    peers_variance: Floats

    @property
    def log_odds_variance(self) -> Floats:
        """Variance of an officer's log odds by chance alone, the officer's and the peers'."""
        return (self.information + self.peers_variance) / self.information**2

    def at_most(self, hits: Floats, tau_squared: float) -> Floats:
        """Return the chance of at most so many hits, for each officer; 0 below none."""
        share = self.expected / self.checks
        # A mix of kinds of check answers less to a change of log odds than its mean share alone would.
        mixture = self.information / (self.checks * share * (1 - share))
        variance = mixture**2 * (tau_squared + self.peers_variance / self.information**2)
        centre = logit(share) - variance * (1 - 2 * share) / 2  # so that the mean stays the expected number
        shares = expit(centre[:, None] + np.sqrt(variance)[:, None] * _NODES)
        whole = self.checks.astype(np.int64)[:, None]
        chance = bdtr(np.maximum(hits, 0)[:, None], whole, shares) @ _WEIGHTS
        counted: Floats = np.where(hits < 0, 0.0, chance)
        return counted

    def scores(self, hits: Floats) -> Floats:
        """Return each officer's z score when there are no honest differences: standard normal, near enough."""
        middle = (self.at_most(hits, 0.0) + self.at_most(hits - 1, 0.0)) / 2
        score: Floats = ndtri(np.clip(middle, _LEAST_CHANCE, 1 - _LEAST_CHANCE))
        return score

    def chances(self, hits: Floats, tau_squared: float) -> Floats:
        """Return the two-sided p-value of each number of hits: twice the smaller tail, the number itself in it."""
        below, above = self.at_most(hits, tau_squared), 1 - self.at_most(hits - 1, tau_squared)
        chance: Floats = np.minimum(1.0, 2 * np.minimum(below, above))
        return chance

    def limits(self, tau_squared: float) -> tuple[Floats, Floats]:
        """Return the fewest and the most hits outside of which, on each side, at most 2.5 % lie."""
        return self._quantile(_OUTSIDE, tau_squared), self._quantile(1 - _OUTSIDE, tau_squared)

    def _quantile(self, share: float, tau_squared: float) -> Floats:
        """Find by halving the fewest hits whose chance of at most so many reaches ``share``."""
        low, high = np.zeros(len(self.checks)), self.checks.astype(np.float64)
        while np.any(low < high):
            middle = np.floor((low + high) / 2)
            reached = self.at_most(middle, tau_squared) >= share
            high = np.where(reached, middle, high)
            low = np.where(reached, low, np.minimum(middle + 1, high))
        return low


def winsorise(scores: Floats, share: float = WINSORISED) -> Floats:
    """Pull the lowest and the highest ``share`` of the scores in to the quantiles there.

    So the few who really differ don't widen the funnel that is to find them.
    """
    low, high = np.quantile(scores, [share, 1 - share])
    pulled: Floats = np.clip(scores, low, high)
    return pulled


def winsorised_square(share: float = WINSORISED) -> float:
    """Return the mean square that winsorised standard normal scores have: 0.68 at a share of 0.1.

    Spiegelhalter takes it for 1, which makes the limits a fifth too narrow where everybody is honest.
    """
    edge = float(ndtri(1 - share))
    density = math.exp(-(edge**2) / 2) / math.sqrt(2 * math.pi)
    return (1 - 2 * share) - 2 * edge * density + 2 * share * edge**2


def multiplicative(scores: Floats) -> float:
    """Estimate φ, the factor by which the scores vary more than chance alone would have them; 1 is chance."""
    return float(np.mean(winsorise(scores) ** 2)) / winsorised_square()


def additive(scores: Floats, variances: Floats) -> float:
    """Estimate τ², the variance between officers beyond chance, by the moments of DerSimonian and Laird; 0 or more.

    ``variances`` are those of chance alone, on the scale on which τ² is wanted.
    """
    weights = 1 / variances
    excess = len(scores) * multiplicative(scores) - (len(scores) - 1)
    return max(0.0, excess / float(weights.sum() - (weights**2).sum() / weights.sum()))


def two_sided(scores: Floats) -> Floats:
    """Return the chance of a score as far from 0 as each, either way, under the standard normal law."""
    chance: Floats = 2 * ndtr(-np.abs(scores))
    return chance


def discoveries(chances: Floats, rate: float) -> NDArray[np.bool_]:
    """Tell which p-values are discoveries at a false discovery rate: the step-up rule of Benjamini and Hochberg.

    Raises ``ValueError`` unless 0 < rate < 1.
    """
    if not 0 < rate < 1:
        raise ValueError("a false discovery rate lies between 0 and 1")
    count = len(chances)
    ordered = np.sort(chances)
    kept = np.flatnonzero(ordered <= rate * np.arange(1, count + 1) / max(count, 1))
    found: NDArray[np.bool_] = chances <= (ordered[kept[-1]] if len(kept) else -1.0)
    return found
