"""What may be shown of two nested areas and two periods within a third, by brute force over what lies between."""

import itertools
import random
from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from receipt_service.statistics.lattice import RECORD_KEY_MODULUS, TABLE_OF, Dimension
from receipt_service.statistics.method.cell_key import Mark
from receipt_service.statistics.releasing.protection import (
    OTHER,
    TOTAL,
    CellId,
    Count,
    Neighbour,
    Protection,
    Relation,
    ShownCell,
    _of_table,
)
from tests.support.population import METHOD

VALUES = {
    Dimension.BASIS: ("A", "B", "C", "D"),
    Dimension.HOUR_BAND: ("1", "2", "3"),
    Dimension.SELECTION: ("s", "t"),
    Dimension.OUTCOME: ("x", "y"),
}
CODES = ("total", "basis", "hour_band", "selection", "outcome", "basis*selection", "basis*outcome", "hour_band*outcome")
SIZES = {Dimension.HOUR_BAND: 3, Dimension.SELECTION: 2}
PROTECTION = Protection(METHOD.noise, [TABLE_OF[code] for code in CODES], SIZES)
PARTS, WHOLE = (1, 2), 3
OUTCOMES = ((), ("x",), ("y",), ("x", "y"))


class Check(NamedTuple):
    below: bool
    month: int
    values: tuple[tuple[str, ...], ...]
    """Of each dimension of ``VALUES``."""


EVERYTHING = [
    Check(below, month, ((basis,), (hour,), (mode,), outcomes))
    for below, month, basis, hour, mode, outcomes in itertools.product(
        (False, True), PARTS, *(VALUES[each] for each in list(VALUES)[:3]), OUTCOMES
    )
]


def population(seed, size, skew):
    """Checks by chance, of which most are alike when ``skew`` is high; and record keys."""
    chance = random.Random(seed)
    weights = [chance.random() ** skew for _ in EVERYTHING]
    found = chance.choices(EVERYTHING, weights, k=size)
    return found, [chance.randrange(RECORD_KEY_MODULUS) for _ in found]


def sets_of(checks, below, months):
    """Which checks, by their places in the list, are in which cell of an area and period."""
    found: dict[CellId, set[int]] = {}
    for index, check in enumerate(checks):
        if check.month not in months or (below and not check.below):
            continue
        values = dict(zip(VALUES, check.values, strict=True))
        for code in CODES:
            for cell in itertools.product(*(values[each] for each in TABLE_OF[code].dimensions)):
                found.setdefault(CellId(code, *cell), set()).add(index)
    return found


def counted(found, keys):
    return {
        cell: Count(len(ones), sum(keys[index] for index in ones) % RECORD_KEY_MODULUS) for cell, ones in found.items()
    }


def protect_all(checks, keys):
    """Protect the area and the one below it, in both parts and then in the whole, as releases do."""
    shown: dict[tuple[bool, int], dict[CellId, ShownCell]] = {}
    for period in (*PARTS, WHOLE):
        months = PARTS if period == WHOLE else (period,)
        above_counts: dict[CellId, Count] = {}
        for below in (False, True):
            counts = counted(sets_of(checks, below, months), keys)
            neighbours = []
            if below:
                above = shown[False, period]
                neighbours.append(Neighbour(above, Relation.AROUND, {} if above else above_counts))
            if period == WHOLE:
                neighbours += [Neighbour(shown[below, part], Relation.WITHIN) for part in PARTS]
            shown[below, period] = PROTECTION.protect(counts, neighbours)
            above_counts = counts
    return shown


def contents(shown, checks):
    """The checks of each shown cell; a merged one has all that is not shown beside it."""
    found = {}
    for (below, period), cells in shown.items():
        months = PARTS if period == WHOLE else (period,)
        sets = sets_of(checks, below, months)
        for cell in cells:
            if OTHER in cell:
                whole = TOTAL if cell.a == OTHER else CellId(cell.table.split("*")[0], cell.a)
                beside = [
                    sets.get(each, set())
                    for each in cells
                    if each.table == cell.table and OTHER not in each and cell.a in {OTHER, each.a}
                ]
                found[below, period, cell] = sets.get(whole, set()).difference(*beside)
            else:
                found[below, period, cell] = sets.get(cell, set())
    return found


@settings(max_examples=150)
@given(st.integers(0, 10**6), st.integers(0, 900), st.sampled_from([1, 4, 12, 40]))
def test_nothing_small_lies_between_two_shown_cells(seed, size, skew):
    checks, keys = population(seed, size, skew)
    shown = protect_all(checks, keys)
    truth, definition = contents(shown, checks), contents(shown, EVERYTHING)
    for (below, period, cell), ones in truth.items():
        found = shown[below, period][cell]
        assert found.truth.n == len(ones) >= 11
        assert found.value >= 11
        assert found.mark is (Mark.MERGED if OTHER in cell else Mark.PERTURBED)
    for one, other in itertools.permutations(truth, 2):
        if definition[one] <= definition[other]:
            assert len(truth[other]) - len(truth[one]) >= 11, (one, other)


@settings(max_examples=60)
@given(st.integers(0, 10**6), st.integers(100, 900), st.sampled_from([1, 4, 12]))
def test_what_is_shown_has_its_frame(seed, size, skew):
    """A cell stands under the total, under its row and its column, and in an area below only if it does above."""
    checks, keys = population(seed, size, skew)
    shown = protect_all(checks, keys)
    for (below, period), cells in shown.items():
        above = shown[False, period]
        for cell in cells:
            first, _, second = cell.table.partition("*")
            assert TOTAL in cells
            assert not second or CellId(first, cell.a) in cells
            assert not second or cell.b == OTHER or CellId(second, cell.b) in cells
            assert not below or not above or OTHER in cell or cell in above


@given(st.integers(0, 10**6), st.integers(100, 900))
def test_the_same_checks_show_the_same_and_an_absent_value_is_like_one_with_few(seed, size):
    checks, keys = population(seed, size, 4)
    counts = counted(sets_of(checks, below=False, months=PARTS), keys)
    assert PROTECTION.protect(counts) == PROTECTION.protect(dict(reversed(counts.items())))
    few = {cell: count for cell, count in counts.items() if count.n >= 11}
    assert PROTECTION.protect(few) == PROTECTION.protect(counts)


def test_a_table_turns_key_sums_into_each_other_and_no_two_tables_alike():
    every = range(RECORD_KEY_MODULUS)
    turned = {code: [_of_table(key, code) for key in every] for code in CODES}
    for keys in turned.values():
        assert sorted(keys) == list(every)
    for one, other in itertools.combinations(turned.values(), 2):
        assert sum(map(int.__eq__, one, other)) < 20


def test_an_area_that_shows_nothing_still_keeps_those_below_it_at_a_distance():
    """Twelve checks that the noise makes nothing hide eleven of them: another period may show the twelve and more."""
    key = next(key for key in range(RECORD_KEY_MODULUS) if not _value(12, key))
    inner = next(key for key in range(RECORD_KEY_MODULUS) if _value(11, key))
    above = {TOTAL: Count(12, key)}
    assert PROTECTION.protect(above) == {}
    assert PROTECTION.protect({TOTAL: Count(11, inner)}) != {}
    assert PROTECTION.protect({TOTAL: Count(11, inner)}, [Neighbour({}, Relation.AROUND, above)]) == {}


def _value(n, key):
    return METHOD.noise.perturb_one(n, _of_table(key, " total")) or 0
