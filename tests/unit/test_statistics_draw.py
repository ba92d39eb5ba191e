"""A committed draw: the same for everybody who repeats it, fair, and its tests those of statsmodels and scipy."""

import hashlib

import numpy as np
import pytest
from scipy.stats import chisquare
from statsmodels.sandbox.stats.runs import runstest_1samp

from receipt_service.statistics.method.draw import (
    Draw,
    Significance,
    adherence,
    commitment,
    drawn_numbers,
    goodness_of_fit,
    runs_test,
)

SEED = bytes(range(32))
DRAW = Draw(seed=SEED, one_in=8, passers=4000)


def test_numbers_follow_from_the_seed_alone():
    by_hand = [
        number
        for number in range(1, 4001)
        if int.from_bytes(hashlib.sha256(SEED + number.to_bytes(8, "big")).digest()[:8], "big") % 8 == 0
    ]

    assert list(drawn_numbers(DRAW)) == by_hand
    assert commitment(SEED) == hashlib.sha256(SEED).hexdigest()


def test_draw_takes_one_in_m_without_a_pattern():
    numbers = drawn_numbers(DRAW)
    inside = np.bincount(np.array(numbers) * 20 // 4001, minlength=20)

    assert len(numbers) == pytest.approx(500, abs=3 * (500 * 7 / 8) ** 0.5)
    assert chisquare(inside).pvalue > 0.001
    assert drawn_numbers(Draw(seed=SEED, one_in=1, passers=5)) == (1, 2, 3, 4, 5)


def test_checks_that_follow_the_draw():
    found = adherence(DRAW, drawn_numbers(DRAW))

    assert (found.followed, found.covered, found.drawn) == (1, 1, len(drawn_numbers(DRAW)))
    assert found.evenness == Significance(0, 1)
    assert found.skipping is None


def test_shares_count_what_was_drawn_and_what_was_not():
    due = drawn_numbers(DRAW)
    not_due = [number for number in range(1, 4001) if number not in set(due)]
    found = adherence(DRAW, [*due[:300], *due[:10], *not_due[:100], 0, 99_999])

    assert found.followed == pytest.approx(300 / 402)
    assert found.covered == pytest.approx(300 / len(due))


def test_operation_that_gave_up_half_way_shows_in_both_tests():
    due = drawn_numbers(DRAW)
    found = adherence(DRAW, due[: len(due) // 2])

    assert found.evenness is not None
    assert found.evenness.p_value < 1e-6
    assert found.skipping is not None
    assert found.skipping.statistic < 0
    assert found.skipping.p_value < 1e-6


def test_skipping_here_and_there_passes_for_chance():
    random = np.random.default_rng(20261124)
    due = drawn_numbers(DRAW)
    rejected = {"evenness": 0, "skipping": 0}
    for _ in range(200):
        found = adherence(DRAW, [number for number in due if random.random() < 0.8])
        assert found.evenness is not None and found.skipping is not None  # noqa: PT018 - one fact
        rejected["evenness"] += found.evenness.p_value < 0.05
        rejected["skipping"] += found.skipping.p_value < 0.05

    assert rejected["evenness"] <= 2
    assert 2 <= rejected["skipping"] <= 20


def test_too_little_is_not_tested():
    found = adherence(Draw(seed=SEED, one_in=10**9, passers=3), [])

    assert found == adherence(Draw(seed=SEED, one_in=10**9, passers=3), set())
    assert (found.drawn, found.followed, found.covered, found.evenness, found.skipping) == (0, None, None, None, None)
    assert adherence(DRAW, drawn_numbers(DRAW)[:9]).evenness is None


@pytest.mark.parametrize("seed", range(6))
def test_runs_test_is_that_of_statsmodels(seed):
    random = np.random.default_rng(seed)
    marks = random.random(40 + 50 * seed) < 0.2 + 0.1 * seed
    z, p_value = runstest_1samp(marks.astype(int), cutoff=0.5, correction=False)
    found = runs_test(marks.tolist())

    assert found is not None
    assert found.statistic == pytest.approx(z)
    assert found.p_value == pytest.approx(p_value)


@pytest.mark.parametrize("marks", [[], [True], [True, True, True], [True, False]])
def test_runs_of_one_kind_say_nothing(marks):
    assert runs_test(marks) is None


def test_goodness_of_fit_is_that_of_scipy():
    observed, expected = [12, 9, 31, 20], [10, 20, 30, 12]
    theirs = chisquare(observed, np.array(expected) * sum(observed) / sum(expected))

    assert goodness_of_fit(observed, expected) == pytest.approx(Significance(theirs.statistic, theirs.pvalue))
    assert goodness_of_fit([0, 0], [1, 1]) == Significance(0, 1)


@pytest.mark.parametrize(("observed", "expected"), [([1], [1]), ([1, 2], [1, 0])])
def test_fit_to_nothing_is_refused(observed, expected):
    with pytest.raises(ValueError, match="two classes"):
        goodness_of_fit(observed, expected)


@pytest.mark.parametrize(("seed", "one_in", "passers"), [(b"short", 8, 10), (SEED, 0, 10), (SEED, 8, 0)])
def test_no_draw_without_seed_rule_and_numbers(seed, one_in, passers):
    with pytest.raises(ValueError, match="a draw has"):
        Draw(seed=seed, one_in=one_in, passers=passers)
