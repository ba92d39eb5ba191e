"""Officers whose habits are known: honest differences between them, and a few who truly find less than the others."""

from dataclasses import dataclass
from itertools import islice

import numpy as np
from scipy.special import expit, logit

from receipt_service.statistics.method.funnel import Stratum, Tally

SHARES = {"identity_check": 0.12, "regulation": 0.25, "search": 0.30}
HONEST = 0.25
"""Standard deviation of the log odds between officers who do nothing unusual."""


@dataclass(frozen=True)
class Force:
    """What 800 officers did, and which of them truly find less."""

    work: dict[str, dict[Stratum, Tally]]
    low: frozenset[str]


def draw_force(
    seed: int, *, officers: int = 800, low: int = 20, less: float = 1.1, units: int = 20, checks: float = 250
) -> Force:
    """Draw officers of several units; ``less`` is how much the log odds of the low ones are lower (1.1: a third)."""
    random = np.random.default_rng(seed)
    numbers = [f"{1_000_000 + place}" for place in range(officers)]
    below = frozenset(random.choice(numbers, low, replace=False).tolist())
    of_unit = random.normal(0, 0.3, units)
    work = {}
    for place, number in enumerate(numbers):
        habit = random.normal(0, HONEST) - (less if number in below else 0)
        volume = random.lognormal(np.log(checks), 0.7)
        tallies = {}
        for (family, share), part in zip(SHARES.items(), random.dirichlet([4, 3, 1]), strict=True):
            done = int(random.poisson(volume * part))
            hits = int(random.binomial(done, expit(logit(share) + of_unit[place % units] + habit)))
            if done:
                tallies[Stratum(family, f"U{place % units:02}")] = Tally(done, hits)
        work[number] = tallies
    return Force(work, below)


def league_table(force: Force, share: float = 0.05) -> set[str]:
    """The obvious thing: the officers with the lowest share of hits, the bottom 5 % of those with 50 checks or more."""
    totals = {
        number: (sum(t.checks for t in tallies.values()), sum(t.hits for t in tallies.values()))
        for number, tallies in force.work.items()
    }
    enough = {number: hits / checks for number, (checks, hits) in totals.items() if checks >= 50}
    return set(islice(sorted(enough, key=enough.__getitem__), round(share * len(enough))))


def false_share(found: set[str], force: Force) -> float:
    """Which part of those pointed at had nothing unusual; 0 where nobody was pointed at."""
    return len(found - force.low) / len(found) if found else 0.0
