"""Following a log from outside, knowing its policy and a trust root: no database, nobody to believe.

What is fetched is used only once it is found right under a signed root, and kept: the folder is a mirror that can be
served on, and the memory that makes a fork or a rollback visible.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Final, Protocol

from receipt_service.audit.entries import EntryVerifier
from receipt_service.audit.findings import AuditFault, Code, Finding, Findings
from receipt_service.audit.tree import ONE_DAY, bundle_entries, verified_tiles
from receipt_service.errors import Unavailable
from receipt_service.tlog.checkpoint import Checkpoint, parse_checkpoint
from receipt_service.tlog.hash_reader import HashReader
from receipt_service.tlog.merkle import EMPTY_ROOT, BadProof, leaf_hash
from receipt_service.tlog.notation import MalformedLogText
from receipt_service.tlog.note import BadSignature, Checks, format_note, parse_note
from receipt_service.tlog.policy import NOBODY, Policy
from receipt_service.tlog.tiles import ENTRIES, WIDTH, MalformedTile, Tile, tile_at, write_bundle
from receipt_service.tlog.trust import CheckedCheckpoint, check_checkpoint

CHECKPOINT: Final = "checkpoint"
WITNESSED: Final = "checkpoint.witnessed"
CLOCK_SKEW: Final = timedelta(minutes=5)
_TILES_AT_ONCE: Final = 64


class Mirror(Protocol):
    """The folder (``transparency.log_folder.LogFolder``)."""

    def read(self, path: str) -> bytes | None:
        """Read a file; ``None`` where there is none."""

    def read_tile(self, tile: Tile) -> bytes:
        """Read a tile or bundle; raises ``Unavailable``."""

    def write_tiles(self, tiles: Iterable[tuple[Tile, bytes]]) -> None:
        """Write tiles and bundles durably."""

    def write_checkpoint(self, name: str, note: bytes) -> None:
        """Replace a checkpoint, durably."""

    def drop_partials(self, tiles: Iterable[Tile]) -> None:
        """Remove the partial forms of full tiles."""


class Memory(Protocol):
    """What is remembered beside the mirror (``audit.monitor_memory``)."""

    def seen_at(self) -> datetime | None:
        """When a new checkpoint, or a newer time of a witness, was last seen."""

    def note_seen(self, now: datetime) -> None:
        """Remember it, durably."""

    def keep_evidence(self, name: str, note: bytes) -> None:
        """Keep a checkpoint that contradicts another one, for good."""


Fetch = Callable[[str], bytes | None]
"""Fetches a file by its path below the log's address; ``None`` for a 404. Raises ``Unavailable``."""


@dataclass(frozen=True, slots=True)
class Watch:
    """What a monitor was told to believe, and how long it lets a log be silent."""

    policy: Policy
    checks: Checks
    verifier: EntryVerifier
    silence: timedelta


@dataclass(frozen=True, slots=True)
class Look:
    """What one look at the log gave."""

    size: int
    """Of the tree that is mirrored now."""
    new_entries: int
    witnesses: int
    reachable: bool
    findings: Findings


@dataclass(slots=True)
class Monitor:
    """Follows one log. One process at a time for a folder."""

    fetch: Fetch
    mirror: Mirror
    memory: Memory
    watch: Watch
    _findings: Findings = field(default_factory=Findings)
    _latest: date = date.min

    def look(self, now: datetime, progress: Callable[[int, int], None] = lambda _done, _total: None) -> Look:
        """Look once: checkpoint, growth, every new tile and entry, witnesses. Raises ``OSError`` for the folder's."""
        self._findings = Findings()
        last = self._last()
        reachable, new, witnesses = True, last, 0
        try:
            checked = self._newest(now)
            if checked is not None and self._may_follow(last, checked) and self._follow(last, checked, now, progress):
                new = checked.checkpoint
                witnesses = self._see_witnesses(new, now)
        except Unavailable:
            reachable = False
        seen = self.memory.seen_at()
        if seen is None:
            self.memory.note_seen(now)  # silence counts from the first look
        elif now - seen > self.watch.silence:
            self._add(Code.SILENCE, found=int((now - seen) / timedelta(hours=1)))
        return Look(new.size, new.size - last.size, witnesses, reachable, self._findings)

    def compare(self, note: bytes) -> Code | None:
        """Hold a checkpoint that somebody else was shown against the mirror; ``None`` where it is one of this tree.

        It must be no larger than the mirror's tree. Raises ``BadSignature`` and ``MalformedLogText`` for one that the
        log has not signed, and ``BadProof`` for one that is larger.
        """
        other = check_checkpoint(note, self.watch.policy, self.watch.checks).checkpoint
        own = self._last()
        if other.size > own.size:
            raise BadProof("the checkpoint is of a larger tree than the mirror's: look first")
        if self._root_at(own, other.size) == other.root:
            return None
        self._keep_both(Code.FORK, note)
        return Code.FORK

    def _last(self) -> Checkpoint:
        note = self.mirror.read(CHECKPOINT)
        if note is None:
            return Checkpoint(self.watch.policy.logs[0].key.name, 0, EMPTY_ROOT)
        return parse_checkpoint(parse_note(note).text)

    def _newest(self, now: datetime) -> CheckedCheckpoint | None:
        note = self.fetch(CHECKPOINT)
        if note is None:
            raise Unavailable("the log has no checkpoint")
        latest = int((now + CLOCK_SKEW).timestamp())
        try:
            return check_checkpoint(note, self.watch.policy, self.watch.checks, latest)
        except BadSignature:
            self._add(Code.UNKNOWN_KEY)
        except MalformedLogText:
            self._add(Code.CHECKPOINT_INVALID)
        self.memory.keep_evidence(f"unsigned-{leaf_hash(note).hex()[:16]}.checkpoint", note)
        return None

    def _may_follow(self, last: Checkpoint, checked: CheckedCheckpoint) -> bool:
        """Refuse a tree that is smaller than the one before, or another one of its size."""
        new = checked.checkpoint
        if new.size < last.size:
            # A smaller tree that begins ours is an old state shown again; any other is a fork as well.
            code = Code.ROLLBACK if self._root_at(last, new.size) == new.root else Code.FORK
        elif new.size == last.size and new.root != last.root:
            code = Code.FORK
        else:
            return True
        self._add(code, expected=last.size, found=new.size)
        self._keep_both(code, format_note(checked.note))
        return False

    def _follow(
        self, last: Checkpoint, checked: CheckedCheckpoint, now: datetime, progress: Callable[[int, int], None]
    ) -> bool:
        """Mirror what is new, each part once it is right, the checkpoint last; ``False`` for what contradicts itself.

        Raises ``Unavailable``.
        """
        new = checked.checkpoint
        if new.size > last.size:
            try:
                self._mirror_growth(last, new, now.date(), progress)
            except (BadProof, MalformedLogText):
                self._tell_contradiction(last, checked)
                return False
            self.memory.note_seen(now)
        self.mirror.write_checkpoint(CHECKPOINT, format_note(checked.note))
        return True

    def _mirror_growth(
        self, last: Checkpoint, new: Checkpoint, today: date, progress: Callable[[int, int], None]
    ) -> None:
        """Fetch and keep what is new.

        What both trees have comes from the mirror, so that what is found right continues the tree before.
        """
        some: list[tuple[Tile, bytes]] = []
        for tile, hashes in verified_tiles(new.size, new.root, last.size, new.size, self._old_or_new(last.size)):
            if tile.level == 0:
                entries = self._entries(tile, hashes, new.size)
                first = max(last.size - tile.index * WIDTH, 0)
                self._check_entries(tile.index * WIDTH + first, entries[first:], today)
                some.append((tile_at(ENTRIES, tile.index, new.size), write_bundle(entries)))
                progress(tile.index * WIDTH + tile.width - last.size, new.size - last.size)
            some.append((tile, hashes))
            if len(some) >= _TILES_AT_ONCE:
                self._write(some)
                some = []
        self._write(some)

    def _old_or_new(self, old_size: int) -> Callable[[Tile], bytes]:
        def read(tile: Tile) -> bytes:
            covered = (old_size >> (8 * max(tile.level, 0))) - tile.index * WIDTH
            if covered >= tile.width:
                return self.mirror.read_tile(tile if covered >= WIDTH else tile_at(tile.level, tile.index, old_size))
            data = self._fetch_tile(tile)
            if covered > 0:
                before = self.mirror.read_tile(tile_at(tile.level, tile.index, old_size))
                if data[: covered * 32] != before[: covered * 32]:
                    raise BadProof(f"{tile.path} does not begin with what it held before")
            return data

        return read

    def _fetch_tile(self, tile: Tile) -> bytes:
        data = self.fetch(tile.path)
        if data is None and tile.width < WIDTH:
            data = self.fetch(tile.full.path)
        if data is None:
            raise Unavailable(f"the log lacks {tile.path}")
        return data

    def _entries(self, tile: Tile, hashes: bytes, size: int) -> list[bytes]:
        entries = bundle_entries(tile_at(ENTRIES, tile.index, size), self._fetch_tile)
        if b"".join(map(leaf_hash, entries)) != hashes:
            raise MalformedTile("a bundle's entries do not hash to its tile")
        return entries

    def _check_entries(self, first: int, entries: list[bytes], today: date) -> None:
        for index, entry in enumerate(entries, first):
            try:
                day = self.watch.verifier.check(entry).issued_on
            except AuditFault as fault:
                self._add(fault.code, index=index)
                continue
            if self._latest > day + ONE_DAY:
                self._findings.add(Finding(Code.BACK_DATED, index=index, day=day.isoformat()))
            if day > today + ONE_DAY:
                self._findings.add(Finding(Code.POST_DATED, index=index, day=day.isoformat()))
            else:
                self._latest = max(self._latest, day)

    def _write(self, tiles: list[tuple[Tile, bytes]]) -> None:
        self.mirror.write_tiles(tiles)
        self.mirror.drop_partials(tile for tile, _ in tiles)

    def _tell_contradiction(self, last: Checkpoint, checked: CheckedCheckpoint) -> None:
        """Tell a tree that is right by itself and another one than ours from one that is not right at all."""
        new = checked.checkpoint
        try:
            reader = HashReader(new.size, self._fetch_tile)
            forked = reader.root() == new.root and reader.range_root(0, last.size) != last.root
        except (BadProof, MalformedLogText):
            forked = False
        code = Code.FORK if forked else Code.TREE_DIFFERS
        self._add(code, expected=last.size, found=new.size)
        self._keep_both(code, format_note(checked.note))

    def _see_witnesses(self, new: Checkpoint, now: datetime) -> int:
        """Look at the checkpoint that witnesses cosigned; return how many did."""
        note = self.fetch(WITNESSED)
        if note is None:
            if self.watch.policy.quorum != NOBODY:
                self._add(Code.QUORUM_MISSING)
            return 0
        try:
            latest = int((now + CLOCK_SKEW).timestamp())
            checked = check_checkpoint(note, self.watch.policy, self.watch.checks, latest)
        except (BadSignature, MalformedLogText):
            self._add(Code.UNKNOWN_KEY)
            return 0
        if checked.checkpoint.size > new.size:
            return len(checked.cosignatures)  # published meanwhile: the next look will reach it
        if self._root_at(new, checked.checkpoint.size) != checked.checkpoint.root:
            self._add(Code.FORK, expected=new.size, found=checked.checkpoint.size)
            self._keep_both(Code.FORK, note)
            return 0
        if not checked.quorum_reached:
            self._add(Code.QUORUM_MISSING, found=len(checked.cosignatures))
        if note != self.mirror.read(WITNESSED):
            self.mirror.write_checkpoint(WITNESSED, note)
            self.memory.note_seen(now)
        return len(checked.cosignatures)

    def _root_at(self, tree: Checkpoint, size: int) -> bytes:
        return EMPTY_ROOT if not size else HashReader(tree.size, self.mirror.read_tile).range_root(0, size)

    def _keep_both(self, code: Code, other: bytes) -> None:
        for note in (self.mirror.read(CHECKPOINT), other):
            if note is not None:
                checkpoint = parse_checkpoint(parse_note(note).text)
                name = f"{code.value}-{checkpoint.size}-{checkpoint.root.hex()[:16]}.checkpoint"
                self.memory.keep_evidence(name, note)

    def _add(
        self, code: Code, *, index: int | None = None, expected: int | None = None, found: int | None = None
    ) -> None:
        self._findings.add(Finding(code, index=index, expected=expected, found=found))


def told(findings: Findings) -> Iterator[str]:
    """Yield one line for each finding."""
    for finding in findings.told:
        said = [f"{name} {value}" for name, value in finding.to_json().items() if name not in {"code", "weight"}]
        yield "  ".join([f"{finding.weight.value:<8}", f"{finding.code.value:<24}", *said]).rstrip()
