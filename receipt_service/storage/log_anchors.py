"""Anchors: checkpoints that are kept, one every few minutes, so that a proof can say before when an entry stood.

The newest checkpoint alone would prove later and later times as the log grows.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Column, Connection, Select, Text, insert, select
from sqlmodel import Field, SQLModel

from receipt_service.storage.engine import ROW_NUMBER, UtcDateTime, table_of


class LogAnchorRow(SQLModel, table=True):
    """One checkpoint, with every signature it had when it was kept."""

    __tablename__ = "log_anchor"
    __table_args__ = (CheckConstraint("size > 0", name="ck_log_anchor_size"),)

    size: int = Field(sa_column=Column(ROW_NUMBER, primary_key=True, autoincrement=False))
    kept_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    note: str = Field(sa_column=Column(Text, nullable=False))
    """The signed note, whole."""


_anchor = table_of(LogAnchorRow)


@dataclass(frozen=True, slots=True)
class Anchor:
    """A checkpoint that was kept."""

    size: int
    kept_at: datetime
    note: str


def keep(connection: Connection, *, size: int, note: str, now: datetime) -> None:
    """Keep a checkpoint. Raises SQLAlchemy's ``IntegrityError`` where one of this size is kept."""
    connection.execute(insert(_anchor).values(size=size, kept_at=now, note=note))


def newest(connection: Connection) -> Anchor | None:
    """Return the one kept last."""
    return _one(connection, select(_anchor).order_by(_anchor.c.size.desc()))


def first_over(connection: Connection, index: int) -> Anchor | None:
    """Return the earliest anchor whose tree holds the entry of this index."""
    return _one(connection, select(_anchor).where(_anchor.c.size > index).order_by(_anchor.c.size))


def last_up_to(connection: Connection, index: int) -> Anchor | None:
    """Return the newest anchor whose tree does not hold the entry of this index."""
    return _one(connection, select(_anchor).where(_anchor.c.size <= index).order_by(_anchor.c.size.desc()))


def _one(connection: Connection, query: Select[Any]) -> Anchor | None:
    row = connection.execute(query.limit(1)).one_or_none()
    return None if row is None else Anchor(row.size, row.kept_at, row.note)
