"""The log's tree at size: how fast leaves become tiles, and how fast proofs are read out of them.

    python -m tests.bench.tlog_scale                        a million leaves
    python -m tests.bench.tlog_scale --leaves 10000000      330 MB in a temporary folder, deleted afterwards

Only hash tiles are made, from numbers in place of entries, in batches, and written as files without being flushed to
the disk: this is the cost of the format, to which the sequencer adds its database and its durability. The growth of a
large tree by a small batch is measured apart, since that is what each publication costs.
"""

import argparse
import platform
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from receipt_service.bootstrap.database import migrate
from receipt_service.domain.identifiers import StubId
from receipt_service.domain.log_entry import EntryKind
from receipt_service.storage import log_entries
from receipt_service.storage.engine import open_engine, writing
from receipt_service.storage.log_queue import Waiting
from receipt_service.tlog.checkpoint import Checkpoint
from receipt_service.tlog.hash_reader import HashReader, check_tiles
from receipt_service.tlog.merkle import leaf_hash, verify_inclusion
from receipt_service.tlog.proof import parse_proof
from receipt_service.tlog.tiles import Tile, grow_tiles
from receipt_service.transparency.log_folder import CHECKPOINT
from receipt_service.transparency.proving import Proofs
from tests.support.logs import NOW, ORIGIN, open_log

BATCH = 65_536
LEAF_BYTES = 708
"""Of a signed attestation leaf."""


class TileFolder:
    """Tiles as files below a folder; counts what is read."""

    def __init__(self, folder: Path) -> None:
        self.size = 0
        self.reads = 0
        self._folder = folder

    def read(self, tile: Tile) -> bytes:
        self.reads += 1
        return (self._folder / tile.path).read_bytes()

    def grow(self, leaf_hashes: Sequence[bytes]) -> int:
        """Append leaves; return how many files that took."""
        count = 0
        for tile, data in grow_tiles(self.size, leaf_hashes, self.read):
            path = self._folder / tile.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
            count += 1
        self.size += len(leaf_hashes)
        return count


def numbered(start: int, count: int) -> list[bytes]:
    return [leaf_hash(number.to_bytes(8, "big")) for number in range(start, start + count)]


def timed(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def shown(name: str, times: list[float]) -> None:
    ordered = sorted(times)
    p99 = ordered[int(len(ordered) * 0.99)]
    print(f"{name}: p50 {statistics.median(times) * 1e3:.2f} ms, p99 {p99 * 1e3:.2f} ms, {len(times)} times")


def hash_entries(count: int = 200_000) -> None:
    entries = [number.to_bytes(8, "big") + bytes(LEAF_BYTES - 8) for number in range(count)]
    seconds = timed(lambda: [leaf_hash(entry) for entry in entries])
    print(f"hashing entries of {LEAF_BYTES} bytes: {count / seconds:,.0f} leaves/s")


def build(folder: TileFolder, leaves: int) -> None:
    seconds = 0.0
    for start in range(0, leaves, BATCH):
        hashes = numbered(start, min(BATCH, leaves - start))
        seconds += timed(partial(folder.grow, hashes))
    print(f"tiles to files, batches of {BATCH:,}: {leaves / seconds:,.0f} leaves/s")


def publish(folder: TileFolder, batch: int, times: int = 200) -> None:
    taken = []
    for _ in range(times):
        hashes = numbered(folder.size, batch)
        taken.append(timed(partial(folder.grow, hashes)))
    shown(f"growth by {batch:,} leaves at {folder.size:,}", taken)


def prove(folder: TileFolder, times: int) -> None:
    chance = random.Random(1)
    size = folder.size
    root = HashReader(size, folder.read).root()
    inclusion, consistency, most = [], [], 0
    for _ in range(times):
        index, old_size = chance.randrange(size), chance.randrange(1, size)
        folder.reads = 0
        started = time.perf_counter()
        proof = HashReader(size, folder.read).inclusion_proof(index)
        inclusion.append(time.perf_counter() - started)
        most = max(most, folder.reads)
        verify_inclusion(numbered(index, 1)[0], index, size, proof, root)
        folder.reads = 0
        started = time.perf_counter()
        HashReader(size, folder.read).consistency_proof(old_size)
        consistency.append(time.perf_counter() - started)
        most = max(most, folder.reads)
    shown(f"inclusion proof at {size:,} leaves", inclusion)
    shown(f"consistency proof at {size:,} leaves", consistency)
    print(f"tiles read for one proof: at most {most}")


def measure_proof(base: Path, *, leaves: int, times: int = 1000) -> float:
    """Milliseconds (median) of one proof file as the service makes it: place from the database, hashes from tiles.

    The database holds the places that are asked for and no others: its look-up by key costs the same.
    """
    folder = TileFolder(base / "log")
    for start in range(0, leaves, BATCH):
        folder.grow(numbered(start, min(BATCH, leaves - start)))
    url = f"sqlite:///{base / 'receipts.db'}"
    migrate(url)
    engine = open_engine(url)
    log = open_log(engine, base)
    root = HashReader(leaves, folder.read).root()
    log.folder.write_checkpoint(CHECKPOINT, log.signer.sign(Checkpoint(ORIGIN, leaves, root), NOW))
    indexes = sorted(random.Random(1).sample(range(leaves), times))
    with writing(engine) as connection:
        for index in indexes:
            [hashed] = numbered(index, 1)
            log_entries.append(connection, index, [(hashed, Waiting(EntryKind.ATTESTATION, StubId(index), ""))])
    random.Random(2).shuffle(indexes)
    proofs, taken = Proofs(engine, log.folder), []
    for index in indexes:
        [hashed] = numbered(index, 1)
        started = time.perf_counter()
        file = proofs.of_leaf(hashed)
        taken.append(time.perf_counter() - started)
        proof = parse_proof(file)
        verify_inclusion(hashed, proof.index, leaves, proof.hashes, root)
    engine.dispose()
    return statistics.median(taken) * 1e3


def check(folder: TileFolder) -> None:
    root = HashReader(folder.size, folder.read).root()
    seconds = timed(lambda: [None for _ in check_tiles(folder.size, root, folder.read)])
    print(f"checking all tiles: {folder.size / seconds:,.0f} leaves/s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--leaves", type=int, default=1_000_000)
    parser.add_argument("--proofs", type=int, default=1_000)
    asked = parser.parse_args()
    print(f"Python {platform.python_version()}, one thread")
    hash_entries()
    with tempfile.TemporaryDirectory(prefix="tlog-scale-") as name:
        folder = TileFolder(Path(name))
        build(folder, asked.leaves)
        prove(folder, asked.proofs)
        check(folder)
        for batch in (1, 500):
            publish(folder, batch)


if __name__ == "__main__":
    main()
