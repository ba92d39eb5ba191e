"""A made-up log with as many histories as one likes, witnesses that follow it, and its tiles as files."""

import time
from hashlib import sha256

from receipt_service.bootstrap.witness_folder import follow_logs, load_witness, make_witness
from receipt_service.tlog.add_checkpoint import AddCheckpoint, format_request
from receipt_service.tlog.checkpoint import Checkpoint, check_signature
from receipt_service.tlog.note import SignatureType, SignedNote, format_note, parse_signatures
from receipt_service.tlog.tiles import grow_tiles
from receipt_service.transparency.log_folder import CHECKPOINT, LogFolder
from receipt_service.transparency.publishing import Published
from receipt_service.verify.note_checks import NOTE_CHECKS
from tests.support.log_keys import LogKey
from tests.support.merkle_by_definition import consistency_path, tree_hash

ORIGIN = "log.example/receipts"
LOG = LogKey(ORIGIN, SignatureType.ED25519)
LOG_PQ = LogKey(ORIGIN, SignatureType.COSIGNATURE_ML_DSA_44)
STRANGER = LogKey(ORIGIN, SignatureType.COSIGNATURE_ED25519)
NAME = "witness.example/w1"


def leaves(count, branch="a", after=()):
    """So many leaf hashes of a history, behind those of another one where it branches off."""
    return [*after, *(sha256(f"{branch} {number}".encode()).digest() for number in range(len(after), count))]


def checkpoint_of(tree, origin=ORIGIN):
    return Checkpoint(origin, len(tree), tree_hash(tree))


def signed(tree, keys=(LOG, LOG_PQ), origin=ORIGIN):
    checkpoint = checkpoint_of(tree, origin)
    return format_note(SignedNote(checkpoint.text, tuple(key.sign(checkpoint) for key in keys)))


def request(tree, old_size, proof=None, note=None):
    """What a log sends, honest unless told otherwise."""
    if proof is None:
        proof = consistency_path(old_size, tree) if 0 < old_size <= len(tree) else []
    return format_request(AddCheckpoint(old_size, tuple(proof), signed(tree) if note is None else note))


def a_witness(folder, name=NAME, keys=(LOG, LOG_PQ)):
    make_witness(folder, name)
    if keys:
        follow_logs(folder, [key.vkey for key in keys])
    return load_witness(folder)


def times_of(answer, tree, keys):
    """The time of each cosignature of an answer; every one must hold, and there must be one of each key."""
    signatures = parse_signatures(answer.decode())
    by_id = {(key.name, key.key_id): key for key in keys}
    assert [(one.key_name, one.key_id) for one in signatures] == list(by_id)
    return [
        check_signature(checkpoint_of(tree), by_id[one.key_name, one.key_id], one, NOTE_CHECKS) for one in signatures
    ]


class FileLog:
    """A log's folder without a database behind it."""

    def __init__(self, root):
        self.root = root
        self.folder = LogFolder(root)
        self.tree = []

    def publish(self, size, branch="a"):
        """Grow to a size and publish it, as ``Publisher`` does."""
        before, self.tree = len(self.tree), leaves(size, branch, self.tree)
        self.folder.write_tiles(list(grow_tiles(before, self.tree[before:], self.folder.read_tile)))
        note = signed(self.tree)
        self.folder.write_checkpoint(CHECKPOINT, note)
        return Published(size, size - before, note)


def until(condition, seconds=15.0):
    """Wait until something is so."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come to be in time"
        time.sleep(0.01)
