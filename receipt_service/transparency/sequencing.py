"""Sequencing: what is committed gets its place in the log, once and for ever, in one transaction.

Within a batch the entries stand in the order of their hashes, which is nobody's order: the place of a leaf says no
more of when a check was than the batch does.
"""

from operator import itemgetter

from sqlalchemy import Engine

from receipt_service.errors import Unavailable
from receipt_service.storage import log_entries, log_queue, log_tree
from receipt_service.storage.engine import reading, writing
from receipt_service.tlog.merkle import RightEdge, leaf_hash


def sequence(engine: Engine, limit: int) -> int:
    """Give at most ``limit`` waiting entries their places; return how many it were.

    Killed at any point, all of them have places or none has. Raises ``LookupError`` for a stub that is gone from the
    book, ``BadProof`` for a stored tree that is none, and ``Unavailable`` when another sequencer was first.
    """
    with writing(engine) as connection:
        before = log_tree.lock(connection)
        waiting = log_queue.claim(connection, limit)
        if not waiting:
            return 0
        entries = sorted(((leaf_hash(entry.text.encode()), entry) for entry in waiting), key=itemgetter(0))
        log_entries.append(connection, before.size, entries)
        edge = RightEdge(before.size, before.edge).extended([hashed for hashed, _ in entries])
        if not log_tree.grow(connection, before, size=edge.size, root=edge.root, edge=edge.hashes):
            raise Unavailable("another sequencer appended to the log")
    return len(waiting)


def has_work(engine: Engine) -> bool:
    """Tell whether something waits, without keeping any writer from its work."""
    with reading(engine) as connection:
        return not log_queue.is_empty(connection)
