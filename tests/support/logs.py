"""A transparency log for tests: checks with leaves of their own, keys, a folder, and what keeps the log."""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine

from receipt_service.bootstrap.log import log_policy
from receipt_service.bootstrap.log_keys import LastSignedFile, load_log_keys, make_log_keys
from receipt_service.crypto.note_verification import ed25519_holds, ml_dsa_44_holds
from receipt_service.domain.canonical import base64url
from receipt_service.storage import log_entries, log_tree
from receipt_service.storage.engine import reading
from receipt_service.storage.stubs import pack_leaf
from receipt_service.tlog.hash_reader import check_tiles
from receipt_service.tlog.merkle import leaf_hash
from receipt_service.tlog.note import SignatureType
from receipt_service.tlog.policy import Policy
from receipt_service.tlog.tiles import ENTRIES, Tile, first_entries, tiles_of
from receipt_service.tlog.trust import CheckedCheckpoint, check_checkpoint
from receipt_service.transparency.checkpoints import CheckpointSigner
from receipt_service.transparency.log_folder import CHECKPOINT, LogFolder
from receipt_service.transparency.publishing import Publisher
from tests.support.issuances import an_issuance, store

ORIGIN = "recepisse.example/log"
NOW = datetime(2026, 11, 23, 14, 6, tzinfo=UTC)
CHECKS = {
    SignatureType.ED25519: ed25519_holds,
    SignatureType.COSIGNATURE_ED25519: ed25519_holds,
    SignatureType.COSIGNATURE_ML_DSA_44: ml_dsa_44_holds,
}


def a_leaf() -> str:
    """A leaf in the form of ours, which nobody signed."""
    payload = f'{{"iss":"x","_sd":["{base64url(secrets.token_bytes(32))}"],"_sd_alg":"sha-256"}}'
    return ".".join((base64url(b'{"alg":"ES256"}'), base64url(payload.encode()), "A" * 86))


def register(engine: Engine, count: int) -> list[str]:
    """Register so many checks; return their leaves."""
    leaves = [a_leaf() for _ in range(count)]
    store(engine, *(an_issuance(leaf=pack_leaf(leaf)) for leaf in leaves))
    return leaves


@dataclass
class KeptLog:
    """What one process has to keep a log with."""

    engine: Engine
    keys: Path
    root: Path
    signer: CheckpointSigner

    @property
    def folder(self) -> LogFolder:
        return LogFolder(self.root)

    @property
    def policy(self) -> Policy:
        return log_policy(None, self.signer.verifiers)

    def publisher(self, **changed) -> Publisher:
        given = {"origin": ORIGIN, "sign": self.signer.sign, "last": LastSignedFile(self.keys), "clock": lambda: NOW}
        return Publisher(self.engine, self.folder, **{**given, **changed})

    def publish(self):
        return self.publisher().publish()

    def checkpoint(self) -> CheckedCheckpoint:
        """The newest checkpoint, its signatures checked."""
        checked = check_checkpoint(self.folder.read(CHECKPOINT), self.policy, CHECKS)
        assert {key.type for key in checked.log_keys} == {
            SignatureType.ED25519,
            SignatureType.COSIGNATURE_ML_DSA_44,
        }
        return checked

    def entries(self) -> list[str]:
        """The published entries, once every tile was held against the root and every bundle against its tile."""
        checkpoint = self.checkpoint().checkpoint
        list(check_tiles(checkpoint.size, checkpoint.root, self.folder.read_tile))
        found = []
        for tile in tiles_of(checkpoint.size):
            if tile.level == ENTRIES:
                entries = first_entries(self.folder.read_tile(tile), tile.width)
                hashes = self.folder.read_tile(Tile(0, tile.index, tile.width))
                assert b"".join(map(leaf_hash, entries)) == hashes[: 32 * tile.width]
                found += [entry.decode() for entry in entries]
        return found

    def places(self) -> list[int]:
        with reading(self.engine) as connection:
            size = log_tree.read(connection).size
            return [entry.index for entry in log_entries.between(connection, 0, size + 10)]


def open_log(engine: Engine, base: Path) -> KeptLog:
    """The log of a folder; made when it is not there."""
    keys = base / "keys"
    signer = load_log_keys(keys) if keys.exists() else make_log_keys(keys, ORIGIN)
    return KeptLog(engine, keys, base / "log", signer)


@pytest.fixture
def kept_log(engine, tmp_path) -> KeptLog:
    return open_log(engine, tmp_path)
