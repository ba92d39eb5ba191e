"""The walk through the stub-book: every committed stub has its place in the log, once, and in time.

Beside that it counts the checks of every unit's day, which the daily closings are held against.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Final, TypeVar
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Engine

from receipt_service.audit.findings import Code, Finding, Findings
from receipt_service.audit.hour_sums import HourSums
from receipt_service.audit.lawful import GRACE, Deletions
from receipt_service.audit.log_walk import leaf_of
from receipt_service.domain.identifiers import StubId, created_at
from receipt_service.storage import audited
from receipt_service.storage.audited import PlaceRow, WalkedStub
from receipt_service.storage.engine import reading
from receipt_service.storage.log_entries import leaf_key
from receipt_service.tlog.merkle import leaf_hash

T = TypeVar("T")
STUBS_AT_ONCE: Final = 2000
_REGISTERED_WITHIN: Final = range(-1, 5)
"""Days from that of a check to that of its registering, 72 hours later at most, with every clock's difference."""
_COUNTED_BY: Final = frozenset({"when_where", "officer"})
"""Groups that go with the columns by which checks are counted."""
PARIS: Final = ZoneInfo("Europe/Paris")


@dataclass(frozen=True, slots=True)
class Stretch:
    """Which stubs are walked and counted: by row number, which grows with the time of registering."""

    first_id: int
    end_id: int
    days: tuple[date, date]
    """First and last day that is counted, by the units' own clocks."""


@dataclass(frozen=True, slots=True)
class DayCount:
    """The checks of a unit's day in the order of registering: when each was registered, as far as it matters."""

    before: int
    near: int
    """Registered within ``GRACE`` before the closing: the closing may or may not have seen them."""
    after: int

    @property
    def checks(self) -> int:
        """All of them."""
        return self.before + self.near + self.after


@dataclass(slots=True)
class BookWalk:
    """One walk."""

    engine: Engine
    published_size: int
    """Of the checkpoint that the audit goes by."""
    logged: tuple[int, int]
    """The part of the log that was walked: what has its place elsewhere was put there another time."""
    zones: Mapping[str, tzinfo]
    """The clock of each unit; Paris for those that are not in it."""
    closed_at: Mapping[tuple[str, date], datetime]
    seen: HourSums
    """What the walk along the log has found right."""
    faulty: set[StubId]
    """Stubs of which something is said already."""
    findings: Findings
    deletions: Deletions
    now: datetime
    stubs: int = 0
    _counts: Counter[tuple[str, date, int]] = field(default_factory=Counter)
    _uncounted: set[date] = field(default_factory=set)
    """Days (UTC) on which checks were registered whose unit or time went lawfully: whose they were nobody can say."""

    def run(self, stretch: Stretch, progress: Callable[[int], None]) -> None:
        """Walk; tell ``progress`` after each part how many more."""
        walked = self.seen.empty()
        for part in self._ids(stretch.first_id, stretch.end_id):
            for stub_id in part:
                walked.add(stub_id)
                self.stubs += walked.takes(stub_id)
            progress(len(part))
        for hour in walked.differing(self.seen):
            for part in self._ids(*hour):
                with reading(self.engine) as connection:
                    self._look_up(connection, [stub_id for stub_id in part if stub_id not in self.faulty])
        if self.closed_at:  # else there is nothing to hold the counts against, and reading the columns is dear
            for rows in self._parts(audited.walk, lambda stub: stub.id, stretch.first_id, stretch.end_id):
                self._count(rows, stretch.days)

    def _ids(self, first: int, end: int) -> Iterator[list[StubId]]:
        return self._parts(audited.ids_between, lambda stub_id: stub_id, first, end)

    def _parts(
        self, read: Callable[[Connection, int, int, int], list[T]], number: Callable[[T], int], first: int, end: int
    ) -> Iterator[list[T]]:
        while True:
            with reading(self.engine) as connection:
                part = read(connection, first, end, STUBS_AT_ONCE)
            yield part
            if len(part) < STUBS_AT_ONCE:
                return
            first = number(part[-1]) + 1

    def of_day(self, unit: str, day: date) -> DayCount:
        """Return how many checks of a unit's day are in the book."""
        return DayCount(*(self._counts[unit, day, when] for when in range(3)))

    def can_count(self, day: date) -> bool:
        """Say whether nothing lawfully went of what can have been made on a day by any clock."""
        return not any(day + timedelta(days=after) in self._uncounted for after in _REGISTERED_WITHIN)

    @property
    def unit_days(self) -> set[tuple[str, date]]:
        """The units' days that have checks."""
        return {(unit, day) for unit, day, _ in self._counts}

    def _count(self, part: Sequence[WalkedStub], days: tuple[date, date]) -> None:
        gone = self._uncountable(part)
        for stub in part:
            if stub.id in gone:
                continue
            day = stub.checked_at.astimezone(self.zones.get(stub.unit_code, PARIS)).date()
            if days[0] <= day <= days[1]:
                closed = self.closed_at.get((stub.unit_code, day))
                when = 0
                if closed is not None and stub.committed_at > closed - GRACE:
                    when = 2 if stub.committed_at > closed else 1
                self._counts[stub.unit_code, day, when] += 1

    def _uncountable(self, part: Sequence[WalkedStub]) -> set[StubId]:
        """Find the stubs whose unit or time went lawfully: their columns say nothing any more."""
        blank = [stub for stub in part if not stub.unit_code or stub.checked_at == stub.committed_at]
        if not blank:
            return set()
        with reading(self.engine) as connection:
            keys = self._keys(connection, [stub.id for stub in blank])
            found = audited.places_of(connection, keys.values())
            own = {stub.id: _own(found.get(keys[stub.id], []), stub.id) for stub in blank}
            places = {stub_id: row.place for stub_id, row in own.items() if row is not None}
            dropped = self.deletions.of_stubs(connection, places)
        gone = {stub_id for stub_id, groups in dropped.items() if groups & _COUNTED_BY}
        self._uncounted.update(created_at(stub_id).date() for stub_id in gone)
        return gone

    def _keys(self, connection: Connection, ids: Sequence[StubId]) -> dict[StubId, int]:
        leaves = audited.packed_leaves_of(connection, ids)
        return {stub_id: leaf_key(leaf_hash(leaf_of(leaves.get(stub_id, "")))) for stub_id in ids}

    def _look_up(self, connection: Connection, ids: Sequence[StubId]) -> None:
        keys = self._keys(connection, ids)
        found = audited.places_of(connection, keys.values())
        lost = {stub_id for stub_id in ids if not _own(found.get(keys[stub_id], []), stub_id)}
        waiting: set[StubId] = set()
        if lost:
            # What waited a moment ago may have its place now: look again, after having looked among those that wait.
            waiting = audited.waiting_of(connection, lost)
            found = {**found, **audited.places_of(connection, {keys[stub_id] for stub_id in lost - waiting})}
        for stub_id in ids:
            places = found.get(keys[stub_id], [])
            code = self._judge(stub_id, _own(places, stub_id), len(places), waits=stub_id in waiting)
            if code is not None:
                index = places[0].place if places else None
                self.findings.add(Finding(code, index=index, stub_id=stub_id))
                self.faulty.add(stub_id)

    def _judge(self, stub_id: StubId, own: PlaceRow | None, places: int, *, waits: bool) -> Code | None:
        overdue = not self.now - GRACE <= created_at(stub_id) <= self.now + GRACE
        if own is None:
            if waits:
                return Code.SEQUENCING_OVERDUE if overdue else None
            return Code.STUB_SWAPPED if places else Code.NEVER_SEQUENCED
        if places > 1:
            return Code.ENTRY_TWICE
        if own.place >= self.published_size:
            return Code.PUBLICATION_OVERDUE if overdue else None
        return None if self.logged[0] <= own.place < self.logged[1] else Code.BACK_DATED


def _own(places: Sequence[PlaceRow], stub_id: StubId) -> PlaceRow | None:
    return next((place for place in places if place.stub_id == stub_id), None)


def begin_of(day: date, zone: tzinfo = UTC) -> datetime:
    """Return when a day begins by a clock, in UTC."""
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)
