"""Who looked at the figures of which officers, when and why. Rows are written once and kept three years."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import CheckConstraint, Column, Connection, Index, Integer, String, insert, select
from sqlmodel import Field, SQLModel

from receipt_service.storage.engine import ROW_NUMBER, UtcDateTime, table_of

KEPT: Final = timedelta(days=3 * 365 + 1)
"""Three years, a leap day among them."""


class OfficerReadingRow(SQLModel, table=True):
    """One reading. Its own triggers refuse a change, and a deletion before its time."""

    __tablename__ = "officer_reading"
    __table_args__ = (
        CheckConstraint("officers >= 0", name="ck_officer_reading_officers"),
        CheckConstraint("purpose <> ''", name="ck_officer_reading_purpose"),
        Index("ix_officer_reading_read_at", "read_at"),
    )

    id: int | None = Field(default=None, sa_column=Column(ROW_NUMBER, primary_key=True, autoincrement=True))
    read_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    reader_number: str = Field(sa_column=Column(String(20), nullable=False))
    reader_unit: str = Field(sa_column=Column(String(40), nullable=False))
    """Where the reader served then: the directory forgets it, this doesn't."""
    unit_code: str = Field(sa_column=Column(String(40), nullable=False))
    period: str = Field(sa_column=Column(String(7), nullable=False))
    purpose: str = Field(sa_column=Column(String(40), nullable=False))
    officers: int = Field(sa_column=Column(Integer, nullable=False))
    """How many officers the answer named."""


_reading = table_of(OfficerReadingRow)


@dataclass(frozen=True, slots=True, kw_only=True)
class OfficerReading:
    """A reading, as it is written and read back."""

    read_at: datetime
    reader_number: str
    reader_unit: str
    unit_code: str
    period: str
    purpose: str
    officers: int


def note(connection: Connection, reading: OfficerReading) -> None:
    """Write a reading down, in the transaction that reads the figures: one that fails to commit has read nothing."""
    values = {name: getattr(reading, name) for name in OfficerReading.__slots__}
    connection.execute(insert(_reading).values(**values))


def since(connection: Connection, moment: datetime) -> Iterator[OfficerReading]:
    """Yield the readings from a moment on, the oldest first."""
    columns = [_reading.c[name] for name in OfficerReading.__slots__]
    query = select(*columns).where(_reading.c.read_at >= moment).order_by(_reading.c.read_at, _reading.c.id)
    for row in connection.execute(query):
        yield OfficerReading(**row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for it


def has_outlived(connection: Connection, now: datetime) -> bool:
    """Tell whether a reading has been kept its three years, without taking the right to write."""
    query = select(_reading.c.id).where(_reading.c.read_at < now - KEPT).limit(1)
    return connection.execute(query).first() is not None


def forget_outlived(connection: Connection, now: datetime) -> int:
    """Delete the readings that have been kept their three years, and count them."""
    return connection.execute(_reading.delete().where(_reading.c.read_at < now - KEPT)).rowcount
