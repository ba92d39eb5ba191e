"""The leak of a lattice, and slivers between nested cells, on cases worked out by hand."""

import math

import numpy as np
import pytest

from receipt_service.errors import ConfigurationError
from receipt_service.statistics.method.cell_key import InseePerturbation
from receipt_service.statistics.method.leak import (
    Nesting,
    Sliver,
    best_error,
    information,
    nestings,
    require_bounded,
    slivers,
    to_withhold,
)
from receipt_service.statistics.method.p_table import Noise, perturbation_table

YEAR = {"2026": ["Q1", "Q2"], "Q1": ["jan", "feb", "mar"], "Q2": ["apr", "may", "jun"]}
ROWS = {"total": ["a", "b"], "a": ["ax", "ay"], "b": ["bx", "by"]}
COLUMNS = {"total": ["x", "y"], "x": ["ax", "bx"], "y": ["ay", "by"]}


def test_information_adds_up_what_each_table_tells():
    assert information([1]) == 1
    assert information([1, 12, 4, 48]) == pytest.approx(1 + 1 / 12 + 1 / 4 + 1 / 48)


def test_best_error_is_that_of_the_reference():
    """Sixteen tables with M = 2.77 and V = 3: no better than 1.04."""
    assert math.sqrt(3 / 2.77) == pytest.approx(1.04, abs=0.001)
    assert best_error(3, [1, 2, 2, 4]) == pytest.approx(math.sqrt(3 / 2.25))


def test_averaging_over_a_lattice_comes_to_the_best_error_and_no_nearer():
    """10,000 totals, each shown in tables of 1, 2, 8 and 12 cells and weighted at best: the error is √(V/M)."""
    random = np.random.default_rng(20261124)
    perturbation = InseePerturbation(perturbation_table(Noise(deviation=15, variance=3, forbidden=10)))
    tables = [1, 2, 8, 12]
    estimates = np.zeros(10_000)
    for cells in tables:
        keys = random.integers(0, 2**16, (10_000, cells))
        sums = perturbation.perturb(np.full(keys.shape, 1440 // cells), keys).counts.sum(axis=1)
        estimates += sums / cells / information(tables)

    assert abs(estimates.mean() - 1440) < 0.05
    assert estimates.std() == pytest.approx(best_error(3, tables), rel=0.02)


def test_lattice_that_would_average_the_noise_away_is_refused():
    assert require_bounded(3, [1, 2, 2]) == pytest.approx(1.5)
    with pytest.raises(ConfigurationError, match=r"0\.92"):
        require_bounded(3, [1, 1, 1, 4])
    with pytest.raises(ValueError, match="cell at least"):
        information([1, 0])


def test_nearest_shown_cells_stand_for_those_that_are_not():
    shown = {"2026", "Q1", "jan", "apr", "may"}

    assert set(nestings(shown, YEAR)) == {Nesting("2026", ("Q1", "apr", "may")), Nesting("Q1", ("jan",))}


def test_month_left_out_of_a_quarter_is_a_sliver_when_it_is_small():
    counts = {"2026": 205, "Q1": 105, "jan": 50, "feb": 50, "apr": 90}

    assert slivers(counts, [YEAR]) == [
        Sliver("2026", ("Q1", "apr"), 10),
        Sliver("Q1", ("jan", "feb"), 5),
    ]


@pytest.mark.parametrize(("difference", "found"), [(0, False), (1, True), (10, True), (11, False)])
def test_difference_of_one_to_ten_is_a_sliver(difference, found):
    assert bool(slivers({"Q1": 50 + difference, "jan": 50}, [YEAR])) == found


def test_cell_withheld_from_a_table_is_found_by_row_or_by_column():
    counts = {"total": 142, "a": 76, "b": 66, "x": 72, "y": 70, "ax": 40, "ay": 36, "bx": 32}

    assert slivers(counts, [ROWS, COLUMNS]) == []
    counts |= {"total": 114, "b": 38, "y": 42}
    assert slivers(counts, [ROWS, COLUMNS]) == [Sliver("b", ("bx",), 6), Sliver("y", ("ay",), 6)]


def test_column_less_its_shown_rows_is_a_sliver_though_each_row_is_far_from_it():
    """76 found, of which 40 in a and 30 in b are shown: 6 in what is not."""
    assert slivers({"found": 76, "a": 40, "b": 30}, [{"found": ["a", "b", "c"]}]) == [Sliver("found", ("a", "b"), 6)]


def test_smallest_part_goes_and_what_that_uncovers_too():
    counts = {"total": 114, "a": 76, "b": 38, "x": 72, "y": 42, "ax": 40, "ay": 36, "bx": 32}
    withheld = to_withhold(counts, [ROWS, COLUMNS])

    assert withheld == {"bx", "ay"}
    assert slivers({key: n for key, n in counts.items() if key not in withheld}, [ROWS, COLUMNS]) == []


def test_counts_that_cannot_be_are_refused():
    with pytest.raises(ValueError, match="its parts"):
        slivers({"Q1": 50, "jan": 51}, [YEAR])
    with pytest.raises(ValueError, match="not to be shown"):
        slivers({"Q1": 50, "jan": 3}, [YEAR])
