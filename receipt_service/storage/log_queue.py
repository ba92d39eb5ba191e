"""The log queue: what is committed and has no place in the log yet. Rows live for a second.

A row is written in the transaction of what it tells, so nothing that stands can miss the log: the stub of a check
registered (``storage.issuances``), or a record that answers for the log's own completeness (``ask``). It is deleted in
the transaction that gives it its place.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import CheckConstraint, Column, Connection, SmallInteger, Text, bindparam, func, insert, select, text
from sqlmodel import Field, SQLModel

from receipt_service.domain.identifiers import StubId
from receipt_service.domain.log_entry import KINDS, EntryKind
from receipt_service.storage.engine import ROW_NUMBER, UtcDateTime, table_of
from receipt_service.storage.stubs import unpack_leaf

_SWEPT_AT_ONCE = {"autovacuum_vacuum_scale_factor": 0, "autovacuum_vacuum_threshold": 1000}


class LogQueueRow(SQLModel, table=True):
    """One entry that waits for its place: a stub, whose leaf it is, or a signed record."""

    __tablename__ = "log_queue"
    __table_args__ = (
        CheckConstraint("(stub_id IS NULL) <> (record IS NULL)", name="ck_log_queue_one"),
        CheckConstraint("(record IS NULL) = (kind = 1)", name="ck_log_queue_kind"),
        {"postgresql_with": _SWEPT_AT_ONCE},
    )

    id: int = Field(sa_column=Column(ROW_NUMBER, primary_key=True, autoincrement=True))
    kind: int = Field(sa_column=Column(SmallInteger, nullable=False, server_default="1"))
    stub_id: int | None = Field(default=None, sa_column=Column(ROW_NUMBER))
    record: str | None = Field(default=None, sa_column=Column(Text))


_queue = table_of(LogQueueRow)


@dataclass(frozen=True, slots=True)
class Waiting:
    """An entry out of the queue: the exact characters that are signed, and what they are."""

    kind: EntryKind
    stub_id: StubId | None
    text: str


_CLAIM = text(
    "DELETE FROM log_queue WHERE id IN (SELECT id FROM log_queue ORDER BY id LIMIT :limit)"
    " RETURNING id, kind, stub_id, record"
)
_LEAVES = text("SELECT id, leaf FROM whole_stub WHERE id IN :ids").bindparams(bindparam("ids", expanding=True))
_IDS_AT_ONCE = 2000


def claim(connection: Connection, limit: int) -> list[Waiting]:
    """Take the oldest entries out of the queue, for good once this transaction commits. One process at a time.

    Raises ``LookupError`` for a stub that is not there: something was deleted behind the service's back.
    """
    rows = sorted(tuple(row) for row in connection.execute(_CLAIM, {"limit": limit}))
    leaves = leaves_of(connection, [StubId(row[2]) for row in rows if row[2] is not None])
    return [
        Waiting(KINDS[kind], None if stub_id is None else StubId(stub_id), record or leaves[StubId(stub_id)])
        for _, kind, stub_id, record in rows
    ]


def leaves_of(connection: Connection, stub_ids: Sequence[StubId]) -> dict[StubId, str]:
    """Read the leaves of stubs, as they were signed; a stub that is not there is left out."""
    found: dict[StubId, str] = {}
    for start in range(0, len(stub_ids), _IDS_AT_ONCE):
        some = connection.execute(_LEAVES, {"ids": stub_ids[start : start + _IDS_AT_ONCE]})
        found.update((StubId(row[0]), unpack_leaf(row[1])) for row in some)
    return found


def ask(connection: Connection, kind: EntryKind, record: str) -> None:
    """Ask for a place for a signed record, in the transaction of what it tells."""
    connection.execute(insert(_queue).values(kind=kind.value, record=record))


def is_empty(connection: Connection) -> bool:
    """Tell whether nothing waits."""
    return connection.execute(select(_queue.c.id).limit(1)).first() is None


def length(connection: Connection) -> int:
    """Count what waits; a full scan."""
    return int(connection.execute(select(func.count()).select_from(_queue)).scalar_one())


def waiting_since(connection: Connection) -> datetime | None:
    """Return when the check was registered that has waited longest for its place."""
    query = text(
        "SELECT committed_at FROM stub WHERE id ="
        " (SELECT stub_id FROM log_queue WHERE stub_id IS NOT NULL ORDER BY id LIMIT 1)"
    ).columns(committed_at=UtcDateTime)
    return connection.execute(query).scalar()
