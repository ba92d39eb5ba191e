"""Which periods are over, and what counts as a hit."""

import json
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receipt_service.errors import PeriodNotClosed
from receipt_service.statistics import officers
from receipt_service.statistics.lattice import months_of
from receipt_service.statistics.method.funnel import Direction, Reason, Stratum, Tally
from receipt_service.statistics.officers import Purpose, closed_months, is_over, latest_closed, work_of
from receipt_service.storage.rollup import OfficerRow
from tests.vectors.api.make_examples import officer_statistics

ROOT = Path(__file__).parents[2]
moments = st.datetimes(datetime(2026, 1, 1), datetime(2060, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (datetime(2026, 11, 24, tzinfo=UTC), ("2026-10", "2026-Q3")),
        (datetime(2026, 12, 1, 9, 59, tzinfo=UTC), ("2026-10", "2026-Q3")),
        (datetime(2026, 12, 1, 10, tzinfo=UTC), ("2026-11", "2026-Q3")),
        (datetime(2027, 1, 1, 9, tzinfo=UTC), ("2026-11", "2026-Q3")),
        (datetime(2027, 1, 1, 10, tzinfo=UTC), ("2026-12", "2026-Q4")),
        (datetime(2027, 2, 15, tzinfo=UTC), ("2027-01", "2026-Q4")),
    ],
)
def test_the_latest_periods_are_over_by_every_french_clock(now, expected):
    assert latest_closed(now) == expected


@given(moments)
def test_the_latest_periods_are_over_and_the_next_are_not(now):
    for period in latest_closed(now):
        last = closed_months(period, now)[-1]
        assert is_over(last, now)
    month = months_of(latest_closed(now)[0])[0]
    assert not is_over(month + 1 if month % 100 < 12 else month + 89, now)


@pytest.mark.parametrize("period", ["2026", "2025", "2026-11", "2026-Q4", "2027-01", "", "2026-00", "2026-10 "])
def test_what_is_not_over_or_too_long_is_refused_with_the_latest(period):
    with pytest.raises(PeriodNotClosed) as refused:
        closed_months(period, datetime(2026, 11, 24, tzinfo=UTC))

    assert refused.value.latest == ("2026-10", "2026-Q3")


def test_a_hit_is_a_check_that_did_not_end_with_nothing():
    cells = [
        OfficerRow(202610, "A", "0000001", "search", "", 30),
        OfficerRow(202610, "A", "0000001", "search", "LIBRE", 20),
        OfficerRow(202610, "A", "0000001", "search", "SAISIE", 9),
        OfficerRow(202610, "A", "0000001", "search", "GAV", 8),
        OfficerRow(202611, "A", "0000001", "search", "", 5),
        OfficerRow(202611, "B", "0000001", "search", "", 2),
        OfficerRow(202611, "B", "0000001", "search", "LIBRE", 2),
    ]

    assert work_of(cells) == {"0000001": {Stratum("search", "A"): Tally(35, 15), Stratum("search", "B"): Tally(2, 0)}}


def test_the_outcome_that_means_nothing_is_the_catalogues():
    catalogue = json.loads((ROOT / "schemas" / "catalogue" / "catalogue-2026.1.json").read_text())

    assert [each["code"] for each in catalogue["outcomes"] if each.get("excludes_others")] == [officers.NOTHING_FOLLOWS]


@pytest.mark.parametrize(
    "texts",
    [
        officers.NOTICE,
        officers.INDICATOR,
        *officers.PURPOSES.values(),
        *officers.QUESTIONS.values(),
        *officers.NOT_COMPARED.values(),
    ],
)
def test_every_text_is_in_both_languages(texts):
    assert set(texts) == {"fr", "en"}
    assert texts["fr"] != texts["en"]


def test_everything_that_can_be_said_has_its_text():
    assert set(officers.PURPOSES) == set(Purpose)
    assert set(officers.QUESTIONS) == set(Direction)
    assert set(officers.NOT_COMPARED) == set(Reason)
    assert all(text.endswith("?") for texts in officers.QUESTIONS.values() for text in texts.values())


def test_the_example_is_what_the_code_answers():
    example = files("receipt_service.web") / "examples" / "officer-statistics.json"

    assert json.loads(example.read_bytes()) == officer_statistics()
