"""Corrections and cancellations: which stub took which one's place, why, and who said so. Rows only come.

A stub is replaced or cancelled once: its number is the key. What stands in for it may be replaced in its turn.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import CheckConstraint, Column, Connection, ForeignKey, String, Text, or_, select
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlmodel import Field, SQLModel

from receipt_service.domain.correction import EXPLANATION_LIMIT, Succession
from receipt_service.domain.identifiers import StubId
from receipt_service.storage.engine import ROW_NUMBER, UtcDateTime, is_sqlite, table_of
from receipt_service.storage.stubs import ERASED_MARK, StubRow


class CorrectionRow(SQLModel, table=True):
    """One correction, or (without a new stub) one cancellation. No identity."""

    __tablename__ = "correction"
    __table_args__ = (
        CheckConstraint("new_stub_id IS NULL OR new_stub_id <> old_stub_id", name="ck_correction_of_another"),
    )

    old_stub_id: int = Field(
        sa_column=Column(
            ROW_NUMBER, ForeignKey("stub.id", name="fk_correction_old"), primary_key=True, autoincrement=False
        )
    )
    new_stub_id: int | None = Field(
        default=None, sa_column=Column(ROW_NUMBER, ForeignKey("stub.id", name="fk_correction_new"), unique=True)
    )
    reason: str = Field(sa_column=Column(String(40), nullable=False))
    explanation: str | None = Field(default=None, sa_column=Column(String(EXPLANATION_LIMIT)))
    """In words, screened as every text; gone, as the officer's number is, once either stub is erased."""
    officer_number: str = Field(sa_column=Column(String(20), nullable=False))
    """Who corrected: the officer of the check, or a supervisor."""
    corrected_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    record: str = Field(sa_column=Column(Text, nullable=False))
    """The record of it in the log, as it is signed."""
    disclosure: str = Field(sa_column=Column(Text, nullable=False))
    """What the record conceals: for auditors."""


_correction = table_of(CorrectionRow)
_stub = table_of(StubRow)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCorrection:
    """A row to add."""

    old_stub_id: StubId
    new_stub_id: StubId | None
    reason: str
    explanation: str | None
    officer_number: str
    corrected_at: datetime
    record: str
    disclosure: str


def add(connection: Connection, new: NewCorrection) -> bool:
    """Add a row; ``False`` when the old stub was replaced or cancelled before, by whichever process."""
    insert = sqlite_insert if is_sqlite(connection) else postgresql_insert
    values = {name: getattr(new, name) for name in NewCorrection.__slots__}
    statement = insert(_correction).values(**values).on_conflict_do_nothing(index_elements=["old_stub_id"])
    return connection.execute(statement.returning(_correction.c.old_stub_id)).first() is not None


def succession(connection: Connection, stub_id: StubId) -> Succession:
    """Tell what became of a stub, and what it replaces itself."""
    before = connection.execute(select(_correction.c.old_stub_id).where(_correction.c.new_stub_id == stub_id)).scalar()
    replaces = None if before is None else _number_of(connection, before)
    row = connection.execute(select(_correction).where(_correction.c.old_stub_id == stub_id)).one_or_none()
    if row is None:
        return Succession(replaces=replaces)
    return Succession(
        replaces=replaces,
        replaced_by=None if row.new_stub_id is None else _number_of(connection, row.new_stub_id),
        cancelled=row.new_stub_id is None,
        reason=row.reason,
        explanation=row.explanation,
        amended_at=row.corrected_at,
        amended_by=row.officer_number or None,
    )


def _number_of(connection: Connection, stub_id: int) -> str | None:
    """Return a stub's number; ``None`` once it is erased whole."""
    number = connection.execute(select(_stub.c.receipt_number).where(_stub.c.id == stub_id)).scalar()
    return None if number is None or number.startswith(ERASED_MARK) else str(number)


def first_of(connection: Connection, stub_id: StubId) -> StubId:
    """Follow a chain of corrections back to the stub that the check was first recorded with."""
    query = select(_correction.c.old_stub_id)
    while (before := connection.execute(query.where(_correction.c.new_stub_id == stub_id)).scalar()) is not None:
        stub_id = StubId(before)
    return stub_id


def forget_persons_of(connection: Connection, stub_ids: list[StubId]) -> None:
    """Drop the words and the officer's number of corrections of erased stubs, once a deletion names them."""
    condition = or_(_correction.c.old_stub_id.in_(stub_ids), _correction.c.new_stub_id.in_(stub_ids))
    connection.execute(_correction.update().where(condition).values(explanation=None, officer_number=""))
