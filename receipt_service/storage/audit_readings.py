"""What auditors looked at, when and why. Rows are written once, kept three years, and then forgotten."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import CheckConstraint, Column, Connection, Index, String, insert, select
from sqlmodel import Field, SQLModel

from receipt_service.storage.engine import ROW_NUMBER, UtcDateTime, table_of

KEPT: Final = timedelta(days=3 * 365 + 1)
"""Three years, a leap day among them."""


class AuditReadingRow(SQLModel, table=True):
    """One reading. Its own triggers refuse a change, and a deletion before its time."""

    __tablename__ = "audit_reading"
    __table_args__ = (
        CheckConstraint("reader_kind IN ('officer', 'subject', 'system_user')", name="ck_audit_reading_reader_kind"),
        CheckConstraint("kind IN ('match', 'period', 'evidence')", name="ck_audit_reading_kind"),
        CheckConstraint("reader <> '' AND purpose <> '' AND reference <> ''", name="ck_audit_reading_said"),
        Index("ix_audit_reading_read_at", "read_at"),
    )

    id: int | None = Field(default=None, sa_column=Column(ROW_NUMBER, primary_key=True, autoincrement=True))
    read_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    reader_kind: str = Field(sa_column=Column(String(12), nullable=False))
    reader: str = Field(sa_column=Column(String(255), nullable=False))
    kind: str = Field(sa_column=Column(String(10), nullable=False))
    what: str = Field(sa_column=Column(String(64), nullable=False))
    """The leaf hash in hexadecimal, or the period; empty for something that was no receipt of ours."""
    purpose: str = Field(sa_column=Column(String(40), nullable=False))
    reference: str = Field(sa_column=Column(String(40), nullable=False))


_reading = table_of(AuditReadingRow)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditReading:
    """A reading, as it is written and read back."""

    read_at: datetime
    reader_kind: str
    reader: str
    kind: str
    what: str
    purpose: str
    reference: str


def note(connection: Connection, reading: AuditReading) -> None:
    """Write a reading down."""
    connection.execute(insert(_reading).values(**{name: getattr(reading, name) for name in AuditReading.__slots__}))


def since(connection: Connection, moment: datetime) -> Iterator[AuditReading]:
    """Yield the readings from a moment on, the oldest first."""
    columns = [_reading.c[name] for name in AuditReading.__slots__]
    query = select(*columns).where(_reading.c.read_at >= moment).order_by(_reading.c.read_at, _reading.c.id)
    for row in connection.execute(query):
        yield AuditReading(**row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for it


def has_outlived(connection: Connection, now: datetime) -> bool:
    """Tell whether a reading has been kept its three years, without taking the right to write."""
    query = select(_reading.c.id).where(_reading.c.read_at < now - KEPT).limit(1)
    return connection.execute(query).first() is not None


def forget_outlived(connection: Connection, now: datetime) -> int:
    """Delete the readings that have been kept their three years, and count them."""
    return connection.execute(_reading.delete().where(_reading.c.read_at < now - KEPT)).rowcount
