"""RFC 6962 §2.1 written down as it stands there, recursive and slow: what the real code is held to."""

from hashlib import sha256


def split(count):
    """Largest power of two below the count."""
    width = 1
    while width * 2 < count:
        width *= 2
    return width


def tree_hash(leaves):
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    middle = split(len(leaves))
    return sha256(b"\x01" + tree_hash(leaves[:middle]) + tree_hash(leaves[middle:])).digest()


def inclusion_path(index, leaves):
    if len(leaves) == 1:
        return []
    middle = split(len(leaves))
    if index < middle:
        return [*inclusion_path(index, leaves[:middle]), tree_hash(leaves[middle:])]
    return [*inclusion_path(index - middle, leaves[middle:]), tree_hash(leaves[:middle])]


def consistency_path(old_size, leaves, *, whole=True):
    if old_size == len(leaves):
        return [] if whole else [tree_hash(leaves)]
    middle = split(len(leaves))
    if old_size <= middle:
        return [*consistency_path(old_size, leaves[:middle], whole=whole), tree_hash(leaves[middle:])]
    return [*consistency_path(old_size - middle, leaves[middle:], whole=False), tree_hash(leaves[:middle])]
