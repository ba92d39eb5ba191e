"""The Merkle tree of RFC 6962 §2.1 over SHA-256: roots, proofs and the right edge that a growing tree keeps.

Hashes are 32 bytes, sizes and indexes count leaves. Whatever is read here as a proof comes from somebody else: a
wrong number of nodes, a node of another length, a size or an index out of range all raise ``BadProof``.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from receipt_service.errors import ReceiptServiceError
from receipt_service.tlog.notation import HASH_BYTES, LARGEST_NUMBER

EMPTY_ROOT: Final = sha256(b"").digest()
"""Root of a tree without leaves."""

_LEAF: Final = b"\x00"
_NODE: Final = b"\x01"
_PAIR_BYTES: Final = 2 * HASH_BYTES


class BadProof(ReceiptServiceError):
    """The proof does not show what it should: the only type that verification of proofs raises."""


@dataclass(frozen=True, slots=True)
class Subtree:
    """A full subtree: ``2**level`` leaves, the first of them number ``index * 2**level``."""

    level: int
    index: int


def leaf_hash(entry: bytes) -> bytes:
    """Hash an entry; the prefix keeps entries and inner nodes apart."""
    return sha256(_LEAF + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash two children into their parent."""
    return sha256(_NODE + left + right).digest()


def pair_up(hashes: bytes) -> bytes:
    """Hash a row of hashes, two by two, into the row above it; a last one without a neighbour is left out."""
    return b"".join(
        [
            sha256(_NODE + hashes[place : place + _PAIR_BYTES]).digest()
            for place in range(0, len(hashes) - HASH_BYTES, _PAIR_BYTES)
        ]
    )


def fold(hashes: bytes) -> bytes:
    """Hash a row of 1, 2, 4, 8 … hashes up to the one at its top."""
    while len(hashes) > HASH_BYTES:
        hashes = pair_up(hashes)
    return hashes


def join_right(hashes: Sequence[bytes]) -> bytes:
    """Root over neighbouring full subtrees from the largest to the smallest, as a ragged right edge has them."""
    if not hashes:
        return EMPTY_ROOT
    root = hashes[-1]
    for left in reversed(hashes[:-1]):
        root = node_hash(left, root)
    return root


def root_hash(leaf_hashes: Sequence[bytes]) -> bytes:
    """Root of the tree over these leaf hashes, computed from nothing."""
    return RightEdge().extended(leaf_hashes).root


def full_subtrees(start: int, end: int) -> Iterator[Subtree]:
    """List the fewest full subtrees that cover the leaves from ``start`` to before ``end``, from left to right."""
    while start < end:
        level = (end - start).bit_length() - 1
        if start:
            level = min(level, (start & -start).bit_length() - 1)
        yield Subtree(level, start >> level)
        start += 1 << level


@dataclass(frozen=True, slots=True)
class RightEdge:
    """What a tree must remember to grow: the roots of its full subtrees, from the largest to the smallest.

    There are as many as ``size`` has bits set, so they cost the same to keep whatever the size, and adding a leaf
    costs two hashes on average. Raises ``BadProof`` when the number or the length of the hashes is not that.
    """

    size: int = 0
    hashes: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        """Check what may have been stored elsewhere."""
        if not 0 <= self.size <= LARGEST_NUMBER or len(self.hashes) != self.size.bit_count():
            raise BadProof("a right edge has one hash for each bit set in the size")
        _check_nodes(self.hashes)

    @property
    def root(self) -> bytes:
        """Root of the whole tree."""
        return join_right(self.hashes)

    def extended(self, leaf_hashes: Sequence[bytes]) -> "RightEdge":
        """Return the edge once these leaves stand to the right. Raises ``BadProof`` for a hash of another length."""
        _check_nodes(leaf_hashes)
        waiting = list(self.hashes)
        edge: list[bytes] = []
        row = b"".join(leaf_hashes)
        size, level = self.size + len(leaf_hashes), 0
        while row or waiting:
            if self.size >> level & 1:
                row = waiting.pop() + row
            if len(row) // HASH_BYTES % 2:
                edge.append(row[-HASH_BYTES:])
            row = pair_up(row)
            level += 1
        return RightEdge(size, tuple(reversed(edge)))


def inclusion_ranges(index: int, size: int) -> list[tuple[int, int]]:
    """List the ranges of leaves whose roots prove leaf ``index``, from its sibling up (RFC 6962 §2.1.1).

    Raises ``BadProof`` when there is no such leaf.
    """
    if not 0 <= index < size:
        raise BadProof("the tree has no such leaf")
    path: list[tuple[int, int]] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _left_width(end - start)
        if index < middle:
            path.append((middle, end))
            end = middle
        else:
            path.append((start, middle))
            start = middle
    return path[::-1]


def consistency_ranges(old_size: int, new_size: int) -> list[tuple[int, int]]:
    """List the ranges of leaves whose roots prove that one tree begins the other (RFC 6962 §2.1.2).

    None for equal sizes, and none for an old size of 0: nothing is needed to prove that. Raises ``BadProof`` when
    the tree would have shrunk.
    """
    if not 0 <= old_size <= new_size:
        raise BadProof("a tree never shrinks")
    path: list[tuple[int, int]] = []
    start, end = 0, new_size
    while 0 < old_size < end:
        middle = start + _left_width(end - start)
        if old_size <= middle:
            path.append((middle, end))
            end = middle
        else:
            path.append((start, middle))
            start = middle
    if start:  # the rest of the old tree; where it is one full subtree, the verifier has it as the old root
        path.append((start, end))
    return path[::-1]


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Check that the leaf hash stands at ``index`` in the tree of that size and root. Raises ``BadProof``.

    RFC 6962 §2.1.1, in the iterative form of RFC 9162 §2.1.3.2.
    """
    if not 0 <= index < size <= LARGEST_NUMBER:
        raise BadProof("the tree has no such leaf")
    _check_nodes((leaf, root, *proof))
    node, place, last = leaf, index, size - 1
    for sibling in proof:
        if not last:
            raise BadProof("the proof has too many nodes")
        if place & 1 or place == last:
            node = node_hash(sibling, node)
            while place and not place & 1:  # levels at which the last node has no sibling
                place, last = place >> 1, last >> 1
        else:
            node = node_hash(node, sibling)
        place, last = place >> 1, last >> 1
    if last:
        raise BadProof("the proof has too few nodes")
    if node != root:
        raise BadProof("the proof leads to another root")


def verify_consistency(old_size: int, old_root: bytes, new_size: int, new_root: bytes, proof: Sequence[bytes]) -> None:
    """Check that the old tree is the beginning of the new one. Raises ``BadProof``.

    RFC 6962 §2.1.2, in the iterative form of RFC 9162 §2.1.4.2. An old size of 0 is refused, because every tree
    begins with the empty one and a proof of it would show nothing; a protocol that gives it a meaning (tlog-witness)
    treats it before it asks here.
    """
    if not 0 < old_size <= new_size <= LARGEST_NUMBER:
        raise BadProof("the sizes leave nothing to prove")
    _check_nodes((old_root, new_root, *proof))
    if old_size == new_size:
        if proof or old_root != new_root:
            raise BadProof("trees of one size have one root and need no proof")
        return
    # A tree that is one full subtree is itself the first node; the proof leaves it out.
    nodes = list(proof) if old_size & (old_size - 1) else [old_root, *proof]
    if not nodes:
        raise BadProof("the proof has too few nodes")
    old, new = _rebuild_both(old_size, new_size, nodes)
    if old != old_root or new != new_root:
        raise BadProof("the proof leads to another root")


def _rebuild_both(old_size: int, new_size: int, nodes: Sequence[bytes]) -> tuple[bytes, bytes]:
    place, last = old_size - 1, new_size - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    old = new = nodes[0]
    for node in nodes[1:]:
        if not last:
            raise BadProof("the proof has too many nodes")
        if place & 1 or place == last:
            old, new = node_hash(node, old), node_hash(node, new)
            while place and not place & 1:
                place, last = place >> 1, last >> 1
        else:
            new = node_hash(new, node)
        place, last = place >> 1, last >> 1
    if last:
        raise BadProof("the proof has too few nodes")
    return old, new


def _left_width(width: int) -> int:
    """Largest power of two that is smaller than ``width``."""
    return 1 << ((width - 1).bit_length() - 1)


def _check_nodes(nodes: Sequence[bytes]) -> None:
    if not {HASH_BYTES}.issuperset(map(len, nodes)):
        raise BadProof(f"a node has {HASH_BYTES} bytes")
