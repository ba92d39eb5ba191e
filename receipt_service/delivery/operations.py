"""What an operator can see of deliveries and do about them: numbers, channels, states, codes. Never whose they are."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Engine

from receipt_service.domain.identifiers import MessageId
from receipt_service.domain.message import MessageState
from receipt_service.domain.recipient import Channel
from receipt_service.errors import NotFound
from receipt_service.storage import attempts, outbox
from receipt_service.storage.engine import reading, writing


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryStatus:
    """The outbox at a glance."""

    by_state: dict[MessageState, int]
    not_yet_redacted: int
    """Texts that a provider may still hold."""
    next_due_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """A message that waits for an operator."""

    id: MessageId
    channel: Channel
    state: MessageState
    code: str | None
    age: timedelta
    expires_in: timedelta
    """How long a replay still makes sense; then the envelope is shredded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """What a replay came to. Repeating it changes nothing more."""

    queued: tuple[MessageId, ...]
    left_alone: tuple[tuple[MessageId, MessageState], ...]
    """Messages that are no dead letters (any more), or whose window is over, with their state."""


def delivery_status(engine: Engine) -> DeliveryStatus:
    """Count the messages by state; a scan of the table, for a person who asks."""
    with reading(engine) as connection:
        return DeliveryStatus(
            by_state=outbox.count_by_state(connection),
            not_yet_redacted=attempts.count_unredacted(connection),
            next_due_at=outbox.next_due(connection),
        )


def dead_letters(engine: Engine, *, now: datetime, limit: int = 1000) -> list[DeadLetter]:
    """List the dead letters, the oldest first."""
    with reading(engine) as connection:
        found = outbox.dead_letters(connection, limit=limit)
    return [
        DeadLetter(
            id=message.id,
            channel=message.channel,
            state=message.state,
            code=message.last_code,
            age=now - message.created_at,
            expires_in=max(message.expires_at - now, timedelta(0)) if message.expires_at else timedelta(0),
        )
        for message in found
    ]


def replay(engine: Engine, message_ids: Iterable[MessageId], *, now: datetime) -> Replay:
    """Put dead letters back into the queue, all in one commit.

    Raises:
        NotFound: there is no message of one of these numbers; nothing was changed.

    """
    queued: list[MessageId] = []
    left_alone: list[tuple[MessageId, MessageState]] = []
    with writing(engine) as connection:
        for message_id in dict.fromkeys(message_ids):
            found = outbox.find(connection, message_id)
            if found is None:
                raise NotFound(f"no message has the number {message_id}")
            if outbox.replay(connection, message_id, now=now):
                queued.append(message_id)
            else:
                left_alone.append((message_id, found.state))
    return Replay(queued=tuple(queued), left_alone=tuple(left_alone))


def replay_all(engine: Engine, *, now: datetime) -> int:
    """Put every dead letter whose window is open back into the queue; returns how many."""
    with writing(engine) as connection:
        return outbox.replay_all(connection, now=now)
