"""The ledger of the public file: which quarters have spent their privacy budget, on what, and when. Kept for ever.

A row is written before any noise is drawn and is completed once the files are on the disk. Triggers hold the rest: a
row is never deleted, what it says of the budget never changes, and it is completed once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import CheckConstraint, Column, Connection, Double, String, Text, select, text, update
from sqlalchemy.dialects.postgresql import insert as insert_into_postgresql
from sqlalchemy.dialects.sqlite import insert as insert_into_sqlite
from sqlmodel import Field, SQLModel

from receipt_service.storage.engine import UtcDateTime, is_sqlite, moment, table_of


class PublicationRow(SQLModel, table=True):
    """One quarter whose budget is spent."""

    __tablename__ = "publication"
    __table_args__ = (
        CheckConstraint("epsilon > 0 AND epsilon <= 1", name="ck_publication_epsilon"),
        CheckConstraint(
            "(manifest_sha256 IS NULL) = (published_at IS NULL) AND (manifest_sha256 IS NULL) = (kid IS NULL)",
            name="ck_publication_complete",
        ),
    )

    period: str = Field(sa_column=Column(String(7), primary_key=True))
    epsilon: float = Field(sa_column=Column(Double, nullable=False))
    """Of one receipt, over all tables."""
    mechanism: str = Field(sa_column=Column(Text, nullable=False))
    """Sensitivity, scale and ε of each table, as JSON."""
    reserved_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    """When the budget was spent: noise may have been drawn from then on."""
    manifest_sha256: str | None = Field(default=None, sa_column=Column(String(64)))
    kid: str | None = Field(default=None, sa_column=Column(String(43)))
    published_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))


_publication = table_of(PublicationRow)


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """A row of the ledger; the last three are ``None`` until its files were complete."""

    period: str
    epsilon: float
    mechanism: str
    reserved_at: datetime
    manifest_sha256: str | None
    kid: str | None
    published_at: datetime | None


def reserve(connection: Connection, *, period: str, epsilon: float, mechanism: str, now: datetime) -> bool:
    """Spend the budget of a quarter; ``False`` when it is spent already, by whomever."""
    insert = insert_into_sqlite if is_sqlite(connection) else insert_into_postgresql
    row = {"period": period, "epsilon": epsilon, "mechanism": mechanism, "reserved_at": now}
    statement = insert(_publication).values(row).on_conflict_do_nothing(index_elements=["period"])
    return connection.execute(statement.returning(_publication.c.period)).first() is not None


def complete(connection: Connection, *, period: str, manifest_sha256: str, kid: str, published_at: datetime) -> bool:
    """Record the files of a quarter whose budget was reserved; ``False`` when there is no such, or it is complete."""
    statement = (
        update(_publication)
        .where(_publication.c.period == period, _publication.c.manifest_sha256.is_(None))
        .values(manifest_sha256=manifest_sha256, kid=kid, published_at=published_at)
    )
    return connection.execute(statement).rowcount == 1


def find(connection: Connection, period: str) -> Publication | None:
    """Find what the ledger says of a quarter."""
    row = connection.execute(select(_publication).where(_publication.c.period == period)).one_or_none()
    return None if row is None else Publication(**row._mapping)  # noqa: SLF001 - a public name of the library


def ledger(connection: Connection) -> Sequence[Publication]:
    """Read the whole ledger, the oldest quarter first."""
    rows = connection.execute(select(_publication).order_by(_publication.c.period))
    return [Publication(**row._mapping) for row in rows]  # noqa: SLF001 - a public name of the library


def stubs_are_waiting(connection: Connection, *, since: datetime, until: datetime) -> bool:
    """Tell whether a check begun in that time is still to be counted, or taken back, by the rollup."""
    query = text(
        "SELECT 1 FROM fold_queue JOIN whole_stub ON whole_stub.id = fold_queue.stub_id"
        " WHERE fold_queue.sign <> 0 AND checked_at >= :since AND checked_at < :until LIMIT 1"
    ).bindparams(moment("since", since), moment("until", until))
    return connection.execute(query).first() is not None
