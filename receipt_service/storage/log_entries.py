"""The log's entries in the order of their index: which stub or which record has which place. Never changed or deleted.

The hashes themselves are in the tiles, and the root over all of them in ``storage.log_tree``; here are 64 bits of each
leaf hash, by which an entry is found.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import BigInteger, CheckConstraint, Column, Connection, Index, SmallInteger, Text, select
from sqlmodel import Field, SQLModel

from receipt_service.domain.identifiers import StubId
from receipt_service.domain.log_entry import KINDS, EntryKind
from receipt_service.storage.engine import ROW_NUMBER, is_sqlite, table_of
from receipt_service.storage.log_queue import Waiting, leaves_of

_KEY_BYTES: Final = 8


class LogEntryRow(SQLModel, table=True):
    """One entry of the log."""

    __tablename__ = "log_entry"
    __table_args__ = (
        CheckConstraint("entry_index >= 0", name="ck_log_entry_index"),
        CheckConstraint("(stub_id IS NULL) <> (record IS NULL)", name="ck_log_entry_one"),
        CheckConstraint("(record IS NULL) = (kind = 1)", name="ck_log_entry_kind"),
        Index("ix_log_entry_leaf_key", "leaf_key"),
    )

    entry_index: int = Field(sa_column=Column(ROW_NUMBER, primary_key=True, autoincrement=False))
    leaf_key: int = Field(sa_column=Column(BigInteger, nullable=False))
    """The first 64 bits of the leaf hash, as a signed number."""
    kind: int = Field(sa_column=Column(SmallInteger, nullable=False))
    stub_id: int | None = Field(default=None, sa_column=Column(ROW_NUMBER))
    """Not a foreign key: the place of a stub that was lawfully deleted stays."""
    record: str | None = Field(default=None, sa_column=Column(Text))


_entry = table_of(LogEntryRow)


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One entry; ``text`` is ``None`` where its stub is no longer in the book."""

    index: int
    leaf_key: int
    kind: EntryKind
    stub_id: StubId | None
    text: str | None


_COLUMNS: Final = "entry_index, leaf_key, kind, stub_id, record"
_INTO_SQLITE: Final = f"INSERT INTO log_entry ({_COLUMNS}) VALUES (?, ?, ?, ?, ?)"  # noqa: S608 - our names
_INTO_POSTGRESQL: Final = (
    f"INSERT INTO log_entry ({_COLUMNS})"  # noqa: S608 - our names
    " SELECT * FROM unnest(%b::bigint[], %b::bigint[], %b::smallint[], %b::bigint[], %b::text[])"
)
"""By hand: a statement for all of them costs a third of a statement's parameters for each."""


def leaf_key(leaf_hash: bytes) -> int:
    """Return the number by which a leaf hash is found."""
    return int.from_bytes(leaf_hash[:_KEY_BYTES], "big", signed=True)


def append(connection: Connection, first: int, entries: Sequence[tuple[bytes, Waiting]]) -> None:
    """Give entries, each with its leaf hash, their places from ``first`` on.

    Raises SQLAlchemy's ``IntegrityError`` where a place is taken.
    """
    rows = [
        (
            first + offset,
            leaf_key(leaf_hash),
            entry.kind.value,
            entry.stub_id,
            None if entry.stub_id is not None else entry.text,
        )
        for offset, (leaf_hash, entry) in enumerate(entries)
    ]
    if is_sqlite(connection):
        connection.exec_driver_sql(_INTO_SQLITE, rows)
    else:
        connection.exec_driver_sql(_INTO_POSTGRESQL, tuple(map(list, zip(*rows, strict=True))))


def between(connection: Connection, first: int, end: int) -> list[LogEntry]:
    """Read the entries from ``first`` to before ``end``, in order."""
    rows = connection.execute(
        select(_entry).where(_entry.c.entry_index >= first, _entry.c.entry_index < end).order_by(_entry.c.entry_index)
    ).all()
    leaves = leaves_of(connection, [StubId(row.stub_id) for row in rows if row.stub_id is not None])
    return [
        LogEntry(
            row.entry_index,
            row.leaf_key,
            KINDS[row.kind],
            None if row.stub_id is None else StubId(row.stub_id),
            row.record if row.stub_id is None else leaves.get(StubId(row.stub_id)),
        )
        for row in rows
    ]


def places(connection: Connection, leaf_hash: bytes) -> list[int]:
    """Return the indexes where an entry of this hash may stand: one, by all likelihood, or none."""
    query = select(_entry.c.entry_index).where(_entry.c.leaf_key == leaf_key(leaf_hash))
    return sorted(int(index) for index in connection.execute(query).scalars())
