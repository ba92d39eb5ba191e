"""The complement rule on tables small enough to work out by hand; noise is left out except where it is the point."""

import pytest

from receipt_service.statistics.method.cell_key import InseePerturbation, Mark, OnsPerturbation
from receipt_service.statistics.method.complement import (
    NONE,
    OTHER,
    Breakdown,
    Count,
    Cross,
    Shown,
    protect_breakdown,
    protect_count,
    protect_cross,
)
from receipt_service.statistics.method.p_table import Noise, perturbation_table

PLAIN = OnsPerturbation([1], [0], [0], threshold=0)  # no noise: the rule itself is seen
MERGED, WITHHELD = Shown(None, Mark.MERGED), Shown(None, Mark.WITHHELD)


def seen(value: int) -> Shown:
    return Shown(value, Mark.PERTURBED)


def partition(**values: int) -> Breakdown:
    counts = {name: Count(n, 0) for name, n in values.items()}
    return Breakdown(parent=Count(sum(values.values()), 0), values=counts, partition=True)


def marks_of(parent: int, **values: int) -> Breakdown:
    counts = {name: Count(n, 0) for name, n in values.items()}
    return Breakdown(parent=Count(parent, 0), values=counts, partition=False)


def table(rows: Breakdown, columns: Breakdown, *lines: tuple[int, ...]) -> Cross:
    cells = {
        (row, column): Count(n, 0)
        for row, line in zip(rows.values, lines, strict=True)
        for column, n in zip(columns.values, line, strict=True)
    }
    return Cross(rows=rows, columns=columns, cells=cells)


@pytest.mark.parametrize(
    ("n", "shown"), [(0, WITHHELD), (1, WITHHELD), (10, WITHHELD), (11, seen(11)), (900, seen(900))]
)
def test_none_and_few_look_alike(n, shown):
    assert protect_count(Count(n, 0), PLAIN) == shown


def test_values_that_are_all_large_are_shown():
    protected = protect_breakdown(partition(a=11, b=12, c=400), PLAIN)

    assert protected.parent == seen(423)
    assert protected.shown == {"a": seen(11), "b": seen(12), "c": seen(400)}


@pytest.mark.parametrize("few", [0, 1, 10])
def test_a_small_value_takes_the_smallest_of_the_others_with_it(few):
    """Alone it would be the parent less the others; and with none it looks as with ten."""
    protected = protect_breakdown(partition(a=few, b=30, c=20, d=400), PLAIN)

    assert protected.shown == {"a": MERGED, "b": seen(30), "c": MERGED, "d": seen(400), OTHER: seen(20 + few)}
    assert protected.true[OTHER].n == 20 + few


def test_small_values_suffice_for_each_other_when_they_are_enough():
    protected = protect_breakdown(partition(a=6, b=5, c=200, d=300), PLAIN)

    assert protected.shown == {"a": MERGED, "b": MERGED, "c": seen(200), "d": seen(300), OTHER: seen(11)}


def test_merging_goes_on_while_anything_is_small():
    protected = protect_breakdown(partition(a=9, b=8, c=7, d=300, e=301), PLAIN)

    assert protected.shown[OTHER] == seen(24)


@pytest.mark.parametrize(
    "values", [{"a": 3, "b": 400}, {"a": 0, "b": 0, "c": 400}, {"a": 400}, {"a": 4, "b": 5, "c": 6}]
)
def test_one_line_would_be_the_parent_again(values):
    protected = protect_breakdown(partition(**values), PLAIN)

    assert protected.parent == seen(sum(values.values()))
    assert set(protected.shown.values()) == {WITHHELD}
    assert protected.true == {}


def test_nothing_of_a_small_parent_is_shown():
    protected = protect_breakdown(partition(a=4, b=6), PLAIN)

    assert protected.parent == WITHHELD
    assert protected.shown == {"a": WITHHELD, "b": WITHHELD}


def test_what_cannot_occur_is_shown_as_zero_and_merged_with_nothing():
    breakdown = Breakdown(
        parent=Count(300, 0),
        values={"a": Count(100, 0), "b": Count(200, 0), "night": NONE},
        partition=True,
        impossible=frozenset({"night"}),
    )

    assert protect_breakdown(breakdown, PLAIN).shown["night"] == Shown(0, Mark.ZERO)
    assert protect_breakdown(breakdown, PLAIN).shown["a"] == seen(100)


def test_values_that_overlap_are_judged_one_by_one_with_their_complements():
    protected = protect_breakdown(marks_of(100, few=10, some=11, most=89, nearly=90, all=100), PLAIN)

    assert protected.shown == {"few": WITHHELD, "some": seen(11), "most": seen(89), "nearly": WITHHELD, "all": WITHHELD}


def test_values_counted_more_than_once_for_a_check_have_no_complement():
    assert protect_breakdown(marks_of(100, sent=130), PLAIN).shown == {"sent": seen(130)}


def test_noise_decides_too():
    """A true count of 10 that the noise makes 11 is not shown; nor is 11 when the noise makes it 0."""
    perturbation = InseePerturbation(perturbation_table(Noise(deviation=15, variance=3, forbidden=10)))
    up = next(k for k in range(2**16) if perturbation.perturb_one(10, k) == 11)
    down = next(k for k in range(2**16) if perturbation.perturb_one(11, k) == 0)

    assert protect_count(Count(10, up), perturbation) == WITHHELD
    assert protect_count(Count(11, down), perturbation) == WITHHELD


def test_line_of_the_others_gets_noise_of_its_own():
    perturbation = OnsPerturbation([25] * 16, range(16), [0] * 9 + [7] + [0] * 6, threshold=0)
    values = {"a": Count(5, 3), "b": Count(20, 6), "c": Count(100, 1)}
    protected = protect_breakdown(Breakdown(parent=Count(125, 10), values=values, partition=True), perturbation)

    assert protected.true[OTHER] == Count(25, 9)
    assert protected.shown[OTHER] == seen(32)


def test_grid_merges_lines_until_every_cell_is_large():
    rows, columns = partition(a=100, b=110, c=45), partition(x=120, y=100, z=35)
    protected = protect_cross(table(rows, columns, (60, 25, 15), (40, 55, 15), (20, 20, 5)), PLAIN)

    assert {pair: count.n for pair, count in protected.true.items()} == {
        ("a", "x"): 60, ("a", OTHER): 40, ("b", "x"): 40, ("b", OTHER): 70, ("c", "x"): 20, ("c", OTHER): 25,
    }  # fmt: skip
    assert protected.shown["c", "z"] == MERGED
    assert protected.rows.shown["c"] == seen(45)
    assert protected.columns.shown["z"] == seen(35)


def test_grid_that_would_be_a_single_line_is_not_shown():
    rows, columns = partition(a=100, b=100), partition(x=100, y=100)
    protected = protect_cross(table(rows, columns, (95, 5), (5, 95)), PLAIN)

    assert set(protected.shown.values()) == {WITHHELD}
    assert protected.rows.shown == {"a": seen(100), "b": seen(100)}


def test_corner_of_few_checks_hides_no_better_behind_large_ones():
    """Total less row a less column x plus their cell: the 4 checks of neither."""
    rows, columns = partition(a=140, b=22, c=22), partition(x=140, y=22, z=22)
    protected = protect_cross(table(rows, columns, (100, 20, 20), (20, 1, 1), (20, 1, 1)), PLAIN)

    assert set(protected.shown.values()) == {WITHHELD}


def test_each_value_of_an_overlapping_dimension_makes_a_grid_of_its_own():
    rows, columns = partition(a=100, b=100, c=60), marks_of(260, found=76, nothing=150)
    protected = protect_cross(table(rows, columns, (40, 50), (30, 60), (6, 40)), PLAIN)

    assert [protected.shown[row, "nothing"] for row in "abc"] == [seen(50), seen(60), seen(40)]
    assert [protected.shown[row, "found"] for row in "abc"] == [seen(40), MERGED, MERGED]
    assert protected.shown[OTHER, "found"] == seen(36)


def test_all_checks_of_a_row_but_few_are_merged_as_few_are():
    rows, columns = partition(a=100, b=100, c=60), marks_of(260, nothing=190)

    protected = protect_cross(table(rows, columns, (95,), (50,), (45,)), PLAIN)

    assert protected.shown["b", "nothing"] == seen(50)
    assert protected.shown[OTHER, "nothing"] == seen(140)


def test_table_may_lie_either_way():
    rows, columns = partition(a=100, b=100, c=60), marks_of(260, found=76, nothing=150)
    upright = protect_cross(table(rows, columns, (40, 50), (30, 60), (6, 40)), PLAIN)
    lying = protect_cross(table(columns, rows, (40, 30, 6), (50, 60, 40)), PLAIN)

    assert {(column, row): shown for (row, column), shown in lying.shown.items()} == upright.shown


@pytest.mark.parametrize(
    ("both", "shown"), [(10, WITHHELD), (11, seen(11)), (40, seen(40)), (41, WITHHELD), (51, WITHHELD)]
)
def test_two_overlapping_dimensions_need_four_large_corners(both, shown):
    """Of 100 checks 51 have the reason and 60 the outcome: at 11 there are none of neither, at 41 ten of one alone."""
    rows, columns = marks_of(111, reason=51), marks_of(111, outcome=60)
    expected = shown if 111 - 51 - 60 + both >= 11 else WITHHELD

    assert protect_cross(table(rows, columns, (both,)), PLAIN).shown["reason", "outcome"] == expected


def test_counts_that_contradict_each_other_are_refused():
    rows, columns, overlapping = partition(a=50, b=50), partition(x=40, y=60), marks_of(100, found=60)
    with pytest.raises(ValueError, match="add up"):
        Breakdown(parent=Count(100, 0), values={"a": Count(99, 0)}, partition=True)
    with pytest.raises(ValueError, match="impossible"):
        Breakdown(parent=Count(1, 0), values={"a": Count(1, 0)}, partition=True, impossible=frozenset({"a"}))
    with pytest.raises(ValueError, match="add up"):
        protect_cross(table(rows, columns, (20, 31), (20, 29)), PLAIN)
    with pytest.raises(ValueError, match="add up"):
        protect_cross(table(rows, overlapping, (20,), (30,)), PLAIN)
    with pytest.raises(ValueError, match="no larger"):
        protect_cross(table(rows, overlapping, (51,), (9,)), PLAIN)
    with pytest.raises(ValueError, match="no larger"):
        protect_cross(table(marks_of(100, reason=30), overlapping, (31,)), PLAIN)


def test_true_counts_are_not_printed():
    assert "Count" not in repr(protect_breakdown(partition(a=50, b=50), PLAIN))
