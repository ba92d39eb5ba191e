"""Idempotency records: which request made which stub, known by keyed hashes only.

``lookup`` is an HMAC of client and Idempotency-Key under a long-lived key, ``fingerprint`` an HMAC of the body under
the replay key of its period, which is destroyed after 72 h. The record itself stays with the stub, so that a late
repeat is told that its check is registered instead of registering a second one.
"""

from dataclasses import dataclass

from sqlalchemy import Column, Connection, ForeignKey, Integer, LargeBinary, select
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlmodel import Field, SQLModel

from receipt_service.domain.identifiers import StubId
from receipt_service.storage.engine import ROW_NUMBER, is_sqlite, table_of


class IdempotencyRow(SQLModel, table=True):
    """One request that was carried out."""

    __tablename__ = "idempotency"
    __table_args__ = ({"sqlite_with_rowid": False},)

    lookup: bytes = Field(sa_column=Column(LargeBinary(16), primary_key=True))
    fingerprint: bytes = Field(sa_column=Column(LargeBinary(16), nullable=False))
    replay_period: int = Field(sa_column=Column(Integer, nullable=False))
    """Number of the replay key, counted in hours since 1970."""
    stub_id: int = Field(
        sa_column=Column(ROW_NUMBER, ForeignKey("stub.id", name="fk_idempotency_stub"), nullable=False)
    )
    """Not indexed, so this foreign key must not be deferred: SQLite would scan the table at every new stub."""


_record = table_of(IdempotencyRow)


@dataclass(frozen=True, slots=True)
class IdempotencyRecord:
    """What is known of an earlier request with the same key."""

    lookup: bytes
    fingerprint: bytes
    replay_period: int
    stub_id: StubId


def add(connection: Connection, record: IdempotencyRecord) -> bool:
    """Keep the record of a request that registers no check; ``False`` when one with its ``lookup`` is there."""
    insert = sqlite_insert if is_sqlite(connection) else postgresql_insert
    values = {name: getattr(record, name) for name in IdempotencyRecord.__slots__}
    statement = insert(_record).values(**values).on_conflict_do_nothing().returning(_record.c.lookup)
    return connection.execute(statement).first() is not None


def find(connection: Connection, lookup: bytes) -> IdempotencyRecord | None:
    """Find the record of a request by the HMAC of its key."""
    row = connection.execute(select(_record).where(_record.c.lookup == lookup)).one_or_none()
    if row is None:
        return None
    return IdempotencyRecord(bytes(row.lookup), bytes(row.fingerprint), row.replay_period, StubId(row.stub_id))
