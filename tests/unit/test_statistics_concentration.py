"""Concentration against values worked out by hand, and against chance simulated."""

import numpy as np
import pytest
from scipy.stats import chi2

from receipt_service.statistics.method.concentration import gini, location_quotient, variance_to_mean


@pytest.mark.parametrize(
    ("counts", "expected"),
    [([5, 5, 5, 5], 0), ([0, 0, 0, 12], 3 / 4), ([1, 3], 1 / 4), ([1, 2, 3, 4], 1 / 4), ([7], 0)],
)
def test_gini_by_hand(counts, expected):
    assert gini(counts) == pytest.approx(expected)
    assert gini(counts[::-1]) == pytest.approx(expected)


def test_gini_is_half_the_relative_mean_difference():
    counts = np.random.default_rng(5).integers(0, 400, 60)
    mean_difference = np.abs(counts[:, None] - counts[None, :]).mean()

    assert gini(counts.tolist()) == pytest.approx(mean_difference / (2 * counts.mean()))


def test_location_quotient_is_a_share_over_a_share():
    assert location_quotient(30, 100, 100, 1000) == pytest.approx(3)
    assert location_quotient(0, 100, 100, 1000) == 0


def test_dispersion_by_hand():
    """Counts 8, 10, 12: mean 10, variance 4; Σ (x - 10)² / 10 = 0.8 on 2 degrees of freedom."""
    found = variance_to_mean([8, 10, 12])

    assert found.ratio == pytest.approx(0.4)
    assert found.clustered == pytest.approx(chi2.sf(0.8, 2))
    assert found.even == pytest.approx(chi2.cdf(0.8, 2))


def test_noise_is_taken_out_of_the_variance():
    found = variance_to_mean([8, 10, 12], noise_variance=3)

    assert found.ratio == pytest.approx((4 - 3) / 10)
    assert found.clustered == pytest.approx(chi2.sf(8 / 13, 2))
    assert variance_to_mean([10, 10], noise_variance=3).ratio == 0


def test_chance_is_called_clustered_in_five_of_a_hundred_years():
    random = np.random.default_rng(20261124)
    p_values = np.array([variance_to_mean(random.poisson(30, 52).tolist()).clustered for _ in range(2000)])

    assert (p_values < 0.05).mean() == pytest.approx(0.05, abs=0.015)


def test_weeks_of_two_rates_are_clustered_and_weeks_by_quota_are_too_even():
    random = np.random.default_rng(20261124)

    assert variance_to_mean(random.poisson([15, 45] * 26).tolist()).clustered < 1e-6
    assert variance_to_mean([30, 31] * 26).even < 1e-6


@pytest.mark.parametrize("counts", [[], [0, 0], [3, -1]])
def test_concentration_of_nothing_is_refused(counts):
    with pytest.raises(ValueError, match=r"negative|empty"):
        gini(counts)
    with pytest.raises(ValueError, match=r"negative|empty"):
        variance_to_mean(counts)


def test_comparison_with_nothing_is_refused():
    with pytest.raises(ValueError, match="two parts"):
        variance_to_mean([5])
    for quotient in ((1, 0, 1, 1), (1, 1, 0, 1), (1, 1, 1, 0), (-1, 1, 1, 1)):
        with pytest.raises(ValueError, match="needs checks"):
            location_quotient(*quotient)
