"""The noise is the one that is stated: its law, its size, and what it costs by OpenDP's own account.

OpenDP's generator is the operating system's and can't be seeded. Every bound here lies so far out that an honest run
crosses it less than once in 10^9: eight standard errors, or p below 10^-9.
"""

from fractions import Fraction
from math import exp, sqrt

import numpy as np
import pytest
from scipy import stats

from receipt_service.domain.check_request import MAX_OUTCOMES
from receipt_service.errors import ConfigurationError
from receipt_service.statistics.publication import noise
from receipt_service.statistics.publication.noise import add_noise, margin, measurement, standard_deviation, variance
from receipt_service.statistics.publication.tables import BUDGET, PUBLIC_TABLES, PublicTable

DRAWS = 40_000
STANDARD_ERRORS = 8
FALSE_ALARM = 1e-9
BY_CODE = {table.code: table for table in PUBLIC_TABLES}


def draw(table, number=DRAWS):
    return np.array(measurement(table)([0] * number))


def probability(x, scale):
    q = exp(-1 / scale)
    return (1 - q) / (1 + q) * q ** abs(x)


def p_value(drawn, scale):
    """Chi-square of the draws against discrete Laplace noise of that scale, the tails taken together."""
    edge = int(scale * np.log(len(drawn) / (2 * scale) / 20))  # some twenty draws expected in the last single bin
    values = np.arange(-edge, edge + 1)
    observed = [(drawn < -edge).sum(), *[(drawn == value).sum() for value in values], (drawn > edge).sum()]
    single = np.array([probability(value, scale) for value in values])
    tail = (1 - single.sum()) / 2
    expected = np.array([tail, *single, tail]) * len(drawn)
    return stats.chisquare(observed, expected).pvalue


@pytest.mark.parametrize("table", PUBLIC_TABLES, ids=lambda table: table.code)
def test_the_draws_follow_the_stated_law(table):
    drawn = draw(table)
    sd = standard_deviation(table.scale)

    assert abs(drawn.mean()) < STANDARD_ERRORS * sd / sqrt(DRAWS)
    # The fourth moment of Laplace noise is six times the square of its variance.
    assert abs(drawn.var() / variance(table.scale) - 1) < STANDARD_ERRORS * sqrt(5 / DRAWS)
    assert p_value(drawn, table.scale) > FALSE_ALARM


def test_the_test_would_notice_another_law():
    drawn = draw(BY_CODE["basis"])
    rng = np.random.default_rng(1)

    assert p_value(drawn, 5) < FALSE_ALARM
    assert p_value(np.rint(rng.normal(0, standard_deviation(4), DRAWS)).astype(int), 4) < FALSE_ALARM


@pytest.mark.parametrize("table", PUBLIC_TABLES, ids=lambda table: table.code)
def test_the_margin_holds_as_often_as_it_says_and_no_further_than_needed(table):
    m = margin(table.scale)
    outside = 2 * sum(probability(x, table.scale) for x in range(m + 1, 100 * table.scale))

    assert outside <= 0.05 < outside + 2 * probability(m, table.scale)


def test_variance_is_that_of_the_law():
    for table in PUBLIC_TABLES:
        summed = 2 * sum(x * x * probability(x, table.scale) for x in range(1, 200 * table.scale))
        assert variance(table.scale) == pytest.approx(summed, rel=1e-9)


def test_the_tables_cost_a_receipt_its_budget_and_no_more():
    assert sum(table.epsilon for table in PUBLIC_TABLES) == BUDGET == Fraction(1)
    for table in PUBLIC_TABLES:
        assert measurement(table).map(table.sensitivity) == pytest.approx(float(table.epsilon), rel=1e-9)


def test_a_receipt_reaches_as_many_outcomes_as_the_rules_allow():
    assert {table.code: table.sensitivity for table in PUBLIC_TABLES} == {
        "total": 1,
        "basis": 1,
        "outcome": MAX_OUTCOMES,
        "hour_band": 1,
        "selection": 1,
    }


def test_tables_that_cost_more_are_refused(monkeypatch):
    monkeypatch.setattr(noise, "PUBLIC_TABLES", (*PUBLIC_TABLES, PublicTable(None, 1, 1000)))
    with pytest.raises(ConfigurationError, match="budget"):
        add_noise({table.code: np.zeros((1, 1), np.int64) for table in PUBLIC_TABLES})


def test_a_table_that_states_too_little_is_refused(monkeypatch):
    class Understated(PublicTable):
        @property
        def epsilon(self):
            return Fraction(self.sensitivity, self.scale) / 2

    with pytest.raises(ConfigurationError, match="OpenDP holds"):
        measurement(Understated(None, 1, 8))


def test_every_cell_gets_noise_of_its_own():
    counts = {table.code: np.zeros((200, 3), np.int64) for table in PUBLIC_TABLES}
    noisy = add_noise(counts)

    assert {code: cells.shape for code, cells in noisy.items()} == dict.fromkeys(counts, (200, 3))
    for code, cells in noisy.items():
        # 600 draws of which one in nine at most is nought: no more than half are the same by chance.
        assert (cells != 0).mean() > 0.5, code
        assert abs(np.corrcoef(cells[:, 0], cells[:, 1])[0, 1]) < 0.6, code
    assert all((cells == 0).all() for cells in counts.values())
