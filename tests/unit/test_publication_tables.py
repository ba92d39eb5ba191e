"""The cells of the public file are the catalogue's and the territory's, whatever occurred."""

from dataclasses import replace

import numpy as np
import pytest

from receipt_service.bootstrap.law import load_law
from receipt_service.domain.check import SelectionMode
from receipt_service.errors import ConfigurationError
from receipt_service.statistics.lattice import HOUR_BANDS, TABLE_OF, partitions
from receipt_service.statistics.publication.tables import ALL, PUBLIC_TABLES, public_domain

LAW = load_law()
DOMAIN = public_domain(LAW.catalogues, LAW.territory)


def test_every_departement_and_every_code_has_its_cells():
    assert [area.code for area in DOMAIN.departments] == [f"D{code}" for code in sorted(LAW.territory.departments)]
    codes = {table: [category.code for category in found] for table, found in DOMAIN.categories.items()}
    assert codes == {
        "total": [ALL],
        "basis": list(LAW.current.bases),
        "outcome": list(LAW.current.outcomes),
        "hour_band": list(HOUR_BANDS),
        "selection": [mode.value for mode in SelectionMode],
    }
    assert DOMAIN.size == 109 * 77


def test_codes_of_every_version_of_the_catalogue_are_there():
    older = replace(LAW.current, version="2025.1", outcomes={"OLD": LAW.current.outcomes["AUTRE"]})
    outcomes = public_domain({"2025.1": older, **LAW.catalogues}, LAW.territory).categories["outcome"]

    assert {category.code for category in outcomes} == {"OLD", *LAW.current.outcomes}


def test_the_tables_are_the_lattices_and_those_of_one_cell_a_check_partition():
    for table in PUBLIC_TABLES:
        assert TABLE_OF[table.code].dimensions == (() if table.dimension is None else (table.dimension,))
        assert (table.sensitivity == 1) == (table.dimension is None or partitions(table.dimension))


def test_counts_of_months_add_up_in_their_cells():
    counts = DOMAIN.counts([("total", "D75", "", 3), ("total", "D75", "", 4), ("outcome", "D2A", "LIBRE", 5)])

    assert counts["total"].sum() == 7
    assert counts["outcome"].sum() == 5
    row = [area.code for area in DOMAIN.departments].index("D2A")
    assert counts["outcome"][row, [category.code for category in DOMAIN.categories["outcome"]].index("LIBRE")] == 5
    assert counts["basis"].sum() == 0
    assert all(found.dtype == np.int64 for found in counts.values())


@pytest.mark.parametrize("cell", [("total", "D00", "", 1), ("basis", "D75", "NEW", 1), ("reason", "D75", "", 1)])
def test_what_is_not_of_the_domain_is_refused(cell):
    with pytest.raises(ConfigurationError, match="neither"):
        DOMAIN.counts([cell])


def test_every_cell_has_a_name_in_both_languages():
    for categories in DOMAIN.categories.values():
        for category in categories:
            assert category.fr
            assert category.en
            # A spreadsheet would take such a text for a formula.
            assert not category.fr.startswith(("=", "+", "-", "@"))
