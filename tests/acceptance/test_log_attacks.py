"""Attacks on a log of 50,000 leaves, by somebody who has the database's file, the log's folder, and some keys.

Each is found, by its own code, by what an auditor runs: `audit period`, `audit match`, `audit monitor`. `make attack`
prints them. The attacker drops every trigger first: what must hold is the log, not the database's good will.
"""

import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from receipt_service.audit.findings import Code
from receipt_service.audit.period import AuditPeriod
from receipt_service.storage import log_entries
from receipt_service.storage.engine import reading
from receipt_service.storage.stubs import pack_leaf
from receipt_service.tlog.checkpoint import parse_checkpoint
from receipt_service.tlog.merkle import RightEdge, leaf_hash
from receipt_service.tlog.note import parse_note
from receipt_service.transparency.log_folder import CHECKPOINT
from tests.support.audited_log import OLD_SIGNER, AuditedLog, MadeStub, make_stub, stubs_over_days

LEAVES = 50_000
DAYS = 20
BEGIN = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
NOW = BEGIN + timedelta(days=DAYS, hours=1)
THIRD_DAY = AuditPeriod(date(2026, 11, 4), date(2026, 11, 4))
TODAY = AuditPeriod(NOW.date(), NOW.date())
SOME = LEAVES // DAYS * 2 + 700
"""A check of the third day."""


@dataclass(frozen=True)
class Ground:
    """The log before anybody attacks it, and the receipts that people hold."""

    log: AuditedLog
    held: list[MadeStub]


@pytest.fixture(scope="module")
def ground(tmp_path_factory, sqlite_template):
    folder = tmp_path_factory.mktemp("log-attacks")
    shutil.copyfile(sqlite_template, folder / "stubs.db")
    log = AuditedLog(f"sqlite:///{folder / 'stubs.db'}", folder, NOW)
    held = stubs_over_days(LEAVES, DAYS, BEGIN)
    log.register(held)
    log.publish()
    yield Ground(log, held)
    log.close()


@pytest.fixture
def victim(ground, tmp_path):
    """A copy to attack."""
    log = ground.log.copied_to(tmp_path / "victim")
    yield log
    log.close()


@pytest.fixture
def tell(request, capsys):
    """Print an attack and what found it, where somebody looks (`make attack`)."""

    def line(attack: str, *found: object) -> None:
        if request.config.getoption("capture") == "no":
            with capsys.disabled():
                print(f"  {attack:<52} {', '.join(map(str, found))}")  # noqa: T201 - what `make attack` is for

    return line


def codes(log: AuditedLog, period: AuditPeriod = THIRD_DAY, now: datetime = NOW) -> dict[str, int]:
    return log.codes(period=period, now=now)


def test_untouched_it_is_whole(ground, tell):
    result = ground.log.audit(now=NOW)

    assert (result.findings.counts, result.entries, result.stubs) == ({}, LEAVES, LEAVES)
    assert result.checkpoint.size == LEAVES
    assert ground.log.match(ground.held[SOME].compact, NOW).outcome == "authentic_logged"
    tell("none, on 50,000 leaves", "nothing")


def test_an_untouched_day_is_whole(ground):
    result = ground.log.audit(THIRD_DAY, NOW)

    assert result.findings.counts == {}
    assert result.stubs == LEAVES // DAYS
    assert LEAVES // DAYS <= result.entries < LEAVES // 2


def test_a_deleted_stub(ground, victim, tell):
    gone = ground.held[SOME]
    victim.as_attacker(("DELETE FROM stub WHERE id = ?", (gone.stub_id,)))

    match = victim.match(gone.compact, NOW)

    assert codes(victim) == {"stub_missing": 1}
    assert match.outcome == "logged_stub_missing"
    assert match.proof is not None
    tell("delete a stub", "stub_missing", match.outcome.value)


def test_a_stub_deleted_with_its_place_in_the_database(ground, victim, tell):
    gone = ground.held[SOME]
    victim.as_attacker(
        ("DELETE FROM stub WHERE id = ?", (gone.stub_id,)),
        ("DELETE FROM log_entry WHERE stub_id = ?", (gone.stub_id,)),
    )

    assert codes(victim) == {"entry_missing": 1}
    assert victim.match(gone.compact, NOW).outcome == "authentic_never_logged"
    tell("delete a stub and its row of the log", "entry_missing", "authentic_never_logged")


@pytest.mark.parametrize(
    ("change", "code", "differing"),
    [
        ("disclosures = replace(disclosures, 'LIBRE', 'GARDE')", "disclosure_altered", "consequences"),
        ("unit_code = 'PN-93-CSP01'", "columns_differ", "columns"),
        ("committed_at = committed_at + 86400000000", "columns_differ", "columns"),
        ("signature = replace(signature, substr(signature, 1, 4), 'AAAA')", "stub_altered", "leaf"),
    ],
)
def test_an_altered_stub(ground, victim, tell, change, code, differing):
    one = ground.held[SOME]
    update = f"UPDATE stub SET {change} WHERE id = ?"  # noqa: S608 - our own words
    victim.as_attacker((update, (one.stub_id,)))

    match = victim.match(one.compact, NOW)

    assert codes(victim) == {code: 1}
    assert (match.outcome, match.differing) == ("stub_differs", (differing,))
    tell(f"alter a stub: {change[:34]}", code, match.outcome.value)


def test_a_stub_altered_and_signed_again_with_the_issuers_key(ground, victim, tell):
    """Everything fits but the leaf that stands in the log."""
    one, other = ground.held[SOME], make_stub(ground.held[SOME].issuance.committed_at)
    header, payload, signature = pack_leaf(other.leaf).split("\n")
    digests = payload[payload.index('"_sd":["') + 8 : payload.index('"]')]
    disclosures = other.issuance.disclosures.split("\n")
    victim.as_attacker(
        (
            "UPDATE stub SET digests = ?, signature = ?, disclosures = ? WHERE id = ?",
            (digests, signature, "\n".join(_without_catalogue(disclosures)), one.stub_id),
        )
    )

    assert header
    assert codes(victim) == {"stub_altered": 1}
    assert victim.match(one.compact, NOW).outcome == "stub_differs"
    assert victim.match(other.compact, NOW).outcome == "authentic_never_logged"
    tell("alter a stub and sign it anew", "stub_altered", "stub_differs")


def _without_catalogue(disclosures):
    """As ``storage.frames`` cuts the first one."""
    first = disclosures[0]
    start = first.index(',"legal_basis"')
    return [first[:start] + first[first.index("}", start) + 1 :], *disclosures[1:]]


def test_two_swapped_stubs(ground, victim, tell):
    one, two = ground.held[SOME], ground.held[SOME + 1]
    columns = "receipt_number, officer_number, checked_at, committed_at, digests, signature, disclosures"
    select = f"SELECT {columns} FROM stub WHERE id = ?"  # noqa: S608 - our own names
    rows = {}
    with closing(sqlite3.connect(victim.file)) as connection:
        for each in (one, two):
            rows[each.stub_id] = connection.execute(select, (each.stub_id,)).fetchone()
    places = " = ?, ".join(columns.split(", ")) + " = ?"
    update = f"UPDATE stub SET {places} WHERE id = ?"  # noqa: S608 - our own names
    victim.as_attacker(
        ("UPDATE stub SET receipt_number = 'X' WHERE id = ?", (two.stub_id,)),
        (update, (*rows[two.stub_id], one.stub_id)),
        (update, (*rows[one.stub_id], two.stub_id)),
    )

    assert codes(victim) == {"stub_swapped": 2}
    assert victim.match(one.compact, NOW).outcome == "stub_differs"
    tell("swap two stubs", "stub_swapped", "stub_differs")


def test_a_back_dated_receipt(victim, tell):
    """Made today with the issuer's own key, and dated two weeks ago: for a check that never was."""
    then = datetime(2026, 11, 4, 15, tzinfo=UTC)
    victim.register([make_stub(then, registered=NOW), make_stub(then)])
    victim.publish()

    assert codes(victim, TODAY) == {"back_dated": 2}
    assert codes(victim) == {"back_dated": 1}, "the one whose row number is of that day too"
    tell("insert a back-dated receipt, through the log", "back_dated")


def test_a_back_dated_receipt_beside_the_log(ground, victim, tell):
    late = make_stub(datetime(2026, 11, 4, 15, tzinfo=UTC))
    victim.register([late])
    victim.as_attacker(("DELETE FROM log_queue", ()))

    assert codes(victim) == {"never_sequenced": 1}
    assert victim.match(late.compact, NOW).outcome == "authentic_never_logged"
    tell("insert a back-dated receipt, beside the log", "never_sequenced", "authentic_never_logged")


def test_a_receipt_signed_with_a_stolen_old_key(victim, tell):
    """Dated today it lies outside the key's period; dated within it, it is back-dated or not in the log at all."""
    today, then = BEGIN + timedelta(days=DAYS, minutes=5), datetime(2026, 10, 3, 10, tzinfo=UTC)
    fresh, old = make_stub(today, signer=OLD_SIGNER), make_stub(then, signer=OLD_SIGNER, registered=today)
    victim.register([fresh, old])
    victim.publish()
    outside = make_stub(then, signer=OLD_SIGNER)

    found = codes(victim, TODAY)

    assert found == {"entry_key_outside_period": 1, "back_dated": 1}
    assert victim.match(fresh.compact, NOW).outcome == "forged"
    assert victim.match(outside.compact, NOW).outcome == "authentic_never_logged"
    tell("sign with a stolen old key", *found, "forged", "authentic_never_logged")


def test_a_leaf_suppressed_before_publishing(victim, tell):
    at = BEGIN + timedelta(days=DAYS)
    kept, lost = make_stub(at), make_stub(at)
    victim.register([kept, lost])
    victim.as_attacker(("DELETE FROM log_queue WHERE stub_id = ?", (lost.stub_id,)))
    victim.publish()

    assert codes(victim, TODAY) == {"never_sequenced": 1}
    assert victim.match(kept.compact, NOW).outcome == "authentic_logged"
    assert victim.match(lost.compact, NOW).outcome == "authentic_never_logged"
    tell("suppress a leaf before publishing", "never_sequenced", "authentic_never_logged")


def test_a_leaf_held_back_in_the_queue(victim, tell):
    at = NOW - timedelta(seconds=90)
    held_back = make_stub(at)
    victim.register([held_back])

    assert victim.match(held_back.compact, at + timedelta(seconds=30)).outcome == "authentic_not_yet_logged"
    assert codes(victim, TODAY, at + timedelta(seconds=30)) == {}
    assert codes(victim, TODAY) == {"sequencing_overdue": 1}
    assert victim.match(held_back.compact, NOW).outcome == "authentic_never_logged"
    tell("hold a leaf back", "sequencing_overdue", "authentic_never_logged")


def rewritten(log: AuditedLog, folder: Path) -> AuditedLog:
    """Another history under the log's own keys: one stub of the last hundred was never there, and one is in its place.

    The attacker has everything: database, folder, keys, and the record of what was signed last.
    """
    forked = log.copied_to(folder)
    kept = LEAVES - 100
    forked.as_attacker(
        ("DELETE FROM stub WHERE id IN (SELECT stub_id FROM log_entry WHERE entry_index >= ?)", (kept,)),
        ("DELETE FROM log_entry WHERE entry_index >= ?", (kept,)),
    )
    shutil.rmtree(forked.folder / "log")
    (forked.keys / "last-signed").unlink()
    _grow_anew(forked, kept)
    forked.register([make_stub(BEGIN + timedelta(days=DAYS, seconds=place)) for place in range(100)])
    forked.publish()
    assert parse_checkpoint(parse_note(forked.log.read(CHECKPOINT)).text).size == LEAVES
    return forked


def _grow_anew(log: AuditedLog, size: int) -> None:
    """Make the tree's row say what its first ``size`` entries lead to, and nothing published."""
    with reading(log.engine) as connection:
        hashes = [leaf_hash(entry.text.encode()) for entry in log_entries.between(connection, 0, size)]
    edge = RightEdge().extended(hashes)
    log.as_attacker(
        (
            "UPDATE log_tree SET size = ?, root = ?, edge = ?, published_size = 0",
            (size, edge.root, b"".join(edge.hashes)),
        )
    )


@pytest.fixture(scope="module")
def fork(ground, tmp_path_factory):
    log = rewritten(ground.log, tmp_path_factory.mktemp("fork") / "fork")
    yield log
    log.close()


def test_a_forked_log(ground, fork, tmp_path, tell):
    """The rewritten log is whole by itself: only who saw the one before can tell."""
    monitor = ground.log.monitor(tmp_path / "mirror")
    first = monitor.look(NOW)
    assert (first.size, first.new_entries, first.findings.counts) == (LEAVES, LEAVES, {})

    second = ground.log.monitor(tmp_path / "mirror", serve=fork).look(NOW)

    assert fork.codes(period=THIRD_DAY, now=NOW) == {}
    assert second.findings.counts == {Code.FORK: 1}
    assert second.size == LEAVES
    assert len(list((tmp_path / "mirror" / "evidence").glob("fork-*.checkpoint"))) == 2
    with closing(sqlite3.connect(fork.file)) as connection:
        left = {row[0] for row in connection.execute("SELECT id FROM stub")}
    written_out = next(stub for stub in ground.held if stub.stub_id not in left)
    assert fork.match(written_out.compact, NOW).outcome == "authentic_never_logged"
    tell("fork the log", "fork", "authentic_never_logged")


def test_a_fork_that_grew(ground, fork, tmp_path, tell):
    monitor = ground.log.monitor(tmp_path / "mirror")
    monitor.look(NOW)
    grown = fork.copied_to(tmp_path / "grown")
    grown.register([make_stub(BEGIN + timedelta(days=DAYS, minutes=3))])
    grown.publish()

    second = ground.log.monitor(tmp_path / "mirror", serve=grown).look(NOW)

    assert second.findings.counts == {Code.FORK: 1}
    assert second.size == LEAVES
    grown.close()
    tell("fork the log and let it grow", "fork")


def test_a_rolled_back_log(ground, victim, tmp_path, tell):
    """A copy from before, put in the place of what came since: of the database alone, and of everything."""
    victim.register([make_stub(BEGIN + timedelta(days=DAYS, minutes=1))])
    victim.publish()
    monitor = ground.log.monitor(tmp_path / "mirror", serve=victim)
    monitor.look(NOW)
    victim.engine.dispose()
    ground.log.engine.dispose()
    shutil.copyfile(ground.log.file, victim.file)

    assert codes(victim)["rollback"] == 1
    look = ground.log.monitor(tmp_path / "mirror", serve=ground.log).look(NOW)
    assert look.findings.counts == {Code.ROLLBACK: 1}
    assert len(list((tmp_path / "mirror" / "evidence").glob("rollback-*.checkpoint"))) == 2
    tell("roll the log back", "rollback")


def test_different_checkpoints_for_two_readers(ground, fork, tmp_path, tell):
    """Each reader alone sees nothing wrong; each has only to be told what the other was shown."""
    one = ground.log.monitor(tmp_path / "one")
    two = ground.log.monitor(tmp_path / "two", serve=fork)
    assert one.look(NOW).findings.counts == two.look(NOW).findings.counts == {}

    assert one.compare((tmp_path / "one" / CHECKPOINT).read_bytes()) is None
    assert one.compare((tmp_path / "two" / CHECKPOINT).read_bytes()) is Code.FORK
    assert two.compare((tmp_path / "one" / CHECKPOINT).read_bytes()) is Code.FORK
    tell("show two readers different checkpoints", "fork")
