"""Folding: what has happened goes into the cells, each thing once; and rebuilding all cells from the stubs.

A fold is one transaction: rows are taken out of the queue, turned into facts, added up, and written to the cells. One
process folds at a time (an advisory lock on PostgreSQL; SQLite has one writer): others find nothing to do, so there is
no order of locks to keep and nothing to wait for. Killed at any point, a fold has happened or it hasn't.

A rebuild reads stubs and messages as one snapshot shows them, puts the sums in the place of the cells, and drops of the
queue what the snapshot held. Checks go on being registered meanwhile; nothing is folded until it is done.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import starmap
from time import monotonic
from typing import Generic, Self, TypeVar

from sqlalchemy import Connection, Engine

from receipt_service.errors import ConfigurationError, Unavailable
from receipt_service.statistics.aggregation import Aggregation
from receipt_service.statistics.fact_columns import Codebook, FactColumns, Signed, columns_of
from receipt_service.statistics.facts import Fact, FactReader, born_at_rest, resting
from receipt_service.statistics.moved_units import directory_tree, move_units
from receipt_service.statistics.record_keys import RecordKeys
from receipt_service.statistics.units import UnitTree
from receipt_service.storage import deletions, directory, fold_queue, rollup
from receipt_service.storage.engine import is_sqlite, reading, writing
from receipt_service.storage.fold_queue import Queued, StubText
from receipt_service.storage.rollup import CellRow, OfficerRow

STUBS_AT_ONCE = 5000
"""Read from the book at a time by a rebuild."""
REBUILD_LEASE = timedelta(seconds=60)
"""On SQLite: after so long without a word from a rebuild, folding goes on and the rebuild has failed."""
_RENEW_SECONDS = 10

Row = TypeVar("Row")
Progress = Callable[[int], None]
"""Told how many more stubs have been read."""


@dataclass(frozen=True, slots=True)
class Folded:
    """What one fold did: rows taken out of the queue, and cells written."""

    rows: int
    cells: int


@dataclass(frozen=True, slots=True)
class _Deltas:
    """What is to be added to the cells."""

    cells: list[CellRow]
    officers: list[OfficerRow]

    @classmethod
    def of(cls, aggregation: Aggregation, tree: UnitTree) -> Self:
        """Take what was aggregated."""
        return cls(list(starmap(CellRow, aggregation.cells(tree))), list(starmap(OfficerRow, aggregation.officers())))

    def add_to(self, connection: Connection) -> None:
        """Add it to the cells."""
        rollup.add_cells(connection, self.cells)
        rollup.add_officers(connection, self.officers)


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What a rebuild did."""

    stubs: int
    cells: int
    officer_cells: int
    seconds: float


@dataclass(frozen=True, slots=True)
class RollupStatus:
    """How the rollup stands; ``waiting_since`` is when the stub was registered that has waited longest."""

    waiting: int
    waiting_since: datetime | None
    folded_at: datetime | None
    rebuilding: bool
    cells: int
    officer_cells: int

    def lag_seconds(self, now: datetime) -> float:
        """Return how long that stub has waited; 0 when none waits."""
        return 0.0 if self.waiting_since is None else max((now - self.waiting_since).total_seconds(), 0.0)


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Rollup:
    """Folds and rebuilds; any number of processes may have one."""

    def __init__(
        self, engine: Engine, reader: FactReader, keys: RecordKeys, *, clock: Callable[[], datetime] = _utc_now
    ) -> None:
        self._engine, self._reader, self._keys, self._clock = engine, reader, keys, clock
        self._tree: tuple[int, UnitTree] = (-2, UnitTree({}))
        """The revision of the directory, and its tree, that this process saw last."""

    def fold(self, limit: int) -> Folded:
        """Fold at most ``limit`` rows of the queue, in one transaction.

        Does nothing when another process folds or rebuilds. Raises ``MalformedReceipt`` for a stub that can't be
        read, ``ValueError`` for cells that can't be right, and ``ConfigurationError`` when the statistics key is
        another than before; nothing is folded then.
        """
        return (self._fold_on_sqlite if is_sqlite(self._engine) else self._fold_on_postgresql)(limit)

    def _fold_on_postgresql(self, limit: int) -> Folded:
        with writing(self._engine) as connection:
            now = self._clock()
            if not rollup.take_fold_lock(connection) or not self._may_fold(connection, now):
                return Folded(0, 0)
            queued = fold_queue.claim(connection, limit)
            if not queued:
                return Folded(0, 0)
            return self._write(connection, queued, self._added_up(connection, queued, self._tree[1]), now)

    def _fold_on_sqlite(self, limit: int) -> Folded:
        """Read and reckon before the write lock is taken, since nobody registers a check while it is held."""
        with reading(self._engine) as connection:
            queued = fold_queue.oldest(connection, limit)
            before = self._tree
            deltas = self._added_up(connection, queued, before[1]) if queued else None
        with writing(self._engine) as connection:
            now = self._clock()
            if not self._may_fold(connection, now) or deltas is None or not fold_queue.take(connection, queued):
                return Folded(0, 0)
            if self._tree[0] != before[0]:  # units moved since
                deltas = self._added_up(connection, queued, self._tree[1])
            return self._write(connection, queued, deltas, now)

    def _may_fold(self, connection: Connection, now: datetime) -> bool:
        """Bring the sums in line with the directory; False while somebody rebuilds."""
        state = self._state(connection)
        if state.rebuilding_until is not None and state.rebuilding_until > now:
            return False
        self._follow_directory(connection, state.directory_revision)
        return True

    def _added_up(self, connection: Connection, queued: Sequence[Queued], tree: UnitTree) -> _Deltas:
        book = Codebook()
        aggregation = Aggregation(book)
        aggregation.add(columns_of(self._signed(connection, queued), book))
        return _Deltas.of(aggregation, tree)

    def _write(self, connection: Connection, queued: Sequence[Queued], deltas: _Deltas, now: datetime) -> Folded:
        deltas.add_to(connection)
        rollup.note_rebuilding(connection, None)
        rollup.note_folded(connection, now, self._keys.fingerprint)
        return Folded(len(queued), len(deltas.cells) + len(deltas.officers))

    def has_work(self) -> bool:
        """Tell whether something waits, without keeping any writer from its work."""
        with reading(self._engine) as connection:
            known, _ = self._tree
            return fold_queue.newest(connection) > 0 or directory.revision(connection) != known

    def rebuild(self, progress: Progress = lambda _: None) -> Rebuilt:
        """Make all cells again from the stubs and messages.

        Raises ``Unavailable`` when it is overtaken (SQLite) or retention has let go of anything, which it could not
        count again, and ``ConfigurationError`` with another statistics key.
        """
        begun = monotonic()
        with reading(self._engine) as connection:
            self._state(connection)
            if deletions.has_any(connection):
                raise Unavailable("disclosures were let go of: the cells can't be made again from the book")
        rebuilt = (self._rebuild_on_sqlite if is_sqlite(self._engine) else self._rebuild_on_postgresql)(progress)
        return replace(rebuilt, seconds=monotonic() - begun)

    def lag(self, now: datetime) -> float:
        """Measure how long the stub that has waited longest has waited, in seconds; 0 when none waits."""
        with reading(self._engine) as connection:
            since = fold_queue.waiting(connection).since
        return 0.0 if since is None else max((now - since).total_seconds(), 0.0)

    def count_stubs(self) -> int:
        """Count the stubs that a rebuild would read; a full scan."""
        with reading(self._engine) as connection:
            return fold_queue.count_stubs(connection)

    def _state(self, connection: Connection) -> rollup.State:
        """Read how the rollup stands; refuse to add to sums that another key made."""
        state = rollup.state(connection)
        if state.key_fingerprint not in {None, self._keys.fingerprint}:
            raise ConfigurationError("the statistics key is another than the one that the rollup was made with")
        return state

    def _follow_directory(self, connection: Connection, followed: int) -> None:
        """Read the tree of the directory as it is now, and bring the sums of units in line with it."""
        known, tree = self._tree
        current = directory.revision(connection)
        if current != known:
            tree = directory_tree(connection)
        if current != followed:
            move_units(connection, UnitTree(rollup.tree(connection)), tree)
            rollup.save_tree(connection, tree.parents, current)
        self._tree = (current, tree)

    def _signed(self, connection: Connection, queued: Sequence[Queued]) -> list[Signed]:
        texts = fold_queue.stub_texts(connection, (each.stub_id for each in queued))
        counted = {each.stub_id for each in queued if each.sign != fold_queue.MOVE}
        channels = fold_queue.channels_of(connection, counted)
        facts = {stub_id: self._read(text) for stub_id, text in texts.items()}
        signed: list[Signed] = []
        for each in queued:
            fact, key = facts[each.stub_id]
            if each.sign == fold_queue.MOVE:
                signed += _moved(fact, key, each)
            else:
                used = tuple(channels.get(each.stub_id, ()))
                at_rest = born_at_rest(used, corrects=fact.corrects) if each.sign == fold_queue.COUNT else ()
                signed.append(Signed(replace(fact, channels=used, deliveries=at_rest), key, each.sign))
        return signed

    def _read(self, text: StubText) -> tuple[Fact, int]:
        return self._reader.read(text.disclosures), self._keys.of(text.receipt_number)

    def _rebuild_on_postgresql(self, progress: Progress) -> Rebuilt:
        """Everything in one transaction with one snapshot, taken when nobody folds any more."""
        serial = self._engine.execution_options(isolation_level="AUTOCOMMIT")
        snapshot = self._engine.execution_options(isolation_level="REPEATABLE READ")
        with serial.connect() as locked:
            rollup.wait_for_fold_lock(locked)
            try:
                with snapshot.connect() as connection, connection.begin():
                    aggregation, stubs = self._scan(connection, progress)
                    rebuilt = self._replace(connection, aggregation, connection, stubs)
                    fold_queue.forget_what_is_seen(connection)
            finally:
                rollup.release_fold_lock(locked)
        return rebuilt

    def _rebuild_on_sqlite(self, progress: Progress) -> Rebuilt:
        """Read in a transaction that keeps no writer waiting, then replace the cells in a short one."""
        lease = _Lease(self._engine, self._clock)

        def renewing(stubs: int) -> None:
            lease.renew()
            progress(stubs)

        try:
            with reading(self._engine) as snapshot:
                newest = fold_queue.newest(snapshot)
                aggregation, stubs = self._scan(snapshot, renewing)
                with writing(self._engine) as connection:
                    lease.require(connection)
                    rebuilt = self._replace(connection, aggregation, snapshot, stubs)
                    fold_queue.forget_up_to(connection, newest)
                    rollup.note_rebuilding(connection, None)
        except BaseException:
            lease.end()
            raise
        return rebuilt

    def _replace(self, connection: Connection, aggregation: Aggregation, snapshot: Connection, stubs: int) -> Rebuilt:
        revision, tree = directory.revision(snapshot), directory_tree(snapshot)
        cells = _Counted(starmap(CellRow, aggregation.cells(tree)))
        officers = _Counted(starmap(OfficerRow, aggregation.officers()))
        rollup.replace_all(connection, cells, officers)
        rollup.save_tree(connection, tree.parents, revision)
        rollup.note_folded(connection, self._clock(), self._keys.fingerprint)
        return Rebuilt(stubs, cells.number, officers.number, 0)

    def _scan(self, snapshot: Connection, progress: Progress) -> tuple[Aggregation, int]:
        book = Codebook()
        aggregation, read, last = Aggregation(book), 0, 0
        while texts := fold_queue.stubs_after(snapshot, last, STUBS_AT_ONCE):
            aggregation.add(self._columns(snapshot, texts, book))
            last = texts[-1].stub_id
            read += len(texts)
            progress(len(texts))
        return aggregation, read

    def _columns(self, snapshot: Connection, texts: Sequence[StubText], book: Codebook) -> FactColumns:
        """Write down what is counted of these stubs as they stand now."""
        identifiers = [text.stub_id for text in texts]
        withdrawn = fold_queue.withdrawn_among(snapshot, identifiers)
        facts = {text.stub_id: self._read(text) for text in texts}
        channels: dict[int, list[str]] = {}
        signed: list[Signed] = []
        for message in fold_queue.messages_between(snapshot, identifiers[0], identifiers[-1]):
            channels.setdefault(message.stub_id, []).append(message.channel)
            fact, key = facts[message.stub_id]
            at_rest = resting(fact, message.state, message.elapsed_seconds)
            if at_rest is not None:
                signed.append(Signed(at_rest, key, 1))
        for stub_id, (fact, key) in facts.items():
            used = tuple(channels.get(stub_id, ()))
            counts = stub_id not in withdrawn
            at_rest_at_once = born_at_rest(used, corrects=fact.corrects)
            whole = replace(fact, channels=used, deliveries=at_rest_at_once, counts_check=counts)
            signed.append(Signed(whole, key, 1))
        return columns_of(signed, book)


def store(connection: Connection, aggregation: Aggregation, tree: UnitTree) -> None:
    """Add what was aggregated to the cells."""
    _Deltas.of(aggregation, tree).add_to(connection)


def status_of(engine: Engine, now: datetime) -> RollupStatus:
    """Measure queue and tables; full scans, for operators. Needs no key."""
    with reading(engine) as connection:
        waiting, state = fold_queue.waiting(connection), rollup.state(connection)
        cells, officer_cells = rollup.count_cells(connection)
    return RollupStatus(
        waiting=waiting.rows,
        waiting_since=waiting.since,
        folded_at=state.folded_at,
        rebuilding=state.rebuilding_until is not None and state.rebuilding_until > now,
        cells=cells,
        officer_cells=officer_cells,
    )


def _moved(fact: Fact, key: int, move: Queued) -> Iterable[Signed]:
    left, became = resting(fact, move.left_state, None), resting(fact, move.became_state, move.elapsed_seconds)
    if left is not None:
        yield Signed(left, key, -1)
    if became is not None:
        yield Signed(became, key, 1)


class _Counted(Generic[Row]):
    """Rows that are counted as they pass."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self._rows = rows
        self.number = 0

    def __iter__(self) -> Iterator[Row]:
        """Pass them on."""
        for row in self._rows:
            self.number += 1
            yield row


class _Lease:
    """On SQLite: keeps everybody from folding while a rebuild reads, and notices when it failed to."""

    def __init__(self, engine: Engine, clock: Callable[[], datetime]) -> None:
        self._engine, self._clock = engine, clock
        self._until: datetime | None = None
        self._renewed = monotonic()
        with writing(engine) as connection:
            found = rollup.state(connection).rebuilding_until
            if found is not None and found > clock():
                raise Unavailable("another process is rebuilding; its word holds for a minute after it was killed")
            self._take(connection)

    def renew(self) -> None:
        """Say again that nobody may fold, if it is time to."""
        if monotonic() - self._renewed >= _RENEW_SECONDS:
            with writing(self._engine) as connection:
                self.require(connection)
                self._take(connection)

    def require(self, connection: Connection) -> None:
        """Raise ``Unavailable`` when somebody may have folded meanwhile."""
        if rollup.state(connection).rebuilding_until != self._until:
            raise Unavailable("the rebuild was overtaken: something was folded meanwhile; start it again")

    def end(self) -> None:
        """Let others fold again."""
        with suppress(Unavailable), writing(self._engine) as connection:
            self.require(connection)
            rollup.note_rebuilding(connection, None)

    def _take(self, connection: Connection) -> None:
        self._until = self._clock() + REBUILD_LEASE
        rollup.note_rebuilding(connection, self._until)
        self._renewed = monotonic()
