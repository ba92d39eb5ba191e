"""From registered checks to the officer view: what officers recorded is what their supervisor reads."""

import asyncio
from datetime import timedelta

from receipt_service.domain.check import Officer, Quality, Service
from receipt_service.domain.recipient import Channel
from receipt_service.statistics.method.funnel import Reason
from receipt_service.statistics.officers import OfficerScreens, Purpose
from receipt_service.storage import fold_queue
from receipt_service.storage.engine import writing
from tests.support import stub_facts
from tests.support.issuances import NOW, store

UNITS = {"N": None, "N1": "N", "N2": "N", "M": None}
AFTERWARDS = NOW + timedelta(days=60)
SUPERVISOR = Officer(
    number="2222222",
    rank="PN-COMMISSAIRE",
    quality=Quality.OPJ,
    service=Service(code="N", name="N", force="PN", department="75", commune=None),
)


def read(engine, unit="N"):
    screens = OfficerScreens(engine)
    question = screens.read(
        reader=SUPERVISOR, unit=unit, period="2026-11", purpose=Purpose.REGULAR_REVIEW, now=AFTERWARDS
    )
    entries = asyncio.run(question).screen.entries
    return {entry.officer: (entry.checks, entry.hits, entry.reason) for entry in entries}


def checks(number, outcomes, count, unit="N1"):
    return [stub_facts.a_stub(Channel.PAPER, unit=unit, number=number, outcomes=outcomes) for _ in range(count)]


def fold(engine):
    folding = stub_facts.rollup(engine)
    while folding.fold(1000).rows:
        pass


def test_a_check_with_several_outcomes_is_one_hit_and_other_units_are_not_seen(engine):
    stub_facts.place_units(engine, UNITS)
    store(
        engine,
        *checks("0000001", ["LIBRE"], 40),
        *checks("0000001", ["PV_CONVOC", "SAISIE"], 9),
        *checks("0000001", ["VERIF"], 6, unit="N2"),
        *checks("0000002", ["LIBRE"], 49),
        *checks("0000003", ["GAV"], 60, unit="M"),
    )
    fold(engine)

    assert read(engine) == {
        "0000001": (55, 15, Reason.NO_PEERS),
        "0000002": (None, None, Reason.FEW_CHECKS),
    }
    assert set(read(engine, "N2")) == {"0000001"}


def test_a_check_that_was_withdrawn_is_not_held_against_its_officer(engine):
    stub_facts.place_units(engine, UNITS)
    stubs = checks("0000001", ["SAISIE"], 52)
    store(engine, *stubs)
    fold(engine)
    with writing(engine) as connection:
        fold_queue.withdraw(connection, stubs[0].stub_id, now=NOW)
    fold(engine)

    assert read(engine) == {"0000001": (51, 51, Reason.NO_PEERS)}
