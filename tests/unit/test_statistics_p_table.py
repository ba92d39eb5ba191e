"""Perturbation tables: equal to Destatis's, unbiased, of the variance asked for, and never in the forbidden counts."""

import csv
from pathlib import Path

import pytest

from receipt_service.errors import ConfigurationError
from receipt_service.statistics.method.p_table import Noise, least_variance, perturbation_table

VECTORS = Path(__file__).parents[1] / "vectors" / "statistics" / "insee_ckm_ptable.csv"
DEFAULT = Noise(deviation=15, variance=3, forbidden=10)


def destatis() -> dict[tuple[int, float, int], dict[tuple[int, int], float]]:
    """{(D, V, js): {(count, deviation): probability}}."""
    tables: dict[tuple[int, float, int], dict[tuple[int, int], float]] = {}
    with VECTORS.open() as lines:
        for line in csv.DictReader(lines):
            parameters = int(line["D"]), float(line["V"]), int(line["js"])
            tables.setdefault(parameters, {})[int(line["i"]), int(line["v"])] = float(line["p"])
    return tables


@pytest.mark.parametrize("parameters", sorted(destatis()))
def test_table_is_that_of_destatis(parameters):
    deviation, variance, forbidden = parameters
    rows = perturbation_table(Noise(deviation=deviation, variance=variance, forbidden=forbidden))
    ours = {(i, v): p for i, row in enumerate(rows) for v, p in zip(row.deviations, row.probabilities, strict=True)}
    theirs = destatis()[parameters]

    assert max(abs(p - theirs.get(place, 0.0)) for place, p in ours.items()) < 1e-6
    assert set(theirs) <= set(ours)


def test_variance_of_the_default_is_reached_from_eleven_on():
    rows = perturbation_table(DEFAULT)

    assert [row.variance for row in rows[11:]] == pytest.approx([3] * (len(rows) - 11), rel=1e-9)
    assert [row.variance for row in rows[:11]] == pytest.approx([0, 10, 18, 24, 28, 30, 30, 28, 24, 18, 10])


def test_small_counts_are_rounded_to_zero_or_eleven_at_random():
    row = perturbation_table(DEFAULT)[3]

    assert row.deviations == (-3, 8)
    assert row.probabilities == pytest.approx((8 / 11, 3 / 11))


def test_variance_that_flat_noise_does_not_reach_is_left_below():
    """One check can become 0 … 16: no unbiased noise on it, however flat, has a variance of 35."""
    rows = perturbation_table(Noise(deviation=15, variance=35, forbidden=10))

    assert rows[1].variance == pytest.approx(11.8, abs=0.01)
    assert rows[5].variance == pytest.approx(35)


def test_least_variance_is_that_of_two_points():
    assert [least_variance(count, 10) for count in (0, 1, 5, 10, 11, 500)] == [0, 10, 30, 10, 0, 0]


@pytest.mark.parametrize(
    ("deviation", "variance", "forbidden"), [(5, 3, 10), (10, 3, 10), (5, 0, 0), (5, -1, 0), (0, 1, 0), (5, 1, -1)]
)
def test_impossible_parameters_are_refused(deviation, variance, forbidden):
    with pytest.raises(ConfigurationError):
        perturbation_table(Noise(deviation=deviation, variance=variance, forbidden=forbidden))
