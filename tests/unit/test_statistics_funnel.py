"""The officer screen: what is expected of an officer, who is compared, and how often it points at the wrong one."""

import dataclasses

import numpy as np
import pytest
from scipy import stats
from scipy.integrate import quad
from scipy.special import expit, logit

from receipt_service.statistics.method import funnel
from receipt_service.statistics.method.funnel import (
    Comparison,
    Direction,
    OverDispersion,
    Reason,
    Stratum,
    Tally,
    screen,
)
from receipt_service.statistics.method.over_dispersion import (
    Funnel,
    additive,
    discoveries,
    multiplicative,
    two_sided,
    winsorise,
    winsorised_square,
)
from tests.support.simulated_officers import HONEST, SHARES, draw_force, false_share, league_table

IDENTITY = Stratum("identity_check", "A")
ROAD = Stratum("regulation", "A")


def alike(officers, tallies):
    return {f"{number:07}": dict(tallies) for number in range(officers)}


def entry(result, officer):
    return next(each for each in result.entries if each.officer == officer)


def funnel_of(checks, share, peers_variance=0.0):
    return Funnel(
        checks=np.array([float(checks)]),
        expected=np.array([checks * share]),
        information=np.array([checks * share * (1 - share)]),
        peers_variance=np.array([peers_variance]),
    )


def test_the_expected_number_is_the_others_share_on_the_officers_own_mix():
    work = alike(30, {IDENTITY: Tally(100, 10), ROAD: Tally(50, 20)})
    work["0000000"] = {IDENTITY: Tally(40, 39), ROAD: Tally(200, 0)}

    one = entry(screen(work), "0000000").comparison

    assert one.expected == pytest.approx(40 * 0.1 + 200 * 0.4)
    assert (one.checks, one.hits) == (240, 39)


def test_where_the_unit_is_too_small_the_family_stands_in_for_it():
    work = alike(30, {IDENTITY: Tally(100, 10)})
    work["0000000"] = {Stratum("identity_check", "B"): Tally(200, 60)}

    assert entry(screen(work), "0000000").comparison.expected == pytest.approx(200 * 0.1)


def test_checks_of_a_kind_that_nobody_else_does_are_left_out_on_both_sides():
    work = alike(30, {IDENTITY: Tally(100, 10)})
    work["0000000"] = {IDENTITY: Tally(100, 10), Stratum("search", "A"): Tally(70, 70)}

    found = entry(screen(work), "0000000")

    assert (found.checks, found.hits) == (170, 80)
    assert (found.comparison.checks, found.comparison.hits) == (100, 10)


@pytest.mark.parametrize(
    ("tallies", "reason", "shown"),
    [
        ({IDENTITY: Tally(49, 9)}, Reason.FEW_CHECKS, (None, None)),
        ({Stratum("search", "A"): Tally(80, 20)}, Reason.NO_PEERS, (80, 20)),
        ({IDENTITY: Tally(25, 2), Stratum("search", "A"): Tally(80, 20)}, Reason.NO_PEERS, (105, 22)),
    ],
)
def test_who_is_not_compared_is_told_why(tallies, reason, shown):
    work = alike(30, {IDENTITY: Tally(100, 20)})
    work["0000000"] = tallies

    found = entry(screen(work), "0000000")

    assert (found.reason, found.comparison, (found.checks, found.hits)) == (reason, None, shown)


def test_what_hardly_ever_happens_is_no_ground_for_a_comparison():
    result = screen(alike(30, {IDENTITY: Tally(100, 4)}))

    assert {each.reason for each in result.entries} == {Reason.NO_PEERS}


def test_a_few_officers_are_not_compared_with_each_other():
    result = screen(alike(19, {IDENTITY: Tally(100, 20)}))

    assert {each.reason for each in result.entries} == {Reason.FEW_OFFICERS}
    assert result.tau_squared is None


def test_one_who_finds_far_less_is_a_question_and_the_others_are_not():
    work = alike(40, {IDENTITY: Tally(300, 60)})
    work["0000007"] = {IDENTITY: Tally(300, 10)}

    result = screen(work)

    assert {each.officer: each.comparison.flag for each in result.entries if each.comparison.flag} == {
        "0000007": Direction.BELOW
    }
    assert [each.officer for each in result.entries] == sorted(work)


def test_there_is_nothing_to_rank_by():
    assert {field.name for field in dataclasses.fields(Comparison)} == {
        "checks",
        "hits",
        "expected",
        "lower",
        "upper",
        "flag",
    }


def test_hits_lie_between_nothing_and_all():
    with pytest.raises(ValueError, match="between"):
        Tally(3, 4)


@pytest.mark.parametrize(("checks", "share"), [(60, 0.1), (400, 0.15), (5000, 0.3)])
def test_without_honest_differences_the_funnel_is_the_binomial(checks, share):
    one = funnel_of(checks, share)
    law = stats.binom(checks, share)
    hits = np.array([float(round(checks * share * 0.8))])

    assert one.at_most(hits, 0.0)[0] == pytest.approx(law.cdf(hits[0]), rel=1e-6)
    assert [limit[0] for limit in one.limits(0.0)] == [law.ppf(0.025), law.ppf(0.975)]


@pytest.mark.parametrize(("checks", "share", "tau"), [(60, 0.1, 0.25), (400, 0.15, 0.4), (2000, 0.3, 0.25)])
def test_with_them_it_is_the_binomial_over_normal_log_odds(checks, share, tau):
    hits = round(checks * share * 0.7)
    centre = logit(share) - tau**2 * (1 - 2 * share) / 2

    def at(shift):
        return stats.norm.pdf(shift) * stats.binom.cdf(hits, checks, expit(centre + tau * shift))

    expected, _ = quad(at, -8, 8, limit=500)

    assert funnel_of(checks, share).at_most(np.array([float(hits)]), tau**2)[0] == pytest.approx(expected, rel=1e-3)


def test_what_is_not_known_of_the_peers_widens_the_funnel():
    sure, unsure = funnel_of(200, 0.2).limits(0.0), funnel_of(200, 0.2, peers_variance=60.0).limits(0.0)

    assert unsure[0][0] < sure[0][0]
    assert unsure[1][0] > sure[1][0]


def test_fewer_than_no_hits_have_no_chance():
    assert funnel_of(100, 0.2).at_most(np.array([-1.0]), 0.1)[0] == 0.0


def test_winsorising_pulls_in_the_ends_and_its_mean_square_is_known():
    scores = np.random.default_rng(5).standard_normal(200_000)

    assert np.abs(winsorise(scores)).max() < 1.3
    assert np.mean(winsorise(scores) ** 2) == pytest.approx(winsorised_square(), abs=0.01)
    assert multiplicative(scores) == pytest.approx(1.0, abs=0.02)
    assert additive(scores, np.ones(len(scores))) == pytest.approx(0.0, abs=0.02)


def test_variance_between_officers_is_found_again():
    random = np.random.default_rng(6)
    chance = random.uniform(0.02, 0.2, 50_000)
    scores = random.normal(0, np.sqrt(chance + 0.25**2)) / np.sqrt(chance)

    # Where chance differs this much, pulling in the ends takes a little of it away.
    assert additive(scores, chance) == pytest.approx(0.25**2, rel=0.1)


@pytest.mark.parametrize("rate", [0.0, 1.0, -0.1])
def test_a_rate_of_false_discoveries_is_a_share(rate):
    with pytest.raises(ValueError, match="between 0 and 1"):
        discoveries(np.array([0.5]), rate)


def test_two_sided_chances_are_those_of_the_normal_law():
    scores = np.array([-3.0, 0.0, 1.96])

    assert two_sided(scores) == pytest.approx(2 * stats.norm.sf(np.abs(scores)))


SEEDS = range(20)


def simulated(find, seeds=SEEDS):
    """Share of false discoveries and share of the low ones found, over the fixed seeds."""
    forces = [draw_force(seed) for seed in seeds]
    found = [find(force) for force in forces]
    false = np.mean([false_share(each, force) for each, force in zip(found, forces, strict=True)])
    power = np.mean([len(each & force.low) / len(force.low) for each, force in zip(found, forces, strict=True)])
    return float(false), float(power)


def flagged(force, **options):
    entries = screen(force.work, **options).entries
    return {each.officer for each in entries if each.comparison is not None and each.comparison.flag is not None}


def test_false_discoveries_are_as_rare_as_the_screen_says():
    false, power = simulated(flagged)

    assert false <= 0.15
    assert power >= 0.3


def test_a_league_table_points_mostly_at_the_wrong_officers():
    false, _ = simulated(league_table)

    assert false >= 0.5


def test_without_honest_differences_most_flags_are_false(monkeypatch):
    monkeypatch.setattr(funnel, "additive", lambda *_: 0.0)
    false, _ = simulated(flagged, SEEDS[:8])

    assert false >= 0.5


def test_one_factor_for_all_flags_too_many_where_volumes_differ():
    false, _ = simulated(lambda force: flagged(force, over_dispersion=OverDispersion.MULTIPLICATIVE), SEEDS[:8])

    assert false > 0.15


def test_the_honest_differences_are_estimated_as_they_were_drawn():
    estimates = [screen(draw_force(seed, low=0).work).tau_squared for seed in range(8)]

    assert np.sqrt(np.mean(estimates)) == pytest.approx(HONEST, abs=0.02)
    assert len(SHARES) == 3
