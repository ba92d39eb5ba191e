"""Registering: a batch is one commit, a request is registered once, and what was signed comes back to the byte."""

import secrets
import threading
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from receipt_service.domain.canonical import base64url
from receipt_service.domain.message import MessageState
from receipt_service.domain.recipient import Channel
from receipt_service.errors import MalformedReceipt
from receipt_service.storage import idempotency, outbox, stubs
from receipt_service.storage.engine import open_engine, reading, writing
from receipt_service.storage.issuances import Register
from tests.support.issuances import DISCLOSURES, LEAF, NOW, an_issuance


@pytest.fixture
def register(engine):
    made = Register(engine)
    yield made
    made.close()


def count(engine, table):
    with reading(engine) as connection:
        return connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one()  # noqa: S608


def test_everything_comes_back_as_it_was_given(engine, register):
    given = an_issuance(Channel.SMS, Channel.EMAIL, Channel.PAPER, envelope=bytes(range(256)))
    assert register([given]) == [True]
    with reading(engine) as connection:
        stub = stubs.find_by_number(connection, given.receipt_number)
        assert stub == stubs.find_by_id(connection, given.stub_id)
        assert stub.disclosures == DISCLOSURES
        assert (stub.leaf, stub.checked_at, stub.committed_at) == (LEAF, given.checked_at, NOW)
        assert (stub.officer_number, stub.unit_code) == (given.officer_number, given.unit_code)
        record = idempotency.find(connection, given.lookup)
        assert (record.fingerprint, record.replay_period, record.stub_id) == (
            given.fingerprint,
            given.replay_period,
            given.stub_id,
        )
        messages = outbox.of_stub(connection, given.stub_id)
        assert [(each.id, each.channel.value, each.state.value) for each in messages] == [
            (each.id, each.channel, each.state) for each in given.messages
        ]
        assert [each.settled_at for each in messages] == [None, None, NOW]
        assert stubs.count(connection) == 1
        assert stubs.find_by_number(connection, "0" * 26) is None
        assert idempotency.find(connection, bytes(16)) is None
    with writing(engine) as connection:
        leased = outbox.lease(connection, now=NOW, until=NOW, limit=5)
        assert [each.envelope for each in leased] == [bytes(range(256))] * 2


def a_real_issuance(*, day: int = 1, **changed):
    """A check with texts as they are signed: digests, a catalogue, and a day."""
    digests = ",".join(f'"{base64url(secrets.token_bytes(32))}"' for _ in range(5))
    payload = f'{{"iss":"https://x.example","vct":"urn:x","iat":{day},"_sd":[{digests}],"_sd_alg":"sha-256"}}'
    leaf = ".".join((base64url(b'{"alg":"ES256"}'), base64url(payload.encode()), base64url(secrets.token_bytes(64))))
    first = f'["{"s" * 22}","legal_basis",{{"catalogue":{{"version":"1","sha256":"x"}},"bases":[{{"é":"€"}}]}}]'
    disclosures = (base64url(first.encode()), *DISCLOSURES[1:])
    packed = {"leaf": stubs.pack_leaf(leaf), "disclosures": stubs.pack_disclosures(disclosures)}
    return an_issuance(**packed, **changed), leaf, disclosures


def test_what_stubs_of_a_day_have_in_common_is_kept_once_and_comes_back(engine, register):
    given = [a_real_issuance(day=1 + n % 2) for n in range(6)]
    assert register([each for each, *_ in given[:3]]) == [True] * 3
    assert register([each for each, *_ in given[3:]]) == [True] * 3
    assert count(engine, "frame") == 2
    with reading(engine) as connection:
        whole = {row.id: row for row in connection.execute(text("SELECT * FROM whole_stub"))}
        for issuance, leaf, disclosures in given:
            stub = stubs.find_by_id(connection, issuance.stub_id)
            assert (stub.leaf, stub.disclosures) == (leaf, disclosures)
            shown = whole[issuance.stub_id]
            assert (shown.leaf, shown.disclosures) == (issuance.leaf, issuance.disclosures)
            assert (shown.receipt_number, shown.unit_code) == (issuance.receipt_number, issuance.unit_code)


def test_a_repeat_brings_no_frame(engine, register):
    first, *_ = a_real_issuance()
    repeat, *_ = a_real_issuance(day=2, lookup=first.lookup)
    assert register([first]) == [True]
    assert register([repeat]) == [False]
    assert count(engine, "frame") == 1


@pytest.mark.parametrize("size", [1, 2, 3, 17, 64, 200])
def test_a_batch_of_any_size(engine, register, size):
    for _ in range(3):
        assert register([an_issuance() for _ in range(size)]) == [True] * size
    assert count(engine, "stub") == count(engine, "message") == count(engine, "idempotency") == 3 * size


def test_a_request_is_registered_once_across_batches_and_within_one(engine, register):
    first = an_issuance()
    repeat = an_issuance(lookup=first.lookup)
    twice = an_issuance()
    again = an_issuance(lookup=twice.lookup)
    assert register([first]) == [True]
    assert register([an_issuance(), repeat, twice, again, an_issuance()]) == [True, False, True, False, True]
    assert count(engine, "stub") == 4
    assert register([repeat]) == [False]
    with reading(engine) as connection:
        assert idempotency.find(connection, first.lookup).stub_id == first.stub_id
        assert stubs.find_by_id(connection, repeat.stub_id) is None


def test_a_bad_row_takes_its_whole_batch_back(engine, register):
    good, bad = an_issuance(), an_issuance()
    bad = replace(bad, receipt_number=good.receipt_number)
    with pytest.raises(IntegrityError):
        register([good, an_issuance(), bad])
    assert [count(engine, table) for table in ("stub", "message", "idempotency")] == [0, 0, 0]
    assert register([good]) == [True]


def test_a_stub_whose_message_has_another_number_is_refused(engine, register):
    given = an_issuance()
    with pytest.raises(IntegrityError):
        register([replace(given, messages=an_issuance().messages)])
    assert count(engine, "stub") == 0


def test_it_finds_its_way_back_after_the_connection_broke(engine, register):
    assert register([an_issuance()]) == [True]
    register._connection.connection.driver_connection.close()
    assert register([an_issuance()]) == [True]
    assert count(engine, "stub") == 2


@pytest.mark.needs_postgres
def test_it_finds_its_way_back_after_the_server_cut_the_line(postgres_url):
    engine = open_engine(postgres_url)
    register = Register(engine)
    first = an_issuance()
    assert register([first]) == [True]
    with writing(engine) as connection:
        connection.exec_driver_sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    # Its request may have been committed just before: then it is registered, and said to be.
    assert register([an_issuance(), replace(an_issuance(), lookup=first.lookup)]) == [True, False]
    register.close()
    engine.dispose()


def test_competing_processes_agree_on_who_was_first(database_url):
    requests = [an_issuance() for _ in range(120)]
    outcomes = [[], [], []]

    def work(index):
        engine = open_engine(database_url)
        register = Register(engine)
        # Every day is new to all three at about the same time.
        own = [a_real_issuance(day=n // 5, lookup=each.lookup)[0] for n, each in enumerate(requests)]
        for start in range(0, len(own), 8):
            outcomes[index] += register(own[start : start + 8][:: -1 if index == 1 else 1])[:: -1 if index == 1 else 1]
        register.close()
        engine.dispose()

    threads = [threading.Thread(target=work, args=(index,)) for index in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [sum(row) for row in zip(*outcomes, strict=True)] == [1] * 120
    engine = open_engine(database_url)
    assert count(engine, "stub") == count(engine, "idempotency") == 120
    assert count(engine, "frame") == 24
    engine.dispose()


def test_a_commit_that_returned_is_on_the_disk(sqlite_url, tmp_path):
    engine = open_engine(sqlite_url)
    register = Register(engine)
    given = an_issuance()
    register([given])
    # What another machine would find after a power cut: the files as they are, copied without closing anything.
    copy = tmp_path / "copy"
    copy.mkdir()
    for path in tmp_path.glob("receipts.db*"):
        if not path.name.endswith("-shm"):
            (copy / path.name).write_bytes(path.read_bytes())
    other = open_engine(f"sqlite:///{copy / 'receipts.db'}")
    with reading(other) as connection:
        assert stubs.find_by_number(connection, given.receipt_number) is not None
    register.close()
    other.dispose()
    engine.dispose()


def test_only_what_comes_back_exactly_is_packed():
    assert stubs.unpack_disclosures(stubs.pack_disclosures(DISCLOSURES)) == DISCLOSURES
    assert stubs.unpack_leaf(stubs.pack_leaf(LEAF)) == LEAF
    for wrong in (
        "a.b",
        LEAF + ".x",
        LEAF.replace(".", "=.", 1),
        f"{base64url(b'a' + bytes([10]))}.{base64url(b'b')}.c",
    ):
        with pytest.raises((ValueError, MalformedReceipt)):
            stubs.pack_leaf(wrong)
    for wrong in (DISCLOSURES[:3], (*DISCLOSURES, DISCLOSURES[0])):
        with pytest.raises(ValueError, match="four"):
            stubs.pack_disclosures(wrong)
    with pytest.raises(ValueError, match="four"):
        stubs.pack_disclosures((base64url(b"a\nb"), *DISCLOSURES[1:]))
    with pytest.raises(MalformedReceipt):
        stubs.pack_disclosures((DISCLOSURES[0] + "=", *DISCLOSURES[1:]))
    with pytest.raises(UnicodeDecodeError):
        stubs.pack_disclosures((base64url(b"\xff\xfe"), *DISCLOSURES[1:]))


def test_messages_of_the_screen_are_born_final(engine, register):
    register([an_issuance(Channel.DECLINED)])
    with reading(engine) as connection:
        assert outbox.count_by_state(connection) == {MessageState.DECLINED: 1}


def test_one_more_check_takes_sqlite_the_same_steps_however_many_there_are(sqlite_url):
    """Counted in steps of its virtual machine: a foreign key without an index would scan a table."""
    engine = open_engine(sqlite_url)
    register = Register(engine)
    steps = []

    def steps_of(issuance):
        register([an_issuance()])
        driver = register._connection.connection.driver_connection
        counted = []
        driver.set_progress_handler(lambda: counted.append(1) and None, 1)
        assert register([issuance, an_issuance(Channel.EMAIL)]) == [True, True]
        driver.set_progress_handler(None, 0)
        return len(counted)

    for _ in range(2):
        steps.append(steps_of(an_issuance(Channel.SMS, Channel.PAPER)))
        register([an_issuance(at=NOW + timedelta(seconds=n)) for n in range(1000)])
    register.close()
    engine.dispose()
    assert steps[1] < steps[0] * 1.1
