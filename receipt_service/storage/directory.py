"""The directory: units in a tree and the officers in them. The only source of number, rank and service."""

from datetime import datetime

from sqlalchemy import Boolean, CheckConstraint, Column, ForeignKey, Index, String
from sqlmodel import Field, SQLModel

from receipt_service.storage.engine import ROW_NUMBER, UtcDateTime


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
    """An officer, by number; ``subject`` is the ``sub`` of the tokens their identity provider issues."""

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
