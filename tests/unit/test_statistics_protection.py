"""What may be reckoned from a table and its margins: nothing of ten checks or fewer."""

import pytest

from receipt_service.statistics.lattice import TABLE_OF
from receipt_service.statistics.method.cell_key import InseePerturbation
from receipt_service.statistics.method.p_table import Row
from receipt_service.statistics.releasing.protection import OTHER, TOTAL, CellId, Count, Mark, Protection

NOISELESS = InseePerturbation([Row((0,), (1.0,))])
TABLES = [TABLE_OF[code] for code in ("total", "basis", "outcome", "basis*outcome")]


def protect(total, bases, outcomes, crossed):
    counts = {TOTAL: total}
    counts |= {CellId("basis", a): n for a, n in bases.items()}
    counts |= {CellId("outcome", b): n for b, n in outcomes.items()}
    counts |= {CellId("basis*outcome", a, b): n for (a, b), n in crossed.items()}
    return Protection(NOISELESS, TABLES).protect({cell: Count(n, 0) for cell, n in counts.items()})


def test_a_column_without_its_shown_rows_is_not_a_few():
    shown = protect(
        360,
        {"a": 100, "b": 100, "d": 100, "e": 60},
        {"found": 76},
        {("a", "found"): 40, ("b", "found"): 30, ("d", "found"): 6},
    )

    column = [cell for cell in shown if cell.table == "basis*outcome"]
    assert column == [CellId("basis*outcome", "a", "found")]


def test_neither_row_nor_column_is_not_a_few():
    shown = protect(
        160,
        {"a": 100, "b": 30, "d": 30},
        {"found": 105},
        {("a", "found"): 50, ("b", "found"): 28, ("d", "found"): 27},
    )

    assert 160 - 100 - 105 + 50 == 5
    assert CellId("basis*outcome", "a", "found") not in shown


@pytest.mark.parametrize("few", range(11))
def test_none_looks_like_a_few(few):
    shown = protect(300 + few, {"a": 200, "b": 100, "c": few}, {}, {})

    assert {cell: (found.value, found.mark) for cell, found in shown.items() if cell.table == "basis"} == {
        CellId("basis", "a"): (200, Mark.PERTURBED),
        CellId("basis", OTHER): (100 + few, Mark.MERGED),
    }


def test_a_total_of_ten_shows_nothing():
    assert protect(10, {"a": 10}, {"found": 10}, {("a", "found"): 10}) == {}
    assert set(protect(11, {"a": 11}, {"found": 11}, {("a", "found"): 11})) == {TOTAL}
