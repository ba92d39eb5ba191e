"""What follows from an attempt: a pure decision, with the clock and the chance passed in."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from receipt_service.domain.message import (
    Accepted,
    Configuration,
    MessageState,
    Outcome,
    Permanent,
    Transient,
    Unknown,
)

CEILINGS = tuple(timedelta(seconds=seconds) for seconds in (0, 30, 120, 300, 900, 1800, 3600))
"""Longest wait after the first, second, third… failure; the last one holds for all that follow."""

UNKNOWN_GRACE = timedelta(seconds=120)
"""How long a lost answer rests before the provider is asked: its list of messages lags behind its deeds."""


@dataclass(frozen=True, slots=True)
class Settled:
    """Nothing more to send: the message goes to ``state`` and its envelope is shredded."""

    state: MessageState
    code: str | None = None


@dataclass(frozen=True, slots=True)
class Retry:
    """Back to the queue, to be sent again at ``at``."""

    at: datetime
    code: str


@dataclass(frozen=True, slots=True)
class LookUp:
    """The message becomes ``unknown``; at ``at`` the provider is asked whether it has it."""

    at: datetime
    code: str


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """An operator has to look; the envelope stays until the window ends, so that a replay can work."""

    code: str


Step = Settled | Retry | LookUp | DeadLetter


def backoff(attempts: int, jitter: float) -> timedelta:
    """Return the wait before the next try: full jitter, a random share of the ceiling of that many attempts.

    ``attempts`` counts those already made (1 or more), ``jitter`` is a random number in [0, 1).
    Full jitter rather than a fixed step: after an outage of the provider the waiting messages come
    back spread out (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/).
    """
    if attempts < 1 or not 0 <= jitter < 1:
        raise ValueError("attempts begin at 1, jitter lies in [0, 1)")
    return CEILINGS[min(attempts, len(CEILINGS)) - 1] * jitter


def next_step(
    outcome: Outcome,
    *,
    attempts: int,
    now: datetime,
    window_end: datetime,
    jitter: float,
    grace: timedelta = UNKNOWN_GRACE,
) -> Step:
    """Decide what becomes of a message after an attempt.

    ``attempts`` counts the attempts made, this one included; ``window_end`` is when the message
    expires. No step lies beyond ``window_end``: what can't be tried again before then has expired.
    """
    match outcome:
        case Accepted():
            return Settled(MessageState.ACCEPTED)
        case Permanent(code):
            return Settled(MessageState.UNDELIVERABLE, code)
        case Configuration(code):
            return DeadLetter(code) if now < window_end else Settled(MessageState.EXPIRED, code)
        case Unknown(code):
            return LookUp(max(now, min(now + grace, window_end)), code)
        case Transient(code, retry_after, most):
            if most is not None and attempts >= most and now < window_end:
                return DeadLetter(code)
            wait = (retry_after or timedelta(0)) + backoff(attempts, jitter)
            return Retry(now + wait, code) if wait < window_end - now else Settled(MessageState.EXPIRED, code)
