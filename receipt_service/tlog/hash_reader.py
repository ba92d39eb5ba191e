"""Roots and proofs computed from a log's tiles, reading as few of them as there can be.

Nothing that is read is believed: what comes out of wrong tiles is a wrong root or a proof that fails, and
``check_tiles`` is how a mirror or an auditor finds out which.
"""

from collections.abc import Iterator

from receipt_service.tlog.merkle import (
    BadProof,
    RightEdge,
    Subtree,
    consistency_ranges,
    fold,
    full_subtrees,
    inclusion_ranges,
    join_right,
)
from receipt_service.tlog.notation import HASH_BYTES
from receipt_service.tlog.tiles import HEIGHT, WIDTH, ReadTile, Tile, hashes_of, tile_at


class HashReader:
    """The hashes of one published tree.

    Keeps every tile that it has read, so that one proof reads none twice: at most two for each level of tiles, five
    at ten million leaves. For one thread, and for as long as one question takes.
    """

    def __init__(self, size: int, read_tile: ReadTile) -> None:
        """``size`` is a published one: partial tiles exist for no other."""
        self.size = size
        self._read_tile = read_tile
        self._kept: dict[Tile, bytes] = {}

    def hashes(self, tile: Tile) -> bytes:
        """Return a tile's hashes, one after the other. Raises ``MalformedTile``."""
        hashes = self._kept.get(tile)
        if hashes is None:
            hashes = self._kept[tile] = hashes_of(tile, self._read_tile)
        return hashes

    def subtree(self, subtree: Subtree) -> bytes:
        """Root of a full subtree. Raises ``BadProof`` when the tree has none there, and ``MalformedTile``."""
        level, index = subtree.level, subtree.index
        if level < 0 or not 0 <= index < self.size >> level:
            raise BadProof("the tree has no such subtree")
        tile_level, within = divmod(level, HEIGHT)
        tile_index, place = divmod(index << within, WIDTH)
        hashes = self.hashes(tile_at(tile_level, tile_index, self.size))
        return fold(hashes[place * HASH_BYTES : (place + (1 << within)) * HASH_BYTES])

    def range_root(self, start: int, end: int) -> bytes:
        """Root of the tree over the leaves from ``start`` to before ``end``, as proofs name them."""
        return join_right([self.subtree(part) for part in full_subtrees(start, end)])

    def root(self) -> bytes:
        """Root of the whole tree."""
        return self.range_root(0, self.size)

    def right_edge(self) -> RightEdge:
        """Return what the tree needs to grow."""
        return RightEdge(self.size, tuple(self.subtree(part) for part in full_subtrees(0, self.size)))

    def leaf(self, index: int) -> bytes:
        """Hash of a leaf."""
        return self.subtree(Subtree(0, index))

    def inclusion_proof(self, index: int) -> tuple[bytes, ...]:
        """Compute the nodes that show where leaf ``index`` stands, for ``verify_inclusion``. Raises ``BadProof``."""
        return tuple(self.range_root(start, end) for start, end in inclusion_ranges(index, self.size))

    def consistency_proof(self, old_size: int) -> tuple[bytes, ...]:
        """Compute the nodes that show that the tree of ``old_size`` begins this one, for ``verify_consistency``.

        Empty for an old size of 0. Raises ``BadProof`` for one beyond this tree.
        """
        return tuple(self.range_root(start, end) for start, end in consistency_ranges(old_size, self.size))


def check_tiles(size: int, root: bytes, read_tile: ReadTile) -> Iterator[tuple[Tile, bytes]]:
    """Check every hash tile of a tree against its root, and yield each, with its hashes, as it is found right.

    The root is a checkpoint's. From the top down: the root vouches for the right-most tiles, and each hash of a tile
    for the full tile below it. Costs about one hash for each leaf. What the entries hash to is the caller's to compare
    with the tiles of level 0 (``bundle_hashes``). Raises ``BadProof`` at the first tile that is not the tree's, and
    ``MalformedTile``.
    """
    reader = HashReader(size, read_tile)
    if reader.root() != root:
        raise BadProof("the right-most tiles lead to another root")
    for level in range((size.bit_length() - 1) // HEIGHT, -1, -1):
        for index in range(-(-(size >> HEIGHT * level) // WIDTH)):
            tile = tile_at(level, index, size)
            if tile.width < WIDTH:
                yield tile, reader.hashes(tile)
                continue
            # Tiles above level 0 are kept, since they vouch for others; those of level 0 are too many.
            hashes = reader.hashes(tile) if level else hashes_of(tile, read_tile)
            if fold(hashes) != reader.subtree(Subtree(HEIGHT * (level + 1), index)):
                raise BadProof(f"{tile.path} does not fold to the hash above it")
            yield tile, hashes
