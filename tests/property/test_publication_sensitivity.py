"""One receipt more or less: what it changes in the tables of the public file stays within what they state."""

from dataclasses import replace
from functools import cache

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from receipt_service.bootstrap.law import load_law
from receipt_service.domain.check_request import MAX_OUTCOMES
from receipt_service.statistics.facts import Fact, cells_of
from receipt_service.statistics.lattice import HOUR_BANDS
from receipt_service.statistics.publication.tables import PUBLIC_TABLES, public_domain
from receipt_service.statistics.units import UnitTree

LAW = load_law()
TREE = UnitTree({"TOP": None, "UNIT": "TOP"})
PUBLIC = {table.code for table in PUBLIC_TABLES}


@cache
def the_domain():
    return public_domain(LAW.catalogues, LAW.territory)


facts = st.builds(
    Fact,
    month=st.sampled_from([202607, 202608, 202609]),
    hour_band=st.sampled_from(HOUR_BANDS),
    department=st.sampled_from(sorted(LAW.territory.departments)),
    commune=st.just("75110"),
    unit=st.just("UNIT"),
    officer=st.just("1234567"),
    basis=st.sampled_from(sorted(LAW.current.bases)),
    family=st.just("identity_check"),
    reasons=st.just(("A", "B")),
    measures=st.just(("M",)),
    outcomes=st.lists(
        st.sampled_from(sorted(LAW.current.outcomes)), min_size=1, max_size=MAX_OUTCOMES, unique=True
    ).map(tuple),
    selection=st.sampled_from(sorted(LAW.current.selection_modes)),
    operations=st.just(("OP",)),
    marks=st.just(()),
    channels=st.just(("sms", "paper")),
)


def counts_of(*receipts):
    """What the rollup holds of these receipts, in the cells of the public file."""
    areas = {area.code for area in the_domain().departments}
    return the_domain().counts(
        [
            (table, area, a, 1)
            for receipt in receipts
            for table, area, a, _ in cells_of(receipt, TREE)
            if table in PUBLIC and area in areas
        ]
    )


@given(facts, st.lists(facts, max_size=3))
def test_one_receipt_changes_each_table_by_its_sensitivity_at_most(receipt, others):
    before, after = counts_of(*others), counts_of(*others, receipt)
    changed = {code: int(np.abs(after[code] - before[code]).sum()) for code in after}

    assert changed.keys() == PUBLIC
    assert all(1 <= changed[table.code] <= table.sensitivity for table in PUBLIC_TABLES)
    assert changed["outcome"] == len(receipt.outcomes)


@given(facts)
def test_what_becomes_of_its_messages_changes_nothing(receipt):
    moved = counts_of(replace(receipt, counts_check=False))

    assert all(not cells.any() for cells in moved.values())


@given(facts)
def test_a_receipt_is_in_one_row_of_each_table(receipt):
    for cells in counts_of(receipt).values():
        assert (cells.sum(axis=1) > 0).sum() == 1
