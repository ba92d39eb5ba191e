"""Deletions: what was let go of the stub-book, under which record of the log. The database lets go of nothing else.

A stub's row stays for good as its leaf, which is public anyway and without which the log could not be written anew.
What goes is what the leaf's digests stand for: some disclosures, or all of them with the number and whose it was.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import (
    CheckConstraint,
    Column,
    Connection,
    ForeignKey,
    String,
    Text,
    func,
    insert,
    select,
    text,
    update,
)
from sqlmodel import Field, SQLModel

from receipt_service.domain.identifiers import StubId
from receipt_service.storage.engine import ROW_NUMBER, UtcDateTime, is_sqlite, table_of
from receipt_service.storage.frames import Cut, Frame, FrameRow, cut, join
from receipt_service.storage.log_entries import LogEntryRow
from receipt_service.storage.log_tree import LogTreeRow
from receipt_service.storage.stubs import DISCLOSURES, StubRow, erased_number

_ONE_AT_A_TIME = 0x5245_4345_4445_4C53  # "RECEDELS": an advisory lock


class DeletionRow(SQLModel, table=True):
    """One deletion: a batch of stubs, with the record that the log has of it."""

    __tablename__ = "deletion"
    __table_args__ = (CheckConstraint("end_index > 0", name="ck_deletion_end"),)

    id: int = Field(sa_column=Column(ROW_NUMBER, primary_key=True, autoincrement=True))
    deleted_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    dropped: str = Field(sa_column=Column(String(80), nullable=False))
    """The groups that went, in order, joined by commas; ``stub`` for the whole."""
    end_index: int = Field(sa_column=Column(ROW_NUMBER, nullable=False))
    """The index after the last entry of the log that was looked at: where the next deletion of the kind begins."""
    record: str = Field(sa_column=Column(Text, nullable=False))
    disclosure: str = Field(sa_column=Column(Text, nullable=False))


class DeletionStubRow(SQLModel, table=True):
    """One stub that a deletion names. The triggers on ``stub`` look here."""

    __tablename__ = "deletion_stub"
    __table_args__ = ({"sqlite_with_rowid": False},)

    stub_id: int = Field(sa_column=Column(ROW_NUMBER, primary_key=True, autoincrement=False))
    deletion_id: int = Field(
        sa_column=Column(
            ROW_NUMBER,
            ForeignKey("deletion.id", name="fk_deletion_stub_deletion"),
            primary_key=True,
            autoincrement=False,
        )
    )
    entry_index: int = Field(sa_column=Column(ROW_NUMBER, nullable=False))


_deletion, _named = table_of(DeletionRow), table_of(DeletionStubRow)
_stub, _frame, _entry, _tree = table_of(StubRow), table_of(FrameRow), table_of(LogEntryRow), table_of(LogTreeRow)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlived:
    """A published stub, as it is stored, with its place in the log."""

    stub_id: StubId
    entry_index: int
    committed_at: datetime
    receipt_number: str
    part: Cut


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDeletion:
    """A row to add, and the stubs that it names."""

    deleted_at: datetime
    dropped: str
    end_index: int
    record: str
    disclosure: str
    stubs: Sequence[Outlived]


def keep_others_out(connection: Connection) -> None:
    """Let no second process delete until this transaction ends; on SQLite none could."""
    if not is_sqlite(connection):
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ONE_AT_A_TIME})


def reached(connection: Connection, dropped: str) -> int:
    """Return the index of the log at which the next deletion of this kind begins."""
    query = select(func.coalesce(func.max(_deletion.c.end_index), 0)).where(_deletion.c.dropped == dropped)
    return int(connection.execute(query).scalar_one())


def published_between(connection: Connection, first: int, limit: int) -> list[Outlived]:
    """Read the next published stubs in the order of the log, at most ``limit``."""
    columns = (_stub, _frame.c.head, _frame.c.tail, _frame.c.catalogue, _entry.c.entry_index)
    rows = connection.execute(
        select(*columns)
        .select_from(_entry.join(_stub, _stub.c.id == _entry.c.stub_id).join(_frame, _frame.c.id == _stub.c.frame_id))
        .where(_entry.c.entry_index >= first, _entry.c.entry_index < select(_tree.c.published_size).scalar_subquery())
        .order_by(_entry.c.entry_index)
        .limit(limit)
    ).all()
    return [
        Outlived(
            stub_id=StubId(row.id),
            entry_index=row.entry_index,
            committed_at=row.committed_at,
            receipt_number=row.receipt_number,
            part=Cut(
                Frame(bytes(row.frame_id), row.head, row.tail, row.catalogue),
                row.digests,
                row.signature,
                row.disclosures,
            ),
        )
        for row in rows
    ]


def count_before(connection: Connection, first: int, moment: datetime) -> int:
    """Count the published stubs from an index of the log on that were recorded before a moment; a scan."""
    query = (
        select(func.count())
        .select_from(_entry.join(_stub, _stub.c.id == _entry.c.stub_id))
        .where(_entry.c.entry_index >= first, _stub.c.committed_at < moment)
        .where(_entry.c.entry_index < select(_tree.c.published_size).scalar_subquery())
    )
    return int(connection.execute(query).scalar_one())


def add(connection: Connection, new: NewDeletion) -> None:
    """Keep a deletion and name its stubs; the triggers refuse one whose leaf is not published."""
    row = {name: getattr(new, name) for name in ("deleted_at", "dropped", "end_index", "record", "disclosure")}
    number = connection.execute(insert(_deletion).values(**row).returning(_deletion.c.id)).scalar_one()
    named = [{"stub_id": stub.stub_id, "deletion_id": number, "entry_index": stub.entry_index} for stub in new.stubs]
    if named:
        connection.execute(insert(_named), named)


def drop_lines(connection: Connection, stub: Outlived, lines: Sequence[int]) -> None:
    """Let go of some of a stub's disclosures, by their place among the four; their lines stay, empty.

    Whose check it was, and when, go with the disclosures that say so. A no-op where nothing is left to drop.
    """
    leaf, disclosures = join(stub.part)
    kept = disclosures.split("\n")
    if len(kept) != DISCLOSURES or not any(kept[line] for line in lines):
        return
    kept = ["" if line in lines else text_of for line, text_of in enumerate(kept)]
    part = cut(leaf, "\n".join(kept))
    values: dict[str, object] = {"frame_id": part.frame.id, "disclosures": part.disclosures}
    if not kept[2]:
        values["checked_at"] = stub.committed_at
    if not kept[3]:
        values |= {"officer_number": "", "unit_code": ""}
    _update(connection, stub.stub_id, part, values)


def empty(connection: Connection, stub: Outlived) -> None:
    """Let go of a whole stub: what stays is the leaf, and a hash by which its number's bearer is told of it."""
    leaf, disclosures = join(stub.part)
    if not disclosures:
        return
    part = cut(leaf, "")
    values: dict[str, object] = {
        "frame_id": part.frame.id,
        "disclosures": "",
        "checked_at": stub.committed_at,
        "officer_number": "",
        "unit_code": "",
        "receipt_number": erased_number(stub.receipt_number),
    }
    _update(connection, stub.stub_id, part, values)


def _update(connection: Connection, stub_id: StubId, part: Cut, values: dict[str, object]) -> None:
    there = connection.execute(select(_frame.c.id).where(_frame.c.id == part.frame.id)).first()
    if there is None:
        connection.execute(insert(_frame).values(**part.frame._asdict()))
    connection.execute(update(_stub).where(_stub.c.id == stub_id).values(**values))


def has_any(connection: Connection) -> bool:
    """Tell whether anything was ever deleted."""
    return connection.execute(select(_deletion.c.id).limit(1)).first() is not None


def waits_in_a_queue(connection: Connection, stub_ids: Sequence[StubId]) -> bool:
    """Tell whether statistics have still to count one of these stubs: then it isn't time yet."""
    query = text("SELECT 1 FROM fold_queue WHERE stub_id BETWEEN :first AND :last LIMIT 1")
    return connection.execute(query, {"first": min(stub_ids), "last": max(stub_ids)}).first() is not None
