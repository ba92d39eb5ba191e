"""The audit of a period on both databases: what is honest passes, and what is not has its own code."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text

from receipt_service.audit.closings import Closings
from receipt_service.audit.findings import MOST_TOLD, Code, Finding, Findings
from receipt_service.audit.period import AuditPeriod, BadPeriod, parse_audit_period
from receipt_service.bootstrap.log_records import record_signer
from receipt_service.domain.check import Officer, Quality, Service
from receipt_service.domain.directory import UnitEntry
from receipt_service.domain.log_entry import EntryKind
from receipt_service.errors import PeriodTooLarge
from receipt_service.storage import directory, log_queue
from receipt_service.storage.engine import reading, writing
from receipt_service.tlog.tiles import ENTRIES, Tile
from tests.support.audited_log import AuditedLog, make_stub
from tests.support.receipts import ISSUER, SIGNER

DAY = date(2026, 11, 18)
NOON = datetime(2026, 11, 18, 11, 0, tzinfo=UTC)
EVENING = datetime(2026, 11, 18, 22, 30, tzinfo=UTC)
"""Half past eleven in Paris."""
LATER = EVENING + timedelta(hours=12)
UNIT = "PN-75-CSP10"
UNIT_ENTRY = UnitEntry(code=UNIT, name="Commissariat", parent_code=None, force="PN", department="75", commune="75110")
CHIEF = Officer(
    number="7654321",
    rank="PN-CAPITAINE",
    quality=Quality.OPJ,
    service=Service(code=UNIT, name="Commissariat", force="PN", department="75", commune="75110"),
)


@pytest.fixture
def log(tmp_path, database_url):
    made = AuditedLog(database_url, tmp_path, LATER)
    with writing(made.engine) as connection:
        directory.save(connection, [UNIT_ENTRY], [])
    yield made
    made.close()


def register(log, *times, publish=True):
    stubs = [make_stub(at) for at in times]
    log.register(stubs)
    if publish:
        log.publish()
    return stubs


def noons(number):
    return [NOON + timedelta(minutes=place) for place in range(number)]


def close(log, checks, at=EVENING, day=DAY):
    closings = Closings(log.engine, record_signer(ISSUER, lambda _now: SIGNER), lambda _department: PARIS)
    closing = closings._close(CHIEF, UNIT, day, checks, at)
    log.publish()
    return closing


PARIS = ZoneInfo("Europe/Paris")


def codes(log, period=None, now=LATER):
    return log.codes(period=period, now=now)


def test_it_is_whole(log):
    register(log, *noons(300))
    close(log, 300)

    result = log.audit(AuditPeriod(DAY, DAY), LATER)

    assert (result.whole, result.findings.counts) == (True, {})
    assert (result.entries, result.stubs, result.closings) == (301, 300, 1)


def test_an_empty_log_is_whole(log):
    assert log.audit(now=LATER).to_json()["log_size"] == 0
    assert codes(log) == {}


def test_what_is_sequenced_while_it_waits_for_its_checkpoint_is_no_alarm_for_a_minute(log):
    register(log, NOON)
    register(log, NOON + timedelta(seconds=10), publish=False)

    assert codes(log, now=NOON + timedelta(seconds=40)) == {}
    assert codes(log, now=NOON + timedelta(seconds=90)) == {"sequencing_overdue": 1}


def test_a_deleted_stub_of_a_closed_day_is_found_twice(log):
    gone, *_ = register(log, *noons(5))
    close(log, 5)
    log.as_attacker(("DELETE FROM stub WHERE id = ?", (gone.stub_id,)))

    assert codes(log) == {"stub_missing": 1, "closing_differs": 1}


def test_a_stub_that_never_came_into_the_log_is_found_by_the_closing_too(log):
    """Somebody put the stub into the book after the closing, and had it say that it was there before."""
    register(log, *noons(5))
    close(log, 5)
    register(log, NOON + timedelta(minutes=30), publish=False)
    log.as_attacker(("DELETE FROM log_queue", ()))

    assert codes(log) == {"never_sequenced": 1, "closing_differs": 1}


def test_a_late_registration_is_lawful_and_told(log):
    register(log, *noons(5))
    close(log, 5)
    late = make_stub(EVENING + timedelta(hours=1), checked_at=NOON)
    log.register([late])
    log.publish()

    result = log.audit(AuditPeriod(DAY, DAY), LATER)

    assert (result.whole, {code.value: n for code, n in result.findings.counts.items()}) == (
        True,
        {"registered_after_closing": 1},
    )


def test_checks_of_the_last_minute_before_the_closing_may_or_may_not_be_in_it(log):
    register(log, *noons(5))
    close(log, 5)
    register(log, EVENING - timedelta(seconds=20))

    assert codes(log) == {}


def test_days_are_the_units_own(log):
    """Half past midnight in Paris is still yesterday in UTC, and counts for today."""
    register(log, NOON, EVENING + timedelta(minutes=45))
    close(log, 1, at=EVENING + timedelta(minutes=50))
    close(log, 1, at=LATER, day=DAY + timedelta(days=1))

    assert codes(log) == {}


def test_what_officers_counted_and_the_book_lacks_is_a_question(log):
    register(log, *noons(5))
    close(log, 7)

    result = log.audit(now=LATER)

    assert result.whole
    told = result.findings.told[0]
    assert (told.code, told.expected, told.found) == ("closing_declared_differs", 7, 5)


def test_a_day_that_nobody_closed_is_told_where_others_were(log):
    register(log, NOON - timedelta(days=2), NOON)
    close(log, 1)

    assert codes(log) == {"closing_missing": 1}


def test_a_closing_whose_disclosure_was_altered(log):
    register(log, NOON)
    closing = close(log, 1)
    other = record_signer(ISSUER, lambda _now: SIGNER)(
        EntryKind.DAILY_CLOSING, closing.facts.to_json() | {"registered": 9}, EVENING
    )
    log.as_attacker(("UPDATE daily_closing SET disclosure = ?", (other.disclosure,)))
    assert codes(log) == {"closing_invalid": 1}

    log.as_attacker(("UPDATE daily_closing SET record = ?", (other.text,)))
    assert codes(log) == {"closing_not_logged": 1, "record_without_row": 1}


def test_a_record_that_was_exchanged_in_the_database(log):
    register(log, NOON)
    close(log, 1)
    log.as_attacker(("UPDATE log_entry SET record = 'x' WHERE kind = 3", ()))

    assert codes(log) == {"entry_differs": 1}


def test_one_leaf_at_two_places(log):
    one, *_ = register(log, NOON)
    with writing(log.engine) as connection:
        connection.execute(text("INSERT INTO log_queue (stub_id) VALUES (:id)"), {"id": one.stub_id})
    log.publish()

    assert codes(log) == {"entry_twice": 1}


def test_a_stub_without_its_frame_or_with_nonsense_is_altered(log):
    register(log, *noons(3))
    log.as_attacker(("UPDATE stub SET digests = 'x' WHERE id = (SELECT min(id) FROM stub)", ()))

    assert codes(log) == {"stub_altered": 1}


def test_a_stub_whose_disclosures_were_dropped_without_a_record(log):
    register(log, *noons(3))
    log.as_attacker(("UPDATE stub SET disclosures = '' WHERE id = (SELECT min(id) FROM stub)", ()))

    assert set(codes(log)) <= {"disclosure_missing", "disclosure_altered"}
    assert len(codes(log)) == 1


def test_a_damaged_bundle_a_damaged_tile_and_a_lost_one(log):
    register(log, *noons(300))
    bundle = log.folder / "log" / Tile(ENTRIES, 0).path
    kept = bundle.read_bytes()
    bundle.write_bytes(kept.replace(b"eyJ", b"eyK", 1))
    assert codes(log)["tree_differs"] == 1
    bundle.unlink()
    assert codes(log)["tree_differs"] == 1
    bundle.write_bytes(kept)
    tile = log.folder / "log" / Tile(0, 0).path
    tile.write_bytes(bytes(32) + tile.read_bytes()[32:])
    assert codes(log)["tree_differs"] >= 1


def test_a_checkpoint_of_other_keys(log):
    register(log, NOON)
    path = log.folder / "log" / "checkpoint"
    path.write_bytes(path.read_bytes().replace(b"/log\n1\n", b"/log\n2\n", 1))

    assert codes(log)["checkpoint_invalid"] == 1


def test_a_tree_that_was_exchanged_behind_the_checkpoint(log):
    register(log, *noons(3))
    log.as_attacker(("UPDATE log_tree SET root = ?", (bytes(32),)))

    assert codes(log) == {"fork": 1}


def test_progress_comes_to_its_end(log):
    register(log, *noons(10))
    told = []

    log.audit(now=LATER, progress=lambda done, total: told.append((done, total)))

    assert told[-1] == (20, 20)


def test_nothing_is_looked_at_where_there_is_too_much(log):
    register(log, *noons(10))

    with pytest.raises(PeriodTooLarge):
        log.audit(now=LATER, most=19)
    assert log.audit(now=LATER, most=20).whole


def test_an_audit_changes_nothing(log):
    register(log, NOON)
    with reading(log.engine) as connection:
        before = log_queue.length(connection)
    codes(log)
    with reading(log.engine) as connection:
        assert log_queue.length(connection) == before == 0


@pytest.mark.parametrize(
    "given", ["", "2026-11-01", "2026-11-30..2026-11-01", "2026-02-30..2026-03-01", "2025-01-01..2026-01-01"]
)
def test_what_is_no_period(given):
    with pytest.raises(BadPeriod):
        parse_audit_period(given)


def test_a_period_is_written_as_it_is_read():
    for given in ("all", "2026-11-01..2026-11-30"):
        assert str(parse_audit_period(given)) == given


def test_beyond_a_thousand_findings_are_counted():
    findings = Findings()
    for index in range(MOST_TOLD + 5):
        findings.add(Finding(Code.STUB_MISSING, index=index))

    assert (len(findings.told), findings.alarms) == (MOST_TOLD, MOST_TOLD + 5)
