"""What an audit reads of deletions, corrections and closings: the rows whose records must stand in the log.

Nothing here decides whether what is read is right, and nothing is changed.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Final, NamedTuple

from sqlalchemy import Connection, bindparam, text

from receipt_service.domain.identifiers import StubId
from receipt_service.storage.engine import UtcDateTime, moment

_DELETION: Final = "SELECT id, deleted_at, dropped, record, disclosure FROM deletion"
_DELETED_AT: Final = {"deleted_at": UtcDateTime}
_DELETIONS = text(f"{_DELETION} WHERE id IN :ids").bindparams(bindparam("ids", expanding=True)).columns(**_DELETED_AT)
_DELETIONS_OF_TIME = text(
    f"{_DELETION} WHERE id > :after AND deleted_at >= :begin AND deleted_at < :end ORDER BY id LIMIT :limit"
).columns(**_DELETED_AT)
_NAMED = text("SELECT stub_id, deletion_id FROM deletion_stub WHERE stub_id IN :ids").bindparams(
    bindparam("ids", expanding=True)
)
_ANY = text("SELECT 1 FROM deletion LIMIT 1")
_CORRECTION: Final = "SELECT old_stub_id, new_stub_id, reason, corrected_at, record, disclosure FROM correction"
_CORRECTED_AT: Final = {"corrected_at": UtcDateTime}
_CORRECTION_OF = text(f"{_CORRECTION} WHERE old_stub_id = :id").columns(**_CORRECTED_AT)
_CORRECTIONS = text(
    f"{_CORRECTION} WHERE old_stub_id > :after AND corrected_at >= :begin AND corrected_at < :end"
    " ORDER BY old_stub_id LIMIT :limit"
).columns(**_CORRECTED_AT)
_CLOSED = text("SELECT record FROM daily_closing WHERE closed_at >= :begin AND closed_at < :end")


class DeletionRecord(NamedTuple):
    """A row of ``deletion``."""

    id: int
    deleted_at: datetime
    dropped: str
    record: str
    disclosure: str


class CorrectionRecord(NamedTuple):
    """A row of ``correction``, without who corrected and in which words."""

    old_stub_id: StubId
    new_stub_id: StubId | None
    reason: str
    corrected_at: datetime
    record: str
    disclosure: str


class Moments(NamedTuple):
    """From ``begin`` to before ``end``."""

    begin: datetime
    end: datetime


def any_deletion(connection: Connection) -> bool:
    """Tell whether anything was ever deleted."""
    return connection.execute(_ANY).first() is not None


def naming(connection: Connection, stub_ids: Collection[StubId]) -> list[tuple[StubId, int]]:
    """Return which deletions name which of some stubs."""
    if not stub_ids:
        return []
    return [(StubId(row[0]), int(row[1])) for row in connection.execute(_NAMED, {"ids": list(stub_ids)})]


def deletions_of(connection: Connection, ids: Collection[int]) -> list[DeletionRecord]:
    """Read deletions by their number."""
    if not ids:
        return []
    return [DeletionRecord._make(row) for row in connection.execute(_DELETIONS, {"ids": list(ids)})]


def deletions_between(connection: Connection, when: Moments, after: int, limit: int) -> list[DeletionRecord]:
    """Read the next deletions of some time with numbers beyond ``after``."""
    query = _DELETIONS_OF_TIME.bindparams(moment("begin", when.begin), moment("end", when.end))
    return [DeletionRecord._make(row) for row in connection.execute(query, {"after": after, "limit": limit})]


def corrections_between(connection: Connection, when: Moments, after: int, limit: int) -> list[CorrectionRecord]:
    """Read the next corrections of some time, of stubs with numbers beyond ``after``."""
    query = _CORRECTIONS.bindparams(moment("begin", when.begin), moment("end", when.end))
    return [CorrectionRecord._make(row) for row in connection.execute(query, {"after": after, "limit": limit})]


def correction_of(connection: Connection, stub_id: StubId) -> CorrectionRecord | None:
    """Read what replaced or cancelled a stub."""
    row = connection.execute(_CORRECTION_OF, {"id": stub_id}).one_or_none()
    return None if row is None else CorrectionRecord._make(row)


def closing_records_between(connection: Connection, when: Moments) -> list[str]:
    """Read the records of the closings that were made in some time."""
    query = _CLOSED.bindparams(moment("begin", when.begin), moment("end", when.end))
    return list(connection.execute(query).scalars())
