"""What an audit reads: entries of the log beside their stubs, and stubs beside their places, some thousand at a time.

Nothing here decides whether what is read is right, and nothing is changed.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, text

from receipt_service.domain.identifiers import StubId
from receipt_service.storage.engine import UtcDateTime

_TIMES = {"checked_at": UtcDateTime, "committed_at": UtcDateTime}
_STUB = "SELECT id, receipt_number, leaf, disclosures, officer_number, unit_code, checked_at, committed_at"
_STUBS = (
    text(f"{_STUB} FROM whole_stub WHERE id IN :ids").bindparams(bindparam("ids", expanding=True)).columns(**_TIMES)
)
_WALK = text(
    "SELECT id, unit_code, checked_at, committed_at FROM stub WHERE id >= :first AND id < :end ORDER BY id LIMIT :limit"
).columns(**_TIMES)
_IDS = text("SELECT id FROM stub WHERE id >= :first AND id < :end ORDER BY id LIMIT :limit")
_LEAVES = text("SELECT id, leaf FROM whole_stub WHERE id IN :ids").bindparams(bindparam("ids", expanding=True))
_ENTRIES = text(
    "SELECT entry_index, leaf_key, kind, stub_id, record FROM log_entry"
    " WHERE entry_index >= :first AND entry_index < :end ORDER BY entry_index"
)
_PLACES = text("SELECT leaf_key, entry_index, stub_id FROM log_entry WHERE leaf_key IN :keys").bindparams(
    bindparam("keys", expanding=True)
)
_WAITING = text("SELECT stub_id FROM log_queue WHERE stub_id IN :ids").bindparams(bindparam("ids", expanding=True))
_SPAN = text("SELECT count(*) FROM stub WHERE id >= :first AND id < :end")
_WAITS = text("SELECT stub_id FROM log_queue WHERE stub_id IS NOT NULL ORDER BY id DESC LIMIT :limit")


class EntryRow(NamedTuple):
    """A row of ``log_entry``."""

    place: int
    leaf_key: int
    kind: int
    stub_id: StubId | None
    record: str | None


class StubRow(NamedTuple):
    """A stub as it is kept: ``leaf`` in three lines, ``disclosures`` in four, see ``storage.stubs``."""

    id: StubId
    receipt_number: str
    leaf: str
    disclosures: str
    officer_number: str
    unit_code: str
    checked_at: datetime
    committed_at: datetime

    def __repr__(self) -> str:
        """Show nothing: a repr ends up in logs."""
        return "StubRow(…)"


class WalkedStub(NamedTuple):
    """What the walk over the book needs of a stub."""

    id: StubId
    unit_code: str
    checked_at: datetime
    committed_at: datetime


class PlaceRow(NamedTuple):
    """Where an entry with this key stands."""

    place: int
    stub_id: StubId | None


def entries_between(connection: Connection, first: int, end: int) -> dict[int, EntryRow]:
    """Read the rows of entries, by index."""
    rows = connection.execute(_ENTRIES, {"first": first, "end": end}).all()
    return {row[0]: EntryRow._make(row) for row in rows}


def stubs_of(connection: Connection, ids: Sequence[StubId]) -> dict[StubId, StubRow]:
    """Read stubs by number; one that is not there is left out. Some thousand at a time."""
    if not ids:
        return {}
    return {row[0]: StubRow._make(row) for row in connection.execute(_STUBS, {"ids": ids}).all()}


def ids_between(connection: Connection, first: int, end: int, limit: int) -> list[StubId]:
    """Read the numbers of at most ``limit`` stubs from ``first`` to before ``end``, in order."""
    return list(connection.execute(_IDS, {"first": first, "end": end, "limit": limit}).scalars())


def walk(connection: Connection, first: int, end: int, limit: int) -> list[WalkedStub]:
    """Read at most ``limit`` stubs with numbers from ``first`` to before ``end``, in order."""
    rows = connection.execute(_WALK, {"first": first, "end": end, "limit": limit}).all()
    return [WalkedStub._make(row) for row in rows]


def packed_leaves_of(connection: Connection, ids: Sequence[StubId]) -> dict[StubId, str]:
    """Read the leaves of stubs in their three lines. Some thousand at a time."""
    if not ids:
        return {}
    return {StubId(row[0]): row[1] for row in connection.execute(_LEAVES, {"ids": ids})}


def count_between(connection: Connection, first: int, end: int) -> int:
    """Count the stubs with numbers in a range."""
    return int(connection.execute(_SPAN, {"first": first, "end": end}).scalar_one())


def places_of(connection: Connection, keys: Collection[int]) -> Mapping[int, list[PlaceRow]]:
    """Find where entries with these leaf keys stand."""
    found: dict[int, list[PlaceRow]] = {}
    for row in connection.execute(_PLACES, {"keys": list(keys)}) if keys else ():
        found.setdefault(row[0], []).append(PlaceRow(row[1], row[2]))
    return found


def waiting_of(connection: Connection, ids: Iterable[StubId]) -> set[StubId]:
    """Tell which of these stubs wait for their place."""
    wanted = list(ids)
    if not wanted:
        return set()
    return {StubId(row[0]) for row in connection.execute(_WAITING, {"ids": wanted})}


def waiting_ids(connection: Connection, limit: int) -> list[StubId]:
    """Return the stubs that wait for their place, the newest first, at most ``limit``."""
    return [StubId(row[0]) for row in connection.execute(_WAITS, {"limit": limit})]
