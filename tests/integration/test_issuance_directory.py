"""The directory in use: imported whole or not at all, seen by running processes within seconds."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from receipt_service.domain.check import Quality
from receipt_service.errors import NotFound, OfficerUnknown
from receipt_service.issuance.directory import FRESH_SECONDS, OfficerDirectory, import_directory
from receipt_service.issuance.reads import Reads
from receipt_service.storage import directory
from receipt_service.storage.engine import reading
from tests.support.checks import NOW, catalogue, territory
from tests.support.issuances import an_issuance, store

SAMPLE = Path(__file__).parents[2] / "schemas" / "examples" / "directory.csv"
FILE = """\
kind;code;name;parent;force;department;commune;number;rank;quality;unit;subject;active
unit;PN-75;Préfecture de police;;PN;75;;;;;;;
unit;PN-75-10;Commissariat du 10e;PN-75;PN;75;75110;;;;;;
unit;PN-75-10-A;Brigade;PN-75-10;PN;75;75110;;;;;;
unit;PN-973;DTPN Guyane;;PN;973;;;;;;;
officer;;;;;;;1234567;PN-GARDIEN-DE-LA-PAIX;APJ;PN-75-10;one;
officer;;;;;;;7654321;PN-CAPITAINE;OPJ;PN-75;two;
officer;;;;;;;3333333;PN-CAPITAINE;OPJ;PN-973;three;
officer;;;;;;;4444444;PN-MAJOR;OPJ;PN-75-10;four;non
"""


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def bring_in(engine, text=FILE, **options):
    return import_directory(engine, text.encode(), catalogue=catalogue(), territory=territory(), now=NOW, **options)


@pytest.fixture
def filled(engine):
    assert bring_in(engine).imported
    return engine


def test_a_file_is_imported_and_importing_it_again_changes_nothing(engine):
    first = bring_in(engine)
    assert (first.units, first.units_changed, first.officers, first.officers_changed) == (4, 4, 4, 4)
    with reading(engine) as connection:
        revision = directory.revision(connection)
        stored = directory.units(connection), directory.officers(connection)
    again = bring_in(engine)
    assert again.imported
    assert (again.units_changed, again.officers_changed) == (0, 0)
    with reading(engine) as connection:
        assert directory.revision(connection) == revision
        assert (directory.units(connection), directory.officers(connection)) == stored


def test_one_bad_line_and_nothing_is_imported(engine):
    report = bring_in(engine, FILE + "officer;;;;;;;123;PN-CAPITAINE;OPJ;PN-75;five;\n")
    assert [(fault.line, fault.column) for fault in report.faults] == [(10, "number")]
    assert not report.imported
    with reading(engine) as connection:
        assert directory.units(connection) == {}
        assert directory.revision(connection) == 0


def test_a_later_file_updates_what_it_names_and_leaves_the_rest(filled):
    later = FILE.splitlines()[0] + "\nofficer;;;;;;;1234567;PN-BRIGADIER-CHEF;OPJ;PN-973;one;\n"
    report = bring_in(filled, later)
    assert (report.officers, report.officers_changed, report.officers_deactivated) == (1, 1, 0)
    with reading(filled) as connection:
        officers = directory.officers(connection)
    assert (officers["1234567"].rank, officers["1234567"].unit_code) == ("PN-BRIGADIER-CHEF", "PN-973")
    assert officers["7654321"].active


def test_a_complete_file_ends_the_officers_it_leaves_out(filled):
    shorter = "\n".join(line for line in FILE.splitlines() if "3333333" not in line)
    report = bring_in(filled, shorter, complete=True)
    assert (report.officers_changed, report.officers_deactivated) == (0, 1)
    with reading(filled) as connection:
        officers = directory.officers(connection)
        assert directory.officer_by_number(connection, "3333333") is None
    assert not officers["3333333"].active
    assert bring_in(filled, shorter, complete=True).officers_deactivated == 0


def test_subjects_may_be_exchanged_in_one_file(filled):
    swapped = FILE.replace(";one;", ";temporary;").replace(";two;", ";one;").replace(";temporary;", ";two;")
    report = bring_in(filled, swapped)
    assert report.imported
    with reading(filled) as connection:
        assert directory.officer_by_subject(connection, "one").number == "7654321"
        assert directory.officer_by_subject(connection, "two").number == "1234567"


def test_the_sample_file_is_sound(engine):
    report = import_directory(engine, SAMPLE.read_bytes(), catalogue=catalogue(), territory=territory(), now=NOW)
    assert report.faults == ()
    assert report.units >= 20
    with reading(engine) as connection:
        forces = {unit.force for unit in directory.units(connection).values()}
        departments = {unit.department for unit in directory.units(connection).values()}
    assert forces == set(catalogue().forces)
    assert {"973", "974", "976"} <= departments


def test_an_officer_is_found_with_rank_quality_and_service(filled):
    officer = asyncio.run(OfficerDirectory(filled).by_subject("one"))
    assert (officer.number, officer.rank, officer.quality) == ("1234567", "PN-GARDIEN-DE-LA-PAIX", Quality.APJ)
    assert (officer.service.code, officer.service.name, officer.service.force) == (
        "PN-75-10",
        "Commissariat du 10e",
        "PN",
    )
    assert (officer.service.department, officer.service.commune) == ("75", "75110")


@pytest.mark.parametrize("subject", ["four", "nobody", "", "1234567", "ONE"])
def test_who_is_not_an_active_officer_is_unknown(filled, subject):
    with pytest.raises(OfficerUnknown) as unknown:
        asyncio.run(OfficerDirectory(filled).by_subject(subject))
    assert subject not in str(unknown.value) or not subject


def test_a_change_is_seen_within_seconds_and_not_asked_for_each_time(filled):
    clock = Clock()
    known = OfficerDirectory(filled, clock=clock)
    assert asyncio.run(known.by_subject("two")).rank == "PN-CAPITAINE"
    bring_in(filled, FILE.replace("7654321;PN-CAPITAINE", "7654321;PN-COMMANDANT"))
    clock.now += FRESH_SECONDS / 2
    assert asyncio.run(known.by_subject("two")).rank == "PN-CAPITAINE"
    clock.now += FRESH_SECONDS
    assert asyncio.run(known.by_subject("two")).rank == "PN-COMMANDANT"
    assert asyncio.run(known.by_number("7654321")).rank == "PN-COMMANDANT"
    assert asyncio.run(known.by_number("4444444")) is None


def test_an_officer_who_is_ended_is_refused_within_seconds_and_a_new_one_found(filled):
    clock = Clock()
    known = OfficerDirectory(filled, clock=clock)
    asyncio.run(known.by_subject("one"))
    with pytest.raises(OfficerUnknown):
        asyncio.run(known.by_subject("four"))
    bring_in(filled, FILE.replace(";one;", ";one;no").replace(";four;non", ";four;oui"))
    clock.now += FRESH_SECONDS * 2
    with pytest.raises(OfficerUnknown):
        asyncio.run(known.by_subject("one"))
    assert asyncio.run(known.by_subject("four")).number == "4444444"


def test_the_tree_says_who_is_below_whom(filled):
    with reading(filled) as connection:
        for unit, top, below in (
            ("PN-75-10-A", "PN-75-10-A", True),
            ("PN-75-10-A", "PN-75-10", True),
            ("PN-75-10-A", "PN-75", True),
            ("PN-75", "PN-75-10-A", False),
            ("PN-973", "PN-75", False),
            ("GONE", "PN-75", False),
        ):
            assert directory.is_within(connection, unit=unit, top=top) is below


def test_a_check_is_its_officers_and_their_supervisors(filled):
    issuance = an_issuance(unit_code="PN-75-10-A", officer_number="1234567")
    store(filled, issuance)
    known, reads = OfficerDirectory(filled), Reads(filled)
    one, two, three = (asyncio.run(known.by_subject(each)) for each in ("one", "two", "three"))
    number = issuance.receipt_number
    for reader, supervises, allowed in (
        (one, False, True),
        (two, True, True),
        (two, False, False),
        (three, True, False),
        (replace(three, service=replace(three.service, code="PN-75-10-A")), True, True),
    ):
        if allowed:
            report = asyncio.run(reads.check(number, reader=reader, supervises=supervises))
            assert report.receipt_number == number
            assert len(report.messages) == 1
        else:
            with pytest.raises(NotFound):
                asyncio.run(reads.check(number, reader=reader, supervises=supervises))
    for wrong in ("0" * 26, "nonsense", ""):
        with pytest.raises(NotFound):
            asyncio.run(reads.check(wrong, reader=one, supervises=True))
        with pytest.raises(NotFound):
            asyncio.run(reads.stub(wrong))
