"""The grid of what may be counted."""

import pytest

from receipt_service.statistics.lattice import (
    TABLE_OF,
    TABLES,
    AreaLevel,
    Dimension,
    code_of,
    level_of,
    months_of,
    own_area,
    partitions,
    period_of,
    tables_of,
    unit_area,
)


def test_tables_cross_two_dimensions_at_most_and_are_named_after_them():
    assert all(len(table.dimensions) <= 2 for table in TABLES)
    assert all(table.code == ("*".join(table.dimensions) or "total") for table in TABLES)
    assert len(TABLE_OF) == len(TABLES)


def test_communes_have_five_tables():
    assert [table.code for table in tables_of(AreaLevel.COMMUNE)] == [
        "total", "basis", "outcome", "hour_band", "selection",
    ]  # fmt: skip
    assert tables_of(AreaLevel.UNIT) == TABLES


def test_three_dimensions_partition_the_checks():
    assert {each for each in Dimension if partitions(each)} == {
        Dimension.BASIS, Dimension.HOUR_BAND, Dimension.SELECTION,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("period", "months"),
    [
        ("2026-11", (202611,)),
        ("2026-Q4", (202610, 202611, 202612)),
        ("2026", tuple(range(202601, 202613))),
    ],
)
def test_periods_are_months_of_the_calendar(period, months):
    assert months_of(period) == months
    assert period_of(202601) == "2026-01"


@pytest.mark.parametrize("period", ["2026-13", "2026-00", "2026-Q5", "26", "2026-1", "2026-11-01", "", "2026-Q"])
def test_anything_else_is_no_period(period):
    with pytest.raises(ValueError, match="a period is written"):
        months_of(period)


@pytest.mark.parametrize(
    ("area", "level", "code"),
    [
        ("F", AreaLevel.FRANCE, ""),
        ("D2A", AreaLevel.DEPARTMENT, "2A"),
        ("C75110", AreaLevel.COMMUNE, "75110"),
        (unit_area("PN-75"), AreaLevel.UNIT, "PN-75"),
    ],
)
def test_an_area_says_its_level(area, level, code):
    assert (level_of(area), code_of(area)) == (level, code)


@pytest.mark.parametrize("area", ["", "FX", own_area("PN-75"), "x", "75"])
def test_what_the_rollup_alone_knows_is_no_area(area):
    with pytest.raises(ValueError, match="not the code"):
        level_of(area)
