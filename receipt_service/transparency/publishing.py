"""Publishing: what has a place becomes tiles, entry bundles and a signed checkpoint over all of it.

The order is what makes a kill at any point harmless: tiles, then the record of what is about to be signed, then the
checkpoint, then the database, and last the partial tiles that nobody needs any more. Tiles made twice are the same.

Two things are never signed: a root that is not the database's, and a tree that does not begin with the one signed
last. The second is held against a record that lies beside the key and not in the database, so that a database that
was put back from a copy can't make the log sign two histories.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Protocol

from sqlalchemy import Engine

from receipt_service.errors import ReceiptServiceError, Unavailable
from receipt_service.storage import log_entries, log_tree
from receipt_service.storage.engine import reading, writing
from receipt_service.storage.log_entries import LogEntry
from receipt_service.storage.log_tree import LogTree
from receipt_service.tlog.checkpoint import Checkpoint
from receipt_service.tlog.hash_reader import HashReader
from receipt_service.tlog.merkle import BadProof, RightEdge, leaf_hash, verify_consistency
from receipt_service.tlog.tiles import ENTRIES, WIDTH, Tile, first_entries, grow_tiles, tiles_for_growth, write_bundle
from receipt_service.transparency.log_folder import CHECKPOINT, LogFolder

AT_ONCE: Final = 65_536
"""Entries whose tiles are made at a time: at most some 60 MiB."""


class LogDamaged(ReceiptServiceError):
    """What is stored of the log contradicts itself, or what was signed. Nothing is signed until somebody looked."""


class LastSigned(Protocol):
    """The record of the checkpoint signed last, beside the key (``bootstrap.log_keys``)."""

    def held(self) -> AbstractContextManager[None]:
        """Keep every other publisher out; raises ``Unavailable`` while another one is in."""

    def read(self) -> Checkpoint | None:
        """Return it; ``None`` before the first."""

    def write(self, checkpoint: Checkpoint) -> None:
        """Replace it, durably."""


@dataclass(frozen=True, slots=True)
class Published:
    """A tree that was just published."""

    size: int
    entries: int
    """How many more than before."""
    note: bytes


class Publisher:
    """Publishes one log."""

    def __init__(
        self,
        engine: Engine,
        folder: LogFolder,
        *,
        origin: str,
        sign: Callable[[Checkpoint, datetime], bytes],
        last: LastSigned,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """``sign`` writes the signed note of a checkpoint; whatever it signs can't be taken back."""
        self._engine, self._folder, self._origin = engine, folder, origin
        self._sign, self._last, self._clock = sign, last, clock

    def publish(self) -> Published | None:
        """Publish what is sequenced; ``None`` when all of it is published already.

        Raises ``LogDamaged``, ``Unavailable`` and ``OSError``; the next call goes on where this one ended.
        """
        with self._last.held():
            with reading(self._engine) as connection:
                tree = log_tree.read(connection)
            if tree.size == tree.published_size:
                return None
            self._write_tiles(tree, tree.published_size)
            checkpoint = Checkpoint(self._origin, tree.size, tree.root)
            self._require_growth(checkpoint)
            now = self._clock()
            self._last.write(checkpoint)
            note = self._sign(checkpoint, now)
            self._folder.write_checkpoint(CHECKPOINT, note)
            with writing(self._engine) as connection:
                if not log_tree.note_published(connection, tree.published_size, tree.size, now):
                    raise Unavailable("another publisher published the log")
            self._folder.drop_partials(tiles_for_growth(tree.published_size, tree.size))
        return Published(tree.size, tree.size - tree.published_size, note)

    def rebuild(self) -> Iterator[int]:
        """Write every tile and bundle anew from the database, for a folder that was lost; yield how far it is.

        Needs every stub. Raises as ``publish`` does; the checkpoint is written by the next ``publish``, or stays.
        """
        with self._last.held():
            with reading(self._engine) as connection:
                tree = log_tree.read(connection)
            yield from self._write_in_parts(tree, 0)

    def _write_tiles(self, tree: LogTree, start: int) -> None:
        for _ in self._write_in_parts(tree, start):
            pass

    def _write_in_parts(self, tree: LogTree, start: int) -> Iterator[int]:
        """Write the tiles from ``start`` on; raise ``LogDamaged`` before the last part if they lead to another root."""
        edge = self._edge_at(start)
        while start < tree.size:
            end = min(start + AT_ONCE, tree.size)
            texts = self._texts(start, end)
            hashes = [leaf_hash(text) for text in texts]
            edge = edge.extended(hashes)
            if end == tree.size and edge.root != tree.root:
                raise LogDamaged("the entries lead to another root than the one that was sequenced")
            tiles = [*self._bundles(start, texts), *grow_tiles(start, hashes, self._folder.read_tile)]
            self._folder.write_tiles(tiles)
            start = end
            yield end

    def _edge_at(self, size: int) -> RightEdge:
        return HashReader(size, self._folder.read_tile).right_edge() if size else RightEdge()

    def _texts(self, start: int, end: int) -> list[bytes]:
        with reading(self._engine) as connection:
            entries = log_entries.between(connection, start, end)
        if [entry.index for entry in entries] != list(range(start, end)):
            raise LogDamaged("entries of the log are missing in the database")
        return [_text(entry) for entry in entries]

    def _bundles(self, start: int, texts: Sequence[bytes]) -> Iterator[tuple[Tile, bytes]]:
        index, before = divmod(start, WIDTH)
        held: list[bytes] = []
        if before:
            held = first_entries(self._folder.read_tile(Tile(ENTRIES, index, before)), before)
        entries = [*held, *texts]
        for at in range(0, len(entries), WIDTH):
            some = entries[at : at + WIDTH]
            yield Tile(ENTRIES, index + at // WIDTH, len(some)), write_bundle(some)

    def _require_growth(self, checkpoint: Checkpoint) -> None:
        """Refuse a tree that does not begin with the one signed last."""
        last = self._last.read()
        if last is None:
            return
        if last.origin != checkpoint.origin:
            raise LogDamaged("the record beside the key is another log's")
        if checkpoint.size < last.size:
            raise LogDamaged(f"a tree of {last.size} entries is signed, and the database has {checkpoint.size}")
        proof = HashReader(checkpoint.size, self._folder.read_tile).consistency_proof(last.size)
        try:
            verify_consistency(last.size, last.root, checkpoint.size, checkpoint.root, proof)
        except BadProof as error:
            raise LogDamaged("the tree does not begin with the one that was signed last") from error


def _text(entry: LogEntry) -> bytes:
    if entry.text is None:
        raise LogDamaged(f"the stub of entry {entry.index} is gone from the book")
    text = entry.text.encode()
    if log_entries.leaf_key(leaf_hash(text)) != entry.leaf_key:
        raise LogDamaged(f"entry {entry.index} is not what was sequenced")
    return text
