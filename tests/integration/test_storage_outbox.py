"""The outbox's queries: leased once, mended after a crash, expired, replayed, erased at the provider."""

import threading
from collections import Counter
from datetime import timedelta

import pytest

from receipt_service.domain.identifiers import MessageId
from receipt_service.domain.message import MessageState
from receipt_service.domain.recipient import Channel
from receipt_service.storage import attempts, envelopes, outbox
from receipt_service.storage.attempts import AttemptOutcome
from receipt_service.storage.engine import open_engine, reading, writing
from tests.support.issuances import NOW, an_issuance, store

S = MessageState
LEASE = timedelta(seconds=60)
LATER = NOW + timedelta(minutes=5)


def lease(engine, now=NOW, limit=10, **options):
    with writing(engine) as connection:
        return outbox.lease(connection, now=now, until=now + LEASE, limit=limit, **options)


def begin(engine, leased, now=NOW):
    with writing(engine) as connection:
        begun = attempts.begin(connection, [leased.id], lease=leased.leased_until, provider="p", now=now)
    return begun.get(leased.id)


def found(engine, message):
    with reading(engine) as connection:
        return outbox.find(connection, message)


def settle(engine, message, state, **options):
    with writing(engine) as connection:
        return outbox.settle(connection, message, state, **{"now": NOW, **options})


def accept(engine, ref="SM1", *, at=NOW, follow_at=None):
    """Bring one stored message to ``accepted`` under ``ref``; give the message and its attempt."""
    (leased,) = lease(engine, now=at)
    attempt = begin(engine, leased, at)
    with writing(engine) as connection:
        assert attempts.finish(connection, attempt, AttemptOutcome.ACCEPTED, now=at, provider_ref=ref)
        assert outbox.settle(connection, leased.id, S.ACCEPTED, now=at, lease=leased.leased_until, due_at=follow_at)
    return leased.id, attempt


def test_a_lease_gives_all_the_worker_needs_and_takes_the_message_out_of_the_queue(engine):
    (message,) = store(engine, an_issuance(envelope=b"\x00sealed\xff"))
    (leased,) = lease(engine)
    assert leased.id == message
    assert (leased.channel, leased.epoch, leased.envelope) == (Channel.SMS, "2026-11-23T14Z", b"\x00sealed\xff")
    assert (leased.created_at, leased.expires_at) == (NOW, NOW + timedelta(hours=24))
    assert leased.leased_until == NOW + LEASE
    assert leased.attempts == 0
    assert found(engine, message).state is S.SENDING
    assert lease(engine) == []


def test_the_longest_waiting_go_first_up_to_the_limit_and_nothing_before_its_time(engine):
    stored = store(engine, *(an_issuance(at=NOW + timedelta(minutes=n)) for n in (3, 1, 2, 0)))
    assert [leased.id for leased in lease(engine, now=NOW + timedelta(minutes=2), limit=2)] == [stored[3], stored[1]]
    assert [leased.id for leased in lease(engine, now=NOW + timedelta(minutes=2))] == [stored[2]]
    assert [leased.id for leased in lease(engine, now=NOW + timedelta(minutes=3))] == [stored[0]]


def test_only_the_channels_at_hand_are_leased_and_nothing_that_has_expired(engine):
    sms, mail = store(engine, an_issuance(Channel.SMS), an_issuance(Channel.EMAIL))
    assert [leased.id for leased in lease(engine, channels=[Channel.EMAIL])] == [mail]
    assert lease(engine, now=NOW + timedelta(hours=24)) == []
    assert [leased.id for leased in lease(engine, now=NOW + timedelta(hours=24) - timedelta(microseconds=1))] == [sms]


def test_screen_paper_and_declined_are_never_leased(engine):
    store(engine, an_issuance(Channel.SCREEN, Channel.PAPER), an_issuance(Channel.DECLINED))
    assert lease(engine, now=LATER) == []
    with reading(engine) as connection:
        assert outbox.count_by_state(connection) == {S.HANDED_OVER: 2, S.DECLINED: 1}
        assert outbox.count_unsettled(connection) == {}


def test_competing_workers_never_lease_the_same_message(database_url):
    engine = open_engine(database_url)
    stored = store(engine, *(an_issuance() for _ in range(300)))
    taken = Counter()
    start = threading.Barrier(6)

    def work():
        own = open_engine(database_url)
        start.wait()
        while batch := lease(own, limit=7):
            taken.update(leased.id for leased in batch)
            for leased in batch:
                assert begin(own, leased) is not None
        own.dispose()

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # On PostgreSQL a worker may find everything locked and stop early; nothing is lost by that.
    taken.update(leased.id for leased in lease(engine, limit=1000))
    assert taken == Counter(stored)
    engine.dispose()


@pytest.mark.needs_postgres
def test_postgresql_workers_pass_by_what_another_one_is_taking(postgres_url):
    engine = open_engine(postgres_url)
    store(engine, *(an_issuance() for _ in range(4)))
    with writing(engine) as first, writing(engine) as second:
        one = outbox.lease(first, now=NOW, until=LATER, limit=2)
        two = outbox.lease(second, now=NOW, until=LATER, limit=2)
    assert len({leased.id for leased in one + two}) == 4
    engine.dispose()


def test_an_attempt_needs_the_lease_it_was_made_under(engine):
    store(engine, an_issuance())
    (first,) = lease(engine)
    with writing(engine) as connection:
        assert outbox.recover_lapsed(connection, now=LATER, grace_until=LATER) == 1
    assert begin(engine, first, LATER) is None
    (second,) = lease(engine, now=LATER)
    assert begin(engine, first, LATER) is None
    assert begin(engine, second, LATER) is not None


def test_settling_needs_the_lease_too(engine):
    store(engine, an_issuance())
    (leased,) = lease(engine)
    assert begin(engine, leased)
    assert not settle(engine, leased.id, S.ACCEPTED, lease=leased.leased_until + timedelta(microseconds=1))
    assert settle(engine, leased.id, S.ACCEPTED, lease=leased.leased_until)
    assert not settle(engine, leased.id, S.ACCEPTED, lease=leased.leased_until)


def test_acceptance_shreds_in_the_same_commit(engine):
    store(engine, an_issuance())
    message, _ = accept(engine)
    with reading(engine) as connection:
        assert envelopes.count(connection) == 0
        assert not envelopes.epoch_is_needed(connection, "2026-11-23T14Z")
    assert found(engine, message).settled_at == NOW


def test_a_dead_worker_leaves_unknown_what_it_may_have_sent_and_queued_what_it_has_not(engine):
    store(engine, an_issuance(), an_issuance())
    asked, untouched = lease(engine)
    attempt = begin(engine, asked)
    with writing(engine) as connection:
        assert outbox.recover_lapsed(connection, now=NOW + LEASE, grace_until=LATER) == 0
        assert outbox.recover_lapsed(connection, now=NOW + LEASE * 2, grace_until=LATER) == 2
    assert (found(engine, asked.id).state, found(engine, asked.id).due_at) == (S.UNKNOWN, LATER)
    assert (found(engine, untouched.id).state, found(engine, untouched.id).due_at) == (S.QUEUED, NOW + LEASE * 2)
    with reading(engine) as connection:
        (recorded,) = attempts.of_message(connection, asked.id)
    assert (recorded.id, recorded.outcome) == (attempt, None)


def test_unknown_ones_are_handed_to_one_worker_after_their_grace(engine):
    store(engine, an_issuance())
    (leased,) = lease(engine)
    begin(engine, leased)
    assert settle(engine, leased.id, S.UNKNOWN, due_at=LATER, code="timeout")
    assert lease(engine, now=LATER) == []
    again = LATER + LEASE
    with writing(engine) as connection:
        assert outbox.take_unknown(connection, now=NOW, again_at=again, limit=5) == []
        (taken,) = outbox.take_unknown(connection, now=LATER, again_at=again, limit=5)
        assert outbox.take_unknown(connection, now=LATER, again_at=again, limit=5) == []
        assert outbox.take_unknown(connection, now=again, again_at=again + LEASE, limit=5)
    assert (taken.id, taken.envelope, taken.leased_until, taken.attempts) == (leased.id, b"sealed", again, 1)
    assert settle(engine, leased.id, S.QUEUED, expected=S.UNKNOWN, due_at=LATER)


def test_what_can_not_be_sent_in_its_window_expires_and_is_shredded(engine):
    sms, mail, dead, held = store(
        engine, an_issuance(), an_issuance(Channel.EMAIL), an_issuance(), an_issuance(at=NOW + timedelta(seconds=1))
    )
    leased = {each.id: each for each in lease(engine, now=NOW + timedelta(seconds=1), channels=[Channel.SMS])}
    begin(engine, leased[dead])
    assert settle(engine, dead, S.DEAD_LETTER, code="21211")
    begin(engine, leased[sms])
    assert settle(engine, sms, S.QUEUED, due_at=LATER)
    end = NOW + timedelta(hours=24)
    with writing(engine) as connection:
        assert outbox.expire(connection, now=end - timedelta(seconds=1)) == 0
        assert outbox.expire(connection, now=end + timedelta(seconds=1)) == 2
        assert outbox.expire(connection, now=end + timedelta(seconds=1)) == 0
    assert [found(engine, each).state for each in (sms, mail, dead, held)] == [
        S.EXPIRED,
        S.QUEUED,
        S.EXPIRED,
        S.SENDING,
    ]
    assert found(engine, dead).last_code == "21211"


def test_dead_letters_are_listed_and_replayed_until_their_window_ends(engine):
    store(engine, an_issuance())
    (leased,) = lease(engine)
    begin(engine, leased)
    assert settle(engine, leased.id, S.DEAD_LETTER, code="20003")
    with writing(engine) as connection:
        (letter,) = outbox.dead_letters(connection)
        assert (letter.id, letter.last_code, letter.channel) == (leased.id, "20003", Channel.SMS)
        assert not hasattr(letter, "envelope")
        assert not outbox.replay(connection, leased.id, now=NOW + timedelta(hours=24))
        assert outbox.replay(connection, leased.id, now=LATER)
        assert not outbox.replay(connection, leased.id, now=LATER)
        assert not outbox.replay(connection, MessageId(7), now=LATER)
        assert outbox.dead_letters(connection) == []
    (again,) = lease(engine, now=LATER)
    assert again.attempts == 1


def test_an_epoch_is_needed_until_its_last_message_is_settled(engine):
    store(engine, an_issuance(), an_issuance(Channel.SCREEN))
    with reading(engine) as connection:
        assert envelopes.epoch_is_needed(connection, "2026-11-23T14Z")
        assert not envelopes.epoch_is_needed(connection, "2026-11-23T13Z")
    accept(engine)
    with reading(engine) as connection:
        assert not envelopes.epoch_is_needed(connection, "2026-11-23T14Z")


def test_the_next_thing_to_do_is_known(engine):
    with reading(engine) as connection:
        assert outbox.next_due(connection) is None
    store(engine, an_issuance(at=NOW + timedelta(hours=1)), an_issuance())
    with reading(engine) as connection:
        assert outbox.next_due(connection) == NOW


def test_accepted_messages_are_followed_up_by_one_worker_until_they_are_final(engine):
    store(engine, an_issuance())
    message, _ = accept(engine, follow_at=LATER)
    with writing(engine) as connection:
        assert outbox.take_followed(connection, now=NOW, again_at=LATER, limit=5) == []
        assert outbox.take_followed(connection, now=LATER, again_at=LATER + LEASE, limit=5, channel=Channel.EMAIL) == []
        assert outbox.take_followed(connection, now=LATER, again_at=LATER + LEASE, limit=5) == [message]
        assert outbox.take_followed(connection, now=LATER, again_at=LATER + LEASE, limit=5) == []
        assert outbox.settle(connection, message, S.DELIVERED, now=LATER, expected=S.ACCEPTED)
        assert outbox.take_followed(connection, now=LATER + LEASE, again_at=LATER + LEASE, limit=5) == []
    assert found(engine, message).settled_at == NOW


def test_redaction_waits_for_the_final_state_and_leaves_no_reference(engine):
    store(engine, an_issuance())
    message, attempt = accept(engine, follow_at=LATER)
    with writing(engine) as connection:
        assert attempts.take_redactions(connection, now=LATER, again_at=LATER + LEASE, limit=5) == []
        assert outbox.settle(connection, message, S.DELIVERED, now=LATER, expected=S.ACCEPTED)
        (taken,) = attempts.take_redactions(connection, now=LATER, again_at=LATER + LEASE, limit=5)
        assert (taken.id, taken.provider_ref) == (attempt, "SM1")
        assert attempts.take_redactions(connection, now=LATER, again_at=LATER + LEASE, limit=5) == []
        assert attempts.count_unredacted(connection) == 1
        assert attempts.record_redaction(connection, attempt, now=LATER)
        assert not attempts.record_redaction(connection, attempt, now=LATER)
        (recorded,) = attempts.of_message(connection, message)
        assert (recorded.provider_ref, recorded.redacted_at) == (None, LATER)
        assert attempts.take_redactions(connection, now=LATER + LEASE * 2, again_at=LATER, limit=5) == []
        assert attempts.count_unredacted(connection) == 0


def test_a_lookup_resolves_an_unknown_attempt_once(engine):
    store(engine, an_issuance())
    (leased,) = lease(engine)
    attempt = begin(engine, leased)
    with writing(engine) as connection:
        assert attempts.finish(connection, attempt, AttemptOutcome.UNKNOWN, now=NOW, code="timeout")
        assert not attempts.finish(connection, attempt, AttemptOutcome.UNKNOWN, now=LATER)
        assert attempts.finish(connection, attempt, AttemptOutcome.ACCEPTED, now=LATER, provider_ref="SM2")
        assert not attempts.finish(connection, attempt, AttemptOutcome.TRANSIENT, now=LATER)
        assert attempts.latest(connection, [leased.id, MessageId(5)])[leased.id].provider_ref == "SM2"


def test_the_queues_queries_cost_the_same_however_many_are_settled(engine):
    """Each worker query walks a partial index of unsettled rows, never the table."""
    store(engine, an_issuance())
    plans = {
        "lease": "SELECT id FROM message m WHERE m.settled_at IS NULL AND m.state = 'queued' AND m.due_at <= 1"
        " AND m.expires_at > 1 ORDER BY m.due_at LIMIT 5",
        "unknown": "SELECT id FROM message m WHERE m.settled_at IS NULL AND m.state = 'unknown' AND m.due_at <= 1",
        "expire": "SELECT id FROM message WHERE settled_at IS NULL AND expires_at <= 1"
        " AND state IN ('queued', 'unknown', 'dead_letter')",
        "follow": "SELECT id FROM message WHERE state = 'accepted' AND due_at IS NOT NULL AND due_at <= 1",
        "epoch": "SELECT 1 FROM envelope WHERE epoch = 'e'",
        "redact": "SELECT id FROM attempt a WHERE a.provider_ref IS NOT NULL AND a.redact_due_at <= 1",
    }
    with reading(engine) as connection:
        for name, query in plans.items():
            if engine.dialect.name == "sqlite":
                plan = " ".join(row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}"))
                assert "USING INDEX ix_" in plan or "USING COVERING INDEX ix_" in plan, (name, plan)
                assert "SCAN" not in plan, (name, plan)
            else:
                connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
                dated = query.replace("<= 1", "<= now()").replace("> 1", "> now()")
                plan = " ".join(row[0] for row in connection.exec_driver_sql(f"EXPLAIN {dated}"))
                assert "ix_" in plan, (name, plan)
