"""Deletions and corrections under audit, on both databases: what a record answers for passes, and nothing else does."""

from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from receipt_service.audit.closings import Closings
from receipt_service.audit.period import AuditPeriod
from receipt_service.bootstrap.log_records import record_signer
from receipt_service.domain.canonical import base64url
from receipt_service.domain.directory import UnitEntry
from receipt_service.domain.log_entry import EntryKind
from receipt_service.storage import corrections, directory, log_queue
from receipt_service.storage.corrections import NewCorrection
from receipt_service.storage.engine import writing
from receipt_service.tlog.merkle import leaf_hash
from receipt_service.transparency.retention import GROUPS, Retention, Term
from tests.integration.test_audit_period import CHIEF, PARIS, UNIT
from tests.support.audited_log import AuditedLog, make_stub
from tests.support.receipts import ISSUER, SIGNER
from tests.support.retained import counted

NOON = datetime(2026, 11, 18, 11, 0, tzinfo=UTC)
EVENING = NOON + timedelta(hours=11)
YEARS_LATER = datetime(2034, 1, 10, 3, 0, tzinfo=UTC)
AUDITED = YEARS_LATER + timedelta(hours=1)
DAY = AuditPeriod(NOON.date(), NOON.date())
SOME, WHOLE = Term(years=6, groups=GROUPS[:3]), Term(years=6)
SIGN = record_signer(ISSUER, lambda _now: SIGNER)
UNIT_ENTRY = UnitEntry(code=UNIT, name="Commissariat", parent_code=None, force="PN", department="75", commune="75110")


@pytest.fixture
def log(tmp_path, database_url):
    made = AuditedLog(database_url, tmp_path, NOON)
    with writing(made.engine) as connection:
        directory.save(connection, [UNIT_ENTRY], [])
    yield made
    made.close()


def register(log, number=5):
    stubs = [make_stub(NOON + timedelta(minutes=place)) for place in range(number)]
    log.register(stubs)
    log.publish()
    return stubs


def retain(log, *terms, publish=True):
    """Run retention as its command does, years later."""
    counted(log.engine)
    for term in terms:
        assert sum(Retention(log.engine, partial(SIGN, EntryKind.DELETION), lambda: YEARS_LATER).run(term))
    log.now = YEARS_LATER
    if publish:
        log.publish()


def codes(log, period=None, now=AUDITED):
    return log.codes(period=period, now=now)


@pytest.mark.parametrize("terms", [(SOME,), (WHOLE,), (SOME, WHOLE), (Term(years=6, groups=("officer",)),)])
def test_what_went_lawfully_is_told_and_no_alarm(log, terms):
    held = register(log)
    retain(log, *terms)

    for period in (None, DAY):
        result = log.audit(period, AUDITED)
        assert (result.whole, result.findings.counts) == (True, {"stub_deleted_lawfully": 5})
        assert result.stubs == 5
    match = log.match(held[0].compact, AUDITED)
    whole = WHOLE in terms
    assert match.outcome == ("logged_stub_lawfully_deleted" if whole else "authentic_logged")
    assert match.erased == (GROUPS if whole else terms[0].groups)
    assert not set(match.erased) & set(match.compared)


def test_a_retention_of_this_minute_needs_no_place_in_the_log_yet(log):
    register(log)
    retain(log, WHOLE, publish=False)

    assert codes(log, now=YEARS_LATER + timedelta(seconds=30)) == {"stub_deleted_lawfully": 5}


def test_a_stub_that_nobody_named_is_not_excused_by_those_beside_it(log):
    *_, spared = register(log, 6)
    later = make_stub(NOON.replace(year=2030))
    log.register([later])
    log.publish()
    retain(log, WHOLE)
    emptied = "disclosures = '', officer_number = '', unit_code = '', checked_at = committed_at"
    log.as_attacker((f"UPDATE stub SET {emptied} WHERE id = ?", (later.stub_id,)))  # noqa: S608 - our own words

    found = codes(log)

    assert found == {"stub_deleted_lawfully": 6, "disclosure_altered": 1}
    assert log.match(later.compact, AUDITED).outcome == "stub_differs"
    assert log.match(spared.compact, AUDITED).outcome == "logged_stub_lawfully_deleted"
    # A row that names it under the honest record does not help: the record names entries of the log.
    log.as_attacker(
        ("INSERT INTO deletion_stub (stub_id, deletion_id, entry_index) VALUES (?, 1, 0)", (later.stub_id,))
    )
    assert codes(log) == found
    assert log.match(later.compact, AUDITED).outcome == "stub_differs"


def test_without_the_row_that_names_it_an_emptied_stub_is_an_alarm(log):
    gone, *_ = register(log)
    retain(log, WHOLE)
    log.as_attacker(("DELETE FROM deletion_stub WHERE stub_id = ?", (gone.stub_id,)))

    assert codes(log) == {"stub_deleted_lawfully": 4, "disclosure_missing": 1}


def test_a_deletion_whose_record_is_not_in_the_log_excuses_nothing(log):
    held = register(log)
    retain(log, WHOLE, publish=False)
    log.as_attacker(("DELETE FROM log_queue", ()))

    assert codes(log, DAY) == {"disclosure_missing": 5, "deletion_not_logged": 1}
    assert log.match(held[0].compact, AUDITED).outcome == "stub_differs"


@pytest.mark.parametrize(
    "change", ["dropped = 'stub'", "disclosure = 'W10'", "record = 'x'", "deleted_at = deleted_at + 86400000000"]
)
def test_an_altered_deletion_excuses_nothing(log, change):
    if log.engine.dialect.name == "postgresql" and "deleted_at" in change:
        change = "deleted_at = deleted_at + interval '1 day'"
    register(log)
    retain(log, SOME)
    log.as_attacker((f"UPDATE deletion SET {change}", ()))  # noqa: S608 - our own words

    found = codes(log)

    assert found["deletion_invalid"] == 1
    assert found["disclosure_missing"] == 5
    assert found.get("record_without_row", 0) == change.startswith("record")


def test_a_deletion_that_was_deleted_is_missed(log):
    register(log)
    retain(log, WHOLE)
    log.as_attacker(("DELETE FROM deletion_stub", ()), ("DELETE FROM deletion", ()))

    assert codes(log) == {"disclosure_missing": 5, "record_without_row": 1}


@pytest.mark.parametrize("term", [SOME, WHOLE])
def test_a_closing_of_stubs_that_went_cannot_be_compared_any_more_and_says_so(log, term):
    register(log)
    Closings(log.engine, SIGN, lambda _department: PARIS)._close(CHIEF, UNIT, NOON.date(), 5, EVENING)
    log.publish()
    assert codes(log, DAY, EVENING) == {}
    retain(log, term)

    result = log.audit(DAY, AUDITED)

    assert (result.whole, result.findings.counts) == (True, {"stub_deleted_lawfully": 5, "closing_not_comparable": 1})


def amend(log, old, new=None, *, reason="wrong_place", publish=True):
    """Write what a correction writes of itself: the row and the record that waits for its place."""
    at = NOON + timedelta(hours=1)
    hashes = [None if each is None else base64url(leaf_hash(each.leaf.encode())) for each in (old, new)]
    record = SIGN(EntryKind.CORRECTION, {"replaced": hashes[0], "by": hashes[1], "reason": reason}, at)
    row = NewCorrection(
        old_stub_id=old.stub_id, new_stub_id=None if new is None else new.stub_id, reason=reason, explanation=None,
        officer_number="1234567", corrected_at=at, record=record.text, disclosure=record.disclosure or "",
    )  # fmt: skip
    with writing(log.engine) as connection:
        assert corrections.add(connection, row)
        log_queue.ask(connection, EntryKind.CORRECTION, record.text)
    if publish:
        log.publish()


def test_corrections_and_cancellations_are_whole_and_the_state_is_told(log):
    old, new, dropped, _ = register(log, 4)
    amend(log, old, new)
    amend(log, dropped, reason="duplicate")

    result = log.audit(DAY, EVENING)

    assert (result.findings.counts, result.entries) == ({}, 6)
    for stub, state in ((old, "replaced"), (new, "stands"), (dropped, "cancelled")):
        match = log.match(stub.compact, EVENING)
        assert (match.outcome, match.state, match.differing) == ("authentic_logged", state, ())
        assert match.to_json()["state"] == state


def test_a_correction_of_this_minute_waits_for_its_place(log):
    old, new = register(log, 2)
    amend(log, old, new, publish=False)

    assert codes(log, now=NOON + timedelta(hours=1, seconds=30)) == {}


def test_a_deleted_correction_is_missed(log):
    old, new = register(log, 2)
    amend(log, old, new)
    log.as_attacker(("DELETE FROM correction", ()))

    assert codes(log, DAY, EVENING) == {"record_without_row": 1}
    assert codes(log, now=EVENING) == {"record_without_row": 1}


@pytest.mark.parametrize("change", ["reason = 'other_error'", "new_stub_id = NULL", "disclosure = 'W10'"])
def test_an_altered_correction_is_found(log, change):
    old, new = register(log, 2)
    amend(log, old, new)
    log.as_attacker((f"UPDATE correction SET {change}", ()))  # noqa: S608 - our own words

    assert codes(log, DAY, EVENING) == {"correction_invalid": 1}
    match = log.match(old.compact, EVENING)
    assert (match.outcome, match.differing) == ("stub_differs", ("correction",))


def test_a_correction_that_was_moved_out_of_the_days_is_missed_there(log):
    old, new = register(log, 2)
    amend(log, old, new)
    on_sqlite = log.engine.dialect.name == "sqlite"
    change = "corrected_at + 864000000000" if on_sqlite else "corrected_at + interval '10 days'"
    log.as_attacker((f"UPDATE correction SET corrected_at = {change}", ()))  # noqa: S608 - our own words

    assert codes(log, DAY, EVENING) == {"record_without_row": 1}
    assert codes(log, now=EVENING) == {"correction_invalid": 1}


def test_a_correction_beside_the_log(log):
    old, new = register(log, 2)
    amend(log, old, new, publish=False)
    log.as_attacker(("DELETE FROM log_queue", ()))

    assert codes(log, DAY, EVENING) == {"correction_not_logged": 1}


def test_a_correction_of_an_erased_stub_stays_whole(log):
    old, new, *_ = register(log)
    amend(log, old, new)
    retain(log, WHOLE)

    result = log.audit(now=AUDITED)

    assert (result.whole, result.findings.counts) == (True, {"stub_deleted_lawfully": 5})
    assert log.match(old.compact, AUDITED).state == "replaced"
