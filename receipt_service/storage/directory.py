"""The directory: units in a tree and the officers in them. The only source of number, rank and service."""

from collections.abc import Collection, Iterable
from dataclasses import asdict
from datetime import datetime

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ColumnElement,
    Connection,
    ForeignKey,
    Index,
    String,
    Table,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import insert as insert_into_postgresql
from sqlalchemy.dialects.sqlite import insert as insert_into_sqlite
from sqlmodel import Field, SQLModel

from receipt_service.domain.check import Officer, Quality, Service
from receipt_service.domain.directory import OfficerEntry, UnitEntry
from receipt_service.storage.engine import ROW_NUMBER, UtcDateTime, is_sqlite, table_of


class UnitRow(SQLModel, table=True):
    """A service of the police, the gendarmerie, a commune or the customs."""

    __tablename__ = "unit"
    __table_args__ = (
        CheckConstraint("parent_code IS NULL OR parent_code <> code", name="ck_unit_parent"),
        Index("ix_unit_parent", "parent_code"),
    )

    code: str = Field(sa_column=Column(String(40), primary_key=True))
    name: str = Field(sa_column=Column(String(120), nullable=False))
    parent_code: str | None = Field(
        default=None,
        sa_column=Column(
            String(40), ForeignKey("unit.code", name="fk_unit_parent", deferrable=True, initially="DEFERRED")
        ),
    )
    force: str = Field(sa_column=Column(String(20), nullable=False))
    department: str | None = Field(default=None, sa_column=Column(String(3)))
    commune: str | None = Field(default=None, sa_column=Column(String(5)))


class OfficerRow(SQLModel, table=True):
    """An officer, by number; ``subject`` is how the tokens of their identity provider name them."""

    __tablename__ = "officer"
    __table_args__ = (Index("ix_officer_unit", "unit_code"),)

    number: str = Field(sa_column=Column(String(20), primary_key=True))
    subject: str = Field(sa_column=Column(String(255), nullable=False, unique=True))
    rank: str = Field(sa_column=Column(String(40), nullable=False))
    quality: str = Field(sa_column=Column(String(40), nullable=False))
    unit_code: str = Field(
        sa_column=Column(String(40), ForeignKey("unit.code", name="fk_officer_unit"), nullable=False)
    )
    active: bool = Field(sa_column=Column(Boolean(create_constraint=False), nullable=False))


class DirectoryRevisionRow(SQLModel, table=True):
    """One row: counts the imports, so that every process sees within seconds that its copy is old."""

    __tablename__ = "directory_revision"
    __table_args__ = (CheckConstraint("id = 1", name="ck_directory_revision_single"),)

    id: int = Field(sa_column=Column(ROW_NUMBER, primary_key=True, autoincrement=False))
    revision: int = Field(sa_column=Column(ROW_NUMBER, nullable=False))
    imported_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))


_unit = table_of(UnitRow)
_officer = table_of(OfficerRow)
_revision = table_of(DirectoryRevisionRow)
_ROWS_AT_ONCE = 1000


def revision(connection: Connection) -> int:
    """Tell how many imports there have been."""
    return int(connection.execute(select(_revision.c.revision)).scalar_one())


def officer_by_subject(connection: Connection, subject: str) -> Officer | None:
    """Find the active officer whom a token names."""
    return _find_officer(connection, _officer.c.subject == subject)


def officer_by_number(connection: Connection, number: str) -> Officer | None:
    """Find an active officer by number."""
    return _find_officer(connection, _officer.c.number == number)


def _find_officer(connection: Connection, condition: ColumnElement[bool]) -> Officer | None:
    query = (
        select(_officer.c.number, _officer.c.rank, _officer.c.quality, _unit)
        .join(_unit, _unit.c.code == _officer.c.unit_code)
        .where(condition, _officer.c.active.is_(True))
    )
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    service = Service(code=row.code, name=row.name, force=row.force, department=row.department, commune=row.commune)
    return Officer(number=row.number, rank=row.rank, quality=Quality(row.quality), service=service)


def is_within(connection: Connection, *, unit: str, top: str) -> bool:
    """Tell whether ``unit`` is ``top`` or stands somewhere below it."""
    found = connection.execute(
        text(
            "WITH RECURSIVE above (code) AS (SELECT CAST(:unit AS VARCHAR(40)) UNION SELECT u.parent_code FROM unit u"
            " JOIN above ON u.code = above.code WHERE u.parent_code IS NOT NULL)"
            " SELECT 1 FROM above WHERE code = :top"
        ).bindparams(unit=unit, top=top)
    )
    return found.first() is not None


def units(connection: Connection) -> dict[str, UnitEntry]:
    """Load every unit by its code."""
    return {row.code: UnitEntry(**row._mapping) for row in connection.execute(select(_unit))}  # noqa: SLF001


def officers(connection: Connection) -> dict[str, OfficerEntry]:
    """Load every officer by number."""
    return {row.number: OfficerEntry(**row._mapping) for row in connection.execute(select(_officer))}  # noqa: SLF001


def save(
    connection: Connection, changed_units: Iterable[UnitEntry], changed_officers: Collection[OfficerEntry]
) -> None:
    """Insert or replace units, then officers, by their keys."""
    _upsert(connection, _unit, "code", [asdict(unit) for unit in changed_units])
    numbers = [{"n": officer.number} for officer in changed_officers]
    if numbers:  # subjects may change hands within one file: let go of the old ones first (none begins with a space)
        connection.execute(text("UPDATE officer SET subject = ' ' || number WHERE number = :n"), numbers)
    _upsert(connection, _officer, "number", [asdict(officer) for officer in changed_officers])


def _upsert(connection: Connection, table: Table, key: str, rows: list[dict[str, object]]) -> None:
    insert = insert_into_sqlite if is_sqlite(connection) else insert_into_postgresql
    statement = insert(table)
    replaced = {column.name: statement.excluded[column.name] for column in table.c if column.name != key}
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        connection.execute(
            statement.on_conflict_do_update(index_elements=[key], set_=replaced), rows[start : start + _ROWS_AT_ONCE]
        )


def lock(connection: Connection) -> None:
    """Let other imports wait until this transaction ends."""
    if not is_sqlite(connection):
        connection.execute(select(_revision.c.revision).with_for_update())


def count_import(connection: Connection, now: datetime) -> int:
    """Count an import, so that every process forgets what it knew."""
    connection.execute(update(_revision).values(revision=_revision.c.revision + 1, imported_at=now))
    return revision(connection)
