"""After acceptance: ask what became of the SMS, then have its text erased at the provider and keep the evidence.

Redaction is a step of its own, with its own retries: it begins when the message is final, doesn't depend on the
worker that sent it, and ends with ``redacted_at`` set and the provider's reference forgotten.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine

from receipt_service.delivery.channel import (
    DeliveryChannel,
    Failed,
    Gone,
    Pending,
    Reached,
    RedactAnswer,
    Redacted,
    StatusAnswer,
    Unanswered,
)
from receipt_service.delivery.worker.concurrency import gathered
from receipt_service.delivery.worker.sending import Sender
from receipt_service.delivery.worker.threads import DatabaseThread
from receipt_service.domain.identifiers import MessageId
from receipt_service.domain.message import MessageState
from receipt_service.storage import attempts, outbox
from receipt_service.storage.attempts import Attempt, AttemptOutcome
from receipt_service.storage.engine import reading, writing
from receipt_service.telemetry import logger

NO_REPORT = "no_report"
GONE_AT_PROVIDER = "gone_at_provider"


@dataclass(frozen=True, slots=True)
class Followed:
    """An accepted message with the attempt that the provider knows by ``attempt.provider_ref``."""

    message_id: MessageId
    accepted_at: datetime
    attempt: Attempt | None


@dataclass(frozen=True, slots=True)
class FollowUp:
    """Follows accepted messages to their end, and redacts."""

    engine: Engine
    database: DatabaseThread
    sender: Sender

    @property
    def channels(self) -> Mapping[str, DeliveryChannel[Any]]:
        """The channels by the provider's name, as attempts record it."""
        return {outlet.channel.provider: outlet.channel for outlet in self.sender.outlets.values()}

    async def turn(self) -> int:
        """Follow one batch and redact one batch; returns how many of both."""
        return await self._follow() + await self._redact()

    async def _follow(self) -> int:
        followed = await self.database.run(self._take_followed)
        answers = await gathered([self._status(one) for one in followed], self.sender.pace.upkeep_concurrency)
        if followed:
            await self.database.run(self._settle, list(zip(followed, answers, strict=True)))
            self.sender.after("followed")
        return len(followed)

    def _take_followed(self) -> list[Followed]:
        now, pace = self.sender.clock(), self.sender.pace
        with writing(self.engine) as connection:
            taken = outbox.take_followed(connection, now=now, again_at=now + pace.look_again, limit=pace.upkeep_batch)
        with reading(self.engine) as connection:
            return [_followed(connection, message_id, now) for message_id in taken]

    async def _status(self, followed: Followed) -> StatusAnswer:
        attempt = followed.attempt
        channel = self.channels.get(attempt.provider) if attempt is not None else None
        if attempt is None or attempt.provider_ref is None or channel is None:
            return Gone()
        try:
            return await channel.status(attempt.provider_ref)
        except Exception as error:  # noqa: BLE001 - a channel's fault is no answer, and no reason to stop
            logger().error("delivery.status_fault", message=str(followed.message_id), exc_info=error)
            return Unanswered("channel_fault")

    def _settle(self, answers: Sequence[tuple[Followed, StatusAnswer]]) -> None:
        now = self.sender.clock()
        with writing(self.engine) as connection:
            for followed, answer in answers:
                state, due_at, code = self._next(followed, answer, now)
                outbox.settle(
                    connection,
                    followed.message_id,
                    state,
                    now=now,
                    expected=MessageState.ACCEPTED,
                    due_at=due_at,
                    code=code,
                )

    def _next(
        self, followed: Followed, answer: StatusAnswer, now: datetime
    ) -> tuple[MessageState, datetime | None, str | None]:
        match answer:
            case Reached():
                return MessageState.DELIVERED, None, None
            case Failed(code):
                return MessageState.UNDELIVERABLE, None, code
            case Gone():
                return MessageState.ACCEPTED, None, GONE_AT_PROVIDER
            case Pending() | Unanswered():
                age = now - followed.accepted_at
                if age >= self.sender.pace.follow_for:
                    return MessageState.ACCEPTED, None, NO_REPORT
                return MessageState.ACCEPTED, now + self._patience(age), None

    def _patience(self, age: timedelta) -> timedelta:
        """Ask less and less often: each wait is as long as the message is old, within bounds."""
        return min(max(age, self.sender.pace.follow_after), self.sender.pace.follow_at_most)

    async def _redact(self) -> int:
        taken = await self.database.run(self._take_redactions)
        answers = await gathered([self._redact_one(one) for one in taken], self.sender.pace.upkeep_concurrency)
        erased = [
            attempt for attempt, answer in zip(taken, answers, strict=True) if isinstance(answer, Redacted | Gone)
        ]
        if erased:
            await self.database.run(self._record, erased)
            self.sender.after("redaction_recorded")
        return len(taken)

    def _take_redactions(self) -> list[Attempt]:
        now, pace = self.sender.clock(), self.sender.pace
        with writing(self.engine) as connection:
            return attempts.take_redactions(
                connection, now=now, again_at=now + pace.look_again, limit=pace.upkeep_batch
            )

    async def _redact_one(self, attempt: Attempt) -> RedactAnswer:
        channel = self.channels.get(attempt.provider)
        if channel is None or attempt.provider_ref is None:
            return Unanswered("no_channel")
        try:
            answer: RedactAnswer = await channel.redact(attempt.provider_ref)
        except Exception as error:  # noqa: BLE001 - a channel's fault is no answer, and no reason to stop
            logger().error("delivery.redact_fault", message=str(attempt.message_id), exc_info=error)
            return Unanswered("channel_fault")
        if isinstance(answer, Unanswered):
            logger().warning("delivery.not_redacted_yet", message=str(attempt.message_id), code=answer.code)
        self.sender.after("redacted")
        return answer

    def _record(self, erased: Sequence[Attempt]) -> None:
        now = self.sender.clock()
        with writing(self.engine) as connection:
            for attempt in erased:
                attempts.record_redaction(connection, attempt.id, now=now)


def _followed(connection: Connection, message_id: MessageId, now: datetime) -> Followed:
    message = outbox.find(connection, message_id)
    accepted = [
        attempt
        for attempt in attempts.of_message(connection, message_id)
        if attempt.outcome is AttemptOutcome.ACCEPTED and attempt.provider_ref is not None
    ]
    since = now if message is None or message.settled_at is None else message.settled_at
    return Followed(message_id, since, accepted[-1] if accepted else None)
