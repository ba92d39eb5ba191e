"""Any history of workers, crashes and operators keeps the outbox sound: the database is the judge, step by step."""

import shutil
import tempfile
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule, run_state_machine_as_test
from sqlalchemy import text

from receipt_service.domain.identifiers import MessageId
from receipt_service.domain.message import FINAL, HOLDS_ENVELOPE, MessageState, may_move
from receipt_service.domain.recipient import Channel
from receipt_service.storage import attempts, envelopes, outbox
from receipt_service.storage.attempts import AttemptOutcome
from receipt_service.storage.engine import open_engine, reading, writing
from receipt_service.storage.issuances import Register
from tests.support.issuances import NOW, an_issuance

S, Out = MessageState, AttemptOutcome
LEASE = timedelta(seconds=60)
AFTER = {
    Out.ACCEPTED: S.ACCEPTED,
    Out.TRANSIENT: S.QUEUED,
    Out.PERMANENT: S.UNDELIVERABLE,
    Out.CONFIGURATION: S.DEAD_LETTER,
    Out.UNKNOWN: S.UNKNOWN,
}
CHANNELS = st.lists(st.sampled_from([c for c in Channel if c is not Channel.DECLINED]), min_size=1, unique=True)


class OutboxMachine(RuleBasedStateMachine):
    """Workers lease, call, settle and die; time passes; an operator replays; receipts keep coming."""

    template: Path
    jobs = Bundle("jobs")

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        database = Path(self.folder.name) / "machine.db"
        shutil.copyfile(self.template, database)
        self.engine = open_engine(f"sqlite:///{database}")
        self.register = Register(self.engine)
        self.now: datetime = NOW
        self.last: dict[MessageId, MessageState] = {}
        self.stubs = 0
        self.accepted: dict[MessageId, int] = {}

    def teardown(self) -> None:
        self.register.close()
        self.engine.dispose()
        self.folder.cleanup()

    @rule(channels=CHANNELS)
    def issue(self, channels):
        assert self.register([an_issuance(*channels, at=self.now)]) == [True]
        self.stubs += 1

    @rule(minutes=st.sampled_from([1, 2, 30, 60 * 23, 60 * 49]))
    def time_passes(self, minutes):
        self.now += timedelta(minutes=minutes)

    @rule(target=jobs, limit=st.integers(1, 3))
    def a_worker_leases(self, limit):
        with writing(self.engine) as connection:
            leased = outbox.lease(connection, now=self.now, until=self.now + LEASE, limit=limit)
        assert len(leased) <= limit
        return leased

    @rule(job=consumes(jobs), outcome=st.sampled_from([*Out, None]), crash=st.booleans())
    def it_calls_and_settles_or_dies(self, job, outcome, crash):
        for leased in job:
            with writing(self.engine) as connection:
                begun = attempts.begin(connection, [leased.id], lease=leased.leased_until, provider="p", now=self.now)
            attempt = begun.get(leased.id)
            if attempt is None or outcome is None:
                continue  # the lease was lost, or the worker died during the call
            ref = "SM1" if outcome is Out.ACCEPTED else None
            with writing(self.engine) as connection:
                assert attempts.finish(connection, attempt, outcome, now=self.now, code="c", provider_ref=ref)
                moved = not crash and outbox.settle(
                    connection,
                    leased.id,
                    AFTER[outcome],
                    now=self.now,
                    lease=leased.leased_until,
                    due_at=self.now + LEASE if outcome is not Out.PERMANENT else None,
                    code="c",
                )
            if moved and outcome is Out.ACCEPTED:
                self.accepted[leased.id] = self.accepted.get(leased.id, 0) + 1

    @rule()
    def lapsed_leases_are_mended(self):
        with writing(self.engine) as connection:
            outbox.recover_lapsed(connection, now=self.now, grace_until=self.now + LEASE)

    @rule(found=st.booleans())
    def a_worker_looks_up_what_is_unknown(self, found):
        with writing(self.engine) as connection:
            for taken in outbox.take_unknown(connection, now=self.now, again_at=self.now + LEASE, limit=2):
                state = S.ACCEPTED if found else S.QUEUED
                assert outbox.settle(
                    connection, taken.id, state, now=self.now, expected=S.UNKNOWN, due_at=None if found else self.now
                )
                if found:
                    self.accepted[taken.id] = self.accepted.get(taken.id, 0) + 1

    @rule()
    def windows_end(self):
        with writing(self.engine) as connection:
            outbox.expire(connection, now=self.now)

    @rule()
    def an_operator_replays(self):
        with writing(self.engine) as connection:
            for letter in outbox.dead_letters(connection):
                assert outbox.replay(connection, letter.id, now=self.now) == (letter.expires_at > self.now)

    @rule(delivered=st.booleans())
    def a_worker_follows_up(self, delivered):
        with writing(self.engine) as connection:
            for message in outbox.take_followed(connection, now=self.now, again_at=self.now + LEASE, limit=2):
                state = S.DELIVERED if delivered else S.UNDELIVERABLE
                assert outbox.settle(connection, message, state, now=self.now, expected=S.ACCEPTED)

    @rule()
    def a_worker_redacts(self):
        with writing(self.engine) as connection:
            for each in attempts.take_redactions(connection, now=self.now, again_at=self.now + LEASE, limit=2):
                assert attempts.record_redaction(connection, each.id, now=self.now)

    @invariant()
    def every_move_was_lawful(self):
        with reading(self.engine) as connection:
            found = {
                MessageId(row.id): MessageState(row.state)
                for row in connection.execute(text("SELECT id, state FROM message"))
            }
        for message, state in found.items():
            before = self.last.get(message, state)
            assert state is before or self._reachable(before, state), f"{before} became {state}"
        assert self.last.keys() <= found.keys()
        self.last = found

    def _reachable(self, old, new):
        """One rule may take a message through two moves within one transaction."""
        return may_move(old, new) or any(may_move(old, via) and may_move(via, new) for via in MessageState)

    @invariant()
    def envelopes_exist_exactly_while_they_may_be_needed(self):
        with reading(self.engine) as connection:
            query = "SELECT state, message_id IS NOT NULL AS sealed FROM message LEFT JOIN envelope ON message_id = id"
            rows = connection.execute(text(query)).all()
            unsettled = outbox.count_unsettled(connection)
            kept = envelopes.count(connection)
        assert all(bool(row.sealed) == (row.state in HOLDS_ENVELOPE) for row in rows)
        assert sum(unsettled.values()) == sum(bool(row.sealed) for row in rows) == kept

    @invariant()
    def every_stub_has_its_messages_and_no_reference_outlives_its_erasure(self):
        with reading(self.engine) as connection:
            (stubs, lonely) = connection.execute(
                text("SELECT count(*), sum(NOT EXISTS (SELECT 1 FROM message WHERE stub_id = stub.id)) FROM stub")
            ).one()
            kept = connection.execute(
                text("SELECT count(*) FROM attempt WHERE redacted_at IS NOT NULL AND provider_ref IS NOT NULL")
            ).scalar_one()
        assert (stubs, lonely or 0, kept) == (self.stubs, 0, 0)

    @invariant()
    def nothing_is_accepted_twice(self):
        assert all(count == 1 for count in self.accepted.values())


def test_final_states_are_the_ends_of_the_machine():
    assert all(not may_move(state, other) for state in FINAL for other in MessageState)


@pytest.mark.timeout(600)
def test_no_history_makes_the_outbox_unsound(sqlite_template: Path):
    OutboxMachine.template = sqlite_template
    few = settings(max_examples=25, stateful_step_count=30, deadline=None)
    run_state_machine_as_test(OutboxMachine, settings=few)
