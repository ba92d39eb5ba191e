"""Tiles and entry bundles (tlog-tiles): where a log's hashes and entries lie in files, and the bytes of those files.

A tile holds up to 256 neighbouring hashes of one level: level 0 the leaf hashes, level 1 the roots of full tiles of
level 0, and so on. A bundle holds the entries whose leaf hashes are in the tile of level 0 with its index. Files
never change; a tile that is not full yet has its width in its name.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from receipt_service.tlog.merkle import fold
from receipt_service.tlog.notation import HASH_BYTES, LARGEST_NUMBER, MalformedLogText

WIDTH: Final = 256
"""Hashes in a full tile, entries in a full bundle."""

HEIGHT: Final = 8
"""Levels of the tree that a tile spans."""

ENTRIES: Final = -1
"""In place of a level: the tile is an entry bundle."""

LARGEST_ENTRY: Final = 2**16 - 1
"""Bytes of the longest entry: its length is written in two bytes."""

_LARGEST_LEVEL: Final = 63
_TILE_BYTES: Final = WIDTH * HASH_BYTES
_PATH = re.compile(r"tile/(entries|[0-9]{1,2})/((?:x[0-9]{3}/){0,6})([0-9]{3})(?:\.p/([0-9]{1,3}))?", re.ASCII)


class MalformedTile(MalformedLogText):
    """The bytes or the path are not a tile's or a bundle's."""


@dataclass(frozen=True, slots=True)
class Tile:
    """Coordinates of a tile, or of a bundle when ``level`` is ``ENTRIES``. Raises ``MalformedTile`` for none's."""

    level: int
    index: int
    width: int = WIDTH

    def __post_init__(self) -> None:
        """Check the ranges (tlog-tiles, Merkle Tree)."""
        if not (ENTRIES <= self.level <= _LARGEST_LEVEL and 0 < self.width <= WIDTH):
            raise MalformedTile("a tile's level is 0 … 63, its width 1 … 256")
        if self.index < 0 or (self.index * WIDTH + self.width) << (HEIGHT * max(self.level, 0)) > LARGEST_NUMBER:
            raise MalformedTile("no tree reaches as far as this tile")

    @property
    def path(self) -> str:
        """Path below the log's prefix, for example ``tile/0/x001/x234/067.p/112``."""
        level = "entries" if self.level == ENTRIES else str(self.level)
        index, last = divmod(self.index, 1000)
        groups = [f"{last:03}"]
        while index:
            index, group = divmod(index, 1000)
            groups.append(f"x{group:03}")
        partial = "" if self.width == WIDTH else f".p/{self.width}"
        return f"tile/{level}/{'/'.join(reversed(groups))}{partial}"

    @property
    def full(self) -> "Tile":
        """The tile that takes its place once it has grown to its full width."""
        return Tile(self.level, self.index)


ReadTile = Callable[[Tile], bytes]
"""Fetch the bytes of a tile or bundle. What it raises goes through to the caller.

Asked for a partial tile it may answer with more than was asked for: a wider tile begins with the narrower one.
"""


def parse_path(path: str) -> Tile:
    """Read a path back, in its one form only. Raises ``MalformedTile``."""
    match = _PATH.fullmatch(path)
    if not match:
        raise MalformedTile("not the path of a tile")
    level, groups, last, width = match.groups()
    tile = Tile(
        ENTRIES if level == "entries" else int(level),
        int(groups.replace("x", "").replace("/", "") + last),
        WIDTH if width is None else int(width),
    )
    if tile.path != path:  # a needless group x000, a level 00, a full tile written as partial
        raise MalformedTile("the path of a tile in another form than its own")
    return tile


def tile_at(level: int, index: int, size: int) -> Tile:
    """Return the tile as a tree of ``size`` leaves has it, partial or full. Raises ``MalformedTile`` for none."""
    return Tile(level, index, min(WIDTH, (size >> HEIGHT * max(level, 0)) - index * WIDTH))


def tiles_for_growth(old_size: int, new_size: int) -> Iterator[Tile]:
    """List the tiles and bundles that a tree needs when it has grown, beside those that it had.

    Only the partial ones of the new size, and none between the two. Bundles first and then level by level, so that
    whoever writes in this order never has a hash without what it is the hash of.
    """
    for level in range(ENTRIES, _LARGEST_LEVEL):
        old, new = (size >> HEIGHT * max(level, 0) for size in (old_size, new_size))
        if old >= new:
            return
        for index in range(old // WIDTH, -(-new // WIDTH)):
            yield tile_at(level, index, new_size)


def tiles_of(size: int) -> Iterator[Tile]:
    """List every tile and bundle of a tree."""
    return tiles_for_growth(0, size)


def hashes_of(tile: Tile, read_tile: ReadTile) -> bytes:
    """Read a tile's hashes, one after the other. Raises ``MalformedTile`` when there are not as many as its width."""
    data = read_tile(tile)
    length = tile.width * HASH_BYTES
    if not length <= len(data) <= _TILE_BYTES or len(data) % HASH_BYTES:
        raise MalformedTile(f"{tile.path} has {len(data)} bytes instead of {length}")
    return data[:length]


def grow_tiles(old_size: int, leaf_hashes: Sequence[bytes], read_tile: ReadTile) -> Iterator[tuple[Tile, bytes]]:
    """Make the hash tiles that a tree of ``old_size`` leaves needs once these leaves are appended.

    Exactly the hash tiles of ``tiles_for_growth``, in its order. The right-most partial tiles of the old tree are
    read, at most one for each level; what is made costs about one hash for each leaf, whatever the size.
    Raises ``MalformedTile``, also for a leaf hash of another length than 32 bytes.
    """
    if not {HASH_BYTES}.issuperset(map(len, leaf_hashes)):
        raise MalformedTile(f"a leaf hash has {HASH_BYTES} bytes")
    new_size = old_size + len(leaf_hashes)
    level, row = 0, b"".join(leaf_hashes)
    while row:
        index, partial = divmod(old_size >> HEIGHT * level, WIDTH)
        if partial:
            row = hashes_of(Tile(level, index, partial), read_tile) + row
        roots = []
        for start in range(0, len(row), _TILE_BYTES):
            data = row[start : start + _TILE_BYTES]
            yield tile_at(level, index, new_size), data
            index += 1
            if len(data) == _TILE_BYTES:
                roots.append(fold(data))
        level, row = level + 1, b"".join(roots)


def write_bundle(entries: Sequence[bytes]) -> bytes:
    """Write entries as a bundle: each behind its length in two bytes, big-endian. Raises ``MalformedTile``."""
    if not 0 < len(entries) <= WIDTH:
        raise MalformedTile(f"a bundle has 1 … {WIDTH} entries")
    if max(map(len, entries)) > LARGEST_ENTRY:
        raise MalformedTile(f"an entry has at most {LARGEST_ENTRY} bytes")
    return b"".join([len(entry).to_bytes(2, "big") + entry for entry in entries])


def read_bundle(data: bytes, width: int) -> list[bytes]:
    """Take a bundle apart; it must hold ``width`` entries and not a byte more. Raises ``MalformedTile``."""
    entries = _entries_of(data)
    if len(entries) != width:
        raise MalformedTile(f"the bundle has {len(entries)} entries instead of {width}")
    return entries


def first_entries(data: bytes, width: int) -> list[bytes]:
    """Take the first entries of a bundle that may have grown since; ``read_tile`` may answer so.

    Raises ``MalformedTile`` where there are fewer.
    """
    entries = _entries_of(data)
    if not width <= len(entries) <= WIDTH:
        raise MalformedTile(f"the bundle has {len(entries)} entries instead of {width} or more")
    return entries[:width]


def _entries_of(data: bytes) -> list[bytes]:
    entries: list[bytes] = []
    place = 0
    while place < len(data):
        start = place + 2
        place = start + int.from_bytes(data[place:start], "big")
        if start > len(data) or place > len(data):
            raise MalformedTile("the bundle ends within an entry")
        entries.append(data[start:place])
    return entries


def bundle_hashes(data: bytes, width: int) -> bytes:
    """Make the tile of level 0 that belongs to a bundle. Raises ``MalformedTile``."""
    return b"".join([sha256(b"\x00" + entry).digest() for entry in read_bundle(data, width)])
