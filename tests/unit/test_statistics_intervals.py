"""Rates: Wilson's interval where there is no noise, and covering what it should where there is."""

import numpy as np
import pytest
from statsmodels.stats.proportion import proportion_confint

from receipt_service.statistics.method.cell_key import InseePerturbation
from receipt_service.statistics.method.intervals import noise_error, rate
from receipt_service.statistics.method.p_table import Noise, perturbation_table


@pytest.mark.parametrize(("numerator", "denominator"), [(0, 100), (11, 100), (50, 100), (100, 100), (1234, 47_000)])
@pytest.mark.parametrize("confidence", [0.9, 0.95, 0.99])
def test_interval_without_noise_is_wilsons(numerator, denominator, confidence):
    found = rate(numerator, denominator, noise_variance=0, confidence=confidence)
    low, high = proportion_confint(numerator, denominator, alpha=1 - confidence, method="wilson")

    assert found is not None
    assert found.share == numerator / denominator
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-12)


@pytest.mark.parametrize(("denominator", "given"), [(0, False), (99, False), (100, True)])
def test_no_rate_of_fewer_than_a_hundred(denominator, given):
    assert (rate(0, denominator, noise_variance=3) is not None) == given


def test_noise_error_is_that_of_the_reference():
    """V = 3: at most √3·√2 / b, 2.4 points of 100 checks for a share of 1, and 1.7 for one near 0."""
    assert noise_error(0.0, 100, 3) == pytest.approx(0.0173, abs=1e-4)
    assert noise_error(1.0, 100, 3) == pytest.approx(0.0245, abs=1e-4)
    assert noise_error(0.0, 500, 3) == pytest.approx(0.0035, abs=1e-4)


def test_share_above_one_by_noise_is_one():
    found = rate(103, 100, noise_variance=3)

    assert found is not None
    assert found.share == found.high == 1


@pytest.mark.parametrize(
    ("numerator", "variance", "confidence"), [(-1, 3, 0.95), (10, -1, 0.95), (10, 3, 0.0), (10, 3, 1.0)]
)
def test_nonsense_is_refused(numerator, variance, confidence):
    with pytest.raises(ValueError, match="not negative"):
        rate(numerator, 200, noise_variance=variance, confidence=confidence)


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
@pytest.mark.parametrize("denominator", [120, 600])
@pytest.mark.parametrize("variance", [3, 20])
def test_interval_covers_the_way_of_working_in_95_of_100_periods(share, denominator, variance):
    """Of 3,000 simulated periods; the standard error is 0.4 points, and Wilson's own unevenness is in it."""
    random = np.random.default_rng(20261124)
    perturbation = InseePerturbation(perturbation_table(Noise(deviation=15, variance=variance, forbidden=10)))
    hits = random.binomial(denominator, share, 3000)
    shown = perturbation.perturb(hits, random.integers(0, 2**16, 3000)).counts
    whole = perturbation.perturb(np.full(3000, denominator), random.integers(0, 2**16, 3000)).counts
    rates = [rate(a, b, noise_variance=variance) for a, b in zip(shown.tolist(), whole.tolist(), strict=True)]

    covered = np.mean([found.low <= share <= found.high for found in rates if found is not None])
    assert 0.935 <= covered <= 0.975


def test_interval_that_forgot_the_noise_would_not_cover():
    random = np.random.default_rng(20261124)
    perturbation = InseePerturbation(perturbation_table(Noise(deviation=15, variance=20, forbidden=10)))
    hits = random.binomial(120, 0.5, 3000)
    shown = perturbation.perturb(hits, random.integers(0, 2**16, 3000)).counts
    whole = perturbation.perturb(np.full(3000, 120), random.integers(0, 2**16, 3000)).counts
    rates = [rate(a, b, noise_variance=0) for a, b in zip(shown.tolist(), whole.tolist(), strict=True)]

    assert np.mean([found.low <= 0.5 <= found.high for found in rates if found is not None]) < 0.9
