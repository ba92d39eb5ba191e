"""Questions: one form of each, and nothing that is not on the lattice."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receipt_service.statistics.lattice import TABLES, AreaLevel, Dimension, level_of, months_of, tables_of
from receipt_service.statistics.questions import (
    InvalidQuestion,
    Question,
    Split,
    divisions_of,
    question_of,
    splits_of,
)

AREAS = {"F": AreaLevel.FRANCE, "D2A": AreaLevel.DEPARTMENT, "C75110": AreaLevel.COMMUNE, "UPN-75": AreaLevel.UNIT}
NAMES = [*Dimension, *Split]


def question_or_faults(**asked):
    try:
        return question_of(**{"area": "F", "period": "2026-Q3", "by": ()} | asked)
    except InvalidQuestion as error:
        return {violation.field for violation in error.violations}


def faults(**asked):
    found = question_or_faults(**asked)
    assert isinstance(found, set)
    return found


def test_the_order_of_divisions_does_not_matter():
    for table in TABLES:
        names = [each.value for each in table.dimensions]
        for order in itertools.permutations(names):
            assert question_of(area="F", period="2026", by=order) == Question("F", "2026", table)


def test_an_answer_names_area_then_time_then_dimensions():
    assert question_of(area="F", period="2026", by=["basis", "department"]).by == ("department", "basis")
    assert question_of(area="UPN", period="2026", by=["month", "unit"]).by == ("unit", "month")
    assert question_of(area="UPN", period="2026", by=["outcome", "quarter"]).by == ("quarter", "outcome")
    assert question_of(area="UPN", period="2026", by=()).by == ()


@given(st.sampled_from(list(AREAS)), st.sampled_from(["2026-07", "2026-Q3", "2026"]), st.lists(st.sampled_from(NAMES)))
def test_what_is_asked_is_on_the_lattice_or_is_refused(area, period, by):
    question = question_or_faults(area=area, period=period, by=by)
    if isinstance(question, set):
        assert question == {"/query/by"}
        return
    assert {*question.by} == {*by}
    assert len(question.by) == len(by) <= 2
    below = question.area_split is Split.COMMUNE
    assert question.table in tables_of(AreaLevel.COMMUNE if below else level_of(area))
    assert question == question_of(area=area, period=period, by=by[::-1])
    assert question.area_split is None or question.area_split in splits_of(AREAS[area])
    assert question.period_split is None or len(months_of(period)) > 1


@given(st.text(max_size=12), st.text(max_size=8))
def test_free_areas_and_periods_are_refused(area, period):
    question = question_or_faults(area=area, period=period)
    if isinstance(question, set):
        assert question <= {"/query/area", "/query/period"}
    else:
        assert level_of(question.area)
        assert len(months_of(question.period)) in {1, 3, 12}


@pytest.mark.parametrize(
    "area",
    ["", "f", "FR", "L75", "LPN-75", "D", "D7", "D75,D93", "C7511", "C751100", "U", "Upn", "U PN", "U" + "A" * 41],
)
def test_what_is_no_area(area):
    assert faults(area=area) == {"/query/area"}


@pytest.mark.parametrize("period", ["", "2026-7", "2026-13", "2026-Q5", "2026-07-01", "2026-07/2026-09", "now", "٢٠٢٦"])
def test_what_is_no_period(period):
    assert faults(period=period) == {"/query/period"}


def test_every_fault_is_named_at_once():
    assert faults(area="x", period="y") == {"/query/area", "/query/period"}


@pytest.mark.parametrize(
    "by",
    [
        ["basis", "outcome", "selection"],
        ["basis", "basis"],
        ["department", "department"],
        ["department", "basis", "outcome"],
        ["month", "quarter"],
        ["quarter", "month"],
        ["officer"],
        ["basis", "measure"],
        ["commune"],
        ["month"],
    ],
)
def test_what_is_no_division(by):
    period = "2026" if "quarter" in by else "2026-07"
    assert faults(by=by, period=period) == {"/query/by"}


def test_communes_have_the_short_list_of_tables():
    assert faults(area="C75110", by=["reason"]) == faults(area="D75", by=["commune", "reason"]) == {"/query/by"}
    assert question_of(area="D75", period="2026", by=["commune", "basis"]).table.code == "basis"
    assert len(divisions_of(AreaLevel.COMMUNE)) == 5 < len(divisions_of(AreaLevel.UNIT))


def test_a_refusal_names_what_could_have_been_asked():
    with pytest.raises(InvalidQuestion) as refused:
        question_of(area="C75110", period="2026-07", by=["month"])
    (violation,) = refused.value.violations
    assert violation.rule == "not_on_lattice"
    assert all("basis, outcome, hour_band, selection" in words for words in (violation.fr, violation.en))
