"""Find out what became of attempts whose answer was lost: a worker died, or the line did.

Lapsed leases become ``unknown``; after the grace the provider is asked (``look_up``). What it has is adopted as
accepted, under the attempts that were open; what it surely hasn't goes back to the queue. A provider that can't be
asked leaves everything as it is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Engine

from receipt_service.delivery.channel import Absent, Dispatch, Found, LookUpAnswer, Unanswered
from receipt_service.delivery.worker.concurrency import gathered
from receipt_service.delivery.worker.sending import Sender
from receipt_service.delivery.worker.settle import KeyGone
from receipt_service.delivery.worker.threads import DatabaseThread
from receipt_service.domain.message import Configuration, MessageState
from receipt_service.storage import attempts, outbox
from receipt_service.storage.attempts import Attempt, AttemptOutcome
from receipt_service.storage.engine import writing
from receipt_service.storage.outbox import Leased
from receipt_service.telemetry import logger

LookedUp = LookUpAnswer | Configuration | KeyGone


@dataclass(frozen=True, slots=True)
class Recovery:
    """Mends what crashes and lost answers left."""

    engine: Engine
    database: DatabaseThread
    sender: Sender

    async def turn(self) -> int:
        """Mend lapsed leases, then ask for a batch of unknown messages. Returns how many were looked into."""
        lost = await self.database.run(self._take)
        found = await gathered([self._look_up(leased) for leased in lost], self.sender.pace.upkeep_concurrency)
        if lost:
            await self.database.run(self._settle, list(zip(lost, found, strict=True)))
        return len(lost)

    def _take(self) -> list[Leased]:
        now, pace = self.sender.clock(), self.sender.pace
        with writing(self.engine) as connection:
            lapsed = outbox.recover_lapsed(connection, now=now, grace_until=now + pace.grace)
            lost = outbox.take_unknown(connection, now=now, again_at=now + pace.look_again, limit=pace.upkeep_batch)
        if lapsed:
            logger().warning("delivery.leases_lapsed", count=lapsed)
            self.sender.after("recovered")
        return lost

    async def _look_up(self, leased: Leased) -> LookedUp:
        dispatch = await self.sender.prepare(leased)
        if not isinstance(dispatch, Dispatch):
            return dispatch
        channel = self.sender.outlets[leased.channel].channel
        try:
            answer: LookUpAnswer = await channel.look_up(dispatch)
        except Exception as error:  # noqa: BLE001 - a channel's fault is no answer, and no reason to stop
            logger().error("delivery.look_up_fault", message=str(leased.id), exc_info=error)
            return Unanswered("channel_fault")
        self.sender.after("looked_up")
        return answer

    def _settle(self, answers: Sequence[tuple[Leased, LookedUp]]) -> None:
        now = self.sender.clock()
        with writing(self.engine) as connection:
            for leased, answer in answers:
                self._settle_one(connection, leased, answer, now)

    def _settle_one(self, connection: Connection, leased: Leased, answer: LookedUp, now: datetime) -> None:
        open_attempts = [
            attempt
            for attempt in attempts.of_message(connection, leased.id)
            if attempt.outcome in {None, AttemptOutcome.UNKNOWN}
        ]
        match answer:
            case Found(refs):
                self._adopt(connection, leased, open_attempts, refs, now)
            case Absent():
                self._send_again(connection, leased, open_attempts, now)
            case Configuration(code):
                outbox.settle(
                    connection, leased.id, MessageState.DEAD_LETTER, now=now, expected=MessageState.UNKNOWN, code=code
                )
            case KeyGone(code):
                for attempt in open_attempts:
                    attempts.finish(connection, attempt.id, AttemptOutcome.UNKNOWN, now=now, code=code)
                outbox.settle(
                    connection, leased.id, MessageState.EXPIRED, now=now, expected=MessageState.UNKNOWN, code=code
                )

    def _adopt(
        self,
        connection: Connection,
        leased: Leased,
        open_attempts: Sequence[Attempt],
        refs: Sequence[str],
        now: datetime,
    ) -> None:
        """Give the provider's references to the attempts in the order of both; each attempt made one call at most."""
        for attempt, ref in zip(open_attempts[-len(refs) :], refs[-len(open_attempts) :], strict=False):
            attempts.finish(connection, attempt.id, AttemptOutcome.ACCEPTED, now=now, provider_ref=ref)
        outbox.settle(
            connection,
            leased.id,
            MessageState.ACCEPTED,
            now=now,
            expected=MessageState.UNKNOWN,
            due_at=now + self.sender.pace.follow_after,
        )

    def _send_again(
        self, connection: Connection, leased: Leased, open_attempts: Sequence[Attempt], now: datetime
    ) -> None:
        looks_up = self.sender.outlets[leased.channel].channel.capabilities.looks_up
        outcome, code = (AttemptOutcome.TRANSIENT, "absent") if looks_up else (AttemptOutcome.UNKNOWN, "answer_lost")
        for attempt in open_attempts:
            attempts.finish(connection, attempt.id, outcome, now=now, code=code)
        state = MessageState.QUEUED if now < leased.expires_at else MessageState.EXPIRED
        due_at = now if state is MessageState.QUEUED else None
        outbox.settle(connection, leased.id, state, now=now, expected=MessageState.UNKNOWN, due_at=due_at, code=code)
