"""The log's tree as a whole: how far it is sequenced, with which root, and how far it is published.

One row. Both sizes grow and never shrink, by triggers; who moves one says from where (compare and swap), so that two
sequencers can never both believe that they appended.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import CheckConstraint, Column, Connection, LargeBinary, Row, select, text, update
from sqlmodel import Field, SQLModel

from receipt_service.storage.engine import ROW_NUMBER, UtcDateTime, is_sqlite, table_of

_HASH_BYTES: Final = 32
_ONE_SEQUENCER: Final = 0x5245_4345_4C4F_4753  # "RECELOGS": the advisory lock of the elected sequencer


class LogTreeRow(SQLModel, table=True):
    """The one row."""

    __tablename__ = "log_tree"
    __table_args__ = (
        CheckConstraint("id = 1", name="ck_log_tree_single"),
        CheckConstraint("published_size >= 0 AND published_size <= size", name="ck_log_tree_sizes"),
    )

    id: int = Field(sa_column=Column(ROW_NUMBER, primary_key=True, autoincrement=False))
    size: int = Field(sa_column=Column(ROW_NUMBER, nullable=False))
    root: bytes = Field(sa_column=Column(LargeBinary(_HASH_BYTES), nullable=False))
    """Root hash over ``size`` entries (RFC 6962 §2.1)."""
    edge: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    """The roots of the perfect subtrees along the right edge, the largest first, 32 bytes each."""
    published_size: int = Field(sa_column=Column(ROW_NUMBER, nullable=False))
    published_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))


_tree = table_of(LogTreeRow)


@dataclass(frozen=True, slots=True)
class LogTree:
    """The state of the tree."""

    size: int
    root: bytes
    edge: tuple[bytes, ...]
    published_size: int
    published_at: datetime | None


def read(connection: Connection) -> LogTree:
    """Read the state."""
    return _state(connection.execute(select(_tree)).one())


def lock(connection: Connection) -> LogTree:
    """Read the state and keep it from every other sequencer until the transaction ends."""
    query = select(_tree) if is_sqlite(connection) else select(_tree).with_for_update()
    return _state(connection.execute(query).one())


def _state(row: Row[Any]) -> LogTree:
    edge = bytes(row.edge)
    hashes = tuple(edge[at : at + _HASH_BYTES] for at in range(0, len(edge), _HASH_BYTES))
    return LogTree(row.size, bytes(row.root), hashes, row.published_size, row.published_at)


def grow(connection: Connection, before: LogTree, *, size: int, root: bytes, edge: tuple[bytes, ...]) -> bool:
    """Put a larger tree in the place of ``before``; ``False`` when another sequencer was first."""
    statement = update(_tree).where(_tree.c.size == before.size).values(size=size, root=root, edge=b"".join(edge))
    return connection.execute(statement).rowcount == 1


def note_published(connection: Connection, before: int, size: int, now: datetime) -> bool:
    """Note that entries up to ``size`` are published; ``False`` when another publisher was first."""
    statement = update(_tree).where(_tree.c.published_size == before).values(published_size=size, published_at=now)
    return connection.execute(statement).rowcount == 1


def stand_for_election(connection: Connection) -> bool:
    """On PostgreSQL: become the one sequencer for as long as this connection lives; ``False`` when another one is."""
    return bool(connection.execute(text("SELECT pg_try_advisory_lock(:key)"), {"key": _ONE_SEQUENCER}).scalar_one())
