"""The outbox: one row for each message of a stub, and its state. Its envelope lies in ``storage.envelopes``.

Every move of a message is a compare-and-set: it names the state (and the lease) that it starts from and reports
whether it held. Two workers can therefore never both take a message, with or without row locks; on PostgreSQL
``SKIP LOCKED`` only spares them the wait. Triggers refuse every move that ``domain.message`` does not allow, and
delete the envelope with the move that settles its message: nothing here has to remember to.

What is due is chosen in a materialised CTE: as a plain subquery PostgreSQL may run it more than once, and take more
than its limit.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    Column,
    Computed,
    Connection,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Row,
    String,
    Update,
    bindparam,
    column,
    func,
    select,
    text,
    update,
)
from sqlmodel import Field, SQLModel

from receipt_service.domain.identifiers import MessageId, StubId
from receipt_service.domain.message import HOLDS_ENVELOPE, MessageState
from receipt_service.domain.recipient import Channel
from receipt_service.storage.engine import ROW_NUMBER, SWEPT_EARLY, UtcDateTime, moment, skip_locked, table_of


def _listed(words: Iterable[str]) -> str:
    return ", ".join(f"'{word}'" for word in words)


MOST = len(Channel)
"""How many messages a check may have: at most one for each channel."""
_UNSETTLED = _listed(state for state in MessageState if state in HOLDS_ENVELOPE)
_IS_UNSETTLED = text("settled_at IS NULL")
_FOLLOWED = text("state = 'accepted' AND due_at IS NOT NULL")


class MessageRow(SQLModel, table=True):
    """One receipt on its way through one channel."""

    __tablename__ = "message"
    __table_args__ = (
        CheckConstraint(f"state IN ({_listed(MessageState)})", name="ck_message_state"),
        CheckConstraint(f"channel IN ({_listed(Channel)})", name="ck_message_channel"),
        CheckConstraint(f"(settled_at IS NULL) = (state IN ({_UNSETTLED}))", name="ck_message_settled"),
        CheckConstraint("(leased_until IS NOT NULL) = (state = 'sending')", name="ck_message_lease"),
        CheckConstraint(f"id - stub_id BETWEEN 0 AND {MOST - 1}", name="ck_message_number"),
        CheckConstraint("(expires_at IS NOT NULL) = (channel IN ('sms', 'email'))", name="ck_message_window"),
        CheckConstraint("(channel IN ('screen', 'paper')) = (state = 'handed_over')", name="ck_message_handed_over"),
        CheckConstraint("(channel = 'declined') = (state = 'declined')", name="ck_message_declined"),
        CheckConstraint("state NOT IN ('queued', 'unknown') OR due_at IS NOT NULL", name="ck_message_due"),
        Index("ix_message_due", "state", "due_at", sqlite_where=_IS_UNSETTLED, postgresql_where=_IS_UNSETTLED),
        Index("ix_message_expires", "expires_at", sqlite_where=_IS_UNSETTLED, postgresql_where=_IS_UNSETTLED),
        Index("ix_message_followed", "due_at", sqlite_where=_FOLLOWED, postgresql_where=_FOLLOWED),
        {"postgresql_with": SWEPT_EARLY},
    )

    id: int = Field(sa_column=Column(ROW_NUMBER, primary_key=True, autoincrement=False))
    stub_id: int = Field(sa_column=Column(ROW_NUMBER, ForeignKey("stub.id", name="fk_message_stub"), nullable=False))
    channel: str = Field(sa_column=Column(String(10), nullable=False))
    state: str = Field(sa_column=Column(String(14), nullable=False))
    created_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    due_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    """When the worker should next look at it; NULL when there is nothing left to do."""
    leased_until: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    expires_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    settled_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    delivered_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    """When we learned that the handset has it: later than ``settled_at`` where the provider took it first."""
    last_code: str | None = Field(default=None, sa_column=Column(String(80)))
    sealed_id: int | None = Field(
        default=None,
        sa_column=Column(
            ROW_NUMBER,
            Computed("CASE WHEN settled_at IS NULL THEN id END", persisted=True),
            ForeignKey(
                "envelope.message_id",
                name="fk_message_envelope",
                deferrable=True,
                initially="DEFERRED",
                use_alter=True,
            ),
            unique=True,
        ),
    )
    """Its own number while it isn't settled, reckoned by the database. The envelope's row points here and this points
    there, so neither is ever committed without the other."""


_message = table_of(MessageRow)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Leased:
    """A message in the hands of one worker until ``leased_until``."""

    id: MessageId
    channel: Channel
    epoch: str
    envelope: bytes
    created_at: datetime
    expires_at: datetime
    leased_until: datetime
    attempts: int
    """How many attempts were made before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What may be shown of a message: everything but its envelope."""

    id: MessageId
    channel: Channel
    state: MessageState
    created_at: datetime
    due_at: datetime | None
    expires_at: datetime | None
    settled_at: datetime | None
    last_code: str | None


def lease(
    connection: Connection, *, now: datetime, until: datetime, limit: int, channels: Iterable[Channel] = Channel
) -> list[Leased]:
    """Take queued messages that are due, the longest waiting first: they become ``sending`` until ``until``.

    Commit before anything else is done with them.
    """
    rows = connection.execute(
        text(
            "WITH due AS MATERIALIZED (SELECT m.id FROM message m"  # noqa: S608
            " WHERE m.settled_at IS NULL AND m.state = 'queued' AND m.due_at <= :now AND m.expires_at > :now"
            f" AND m.channel IN ({_listed(channels)}) ORDER BY m.due_at LIMIT :limit{skip_locked(connection, 'm')})"
            " UPDATE message SET state = 'sending', leased_until = :until WHERE id IN (SELECT id FROM due)"
            f" AND state = 'queued' RETURNING {_LEASED}"
        )
        .bindparams(moment("until", until), moment("now", now), limit=limit)
        .columns(*_LEASED_TYPES)
    )
    return sorted(map(_leased, rows), key=_age)


def take_unknown(connection: Connection, *, now: datetime, again_at: datetime, limit: int) -> list[Leased]:
    """Take messages whose answer was lost and whose grace is over; they stay ``unknown``.

    Each is handed to one worker: it comes up again at ``again_at`` if that worker doesn't settle it. The
    ``leased_until`` of what is returned is ``again_at``; settle them with ``settle(…, expected=UNKNOWN)``.
    """
    rows = connection.execute(
        text(
            "WITH due AS MATERIALIZED (SELECT m.id FROM message m"  # noqa: S608
            " WHERE m.settled_at IS NULL AND m.state = 'unknown' AND m.due_at <= :now"
            f" ORDER BY m.due_at LIMIT :limit{skip_locked(connection, 'm')})"
            " UPDATE message SET due_at = :again_at WHERE id IN (SELECT id FROM due)"
            f" AND state = 'unknown' AND due_at <= :now RETURNING {_TAKEN}"
        )
        .bindparams(moment("again_at", again_at), moment("now", now), limit=limit)
        .columns(*_LEASED_TYPES)
    )
    return sorted(map(_leased, rows), key=_age)


def take_followed(
    connection: Connection, *, now: datetime, again_at: datetime, limit: int, channel: Channel = Channel.SMS
) -> list[MessageId]:
    """Take accepted messages whose final status is to be asked for; they come up again at ``again_at``."""
    rows = connection.execute(
        text(
            "WITH due AS MATERIALIZED (SELECT m.id FROM message m"  # noqa: S608
            " WHERE m.state = 'accepted' AND m.due_at IS NOT NULL AND m.due_at <= :now AND m.channel = :channel"
            f" ORDER BY m.due_at LIMIT :limit{skip_locked(connection, 'm')})"
            " UPDATE message SET due_at = :again_at WHERE id IN (SELECT id FROM due)"
            " AND state = 'accepted' AND due_at <= :now RETURNING id"
        ).bindparams(moment("again_at", again_at), moment("now", now), limit=limit, channel=channel.value)
    )
    return sorted(MessageId(row.id) for row in rows)


def settle(
    connection: Connection,
    message_id: MessageId,
    state: MessageState,
    *,
    now: datetime,
    expected: MessageState = MessageState.SENDING,
    lease: datetime | None = None,
    due_at: datetime | None = None,
    code: str | None = None,
) -> bool:
    """Move a message on from ``expected``; False if it has moved already, or the lease is another worker's.

    ``lease`` is the ``leased_until`` it was leased with (checked for ``sending``). A state that ends the
    sending settles it, and the database shreds the envelope in the same statement. ``due_at`` is needed for ``queued``
    and ``unknown``; with ``accepted`` it asks for a follow-up.
    """
    values = {"message": message_id, "to": state.value, "from": expected.value, "due": due_at, "code": code}
    settles = expected in HOLDS_ENVELOPE and state not in HOLDS_ENVELOPE
    delivers = state is MessageState.DELIVERED
    if settles or delivers:
        values["now"] = now
    if lease is not None:
        values["lease"] = lease
    move = _move(settles=settles, leased=lease is not None, delivers=delivers)
    return connection.execute(move, values).rowcount == 1


@cache
def _move(*, settles: bool, leased: bool, delivers: bool) -> Update:
    """Put a move together, once for each of its forms: that takes longer than its execution."""
    statement = update(_message).where(_message.c.id == bindparam("message"), _message.c.state == bindparam("from"))
    if leased:
        statement = statement.where(_message.c.leased_until == bindparam("lease"))
    values: dict[str, Any] = {
        "state": bindparam("to"),
        "leased_until": None,
        "due_at": bindparam("due"),
        "last_code": bindparam("code"),
    }
    if settles:
        values["settled_at"] = bindparam("now")
    if delivers:
        values["delivered_at"] = bindparam("now")
    return statement.values(**values)


def recover_lapsed(connection: Connection, *, now: datetime, grace_until: datetime) -> int:
    """Mend what a dead worker left: ``sending`` beyond its lease.

    With an attempt on record something may have been sent: ``unknown`` until ``grace_until``. Without one nothing
    was: back to the queue. An attempt of an earlier lease has its outcome, so only open attempts count.
    """
    moves = (
        ("unknown", ":grace", "EXISTS"),
        ("queued", ":now", "NOT EXISTS"),
    )
    mended = 0
    for state, due, found in moves:
        statement = text(
            f"UPDATE message SET state = '{state}', leased_until = NULL, due_at = {due}"  # noqa: S608
            " WHERE settled_at IS NULL AND state = 'sending' AND leased_until < :now"
            f" AND {found} (SELECT 1 FROM attempt a WHERE a.message_id = message.id AND a.outcome IS NULL)"
        ).bindparams(moment("now", now))
        if state == "unknown":
            statement = statement.bindparams(moment("grace", grace_until))
        mended += connection.execute(statement).rowcount
    return mended


def expire(connection: Connection, *, now: datetime) -> int:
    """Shred what could not be sent within its window. What a worker holds just now is left to that worker."""
    done = connection.execute(
        text(
            "UPDATE message SET state = 'expired', due_at = NULL, settled_at = :now"
            " WHERE settled_at IS NULL AND expires_at <= :now AND state IN ('queued', 'unknown', 'dead_letter')"
        ).bindparams(moment("now", now))
    )
    return done.rowcount


def next_due(connection: Connection) -> datetime | None:
    """Tell when the next queued or unknown message is due."""
    query = select(func.min(_message.c.due_at)).where(
        _IS_UNSETTLED, _message.c.state.in_([MessageState.QUEUED.value, MessageState.UNKNOWN.value])
    )
    due: datetime | None = connection.execute(query).scalar_one()
    return due


def dead_letters(connection: Connection, *, limit: int = 1000) -> list[Message]:
    """List the dead letters, the oldest first, without anything of whom they are for."""
    query = (
        select(*_SHOWN)
        .where(_IS_UNSETTLED, _message.c.state == MessageState.DEAD_LETTER.value)
        .order_by(_message.c.id)
        .limit(limit)
    )
    return [_shown(row) for row in connection.execute(query)]


def replay(connection: Connection, message_id: MessageId, *, now: datetime) -> bool:
    """Put a dead letter back into the queue; False if it is none or its window is over. Repeating it is harmless."""
    done = connection.execute(
        update(_message)
        .where(
            _message.c.id == message_id,
            _message.c.state == MessageState.DEAD_LETTER.value,
            _message.c.expires_at > now,
        )
        .values(state=MessageState.QUEUED.value, due_at=now)
    )
    return done.rowcount == 1


def replay_all(connection: Connection, *, now: datetime) -> int:
    """Put every dead letter whose window is still open back into the queue; returns how many there were."""
    done = connection.execute(
        update(_message)
        .where(_IS_UNSETTLED, _message.c.state == MessageState.DEAD_LETTER.value, _message.c.expires_at > now)
        .values(state=MessageState.QUEUED.value, due_at=now)
    )
    return done.rowcount


def find(connection: Connection, message_id: MessageId) -> Message | None:
    """Find one message."""
    row = connection.execute(_FIND, {"message": message_id}).one_or_none()
    return None if row is None else _shown(row)


def of_stub(connection: Connection, stub_id: StubId) -> list[Message]:
    """List the messages of a stub in the order they were made. Their numbers follow its own: no index is needed."""
    near = _message.c.id.between(stub_id, stub_id + MOST - 1)
    query = select(*_SHOWN).where(near, _message.c.stub_id == stub_id).order_by(_message.c.id)
    return [_shown(row) for row in connection.execute(query)]


def count_by_state(connection: Connection) -> dict[MessageState, int]:
    """Count all messages by state; a full scan, for operators and tests."""
    query = select(_message.c.state, func.count()).group_by(_message.c.state)
    return {MessageState(state): number for state, number in connection.execute(query)}


def count_unsettled(connection: Connection) -> dict[MessageState, int]:
    """Count the messages that still have an envelope, by state: the length of the queue, at its own cost."""
    query = select(_message.c.state, func.count()).where(_IS_UNSETTLED).group_by(_message.c.state)
    return {MessageState(state): number for state, number in connection.execute(query)}


_LEASED_COLUMNS = ("id", "channel", "created_at", "expires_at", "leased_until")
_LEASED = ", ".join(
    (
        *_LEASED_COLUMNS,
        "(SELECT e.epoch FROM envelope e WHERE e.message_id = message.id) AS epoch",
        "(SELECT e.ciphertext FROM envelope e WHERE e.message_id = message.id) AS envelope",
        "(SELECT count(*) FROM attempt a WHERE a.message_id = message.id) AS attempts",
    )
)
_TAKEN = _LEASED.replace("leased_until", "due_at AS leased_until")
_LEASED_TYPES = (
    *(_message.c[name] for name in _LEASED_COLUMNS),
    column("epoch", String),
    column("envelope", LargeBinary),
    column("attempts", Integer),
)
_SHOWN = tuple(_message.c[name] for name in Message.__slots__)
_FIND = select(*_SHOWN).where(_message.c.id == bindparam("message"))


def _leased(row: Row[Any]) -> Leased:
    return Leased(
        id=MessageId(row.id),
        channel=Channel(row.channel),
        epoch=row.epoch,
        envelope=bytes(row.envelope),
        created_at=row.created_at,
        expires_at=row.expires_at,
        leased_until=row.leased_until,
        attempts=row.attempts,
    )


def _age(leased: Leased) -> tuple[datetime, MessageId]:
    return leased.created_at, leased.id


def _shown(row: Row[Any]) -> Message:
    found = row._mapping  # noqa: SLF001 - SQLAlchemy's public name for it
    return Message(**{**found, "channel": Channel(found["channel"]), "state": MessageState(found["state"])})
