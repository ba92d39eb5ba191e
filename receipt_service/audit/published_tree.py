"""Whether an entry stands in the published log: by a proof, and not by the database's word."""

from contextlib import suppress
from dataclasses import dataclass

from sqlalchemy import Connection

from receipt_service.errors import Unavailable
from receipt_service.storage import audited
from receipt_service.storage.log_entries import leaf_key
from receipt_service.tlog.hash_reader import HashReader
from receipt_service.tlog.merkle import BadProof, verify_inclusion
from receipt_service.tlog.notation import MalformedLogText
from receipt_service.tlog.tiles import ReadTile


@dataclass(frozen=True, slots=True)
class PublishedTree:
    """The tree of a checkpoint."""

    size: int
    root: bytes
    read_tile: ReadTile

    def holds(self, connection: Connection, hashed: bytes) -> bool:
        """Tell whether the tree holds a leaf hash; the database only says where to look."""
        reader, key = HashReader(self.size, self.read_tile), leaf_key(hashed)
        for row in audited.places_of(connection, [key]).get(key, []):
            if row.place < self.size:
                with suppress(BadProof, MalformedLogText, Unavailable):
                    verify_inclusion(hashed, row.place, self.size, reader.inclusion_proof(row.place), self.root)
                    return True
        return False
