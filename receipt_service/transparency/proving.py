"""Proofs: where an entry stands in the log, and the checkpoint that shows it, as a file that needs nobody."""

from sqlalchemy import Connection, Engine

from receipt_service.errors import NotFound
from receipt_service.storage import log_anchors, log_entries
from receipt_service.storage.engine import reading
from receipt_service.tlog.checkpoint import parse_checkpoint
from receipt_service.tlog.hash_reader import HashReader
from receipt_service.tlog.note import parse_note
from receipt_service.tlog.proof import LogProof, format_proof
from receipt_service.transparency.log_folder import CHECKPOINT, WITNESSED, LogFolder


class Proofs:
    """Gives proofs out of the database, which knows the place, and the folder, which has the hashes."""

    def __init__(self, engine: Engine, folder: LogFolder) -> None:
        """``folder`` is the one that the publisher writes, or a copy of it."""
        self._engine, self._folder = engine, folder

    def of_leaf(self, leaf_hash: bytes) -> bytes:
        """Return the proof file (tlog-proof) of the entry with this leaf hash.

        Of the checkpoints that cover it: the first that was kept, which says best before when the entry stood; else
        the newest one that enough witnesses cosigned; else the newest one. Raises ``NotFound`` for an entry that no
        checkpoint covers, yet or ever, and ``Unavailable`` for a folder that lacks what it should have.

        Its extra data is the newest anchor without the entry: the tree that a receipt in this place has named.
        """
        with reading(self._engine) as connection:
            for index in log_entries.places(connection, leaf_hash):
                found = self._checkpoint_over(connection, index)
                if found is None:
                    continue
                size, note = found
                hashes = HashReader(size, self._folder.read_tile)
                if hashes.leaf(index) == leaf_hash:
                    before = _anchor_before(connection, index)
                    return format_proof(LogProof(index, hashes.inclusion_proof(index), note, before))
        raise NotFound("no published entry of the log has this hash")

    def _checkpoint_over(self, connection: Connection, index: int) -> tuple[int, bytes] | None:
        anchor = log_anchors.first_over(connection, index)
        if anchor is not None:
            return anchor.size, anchor.note.encode()
        for name in (WITNESSED, CHECKPOINT):
            note = self._folder.read(name)
            size = 0 if note is None else parse_checkpoint(parse_note(note).text).size
            if note is not None and size > index:
                return size, note
        return None


def _anchor_before(connection: Connection, index: int) -> bytes:
    anchor = log_anchors.last_up_to(connection, index)
    return b"" if anchor is None else anchor.note.encode()
