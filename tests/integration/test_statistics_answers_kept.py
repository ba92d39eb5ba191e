"""Answers are kept in memory: as they would be read, for those alone who may ask, and for one directory."""

import asyncio

import pytest

from receipt_service.domain.check import Officer, Service
from receipt_service.domain.directory import UnitEntry
from receipt_service.errors import OutsideOwnUnits, PeriodNotReleased
from receipt_service.statistics.answers import Answers
from receipt_service.statistics.questions import question_of
from receipt_service.storage import directory
from receipt_service.storage.engine import writing
from tests.support.population import IMPORTED, UNITS, population, store
from tests.support.worlds import QUARTER, release_all

QUESTIONS = (
    ("F", "2026-Q3", ()),
    ("F", "2026-Q3", ("department", "outcome")),
    ("D75", "2026-07", ("commune",)),
    ("D93", "2026-08", ("commune", "basis")),
    ("UPN", "2026-Q3", ("unit", "month")),
    ("UPN", "2026-Q3", ("unit", "outcome")),
    ("UPN-75", "2026-09", ("hour_band", "outcome")),
    ("C75110", "2026-Q3", ("month", "basis")),
)


def supervisor(unit):
    service = Service(code=unit, name=unit, force="PN")
    return Officer(number="1000000", rank="PN-COMMISSAIRE", quality="OPJ", service=service)


def ask(answers, area, period, by, unit="PN"):
    return asyncio.run(answers.ask(question_of(area=area, period=period, by=by), supervisor(unit)))


@pytest.fixture
def released(engine):
    store(engine, population(3, 2500))
    release_all(engine)
    return engine


def test_a_kept_answer_is_what_would_be_read(released):
    keeping, reading_anew = Answers(released), Answers(released, lines_kept=0)
    for question in QUESTIONS:
        first = ask(keeping, *question)
        assert ask(keeping, *question) is first
        assert ask(reading_anew, *question) == first
        assert ask(reading_anew, *question) is not first
    assert sum(bool(ask(keeping, *question).lines) for question in QUESTIONS) >= 5


def test_whoever_may_not_ask_gets_no_kept_answer_either(released):
    answers = Answers(released)
    assert ask(answers, "F", "2026-Q3", ()).total
    with pytest.raises(OutsideOwnUnits):
        ask(answers, "F", "2026-Q3", (), unit="PN-75")


def test_units_that_move_are_another_answer(released):
    answers = Answers(released)
    before = ask(answers, "UPN", "2026-Q3", ("unit",))
    with writing(released) as connection:
        moved = UnitEntry(code="PN-75-10", name="x", parent_code="PN", force="PN", department="75", commune="75110")
        directory.save(connection, [moved], [])
        directory.count_import(connection, IMPORTED)
    after = ask(answers, "UPN", "2026-Q3", ("unit",))
    assert {line.values[0] for line in after.lines} - {line.values[0] for line in before.lines} == {"PN-75-10"}
    assert UNITS["PN-75-10"] == ("PN-75", "75")


def test_a_period_that_is_not_released_is_not_kept_as_missing(engine):
    store(engine, population(3, 2500))
    answers = Answers(engine)
    with pytest.raises(PeriodNotReleased):
        ask(answers, "UPN", "2026-07", ())
    release_all(engine, QUARTER[:1])
    assert ask(answers, "UPN", "2026-07", ()).total
