"""The walk along the log: tiles under the checkpoint's root, bundles under the tiles, and the database beside both."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from typing import Final, NamedTuple

from sqlalchemy import Engine

from receipt_service.audit.comparing import STUB_GROUPS, compare_disclosures
from receipt_service.audit.entries import CheckedEntry, EntryVerifier, day_of
from receipt_service.audit.findings import AuditFault, Code, Finding, Findings
from receipt_service.audit.hour_sums import HourSums
from receipt_service.audit.lawful import Deletions
from receipt_service.audit.tree import ONE_DAY, bundle_entries, verified_tiles
from receipt_service.domain.identifiers import StubId
from receipt_service.domain.log_entry import EntryKind
from receipt_service.errors import Unavailable
from receipt_service.storage import audited
from receipt_service.storage.audited import EntryRow, StubRow
from receipt_service.storage.engine import reading
from receipt_service.storage.log_entries import leaf_key
from receipt_service.storage.stubs import unpack_leaf
from receipt_service.tlog.checkpoint import Checkpoint
from receipt_service.tlog.merkle import BadProof, leaf_hash
from receipt_service.tlog.notation import MalformedLogText
from receipt_service.tlog.tiles import ENTRIES, WIDTH, MalformedTile, ReadTile, tile_at

Hashed = tuple[bytes, bytes]
"""An entry and its leaf hash."""
TILES_AT_ONCE: Final = 8
"""Some two thousand entries in one question to the database."""


_ROWS_KEEP: Final = frozenset({EntryKind.DAILY_CLOSING, EntryKind.DELETION, EntryKind.CORRECTION})
"""Kinds of records of which a row of the database keeps what they conceal."""
_GROUPS: Final = frozenset(STUB_GROUPS)


class LoggedRecord(NamedTuple):
    """A record that the walk has met."""

    place: int
    issued_on: date


@dataclass(slots=True)
class LogWalk:
    """One walk. What it found of stubs is left in ``faulty``, so that the walk over the book need not say it again."""

    engine: Engine
    checkpoint: Checkpoint
    read_tile: ReadTile
    verifier: EntryVerifier
    deletions: Deletions
    findings: Findings
    today: date
    """UTC: nothing is issued on a later day."""
    seen: HourSums
    """The stubs that were found right."""
    faulty: set[StubId] = field(default_factory=set)
    entries: int = 0
    records: dict[int, LoggedRecord] = field(default_factory=dict)
    """By leaf key: what must have its row (``record_checks``). Few beside the leaves; this is what memory grows by."""
    _latest: date = date.min
    """The latest day that two entries in a row have reached: one entry alone must not make all others look old."""
    _before: date = date.min

    def run(self, start: int, end: int, progress: Callable[[int], None]) -> None:
        """Check the entries from ``start`` to before ``end``; tell ``progress`` after each part how many more."""
        part: list[tuple[int, list[Hashed]]] = []
        try:
            for index, entries in self._bundles(start, end):
                part.append((index, entries))
                if len(part) == TILES_AT_ONCE:
                    progress(self._check_part(part))
                    part = []
        except (BadProof, MalformedLogText, Unavailable):
            # The place is where the walk had come to: which tile is wrong can't be said of a tree that has no root.
            self.findings.add(Finding(Code.TREE_DIFFERS, index=start + self.entries))
        if part:
            progress(self._check_part(part))

    def _bundles(self, start: int, end: int) -> Iterator[tuple[int, list[Hashed]]]:
        """Yield the entries of each bundle, or the part of it that is asked for, with the index of the first."""
        size, root = self.checkpoint.size, self.checkpoint.root
        for tile, hashes in verified_tiles(size, root, start, end, self.read_tile):
            if tile.level:
                continue
            first = tile.index * WIDTH
            try:
                entries = bundle_entries(tile_at(ENTRIES, tile.index, size), self.read_tile)
            except (MalformedTile, Unavailable):
                entries = []
            hashed = [leaf_hash(entry) for entry in entries]
            if b"".join(hashed) != hashes:
                self.findings.add(Finding(Code.TREE_DIFFERS, index=first))
                continue
            both = list(zip(entries, hashed, strict=True))
            yield max(first, start), both[max(start - first, 0) : end - first]

    def _check_part(self, part: list[tuple[int, list[Hashed]]]) -> int:
        """Check the entries of some bundles that follow each other; return how many."""
        first, end = part[0][0], part[-1][0] + len(part[-1][1])
        with reading(self.engine) as connection:
            rows = audited.entries_between(connection, first, end)
            places = {row.stub_id: row.place for row in rows.values() if row.stub_id is not None}
            stubs = audited.stubs_of(connection, list(places))
            dropped = self.deletions.of_stubs(connection, places)
        done = 0
        for start, entries in part:
            for index, hashed in enumerate(entries, start):
                self._check_entry(index, hashed, rows.get(index), stubs, dropped.get)
            done += len(entries)
        self.entries += done
        return done

    def _check_entry(
        self,
        index: int,
        hashed: Hashed,
        row: EntryRow | None,
        stubs: dict[StubId, StubRow],
        dropped: Callable[[StubId, frozenset[str]], frozenset[str]],
    ) -> None:
        entry, checked = hashed[0], None
        try:
            checked = self.verifier.check(entry)
            if checked.kind in _ROWS_KEEP:
                self.records[leaf_key(hashed[1])] = LoggedRecord(index, checked.issued_on)
            self._check_order(index, checked.issued_on)
        except AuditFault as fault:
            self.findings.add(Finding(fault.code, index=index))
        if row is None:
            self.findings.add(Finding(Code.ENTRY_MISSING, index=index))
        elif row.leaf_key != leaf_key(hashed[1]) or (
            checked is not None and (row.kind != checked.kind or row.record != _record(entry, checked))
        ):
            self._note(Code.ENTRY_DIFFERS, index, row.stub_id)
        elif row.stub_id is not None:
            self._check_stub(index, entry, checked, row.stub_id, stubs.get(row.stub_id), dropped)

    def _check_order(self, index: int, day: date) -> None:
        """Find an entry whose day lies behind that of entries before it.

        At midnight, and when what had waited is sequenced at once in the order of the hashes, the day before may come
        after the day; more than that can't happen to what is logged within a second.
        """
        if self._latest > day + ONE_DAY:
            self.findings.add(Finding(Code.BACK_DATED, index=index, day=day.isoformat()))
        if day > self.today:
            self.findings.add(Finding(Code.POST_DATED, index=index, day=day.isoformat()))
        self._latest = max(self._latest, min(day, self._before))
        self._before = day

    def _check_stub(
        self,
        index: int,
        entry: bytes,
        checked: CheckedEntry | None,
        stub_id: StubId,
        stub: StubRow | None,
        dropped: Callable[[StubId, frozenset[str]], frozenset[str]],
    ) -> None:
        gone = dropped(stub_id, frozenset())
        if stub is None:  # retention leaves the row, which keeps the leaf; but all that it said may be gone
            self._note(Code.STUB_DELETED_LAWFULLY if gone >= _GROUPS else Code.STUB_MISSING, index, stub_id)
            return
        differs = leaf_of(stub.leaf) != entry if checked is None else stub.leaf != checked.packed
        if differs:
            self._note(self._altered_or_swapped(leaf_of(stub.leaf)), index, stub_id)
            return
        fault = None if checked is None else compare_disclosures(stub, checked, gone)
        if fault is not None:
            self._note(fault, index, stub_id)
            return
        self.seen.add(stub_id)
        if gone:
            self.findings.add(Finding(Code.STUB_DELETED_LAWFULLY, index=index, stub_id=stub_id))

    def _altered_or_swapped(self, leaf: bytes) -> Code:
        """Tell a stub whose leaf is another one of the log from one whose leaf is none."""
        with reading(self.engine) as connection:
            places = audited.places_of(connection, [leaf_key(leaf_hash(leaf))])
        return Code.STUB_SWAPPED if places else Code.STUB_ALTERED

    def _note(self, code: Code, index: int, stub_id: StubId | None) -> None:
        self.findings.add(Finding(code, index=index, stub_id=stub_id))
        if stub_id is not None:
            self.faulty.add(stub_id)


def first_of_day(size: int, day: date, read_tile: ReadTile) -> int:
    """Find by bisection about where the entries of a day begin: the first bundle whose middle is not before it.

    A bundle's middle day, not any single entry's: one entry that was put there with another day must not mislead.
    """
    low, high = 0, -(-size // WIDTH)
    while low < high:
        middle = (low + high) // 2
        if _middle_day(size, middle, read_tile) < day:
            low = middle + 1
        else:
            high = middle
    return max(low - 1, 0) * WIDTH


def _middle_day(size: int, index: int, read_tile: ReadTile) -> date:
    days = []
    for entry in bundle_entries(tile_at(ENTRIES, index, size), read_tile):
        with suppress(AuditFault):
            days.append(day_of(entry))
    return sorted(days)[len(days) // 2] if days else date.min


def leaf_of(packed: str) -> bytes:
    """Give back the leaf that a stub keeps; empty for what can't be one."""
    try:
        return unpack_leaf(packed).encode()
    except ValueError:
        return b""


def _record(entry: bytes, checked: CheckedEntry) -> str | None:
    return None if checked.kind is EntryKind.ATTESTATION else entry.decode("ascii")
