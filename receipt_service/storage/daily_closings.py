"""Daily closings: for a unit and a day, the signed record of how many checks there were. Written once, kept for ever.

The row keeps the record that stands in the log and the disclosure that says what it is about; neither can be changed
without the other, and neither without the log.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import CheckConstraint, Column, Connection, Index, String, Text, bindparam, insert, select, text
from sqlmodel import Field, SQLModel

from receipt_service.storage.engine import UtcDateTime, moment, table_of


class DailyClosingRow(SQLModel, table=True):
    """One unit's day, closed."""

    __tablename__ = "daily_closing"
    __table_args__ = (
        CheckConstraint("record <> '' AND disclosure <> ''", name="ck_daily_closing_record"),
        Index("ix_daily_closing_day", "day"),
    )

    unit_code: str = Field(sa_column=Column(String(40), primary_key=True))
    day: str = Field(sa_column=Column(String(10), primary_key=True))
    """ISO 8601, by the unit's own clock."""
    closed_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    record: str = Field(sa_column=Column(Text, nullable=False))
    disclosure: str = Field(sa_column=Column(Text, nullable=False))


_closing = table_of(DailyClosingRow)
_COUNT = text(
    "SELECT count(*) FROM stub WHERE id >= :first AND unit_code = :unit AND checked_at >= :start AND checked_at < :end"
)
_LOCKED = text("SELECT pg_advisory_xact_lock(:key)")
_CLOSINGS = 0x434C_4F54_5552_4531  # "CLOTURE1"


@dataclass(frozen=True, slots=True)
class StoredClosing:
    """A closing as it was written."""

    unit_code: str
    day: date
    closed_at: datetime
    record: str
    disclosure: str


def find(connection: Connection, unit_code: str, day: date) -> StoredClosing | None:
    """Find the closing of a unit's day."""
    query = select(_closing).where(_closing.c.unit_code == unit_code, _closing.c.day == day.isoformat())
    row = connection.execute(query).one_or_none()
    return None if row is None else _stored(row)


def add(connection: Connection, closing: StoredClosing) -> None:
    """Write a closing. Raises SQLAlchemy's ``IntegrityError`` where the day is closed already."""
    connection.execute(
        insert(_closing).values(
            unit_code=closing.unit_code,
            day=closing.day.isoformat(),
            closed_at=closing.closed_at,
            record=closing.record,
            disclosure=closing.disclosure,
        )
    )


def one_at_a_time(connection: Connection) -> None:
    """Let other closings wait until this transaction ends; on SQLite every writer does."""
    if connection.dialect.name == "postgresql":
        connection.execute(_LOCKED, {"key": _CLOSINGS})


def count_checks(connection: Connection, unit_code: str, *, first_id: int, start: datetime, end: datetime) -> int:
    """Count the checks of a unit made from ``start`` to before ``end``.

    ``first_id`` is a row number that none of them is below: what came before is not looked at.
    """
    query = _COUNT.bindparams(moment("start", start), moment("end", end), bindparam("first", first_id))
    return int(connection.execute(query, {"unit": unit_code}).scalar_one())


def between(connection: Connection, first: date, last: date) -> Iterator[StoredClosing]:
    """Yield the closings of the days from ``first`` to ``last``, both included."""
    query = (
        select(_closing)
        .where(_closing.c.day >= first.isoformat(), _closing.c.day <= last.isoformat())
        .order_by(_closing.c.day, _closing.c.unit_code)
    )
    rows: Sequence[object] = connection.execute(query).all()
    for row in rows:
        yield _stored(row)


def _stored(row: object) -> StoredClosing:
    return StoredClosing(
        row.unit_code,  # type: ignore[attr-defined]  # a row of the table above
        date.fromisoformat(row.day),  # type: ignore[attr-defined]
        row.closed_at,  # type: ignore[attr-defined]
        row.record,  # type: ignore[attr-defined]
        row.disclosure,  # type: ignore[attr-defined]
    )
