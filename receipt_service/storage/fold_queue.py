"""The fold queue: what has happened and is not yet in the rollup. Rows live for seconds.

A row is written in the transaction of what it tells: a stub registered (``storage.issuances``), a stub withdrawn
(``withdraw``), a message come to rest or moved on from there (a trigger on ``message``, so that no way of settling one
can forget it). It is deleted in the transaction that adds it to the cells. So a process that is killed at any point
neither loses nor doubles anything.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    Column,
    Connection,
    ForeignKey,
    Integer,
    SmallInteger,
    String,
    func,
    insert,
    select,
    text,
)
from sqlmodel import Field, SQLModel

from receipt_service.domain.identifiers import StubId
from receipt_service.storage.engine import ROW_NUMBER, UtcDateTime, is_sqlite, table_of

COUNT, WITHDRAW, MOVE = 1, -1, 0
"""The signs: count a stub, take it back, carry a message from one state of rest to another."""
_MESSAGES_AT_MOST = 5
"""Messages of a stub have its own number and the four after it (``storage.outbox``)."""
_SWEPT_AT_ONCE = {"autovacuum_vacuum_scale_factor": 0, "autovacuum_vacuum_threshold": 1000}


class FoldQueueRow(SQLModel, table=True):
    """One thing to fold, in the order in which they happened to any one stub."""

    __tablename__ = "fold_queue"
    __table_args__ = (
        CheckConstraint("sign IN (-1, 0, 1)", name="ck_fold_queue_sign"),
        CheckConstraint("(sign = 0) = (became_state IS NOT NULL)", name="ck_fold_queue_move"),
        {"postgresql_with": _SWEPT_AT_ONCE},
    )

    id: int = Field(sa_column=Column(ROW_NUMBER, primary_key=True, autoincrement=True))
    stub_id: int = Field(sa_column=Column(ROW_NUMBER, nullable=False))
    sign: int = Field(sa_column=Column(SmallInteger, nullable=False))
    left_state: str | None = Field(default=None, sa_column=Column(String(14)))
    became_state: str | None = Field(default=None, sa_column=Column(String(14)))
    elapsed_seconds: int | None = Field(default=None, sa_column=Column(Integer))
    """From the creation of the message to its delivery."""


class WithdrawnStubRow(SQLModel, table=True):
    """A stub that statistics no longer count, since it was cancelled or another one took its place."""

    __tablename__ = "withdrawn_stub"

    stub_id: int = Field(
        sa_column=Column(
            ROW_NUMBER,
            ForeignKey("stub.id", name="fk_withdrawn_stub"),
            primary_key=True,
            autoincrement=False,
        )
    )
    withdrawn_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))


_queue = table_of(FoldQueueRow)
_withdrawn = table_of(WithdrawnStubRow)


@dataclass(frozen=True, slots=True)
class Queued:
    """One claimed row."""

    stub_id: StubId
    sign: int
    left_state: str | None
    became_state: str | None
    elapsed_seconds: int | None


@dataclass(frozen=True, slots=True)
class Waiting:
    """How much waits; ``since`` is when the stub registered that has waited longest."""

    rows: int
    since: datetime | None


@dataclass(frozen=True, slots=True)
class StubText:
    """What folding reads of a stub: its number and the four disclosures' JSON, one a line."""

    stub_id: StubId
    receipt_number: str
    disclosures: str


@dataclass(frozen=True, slots=True)
class StubMessage:
    """What folding reads of a message: nothing of whom it is for."""

    stub_id: StubId
    channel: str
    state: str
    elapsed_seconds: int | None


_CLAIM = text(
    "DELETE FROM fold_queue WHERE id IN (SELECT id FROM fold_queue ORDER BY id LIMIT :limit)"
    " RETURNING id, stub_id, sign, left_state, became_state, elapsed_seconds"
)


def claim(connection: Connection, limit: int) -> list[Queued]:
    """Take the oldest rows out of the queue, for good once this transaction commits. One process at a time."""
    rows = connection.execute(_CLAIM, {"limit": limit}).all()
    return [Queued(StubId(row[1]), *row[2:]) for row in sorted(rows)]


_OLDEST = text(
    "SELECT id, stub_id, sign, left_state, became_state, elapsed_seconds FROM fold_queue ORDER BY id LIMIT :limit"
)


def oldest(connection: Connection, limit: int) -> list[Queued]:
    """Read the oldest rows and leave them."""
    return [Queued(StubId(row[1]), *row[2:]) for row in connection.execute(_OLDEST, {"limit": limit})]


def take(connection: Connection, queued: Sequence[Queued]) -> bool:
    """Take rows out of the queue that were the oldest; False, and nothing is taken, when they no longer are (SQLite).

    Their numbers would not tell: the queue numbers from 1 again once it was empty.
    """
    if oldest(connection, len(queued)) != queued:
        return False
    connection.execute(_CLAIM, {"limit": len(queued)})
    return True


def withdraw(connection: Connection, stub_id: StubId, *, now: datetime) -> None:
    """No longer count a stub; call it in the transaction that cancels or replaces it.

    The stub that takes its place is counted by being registered. Raises SQLAlchemy's ``IntegrityError`` for a stub
    that is withdrawn already.
    """
    connection.execute(insert(_withdrawn).values(stub_id=stub_id, withdrawn_at=now))
    connection.execute(insert(_queue).values(stub_id=stub_id, sign=WITHDRAW))


def withdrawn_among(connection: Connection, stub_ids: Sequence[StubId]) -> set[StubId]:
    """Tell which of these stubs are no longer counted."""
    if not stub_ids:
        return set()
    query = select(_withdrawn.c.stub_id).where(_withdrawn.c.stub_id.between(min(stub_ids), max(stub_ids)))
    return {StubId(row.stub_id) for row in connection.execute(query)} & set(stub_ids)


def waiting(connection: Connection) -> Waiting:
    """Measure the queue: a full scan of it, and one look into the stub-book."""
    rows = int(connection.execute(select(func.count()).select_from(_queue)).scalar_one())
    since = connection.execute(
        text(
            "SELECT committed_at FROM stub WHERE id ="
            " (SELECT stub_id FROM fold_queue WHERE sign <> 0 ORDER BY id LIMIT 1)"
        ).columns(committed_at=UtcDateTime)
    ).scalar()
    return Waiting(rows, since)


def stub_texts(connection: Connection, stub_ids: Iterable[StubId]) -> dict[StubId, StubText]:
    """Read the stubs of these numbers."""
    among, listed = _among(connection, sorted(set(stub_ids)))
    rows = connection.execute(text(f"SELECT id, receipt_number, disclosures FROM whole_stub WHERE id {among}"), listed)  # noqa: S608
    return {StubId(number): StubText(StubId(number), *texts) for number, *texts in rows}


def channels_of(connection: Connection, stub_ids: Iterable[StubId]) -> dict[StubId, list[str]]:
    """Read the channels of the messages of these stubs, in the order in which they were made."""
    near = [stub_id + offset for stub_id in sorted(set(stub_ids)) for offset in range(_MESSAGES_AT_MOST)]
    among, listed = _among(connection, near)
    found: dict[StubId, list[str]] = {}
    query = text(f"SELECT stub_id, channel FROM message WHERE id {among} ORDER BY id")  # noqa: S608 - no value in it
    for stub_id, channel in connection.execute(query, listed):
        found.setdefault(StubId(stub_id), []).append(channel)
    return found


def _among(connection: Connection, numbers: Sequence[int]) -> tuple[str, dict[str, str]]:
    """Write a condition for thousands of numbers: one value, where a mark for each costs more than what it finds."""
    listed = ",".join(map(str, numbers))
    if is_sqlite(connection):
        return "IN (SELECT value FROM json_each(:ids))", {"ids": f"[{listed}]"}
    return "= ANY (CAST(:ids AS bigint[]))", {"ids": f"{{{listed}}}"}


def stubs_after(connection: Connection, stub_id: int, limit: int) -> list[StubText]:
    """Read the next stubs in the order of their numbers."""
    query = "SELECT id, receipt_number, disclosures FROM whole_stub WHERE id > :after ORDER BY id LIMIT :limit"
    rows = connection.execute(text(query), {"after": stub_id, "limit": limit})
    return [StubText(StubId(row.id), row.receipt_number, row.disclosures) for row in rows]


def messages_between(connection: Connection, first: StubId, last: StubId) -> list[StubMessage]:
    """Read the messages of the stubs from ``first`` to ``last``, as they stand now."""
    elapsed: Any = text(
        "SELECT stub_id, channel, state, created_at, delivered_at FROM message WHERE id BETWEEN :first AND :last"
        " ORDER BY id"
    ).columns(created_at=UtcDateTime, delivered_at=UtcDateTime)
    rows = connection.execute(elapsed, {"first": first, "last": last + _MESSAGES_AT_MOST - 1})
    return [
        StubMessage(
            StubId(row.stub_id),
            row.channel,
            row.state,
            None if row.delivered_at is None else int((row.delivered_at - row.created_at).total_seconds()),
        )
        for row in rows
        if row.stub_id <= last
    ]


def count_stubs(connection: Connection) -> int:
    """Count the stubs, for a progress bar; a full scan."""
    return int(connection.execute(text("SELECT count(*) FROM stub")).scalar_one())


def newest(connection: Connection) -> int:
    """Return the highest number in the queue, 0 when it is empty."""
    return int(connection.execute(select(func.coalesce(func.max(_queue.c.id), 0))).scalar_one())


def forget_up_to(connection: Connection, queue_id: int) -> None:
    """Delete what a rebuild has counted: on SQLite by number, since there numbers follow the commits."""
    connection.execute(_queue.delete().where(_queue.c.id <= queue_id))


def forget_what_is_seen(connection: Connection) -> None:
    """Delete what a rebuild has counted: on PostgreSQL whatever its snapshot shows."""
    connection.execute(_queue.delete())
