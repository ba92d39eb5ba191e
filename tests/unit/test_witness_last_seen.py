"""What a witness has seen is never forgotten, never goes back, and stops it when it is damaged."""

import json
from dataclasses import replace
from hashlib import sha256

import pytest

from receipt_service.bootstrap.witness_folder import load_witness
from receipt_service.errors import ConfigurationError
from receipt_service.tlog.policy import parse_policy
from receipt_service.tlog.trust import check_checkpoint
from receipt_service.verify.note_checks import NOTE_CHECKS
from receipt_service.witness.answering import Witness
from receipt_service.witness.evidence import Evidence
from receipt_service.witness.last_seen import LastSeen, RecordDamaged, Seen
from receipt_service.witness.protocol import Refused
from tests.support.witnesses import (
    LOG,
    LOG_PQ,
    NAME,
    ORIGIN,
    a_witness,
    checkpoint_of,
    leaves,
    request,
    signed,
    times_of,
)

SEVEN = leaves(7)
ORIGIN_HASH = sha256(ORIGIN.encode()).hexdigest()
THE_LOG = parse_policy(f"log {LOG.vkey}\nlog {LOG_PQ.vkey}\nquorum none\n".encode())


def seen(count, time=1000, branch="a"):
    tree = leaves(count, branch)
    return Seen(checkpoint_of(tree), time, signed(tree, (LOG,)))


@pytest.fixture
def records(tmp_path):
    records = LastSeen(tmp_path / "seen")
    records.begin(ORIGIN)
    return records


def record_of(records):
    (path,) = (path for path in records._folder.iterdir() if not path.suffix)
    return path


def put(records, one):
    with records.turn(ORIGIN) as turn:
        turn.replace(one)


def test_a_record_is_read_as_it_was_written(records):
    assert (records.read(ORIGIN).checkpoint.size, records.read(ORIGIN).time) == (0, 0)
    put(records, seen(7))
    assert records.read(ORIGIN) == seen(7) == LastSeen(records._folder).read(ORIGIN)


def test_beginning_again_forgets_nothing(records):
    put(records, seen(7))
    records.begin(ORIGIN)
    assert records.read(ORIGIN) == seen(7)


@pytest.mark.parametrize("older", [seen(6), seen(7, 999), replace(seen(8), checkpoint=checkpoint_of(SEVEN, "log.b"))])
def test_a_record_never_goes_back_and_stays_its_logs(records, older):
    put(records, seen(7))
    with pytest.raises(RecordDamaged):
        put(records, older)
    assert records.read(ORIGIN) == seen(7)


def test_a_record_that_is_gone_is_not_begun_anew(records):
    record_of(records).unlink()
    with pytest.raises(RecordDamaged), records.turn(ORIGIN):
        pass


def test_a_record_with_any_byte_changed_is_refused(records):
    put(records, seen(7))
    path = record_of(records)
    whole = path.read_bytes()
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(RecordDamaged):
            records.read(ORIGIN)
    for length in range(0, len(whole), 7):
        path.write_bytes(whole[:length])
        with pytest.raises(RecordDamaged):
            records.read(ORIGIN)


def test_another_logs_record_is_refused(records):
    records.begin("log.example/other")
    put(records, seen(7))
    mine = records._path(ORIGIN)
    records._path("log.example/other").write_bytes(mine.read_bytes())
    with pytest.raises(RecordDamaged):
        records.read("log.example/other")


def test_a_witness_with_a_damaged_record_does_not_start(tmp_path):
    witness = a_witness(tmp_path / "w")
    witness.add_checkpoint(request(SEVEN, 0))
    (record,) = (path for path in (tmp_path / "w" / "seen").iterdir() if not path.suffix)
    record.write_bytes(record.read_bytes()[:-1])

    with pytest.raises(ConfigurationError, match="memory that is gone"):
        load_witness(tmp_path / "w")
    with pytest.raises(RecordDamaged):  # the one that runs does not go on either
        witness.add_checkpoint(request(leaves(8), 7))


def test_both_keys_cosign_and_the_record_holds_what_was_given(tmp_path):
    witness = a_witness(tmp_path / "w")
    keys = witness._cosigner.verifiers
    answer = witness.add_checkpoint(request(SEVEN, 0))

    first, second = times_of(answer, SEVEN, keys)
    assert first == second == witness.followed()[0].time
    latest = witness.latest(ORIGIN_HASH)
    assert latest.startswith(signed(SEVEN, (LOG,)))
    assert latest.endswith(answer)
    assert witness.latest("0" * 64) is None


def test_a_clock_that_is_put_back_does_not_take_a_time_back(tmp_path):
    given = a_witness(tmp_path / "w")
    now = [2000.7]
    witness = Witness(
        given._cosigner, given._logs, given._last_seen, Evidence(tmp_path / "evidence"), given._checks, lambda: now[0]
    )
    keys = given._cosigner.verifiers

    assert times_of(witness.add_checkpoint(request(SEVEN, 0)), SEVEN, keys) == [2000, 2000]
    now[0] = 1000.0
    assert times_of(witness.add_checkpoint(request(leaves(9), 7)), leaves(9), keys) == [2000, 2000]
    now[0] = 3000.0
    assert times_of(witness.add_checkpoint(request(leaves(9), 9)), leaves(9), keys) == [3000, 3000]


def test_a_fork_is_kept_as_evidence_that_the_logs_key_alone_can_make(tmp_path):
    witness = a_witness(tmp_path / "w")
    witness.add_checkpoint(request(SEVEN, 0))
    fork = leaves(7, "b", leaves(3))
    for _ in range(2):
        with pytest.raises(Refused):
            witness.add_checkpoint(request(fork, 7))

    (kept,) = (tmp_path / "w" / "evidence").iterdir()
    assert kept.name.startswith("fork-")
    before = witness.latest(ORIGIN_HASH) + b"\n"
    assert kept.read_bytes().startswith(before)
    refused = kept.read_bytes().removeprefix(before)
    assert check_checkpoint(refused, THE_LOG, NOTE_CHECKS).checkpoint == checkpoint_of(fork)
    assert witness.forks() == 1


def test_evidence_that_cannot_be_kept_does_not_keep_the_refusal_from_being_told(tmp_path, capfd):
    witness = a_witness(tmp_path / "w")
    witness.add_checkpoint(request(SEVEN, 0))
    (tmp_path / "w" / "evidence").write_text("in the way")
    with pytest.raises(Refused):
        witness.add_checkpoint(request(leaves(7, "b"), 7))
    events = [json.loads(line)["event"] for line in capfd.readouterr().err.splitlines()]
    assert events == ["witness.evidence_not_kept", "witness.fork"]


def test_names_of_a_witness_are_checked(tmp_path):
    for name in ("with space", "plus+sign", "", "x" * 256):
        with pytest.raises(ConfigurationError):
            a_witness(tmp_path / "w", name)
    a_witness(tmp_path / "w", NAME, (LOG, LOG_PQ))
    with pytest.raises(ConfigurationError, match="another one"):
        a_witness(tmp_path / "w", NAME)
