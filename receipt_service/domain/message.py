"""A message: one receipt on its way through one channel, the states it goes through, and what a provider may answer.

The moves below are the same that the database enforces by trigger (``storage.outbox``); a test holds
the two together. A callback or a late answer can therefore never take a message backwards.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from types import MappingProxyType

from receipt_service.domain.recipient import Channel


class MessageState(StrEnum):
    """Where a message stands. ``accepted``: the provider took it; ``delivered``: the handset confirmed."""

    QUEUED = "queued"
    SENDING = "sending"
    """Leased by a worker: an attempt is recorded and the provider may have been asked."""
    UNKNOWN = "unknown"
    """The answer to an attempt was lost: to be looked up before anything is sent again."""
    ACCEPTED = "accepted"
    DELIVERED = "delivered"
    UNDELIVERABLE = "undeliverable"
    EXPIRED = "expired"
    DEAD_LETTER = "dead_letter"
    """An operator's matter (credentials, sender, no text could be made of it): replayable until the window ends."""
    HANDED_OVER = "handed_over"
    """Shown on the officer's screen or printed: nothing to send."""
    DECLINED = "declined"

    __hash__ = str.__hash__
    """As equal to its text as the members are; the enumeration's own hash is neither that nor fast."""


_SETTLED = frozenset(
    {
        MessageState.ACCEPTED,
        MessageState.DELIVERED,
        MessageState.QUEUED,
        MessageState.UNDELIVERABLE,
        MessageState.DEAD_LETTER,
        MessageState.EXPIRED,
    }
)

ALLOWED_MOVES: Mapping[MessageState, frozenset[MessageState]] = MappingProxyType(
    {
        MessageState.QUEUED: frozenset({MessageState.SENDING, MessageState.EXPIRED}),
        MessageState.SENDING: _SETTLED | {MessageState.UNKNOWN},
        MessageState.UNKNOWN: _SETTLED,
        MessageState.ACCEPTED: frozenset({MessageState.DELIVERED, MessageState.UNDELIVERABLE}),
        MessageState.DEAD_LETTER: frozenset({MessageState.QUEUED, MessageState.EXPIRED}),
        MessageState.DELIVERED: frozenset(),
        MessageState.UNDELIVERABLE: frozenset(),
        MessageState.EXPIRED: frozenset(),
        MessageState.HANDED_OVER: frozenset(),
        MessageState.DECLINED: frozenset(),
    }
)
"""From each state, the states it may become. A state with no move out is final."""

FINAL = frozenset(state for state, onward in ALLOWED_MOVES.items() if not onward)

HOLDS_ENVELOPE = frozenset({MessageState.QUEUED, MessageState.SENDING, MessageState.UNKNOWN, MessageState.DEAD_LETTER})
"""The states in which the sealed envelope exists; a move to any other one shreds it."""

WINDOWS: Mapping[Channel, timedelta] = MappingProxyType(
    {Channel.SMS: timedelta(hours=24), Channel.EMAIL: timedelta(hours=72)}
)
"""How long a message may be tried, from its creation; afterwards it expires and its envelope is shredded."""

LONGEST_WINDOW = max(WINDOWS.values())


def may_move(old: MessageState, new: MessageState) -> bool:
    """Say whether a message in state ``old`` may become ``new``."""
    return new in ALLOWED_MOVES[old]


def born_as(channel: Channel) -> MessageState:
    """Return the state in which a message of this channel is created."""
    if channel is Channel.DECLINED:
        return MessageState.DECLINED
    return MessageState.QUEUED if channel in WINDOWS else MessageState.HANDED_OVER


@dataclass(frozen=True, slots=True)
class Accepted:
    """The provider took the message; ``ref`` is its name for it, where it gives one."""

    ref: str | None = None


@dataclass(frozen=True, slots=True)
class Transient:
    """Surely not sent, and worth another try.

    ``retry_after`` is the provider's own wish (HTTP ``Retry-After``); ``most`` bounds the number of
    attempts for answers that nobody has seen yet, so that an unforeseen refusal can't be repeated
    for a whole window.
    """

    code: str
    retry_after: timedelta | None = None
    most: int | None = None


@dataclass(frozen=True, slots=True)
class Permanent:
    """Surely not sent, and never will be: the number or the mailbox can't receive it."""

    code: str


@dataclass(frozen=True, slots=True)
class Configuration:
    """Surely not sent, and through no fault of the recipient: credentials, sender, account, template."""

    code: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """Nobody can tell whether it was sent: the answer was lost after the request had left."""

    code: str


Outcome = Accepted | Transient | Permanent | Configuration | Unknown
"""What one attempt came to. The difference between them is a type, never a comparison of strings."""
