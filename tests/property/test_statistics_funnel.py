"""What holds for the officer screen whatever officers did, and the peers that its corrections are held against."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import false_discovery_control
from statsmodels.stats.multitest import multipletests

from receipt_service.statistics.method.funnel import MINIMUM_CHECKS, Direction, Reason, Stratum, Tally, screen
from receipt_service.statistics.method.over_dispersion import discoveries, winsorise

families = st.sampled_from(["identity_check", "search", "regulation"])
strata = st.builds(Stratum, families, st.sampled_from(["A", "B"]))
tallies = st.integers(0, 400).flatmap(lambda checks: st.builds(Tally, st.just(checks), st.integers(0, checks)))
numbers = st.integers(0, 9_999_999).map("{:07}".format)
forces = st.dictionaries(numbers, st.dictionaries(strata, tallies, max_size=4), max_size=45)
chances = st.lists(st.floats(0, 1), min_size=1, max_size=60).map(np.array)


@given(chances, st.floats(0.001, 0.5))
def test_discoveries_are_statsmodels_and_scipys(values, rate):
    found = discoveries(values, rate)

    assert found.tolist() == multipletests(values, alpha=rate, method="fdr_bh")[0].tolist()
    adjusted = false_discovery_control(values)
    certain = np.abs(adjusted - rate) > 1e-9  # on the edge the order of roundings decides
    assert found[certain].tolist() == (adjusted <= rate)[certain].tolist()


@given(forces)
def test_every_officer_stands_once_in_the_order_of_numbers(work):
    entries = screen(work).entries

    assert [entry.officer for entry in entries] == sorted(work)


@given(forces)
def test_few_checks_show_nothing_and_the_rest_true_counts(work):
    for entry in screen(work).entries:
        done = sum(tally.checks for tally in work[entry.officer].values())
        hits = sum(tally.hits for tally in work[entry.officer].values())
        assert (entry.reason is None) == (entry.comparison is not None)
        assert (entry.reason is Reason.FEW_CHECKS) == (done < MINIMUM_CHECKS)
        assert (entry.checks, entry.hits) == ((None, None) if done < MINIMUM_CHECKS else (done, hits))


@given(forces)
def test_a_flag_lies_outside_the_limits_on_the_side_that_it_says(work):
    for entry in screen(work).entries:
        one = entry.comparison
        if one is not None:
            assert 0 <= one.lower <= one.upper <= one.checks
            assert 0 <= one.hits <= one.checks
            if one.flag is Direction.BELOW:
                assert one.hits < one.lower
            elif one.flag is Direction.ABOVE:
                assert one.hits > one.upper


@given(forces.flatmap(lambda work: st.tuples(st.just(work), st.permutations(list(work)))))
def test_the_order_in_which_officers_come_changes_nothing(drawn):
    work, order = drawn

    assert screen({officer: work[officer] for officer in order}) == screen(work)


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=50).map(np.array))
def test_winsorising_moves_only_inwards(scores):
    pulled = winsorise(scores)

    assert np.all((pulled == scores) | (np.abs(pulled - np.median(scores)) <= np.abs(scores - np.median(scores))))
