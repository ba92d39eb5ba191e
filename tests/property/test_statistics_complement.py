"""Whatever the counts, no set of 0 to 10 checks can be reckoned from what is shown of a table.

The checks are divided into the finest sets that a table could tell apart. What is shown are sums over some of them,
that is 0/1 vectors; what an exact calculation can reach is their span. Every set of checks in that span is tried.
"""

from itertools import product

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from receipt_service.statistics.method.cell_key import THRESHOLD, InseePerturbation, Mark
from receipt_service.statistics.method.complement import (
    OTHER,
    Breakdown,
    Count,
    Cross,
    protect_breakdown,
    protect_cross,
)
from receipt_service.statistics.method.p_table import Noise, perturbation_table

INSEE = InseePerturbation(perturbation_table(Noise(deviation=15, variance=3, forbidden=10)))
sizes = st.integers(0, 12) | st.integers(0, 60) | st.integers(0, 2000)
counts = st.builds(Count, sizes, st.integers(0, 2**16 - 1))
few = st.builds(Count, st.integers(0, 8), st.integers(0, 2**16 - 1))


def summed(atoms, holds):
    return Count(sum(c.n for a, c in atoms.items() if holds(a)), sum(c.k for a, c in atoms.items() if holds(a)))


def smallest_set_within_reach(atoms, shown):
    """The fewest checks of any set whose indicator is spanned by those of ``shown``, which are predicates of atoms."""
    places = list(atoms)
    matrix = np.array([[float(holds(place)) for place in places] for holds in shown])
    _, values, basis = np.linalg.svd(matrix, full_matrices=False)
    basis = basis[values > 1e-9]
    sets = ((np.arange(1, 2 ** len(places))[:, None] >> np.arange(len(places))) & 1).astype(float)
    within = np.abs(sets - sets @ basis.T @ basis).max(axis=1) < 1e-9
    return int((sets[within] @ np.array([atoms[place].n for place in places])).min())


def lines_of(protected, axis):
    """Predicates of a margin's lines: for atoms whose part ``axis`` is a value, or a set of values."""

    def has(value):
        return lambda atom: atom[axis] == value or (isinstance(atom[axis], frozenset) and value in atom[axis])

    merged = [value for value, shown in protected.shown.items() if shown.mark is Mark.MERGED]
    return {line: (lambda atom: atom[axis] in merged) if line == OTHER else has(line) for line in protected.true}


@given(st.dictionaries(st.sampled_from("abcdefgh"), counts, min_size=1))
def test_no_sliver_in_a_breakdown_that_divides_its_parent(values):
    atoms = {(value,): count for value, count in values.items()}
    parent = summed(atoms, lambda _: True)
    protected = protect_breakdown(Breakdown(parent=parent, values=values, partition=True), INSEE)
    lines = lines_of(protected, 0)

    assert {line: count.n for line, count in protected.true.items()} == {
        line: summed(atoms, holds).n for line, holds in lines.items()
    }
    assert not lines or sum(count.n for count in protected.true.values()) == parent.n
    assert len(lines) != 1
    if protected.parent.value is not None:
        assert smallest_set_within_reach(atoms, [lambda _: True, *lines.values()]) >= THRESHOLD
    else:
        assert not lines


@given(st.dictionaries(st.sampled_from("abcdefgh"), counts, min_size=1))
def test_value_of_ten_checks_or_fewer_is_never_told_from_none(values):
    parent = Count(sum(count.n for count in values.values()), 5)
    for partition in (True, False):
        protected = protect_breakdown(Breakdown(parent=parent, values=values, partition=partition), INSEE)
        for value, count in values.items():
            assert count.n >= THRESHOLD or protected.shown[value].mark in {Mark.MERGED, Mark.WITHHELD}


@given(st.dictionaries(st.sampled_from("abcdefgh"), counts, min_size=1), st.booleans())
def test_whatever_is_shown_is_eleven_or_more_and_marked(values, partition):
    parent = Count(sum(count.n for count in values.values()), 5)
    protected = protect_breakdown(Breakdown(parent=parent, values=values, partition=partition), INSEE)

    for line, shown in protected.shown.items():
        assert (shown.value is None) == (shown.mark in {Mark.MERGED, Mark.WITHHELD}) == (line not in protected.true)
        assert shown.value is None or shown.value >= THRESHOLD
    assert (OTHER in protected.shown) == any(shown.mark is Mark.MERGED for shown in protected.shown.values())


def cross_of(atoms, rows, columns, *, partitions):
    """The table of atoms (row part, column part); a part is a value or a set of values."""

    def has(atom, axis, value):
        return value == atom[axis] if partitions[axis] else value in atom[axis]

    parent = summed(atoms, lambda _: True)
    margins = [
        Breakdown(
            parent=parent,
            values={value: summed(atoms, lambda atom, a=axis, v=value: has(atom, a, v)) for value in values},
            partition=partitions[axis],
        )
        for axis, values in enumerate((rows, columns))
    ]
    cells = {
        (row, column): summed(atoms, lambda atom, r=row, c=column: has(atom, 0, r) and has(atom, 1, c))
        for row, column in product(rows, columns)
    }
    return Cross(rows=margins[0], columns=margins[1], cells=cells)


def cells_shown(protected, partitions):
    """A predicate for every cell shown. ``OTHER`` is what is marked as merged, in the table or in that column."""

    def members(axis, line, beside):
        if line != OTHER:
            return {line}
        values = [pair for pair, shown in protected.shown.items() if shown.mark is Mark.MERGED]
        if all(partitions):
            shown_lines = {pair[axis] for pair in protected.true}
            return {pair[axis] for pair in values} - shown_lines
        return {pair[axis] for pair in values if pair[1 - axis] == beside}

    for row, column in protected.true:
        parts = (members(0, row, column), members(1, column, row))
        yield lambda atom, parts=parts: all(
            not parts[axis].isdisjoint({atom[axis]} if partitions[axis] else atom[axis]) for axis in (0, 1)
        )


def assert_no_sliver(atoms, rows, columns, *, partitions):
    protected = protect_cross(cross_of(atoms, rows, columns, partitions=partitions), INSEE)
    cells = list(cells_shown(protected, partitions))

    assert [summed(atoms, holds).n for holds in cells] == [count.n for count in protected.true.values()]
    assert all(protected.shown[pair].value >= THRESHOLD for pair in protected.true)
    if protected.rows.parent.value is not None:
        margins = [*lines_of(protected.rows, 0).values(), *lines_of(protected.columns, 1).values()]
        assert smallest_set_within_reach(atoms, [lambda _: True, *margins, *cells]) >= THRESHOLD
    else:
        assert not cells


def tables_of(row_parts, column_parts, counts=counts):
    places = list(product(row_parts, column_parts))
    return st.lists(counts, min_size=len(places), max_size=len(places)).map(
        lambda drawn: dict(zip(places, drawn, strict=True))
    )


SETS = [frozenset(), frozenset("x"), frozenset("y"), frozenset("xy")]
REASONS = [frozenset(), frozenset("a"), frozenset("b"), frozenset("ab")]


@given(tables_of("abc", "xyz"))
def test_no_sliver_where_both_dimensions_divide_the_checks(atoms):
    assert_no_sliver(atoms, "abc", "xyz", partitions=(True, True))


@given(tables_of("abcd", "xyz"))
def test_no_sliver_in_a_longer_table(atoms):
    assert_no_sliver(atoms, "abcd", "xyz", partitions=(True, True))


@given(tables_of("abc", SETS))
def test_no_sliver_where_one_dimension_overlaps(atoms):
    assert_no_sliver(atoms, "abc", "xy", partitions=(True, False))


@settings(max_examples=25)
@given(tables_of(REASONS, SETS, few))
def test_no_sliver_where_both_dimensions_overlap(atoms):
    assert_no_sliver(atoms, "ab", "xy", partitions=(False, False))
