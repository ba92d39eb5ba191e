"""Registering checks: idempotency record, stub and messages of many checks in one durable commit.

The statements are written by hand for each database and meet their rows as plain values: one round trip on
PostgreSQL, a statement for each table on SQLite, however many checks there are. (Each call of a driver lets go of
the interpreter lock and has to wait for it again, which costs more than the row does.)
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from receipt_service.domain.identifiers import MessageId, StubId
from receipt_service.storage.engine import is_sqlite, to_microseconds, write_option
from receipt_service.storage.fold_queue import COUNT
from receipt_service.storage.frames import Frame, cut


@dataclass(frozen=True, slots=True, repr=False)
class NewMessage:
    """One message as it is born; an envelope comes with its epoch, the time it is due, and its window."""

    id: MessageId
    channel: str
    state: str
    epoch: str | None = None
    envelope: bytes | None = None
    due_at: datetime | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True, repr=False)
class NewIssuance:
    """Everything that one check leaves in the database. ``messages[0].id`` is the stub's own number."""

    stub_id: StubId
    receipt_number: str
    leaf: str
    """As ``stubs.pack_leaf`` writes it."""
    disclosures: str
    """As ``stubs.pack_disclosures`` writes them."""
    officer_number: str
    unit_code: str
    checked_at: datetime
    committed_at: datetime
    messages: tuple[NewMessage, ...]
    lookup: bytes
    fingerprint: bytes
    replay_period: int


class Register:
    """The one connection that registers checks. One thread at a time."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._write: Callable[[Connection, Sequence[NewIssuance]], list[bool]]
        if is_sqlite(engine):
            self._engine = engine.execution_options(**write_option())
            self._write = _write_to_sqlite
        else:
            self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")
            self._write = _write_to_postgresql
        self._connection: Connection | None = None

    def __call__(self, batch: Sequence[NewIssuance]) -> list[bool]:
        """Commit a batch, whole or not at all; for each of it say whether it is new.

        False means that a request with the same ``lookup`` was registered before, by whichever process, or stands
        earlier in the batch; nothing of it was written. Raises SQLAlchemy's errors; nothing is committed then, unless
        the connection broke while the commit was on its way.
        """
        used = self._connection is not None
        try:
            return self._commit(batch)
        except DBAPIError as error:
            if not (used and error.connection_invalidated):
                raise
        # The database was restarted since the last batch, say. If it did commit before the connection broke, the
        # second try finds the records there and reports their checks as registered before, which the caller can bear.
        return self._commit(batch)

    def _commit(self, batch: Sequence[NewIssuance]) -> list[bool]:
        try:
            if self._connection is None:
                self._connection = self._engine.connect()
            return self._write(self._connection, batch)
        except Exception:
            self.close()
            raise

    def close(self) -> None:
        """Let go of the connection; the next batch opens another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def register_within(connection: Connection, issuance: NewIssuance) -> bool:
    """Register one check as part of a larger transaction, which is the caller's; ``False`` as ``Register`` says it."""
    write = _insert_into_sqlite if is_sqlite(connection) else _write_to_postgresql
    return write(connection, [issuance])[0]


def _write_to_sqlite(connection: Connection, batch: Sequence[NewIssuance]) -> list[bool]:
    with connection.begin():
        return _insert_into_sqlite(connection, batch)


def _insert_into_sqlite(connection: Connection, batch: Sequence[NewIssuance]) -> list[bool]:
    """Look first, then write: the write lock is held from the beginning, so nobody comes in between."""
    query = _sqlite_known(len(batch))
    known = {bytes(row[0]) for row in connection.exec_driver_sql(query, tuple(item.lookup for item in batch))}
    news: list[bool] = []
    frames: set[Frame] = set()
    stubs: list[Any] = []
    messages: list[Any] = []
    envelopes: list[Any] = []
    records: list[Any] = []
    for item in batch:
        news.append(item.lookup not in known)
        if news[-1]:
            known.add(item.lookup)
            committed_at = to_microseconds(item.committed_at)
            frame, digests, signature, disclosures = cut(item.leaf, item.disclosures)
            frames.add(frame)
            stubs += (item.stub_id, to_microseconds(item.checked_at), committed_at, frame.id, item.receipt_number)
            stubs += (item.officer_number, item.unit_code, digests, signature, disclosures)
            records += (item.lookup, item.fingerprint, item.replay_period, item.stub_id)
            for message in item.messages:
                messages += (message.id, item.stub_id, message.channel, message.state, committed_at)
                messages += (_microseconds(message.due_at), _microseconds(message.expires_at))
                messages.append(None if message.envelope else committed_at)
                if message.envelope:
                    envelopes += (message.id, message.epoch, message.envelope)
    tables = (
        ("frame", [value for frame in frames for value in frame]),
        ("stub", stubs),
        ("message", messages),
        ("envelope", envelopes),
        ("idempotency", records),
        ("fold_queue", [value for stub_id in records[3::4] for value in (stub_id, COUNT)]),
        ("log_queue", records[3::4]),
    )
    for table, values in tables:
        if values:
            connection.exec_driver_sql(_sqlite_insert(table, len(values)), tuple(values))
    return news


def _microseconds(moment: datetime | None) -> int | None:
    return None if moment is None else to_microseconds(moment)


_SQLITE_COLUMNS = {
    "idempotency": "lookup, fingerprint, replay_period, stub_id",
    "frame": "id, head, tail, catalogue",
    "stub": "id, checked_at, committed_at, frame_id, receipt_number, officer_number, unit_code, digests, signature,"
    " disclosures",
    "message": "id, stub_id, channel, state, created_at, due_at, expires_at, settled_at",
    "envelope": "message_id, epoch, ciphertext",
    "fold_queue": "stub_id, sign",
    "log_queue": "stub_id",
}


@lru_cache(maxsize=512)
def _sqlite_insert(table: str, values: int) -> str:
    """Write one INSERT for so many values; the same text each time, so that the driver finds it prepared."""
    columns = _SQLITE_COLUMNS[table]
    width = columns.count(",") + 1
    row = f"({', '.join('?' * width)})"
    there = " ON CONFLICT DO NOTHING" if table == "frame" else ""
    return f"INSERT INTO {table} ({columns}) VALUES {', '.join([row] * (values // width))}{there}"  # noqa: S608 - our names


@lru_cache(maxsize=128)
def _sqlite_known(requests: int) -> str:
    marks = ", ".join("?" * requests)
    return f"SELECT lookup FROM idempotency WHERE lookup IN ({marks})"  # noqa: S608 - question marks only


_POSTGRESQL = """
WITH record AS (
    INSERT INTO idempotency (lookup, fingerprint, replay_period, stub_id)
    SELECT * FROM unnest(%b::bytea[], %b::bytea[], %b::integer[], %b::bigint[])
    ON CONFLICT DO NOTHING
    RETURNING stub_id
), new_frame AS (
    INSERT INTO frame (id, head, tail, catalogue)
    SELECT n.* FROM unnest(%b::bytea[], %b::text[], %b::text[], %b::text[]) AS n (id, head, tail, catalogue)
    WHERE EXISTS (SELECT FROM record)
    ON CONFLICT DO NOTHING
), new_stub AS (
    INSERT INTO stub (id, checked_at, committed_at, frame_id, receipt_number, officer_number, unit_code, digests,
                      signature, disclosures)
    SELECT n.* FROM unnest(%b::bigint[], %b::timestamptz[], %b::timestamptz[], %b::bytea[], %b::text[], %b::text[],
                           %b::text[], %b::text[], %b::text[], %b::text[])
        AS n (id, checked_at, committed_at, frame_id, receipt_number, officer_number, unit_code, digests, signature,
              disclosures)
    JOIN record ON record.stub_id = n.id
), new_message AS (
    INSERT INTO message (id, stub_id, channel, state, created_at, due_at, expires_at, settled_at)
    SELECT n.* FROM unnest(%b::bigint[], %b::bigint[], %b::text[], %b::text[],
                           %b::timestamptz[], %b::timestamptz[], %b::timestamptz[], %b::timestamptz[])
        AS n (id, stub_id, channel, state, created_at, due_at, expires_at, settled_at)
    JOIN record ON record.stub_id = n.stub_id
), new_envelope AS (
    INSERT INTO envelope (message_id, epoch, ciphertext)
    SELECT n.message_id, n.epoch, n.ciphertext
    FROM unnest(%b::bigint[], %b::bigint[], %b::text[], %b::bytea[]) AS n (stub_id, message_id, epoch, ciphertext)
    JOIN record ON record.stub_id = n.stub_id
), new_fold AS (
    INSERT INTO fold_queue (stub_id, sign) SELECT stub_id, 1 FROM record
), new_place AS (
    INSERT INTO log_queue (stub_id) SELECT stub_id FROM record
)
SELECT stub_id FROM record
"""


def _write_to_postgresql(connection: Connection, batch: Sequence[NewIssuance]) -> list[bool]:
    """One statement, its own transaction. Two processes wait for each other in one order.

    That is: records sorted by ``lookup``, and then, which is what ``WHERE EXISTS`` is for, frames by name. A frame that
    stands there already, as all but the first one of a day do, is neither locked nor written.
    """
    items = sorted(batch, key=_lookup)
    parameters = (
        [item.lookup for item in items],
        [item.fingerprint for item in items],
        [item.replay_period for item in items],
        [item.stub_id for item in items],
        *_stub_columns(items),
        *_message_columns(items),
    )
    new = {row.stub_id for row in connection.exec_driver_sql(_POSTGRESQL, parameters)}
    return [item.stub_id in new for item in batch]


def _stub_columns(items: list[NewIssuance]) -> tuple[list[Any], ...]:
    """Give the columns of frames and stubs."""
    parts = [cut(item.leaf, item.disclosures) for item in items]
    frames = sorted({part.frame for part in parts})
    return (
        [frame.id for frame in frames],
        [frame.head for frame in frames],
        [frame.tail for frame in frames],
        [frame.catalogue for frame in frames],
        [item.stub_id for item in items],
        [item.checked_at for item in items],
        [item.committed_at for item in items],
        [part.frame.id for part in parts],
        [item.receipt_number for item in items],
        [item.officer_number for item in items],
        [item.unit_code for item in items],
        [part.digests for part in parts],
        [part.signature for part in parts],
        [part.disclosures for part in parts],
    )


def _message_columns(items: list[NewIssuance]) -> tuple[list[Any], ...]:
    """Give the columns of messages and envelopes."""
    messages = [(item, message) for item in items for message in item.messages]
    sealed = [(item, message) for item, message in messages if message.envelope]
    return (
        [message.id for _, message in messages],
        [item.stub_id for item, _ in messages],
        [message.channel for _, message in messages],
        [message.state for _, message in messages],
        [item.committed_at for item, _ in messages],
        [message.due_at for _, message in messages],
        [message.expires_at for _, message in messages],
        [None if message.envelope else item.committed_at for item, message in messages],
        [item.stub_id for item, _ in sealed],
        [message.id for _, message in sealed],
        [message.epoch for _, message in sealed],
        [message.envelope for _, message in sealed],
    )


def _lookup(item: NewIssuance) -> bytes:
    return item.lookup
