"""Slivers between nested cells, on cases worked out by hand."""

import pytest

from receipt_service.statistics.method.slivers import Nesting, Sliver, nestings, slivers

YEAR = {"2026": ["Q1", "Q2"], "Q1": ["jan", "feb", "mar"], "Q2": ["apr", "may", "jun"]}
ROWS = {"total": ["a", "b"], "a": ["ax", "ay"], "b": ["bx", "by"]}
COLUMNS = {"total": ["x", "y"], "x": ["ax", "bx"], "y": ["ay", "by"]}


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


def test_counts_that_cannot_be_are_refused():
    with pytest.raises(ValueError, match="its parts"):
        slivers({"Q1": 50, "jan": 51}, [YEAR])
    with pytest.raises(ValueError, match="not to be shown"):
        slivers({"Q1": 50, "jan": 3}, [YEAR])
