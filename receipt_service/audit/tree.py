"""The tiles of a part of the log, each found right under a checkpoint's root before it is used."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from receipt_service.tlog.hash_reader import HashReader
from receipt_service.tlog.merkle import BadProof, Subtree, fold
from receipt_service.tlog.tiles import HEIGHT, WIDTH, ReadTile, Tile, hashes_of, read_bundle, tile_at

ONE_DAY: Final = timedelta(days=1)
"""How far the days of entries may go back from one to the next (``log_walk``)."""


def verified_tiles(size: int, root: bytes, start: int, end: int, read_tile: ReadTile) -> Iterator[tuple[Tile, bytes]]:
    """Yield the hash tiles over the leaves from ``start`` to before ``end``, from the top down, with their hashes.

    The root vouches for the right-most tiles, and each hash of a tile for the full tile below it
    (``tlog.hash_reader.check_tiles`` does the same for a whole tree). Memory grows with the number of tiles above level
    0, one for 65,536 leaves. Raises ``BadProof`` at the first tile that is not the tree's, and ``MalformedTile``.
    """
    reader = HashReader(size, read_tile)
    if reader.root() != root:
        raise BadProof("the right-most tiles lead to another root")
    if start >= end:
        return
    for level in range((size.bit_length() - 1) // HEIGHT, -1, -1):
        in_level = size >> HEIGHT * level
        first = (start >> HEIGHT * level) // WIDTH
        last = min((end - 1) >> HEIGHT * level, in_level - 1) // WIDTH
        for index in range(first, last + 1):
            tile = tile_at(level, index, size)
            # Tiles above level 0 are kept, since they vouch for others; those of level 0 are too many.
            hashes = reader.hashes(tile) if level or tile.width < WIDTH else hashes_of(tile, read_tile)
            if tile.width == WIDTH and fold(hashes) != reader.subtree(Subtree(HEIGHT * (level + 1), index)):
                raise BadProof(f"{tile.path} does not fold to the hash above it")
            yield tile, hashes


def bundle_entries(tile: Tile, read_tile: ReadTile) -> list[bytes]:
    """Read the entries of a bundle; of a wider one that has taken its place, the first ones. Raises ``MalformedTile``.

    ``tile`` is the bundle as the checkpoint's tree has it.
    """
    data, place = read_tile(tile), 0
    for _ in range(tile.width):
        place += 2 + int.from_bytes(data[place : place + 2], "big")
    return read_bundle(data[:place], tile.width)
