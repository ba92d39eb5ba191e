"""The officer screen: whose results differ from what colleagues with the same work show, by more than chance and habit.

For each officer: how many checks, how many of them led to something, and how many would have, had every kind of check
(legal basis family x unit) gone as it goes for the *other* officers. The difference is held against a funnel whose
width allows for chance and for the honest differences between officers (over-dispersion), and the level is corrected
for the number of officers looked at (false discovery rate). Ranking officers by their share, which is the obvious
thing to do, points mostly at people who did nothing unusual (docs/officer-screen.md gives the figures).

What it cannot show: why a result differs. Nothing in it decides anything.

Sources: Spiegelhalter, "Funnel plots for comparing institutional performance", Statistics in Medicine 24 (2005),
10.1002/sim.1970; DerSimonian and Laird, Controlled Clinical Trials 7 (1986); Benjamini and Hochberg, JRSS B 57 (1995);
Ridgeway and MacDonald, JASA 104 (2009), for the use on police stops.
"""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple

import numpy as np

from receipt_service.statistics.method.over_dispersion import (
    Floats,
    Funnel,
    additive,
    discoveries,
    multiplicative,
    two_sided,
)

MINIMUM_CHECKS: Final = 50
"""An officer with fewer checks in the period is not compared: neither count nor share says anything yet."""
MINIMUM_EXPECTED: Final = 5.0
"""Fewest expected hits, and fewest expected checks without one: below, even no hit at all would say nothing."""
MINIMUM_OFFICERS: Final = 20
"""Fewest comparable officers for a screen: from fewer, the honest differences between them can't be estimated."""
PEER_CHECKS: Final = 100
"""Fewest checks of others from which the usual share of a kind of check is taken."""
PEERS: Final = 3
"""Fewest other officers behind those checks."""
FALSE_DISCOVERY_RATE: Final = 0.05


class Stratum(NamedTuple):
    """One kind of check: only checks of one kind are compared with each other."""

    family: str
    """Family of the legal basis."""
    unit: str


@dataclass(frozen=True, slots=True)
class Tally:
    """What an officer did of one kind: ``checks``, of which ``hits`` led to something. True counts."""

    checks: int
    hits: int

    def __post_init__(self) -> None:
        """Raise ``ValueError`` unless 0 ≤ hits ≤ checks."""
        if not 0 <= self.hits <= self.checks:
            raise ValueError("hits lie between 0 and checks")


Work = Mapping[str, Mapping[Stratum, Tally]]
"""By officer number."""


class OverDispersion(StrEnum):
    """How the honest differences between officers widen the funnel."""

    ADDITIVE = "additive"
    """A variance τ² between officers, the same for all, on the scale of log odds: it doesn't shrink with volume, so a
    busy officer isn't flagged for an ordinary difference. Estimated as DerSimonian and Laird do. What is used."""
    MULTIPLICATIVE = "multiplicative"
    """Every variance times φ. Kept for comparison: where volumes differ it is too wide for those who checked little
    and too narrow for those who checked much, and flags them wrongly (docs/officer-screen.md)."""


class Direction(StrEnum):
    """Which side of the funnel an officer lies on."""

    BELOW = "below"
    ABOVE = "above"


class Reason(StrEnum):
    """Why an officer is not compared."""

    FEW_CHECKS = "few_checks"
    """Fewer than ``MINIMUM_CHECKS`` in the period: not even the counts are given."""
    NO_PEERS = "no_peers"
    """Hardly anybody else does the same work, or the usual share is too near 0 or 1."""
    FEW_OFFICERS = "few_officers"
    """Fewer than ``MINIMUM_OFFICERS`` could be compared, so nobody is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What colleagues' shares would have given on an officer's checks, beside what came of them.

    ``checks`` and ``hits`` are those of kinds that others do too. ``lower`` and ``upper`` are the fewest and the most
    hits that 95 % of officers without anything unusual have, honest differences included. There is no score here, on
    purpose: nothing to rank by.
    """

    checks: int
    hits: int
    expected: float
    lower: int
    upper: int
    flag: Direction | None
    """Beyond what chance, habit and the number of officers looked at explain. A question, not a finding."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One officer: true counts and the comparison, or why not."""

    officer: str
    checks: int | None
    """None where there are too few to show."""
    hits: int | None
    comparison: Comparison | None = None
    reason: Reason | None = None
    """Given exactly when there is no comparison."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Screen:
    """The result, in the order of officer numbers.

    ``phi`` and ``tau_squared`` are the two estimates of over-dispersion, whichever of them was used; None where too few
    officers could be compared.
    """

    entries: tuple[Entry, ...]
    over_dispersion: OverDispersion
    phi: float | None = None
    tau_squared: float | None = None


@dataclass(frozen=True, slots=True)
class _Expected:
    """An officer beside their peers.

    ``information`` is Σ n r(1 - r) over the kinds of check, ``peers_variance`` what the peers' own chance adds to it.
    """

    officer: str
    checks: int
    hits: int
    expected: float
    information: float
    peers_variance: float


class _Peers:
    """What all officers together did, by kind of check and by family; asked without the officer in question."""

    def __init__(self, work: Work) -> None:
        self._by_stratum: dict[Stratum, list[int]] = defaultdict(lambda: [0, 0, 0])
        self._by_family: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
        for tallies in work.values():
            for stratum, tally in tallies.items():
                _add(self._by_stratum[stratum], tally.checks, tally.hits)
            for family, (checks, hits) in _families(tallies).items():
                _add(self._by_family[family], checks, hits)

    def share(self, stratum: Stratum, own: Tally, own_family: tuple[int, int]) -> tuple[float, int] | None:
        """Return the share of hits among others' checks of the kind, and how many checks that rests on.

        Of the same unit; where others did too few there, of the same family in all units at hand; None where that is
        too few as well.
        """
        for (checks, hits, officers), (mine, my_hits) in (
            (self._by_stratum[stratum], (own.checks, own.hits)),
            (self._by_family[stratum.family], own_family),
        ):
            if checks - mine >= PEER_CHECKS and officers - 1 >= PEERS:
                return (hits - my_hits) / (checks - mine), checks - mine
        return None


def _add(sums: list[int], checks: int, hits: int) -> None:
    sums[0] += checks
    sums[1] += hits
    sums[2] += checks > 0


def _families(tallies: Mapping[Stratum, Tally]) -> dict[str, tuple[int, int]]:
    sums: dict[str, tuple[int, int]] = {}
    for stratum, tally in tallies.items():
        checks, hits = sums.get(stratum.family, (0, 0))
        sums[stratum.family] = (checks + tally.checks, hits + tally.hits)
    return sums


def _expect(officer: str, tallies: Mapping[Stratum, Tally], peers: _Peers) -> _Expected:
    """Standardise indirectly: apply the peers' share of each kind of check to the officer's own number of them.

    Checks of a kind that nobody else does are left out, on both sides.
    """
    families = _families(tallies)
    checks = hits = 0
    expected = information = peers_variance = 0.0
    for stratum, own in sorted(tallies.items()):
        found = peers.share(stratum, own, families[stratum.family])
        if found is None:
            continue
        share, basis = found
        spread = share * (1 - share)
        checks += own.checks
        hits += own.hits
        expected += own.checks * share
        information += own.checks * spread
        peers_variance += own.checks**2 * spread / basis
    return _Expected(officer, checks, hits, expected, information, peers_variance)


def _is_comparable(one: _Expected) -> bool:
    likely_both_ways = MINIMUM_EXPECTED <= one.expected <= one.checks - MINIMUM_EXPECTED
    return one.checks >= MINIMUM_CHECKS and likely_both_ways and one.information >= 1


def screen(
    work: Work,
    *,
    over_dispersion: OverDispersion = OverDispersion.ADDITIVE,
    false_discovery_rate: float = FALSE_DISCOVERY_RATE,
) -> Screen:
    """Compare every officer with enough checks with the others, and flag whom chance and habit don't explain.

    ``false_discovery_rate`` is the expected share of flags that point at nothing unusual.
    """
    peers = _Peers(work)
    expected = {
        officer: _expect(officer, tallies, peers)
        for officer, tallies in sorted(work.items())  # always in one order, since sums of fractions depend on it
        if sum(tally.checks for tally in tallies.values()) >= MINIMUM_CHECKS
    }
    comparable = [one for one in expected.values() if _is_comparable(one)]
    if len(comparable) < MINIMUM_OFFICERS:
        entries = tuple(_entry(officer, work[officer], expected, {}) for officer in sorted(work))
        return Screen(entries=entries, over_dispersion=over_dispersion)
    funnel, scores = _funnel(comparable)
    phi, tau_squared = multiplicative(scores), additive(scores, funnel.log_odds_variance)
    if over_dispersion is OverDispersion.ADDITIVE:
        chances = funnel.chances(_hits(comparable), tau_squared)
    else:
        chances = two_sided(scores / math.sqrt(max(1.0, phi)))
    flagged = discoveries(chances, false_discovery_rate)
    comparisons = _comparisons(comparable, funnel, tau_squared, flagged.tolist())
    return Screen(
        entries=tuple(_entry(officer, work[officer], expected, comparisons) for officer in sorted(work)),
        over_dispersion=over_dispersion,
        phi=phi,
        tau_squared=tau_squared,
    )


def _hits(candidates: Sequence[_Expected]) -> Floats:
    return np.array([one.hits for one in candidates], dtype=np.float64)


def _funnel(candidates: Sequence[_Expected]) -> tuple[Funnel, Floats]:
    """Return the funnel of the officers and their z scores in it."""
    funnel = Funnel(
        checks=np.array([one.checks for one in candidates], dtype=np.float64),
        expected=np.array([one.expected for one in candidates]),
        information=np.array([one.information for one in candidates]),
        peers_variance=np.array([one.peers_variance for one in candidates]),
    )
    return funnel, funnel.scores(_hits(candidates))


def _comparisons(
    candidates: Sequence[_Expected], funnel: Funnel, tau_squared: float, flagged: Sequence[bool]
) -> dict[str, Comparison]:
    lower, upper = funnel.limits(tau_squared)
    return {
        one.officer: Comparison(
            checks=one.checks,
            hits=one.hits,
            expected=one.expected,
            lower=int(low),
            upper=int(high),
            flag=_direction(one) if flag else None,
        )
        for one, low, high, flag in zip(candidates, lower, upper, flagged, strict=True)
    }


def _direction(one: _Expected) -> Direction:
    return Direction.BELOW if one.hits < one.expected else Direction.ABOVE


def _entry(
    officer: str,
    tallies: Mapping[Stratum, Tally],
    expected: Mapping[str, _Expected],
    comparisons: Mapping[str, Comparison],
) -> Entry:
    if officer not in expected:
        return Entry(officer=officer, checks=None, hits=None, reason=Reason.FEW_CHECKS)
    checks = sum(tally.checks for tally in tallies.values())
    hits = sum(tally.hits for tally in tallies.values())
    if officer in comparisons:
        return Entry(officer=officer, checks=checks, hits=hits, comparison=comparisons[officer])
    reason = Reason.FEW_OFFICERS if _is_comparable(expected[officer]) else Reason.NO_PEERS
    return Entry(officer=officer, checks=checks, hits=hits, reason=reason)
