"""Write down what attempts came to: the outcome, the message's next state, and the shredding, in one commit."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DataError, IntegrityError, ProgrammingError

from receipt_service.delivery.worker.lease import Job
from receipt_service.delivery.worker.pace import Pace
from receipt_service.domain.message import (
    Accepted,
    Configuration,
    MessageState,
    Outcome,
    Permanent,
    Transient,
    Unknown,
)
from receipt_service.domain.retry import DeadLetter, LookUp, Retry, Settled, Step, next_step
from receipt_service.storage import attempts, outbox
from receipt_service.storage.attempts import AttemptOutcome
from receipt_service.storage.engine import writing
from receipt_service.telemetry import logger

KEY_DESTROYED = "key_destroyed"


@dataclass(frozen=True, slots=True)
class KeyGone:
    """The envelope can never be opened again: its epoch's key was destroyed. The message expires."""

    code: str = KEY_DESTROYED


@dataclass(frozen=True, slots=True)
class Answer:
    """A job with what it came to, waiting to be written down. ``follows``: the provider will know more later."""

    job: Job
    outcome: Outcome | KeyGone
    follows: bool


def settle_each(
    engine: Engine, answers: Sequence[Answer], *, now: datetime, pace: Pace, jitter: Callable[[], float]
) -> None:
    """Write each answer in a commit of its own, and leave out those that the database refuses.

    What is left out is found again when its lease has lapsed, so that one impossible row can't stop the others.

    Raises:
        sqlalchemy.exc.OperationalError: the database can't be reached.

    """
    for answer in answers:
        try:
            with writing(engine) as connection:
                settle_one(connection, answer, now=now, pace=pace, jitter=jitter())
        except REFUSALS:
            logger().error("delivery.settle_refused", message=str(answer.job.leased.id))


REFUSALS = (IntegrityError, DataError, ProgrammingError)
"""The database is there and says no; an ``OperationalError`` says that it is away."""


def settle_one(connection: Connection, answer: Answer, *, now: datetime, pace: Pace, jitter: float) -> None:
    """Record the attempt's outcome and move the message on; envelopes that are not needed any more are shredded.

    The outcome is kept even when the lease was lost meanwhile. Then the message is left to whoever has it now,
    except that an acceptance always counts: it spares a look-up, and the second SMS if that fails.
    """
    leased, outcome = answer.job.leased, answer.outcome
    ref = outcome.ref if isinstance(outcome, Accepted) else None
    attempts.finish(
        connection, answer.job.attempt_id, recorded_as(outcome), now=now, code=_code(outcome), provider_ref=ref
    )
    state, due_at, code = _placed(_decide(answer, now=now, pace=pace, jitter=jitter), now)
    if state is MessageState.ACCEPTED and answer.follows and ref is not None:
        due_at = now + pace.follow_after
    held = outbox.settle(connection, leased.id, state, now=now, lease=leased.leased_until, due_at=due_at, code=code)
    if not held and isinstance(outcome, Accepted):
        outbox.settle(connection, leased.id, state, now=now, expected=MessageState.UNKNOWN, due_at=due_at)


def recorded_as(outcome: Outcome | KeyGone) -> AttemptOutcome:
    """Return the word for an outcome in the ledger of attempts."""
    match outcome:
        case Accepted():
            return AttemptOutcome.ACCEPTED
        case Transient():
            return AttemptOutcome.TRANSIENT
        case Permanent():
            return AttemptOutcome.PERMANENT
        case Configuration() | KeyGone():
            return AttemptOutcome.CONFIGURATION
        case Unknown():
            return AttemptOutcome.UNKNOWN


def _decide(answer: Answer, *, now: datetime, pace: Pace, jitter: float) -> Step:
    if isinstance(answer.outcome, KeyGone):
        return Settled(MessageState.EXPIRED, answer.outcome.code)
    leased = answer.job.leased
    return next_step(
        answer.outcome,
        attempts=leased.attempts + 1,
        now=now,
        window_end=leased.expires_at,
        jitter=jitter,
        grace=pace.grace,
    )


def _placed(step: Step, now: datetime) -> tuple[MessageState, datetime | None, str | None]:
    """Turn a decision into the row's state, due time and code."""
    match step:
        case Settled(state, code):
            return state, None, code
        case Retry(at, code):
            return MessageState.QUEUED, at, code
        case LookUp(at, code):
            return MessageState.UNKNOWN, at, code
        case DeadLetter(code):
            return MessageState.DEAD_LETTER, now, code


def _code(outcome: Outcome | KeyGone) -> str | None:
    return None if isinstance(outcome, Accepted) else outcome.code
