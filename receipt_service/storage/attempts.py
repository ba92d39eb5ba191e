"""The ledger of attempts: one row before each call of a provider, its outcome once, its erasure at the provider.

The row is committed before the call. A worker that dies in between leaves an attempt without outcome, which is how
the next one knows that something may have been sent.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    Column,
    ColumnElement,
    Connection,
    ForeignKey,
    Index,
    String,
    TextClause,
    bindparam,
    func,
    select,
    text,
    update,
)
from sqlmodel import Field, SQLModel

from receipt_service.domain.identifiers import AttemptId, MessageId
from receipt_service.storage.engine import (
    ROW_NUMBER,
    SWEPT_EARLY,
    UtcDateTime,
    is_sqlite,
    moment,
    skip_locked,
    table_of,
)


class AttemptOutcome(StrEnum):
    """What came of an attempt. ``unknown`` is the only one that may still be replaced, once, by a lookup."""

    ACCEPTED = "accepted"
    TRANSIENT = "transient"
    PERMANENT = "permanent"
    CONFIGURATION = "configuration"
    UNKNOWN = "unknown"


_OUTCOMES = ", ".join(f"'{outcome}'" for outcome in AttemptOutcome)


class AttemptRow(SQLModel, table=True):
    """One call of a provider for one message."""

    __tablename__ = "attempt"
    __table_args__ = (
        CheckConstraint(f"outcome IS NULL OR outcome IN ({_OUTCOMES})", name="ck_attempt_outcome"),
        CheckConstraint("(outcome IS NULL) = (finished_at IS NULL)", name="ck_attempt_finished"),
        CheckConstraint("provider_ref IS NULL OR outcome = 'accepted'", name="ck_attempt_ref"),
        CheckConstraint("redacted_at IS NULL OR provider_ref IS NULL", name="ck_attempt_redacted"),
        CheckConstraint("(redact_due_at IS NULL) = (provider_ref IS NULL)", name="ck_attempt_redact_due"),
        Index("ix_attempt_message", "message_id"),
        Index(
            "ix_attempt_redact_due",
            "redact_due_at",
            sqlite_where=text("provider_ref IS NOT NULL"),
            postgresql_where=text("provider_ref IS NOT NULL"),
        ),
        {"postgresql_with": SWEPT_EARLY},
    )

    id: int = Field(
        sa_column=Column(
            ROW_NUMBER,
            primary_key=True,
            autoincrement=True,
        )
    )
    message_id: int = Field(
        sa_column=Column(ROW_NUMBER, ForeignKey("message.id", name="fk_attempt_message"), nullable=False)
    )
    provider: str = Field(sa_column=Column(String(40), nullable=False))
    started_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    finished_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    outcome: str | None = Field(default=None, sa_column=Column(String(16)))
    code: str | None = Field(default=None, sa_column=Column(String(80)))
    """The provider's or our own stable code; never its text, which may quote the recipient."""
    provider_ref: str | None = Field(default=None, sa_column=Column(String(120)))
    """The provider's name for the message, until it is erased there."""
    redact_due_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    redacted_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One recorded call. ``outcome`` is None while it runs, or when the worker died in it."""

    id: AttemptId
    message_id: MessageId
    provider: str
    started_at: datetime
    finished_at: datetime | None
    outcome: AttemptOutcome | None
    code: str | None
    provider_ref: str | None
    redacted_at: datetime | None


_attempt = table_of(AttemptRow)


def begin(
    connection: Connection, message_ids: Sequence[MessageId], *, lease: datetime, provider: str, now: datetime
) -> dict[MessageId, AttemptId]:
    """Record that a provider is about to be asked, for the messages of one lease. Commit before asking.

    ``lease`` is the ``leased_until`` under which the worker holds them. A message that the result leaves out was lost
    meanwhile: it is another worker's and must not be sent.
    """
    rows = connection.execute(
        _BEGIN_ON_SQLITE if is_sqlite(connection) else _BEGIN_ON_POSTGRESQL,
        {"lease": lease, "now": now, "ids": message_ids, "provider": provider},
    )
    return {MessageId(row.message_id): AttemptId(row.id) for row in rows}


def _beginning(locking: str) -> TextClause:
    return text(
        "INSERT INTO attempt (message_id, provider, started_at) SELECT id, :provider, :now FROM message"  # noqa: S608
        f" WHERE id IN :ids AND state = 'sending' AND leased_until = :lease{locking} RETURNING id, message_id"
    ).bindparams(
        bindparam("lease", type_=UtcDateTime), bindparam("now", type_=UtcDateTime), bindparam("ids", expanding=True)
    )


_BEGIN_ON_SQLITE = _beginning("")
_BEGIN_ON_POSTGRESQL = _beginning(" FOR UPDATE")

_FINISH = (
    update(_attempt)
    .where(_attempt.c.id == bindparam("attempt"))
    .values(
        outcome=bindparam("outcome"),
        finished_at=bindparam("now"),
        code=bindparam("code"),
        provider_ref=bindparam("ref"),
        redact_due_at=bindparam("redact_at"),
    )
)
"""Put together once: it takes longer than its execution."""
_IS_OPEN: ColumnElement[bool] = _attempt.c.outcome.is_(None)
_FINISH_OPEN = _FINISH.where(_IS_OPEN)
_FINISH_OPEN_OR_UNKNOWN = _FINISH.where(_IS_OPEN | (_attempt.c.outcome == AttemptOutcome.UNKNOWN.value))


def finish(
    connection: Connection,
    attempt_id: AttemptId,
    outcome: AttemptOutcome,
    *,
    now: datetime,
    code: str | None = None,
    provider_ref: str | None = None,
    redact_at: datetime | None = None,
) -> bool:
    """Record the outcome, once; False if another one stands already.

    ``unknown`` may be replaced by what a lookup found. With a ``provider_ref``, ``redact_at`` is when the worker
    should next see to its erasure at the provider (default: now).
    """
    values = {
        "attempt": attempt_id,
        "outcome": outcome.value,
        "now": now,
        "code": code,
        "ref": provider_ref,
        "redact_at": (redact_at or now) if provider_ref is not None else None,
    }
    statement = _FINISH_OPEN if outcome is AttemptOutcome.UNKNOWN else _FINISH_OPEN_OR_UNKNOWN
    return connection.execute(statement, values).rowcount == 1


def close_of_expiring(connection: Connection, *, now: datetime) -> int:
    """Give the attempts in which a worker died the outcome ``unknown`` where their message is about to expire.

    Nobody will ask about them any more. A late answer may still take its place. Call it in the transaction of
    ``outbox.expire`` and before it, while the index of unsettled messages still leads to them.
    """
    done = connection.execute(
        text(
            "UPDATE attempt SET outcome = 'unknown', finished_at = :now, code = 'expired' WHERE outcome IS NULL"
            " AND message_id IN (SELECT id FROM message WHERE settled_at IS NULL AND expires_at <= :now"
            " AND state IN ('queued', 'unknown', 'dead_letter'))"
        ).bindparams(moment("now", now))
    )
    return done.rowcount


_OF_MESSAGE = select(_attempt).where(_attempt.c.message_id == bindparam("message")).order_by(_attempt.c.id)


def of_message(connection: Connection, message_id: MessageId) -> list[Attempt]:
    """List the attempts of a message, the first one first."""
    return [_read(row) for row in connection.execute(_OF_MESSAGE, {"message": message_id})]


def take_redactions(connection: Connection, *, now: datetime, again_at: datetime, limit: int) -> list[Attempt]:
    """Take accepted attempts whose message is final and whose copy at the provider is still there.

    Each is handed to one worker: it comes up again at ``again_at`` if that worker doesn't report its erasure.
    """
    taken = connection.execute(
        text(
            "WITH due AS MATERIALIZED (SELECT a.id FROM attempt a"  # noqa: S608
            " JOIN message m ON m.id = a.message_id WHERE a.provider_ref IS NOT NULL AND a.redact_due_at <= :now"
            " AND (m.state IN ('delivered', 'undeliverable', 'expired') OR (m.state = 'accepted' AND m.due_at IS NULL))"
            f" ORDER BY a.redact_due_at LIMIT :limit{skip_locked(connection, 'a')})"
            " UPDATE attempt SET redact_due_at = :again_at WHERE id IN (SELECT id FROM due) RETURNING id"
        ).bindparams(moment("again_at", again_at), moment("now", now), limit=limit)
    )
    identifiers = [row.id for row in taken]
    query = select(_attempt).where(_attempt.c.id.in_(identifiers)).order_by(_attempt.c.id)
    return [_read(row) for row in connection.execute(query)] if identifiers else []


_REDACTED = (
    update(_attempt)
    .where(_attempt.c.id == bindparam("attempt"), _attempt.c.provider_ref.is_not(None))
    .values(provider_ref=None, redact_due_at=None, redacted_at=bindparam("now"))
)


def record_redaction(connection: Connection, attempt_id: AttemptId, *, now: datetime) -> bool:
    """Keep the evidence that the provider erased its copy, and forget the provider's name for it."""
    return connection.execute(_REDACTED, {"attempt": attempt_id, "now": now}).rowcount == 1


def count_unredacted(connection: Connection) -> int:
    """Count the messages whose content a provider may still hold."""
    query = select(func.count()).select_from(_attempt).where(_attempt.c.provider_ref.is_not(None))
    return int(connection.execute(query).scalar_one())


def _read(row: Any) -> Attempt:
    return Attempt(
        id=AttemptId(row.id),
        message_id=MessageId(row.message_id),
        provider=row.provider,
        started_at=row.started_at,
        finished_at=row.finished_at,
        outcome=None if row.outcome is None else AttemptOutcome(row.outcome),
        code=row.code,
        provider_ref=row.provider_ref,
        redacted_at=row.redacted_at,
    )


def latest(connection: Connection, message_ids: Sequence[MessageId] | Iterable[MessageId]) -> dict[MessageId, Attempt]:
    """Find the last attempt of each message that has one."""
    wanted = list(message_ids)
    newest = select(func.max(_attempt.c.id)).where(_attempt.c.message_id.in_(wanted)).group_by(_attempt.c.message_id)
    rows = connection.execute(select(_attempt).where(_attempt.c.id.in_(newest)))
    return {attempt.message_id: attempt for attempt in map(_read, rows)}
