"""Counting many facts by array operations comes to what counting each by the rules comes to."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from receipt_service.statistics import aggregation as module
from receipt_service.statistics.aggregation import Aggregation
from receipt_service.statistics.fact_columns import Codebook, Signed, Vocabulary, columns_of
from receipt_service.statistics.facts import Fact, cells_of, officer_cells_of
from receipt_service.statistics.lattice import HOUR_BANDS, RECORD_KEY_MODULUS, Delivery, RecordMark
from receipt_service.statistics.units import UnitTree


def some(*values):
    return st.lists(st.sampled_from(values), max_size=3, unique=True).map(tuple)


FACTS = st.builds(
    Fact,
    month=st.sampled_from([202610, 202611]),
    hour_band=st.sampled_from(HOUR_BANDS[:3]),
    department=st.sampled_from(["75", "2A"]),
    commune=st.sampled_from(["75110", "2A004"]),
    unit=st.sampled_from(["N", "N1", "N2", "N11", "X"]),
    officer=st.sampled_from(["1000001", "1000002"]),
    basis=st.sampled_from(["B1", "B2", "B3"]),
    family=st.sampled_from(["f", "g"]),
    reasons=some("R1", "R2", "R3"),
    measures=some("M1", "M2"),
    outcomes=some("O1", "O2", "O3"),
    selection=st.sampled_from(["behaviour", "random_draw"]),
    operations=some("OP-1", "OP-2"),
    marks=some(*RecordMark),
    channels=some("sms", "paper"),
    deliveries=st.lists(st.sampled_from(list(Delivery)), max_size=2).map(tuple),
    delays=some("0-5", "5-15"),
    counts_check=st.booleans(),
)
SIGNED = st.builds(Signed, FACTS, st.integers(0, RECORD_KEY_MODULUS - 1), st.sampled_from([1, 1, -1]))
TREES = st.sampled_from(
    [
        UnitTree({}),
        UnitTree({"N": None, "N1": "N", "N2": "N", "N11": "N1"}),
        UnitTree({"N": "TOP", "N1": "N", "N2": "TOP", "N11": "N2", "TOP": None}),
    ]
)


def by_the_rules(facts, tree):
    cells, officers = Counter(), Counter()
    for fact, key, sign in facts:
        for table, area, a, b in cells_of(fact, tree):
            cells[fact.month, area, table, a, b, "n"] += sign
            cells[fact.month, area, table, a, b, "k"] += sign * key
        for cell in officer_cells_of(fact):
            officers[cell] += sign
    keys = {cell[:-1] for cell in cells}
    found = {key: (cells[*key, "n"], cells[*key, "k"] % RECORD_KEY_MODULUS) for key in keys}
    return (
        {key: sums for key, sums in found.items() if sums != (0, 0)},
        {cell: n for cell, n in officers.items() if n},
    )


def by_arrays(batches, tree):
    book = Codebook()
    counted = Aggregation(book)
    for batch in batches:
        counted.add(columns_of(batch, book))
    cells, officers = list(counted.cells(tree)), list(counted.officers())
    keys = [cell[:5] for cell in cells]
    assert keys == sorted(set(keys)), "in the order of the rows, each once"
    return {tuple(cell[:5]): tuple(cell[5:]) for cell in cells}, {tuple(cell[:5]): cell[5] for cell in officers}


@settings(max_examples=150, deadline=None)
@given(batches=st.lists(st.lists(SIGNED, max_size=8), max_size=4), tree=TREES)
def test_arrays_count_as_the_rules_do(batches, tree):
    assert by_arrays(batches, tree) == by_the_rules([fact for batch in batches for fact in batch], tree)


@settings(max_examples=60, deadline=None)
@given(batches=st.lists(st.lists(SIGNED, min_size=1, max_size=8), max_size=4), tree=TREES)
def test_counting_into_places_comes_to_the_same(batches, tree):
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(module, "_MANY", 0)
        patched.setattr(module, "_CROWDED", 1 << 20)
        assert by_arrays(batches, tree) == by_the_rules([fact for batch in batches for fact in batch], tree)


@given(facts=st.lists(SIGNED, max_size=6), tree=TREES)
def test_what_is_taken_back_leaves_nothing(facts, tree):
    back = [Signed(fact, key, -sign) for fact, key, sign in facts]
    assert by_arrays([facts, back], tree) == ({}, {})


def test_more_values_than_a_cell_has_room_for_are_refused():
    words = Vocabulary(2, ["a", "b"])
    assert (words.code("a"), len(words), words.array().tolist()) == (0, 2, ["a", "b"])
    with pytest.raises(OverflowError, match="too many"):
        words.code("c")


def test_a_cell_of_the_last_of_everything_is_not_negative():
    bits = (module._MONTH_SHIFT + 12, module.AREA_BITS, module.A_BITS, module.B_BITS)
    assert bits[0] == 63
    assert np.iinfo(np.int64).max == (1 << bits[0]) - 1
