"""The proofs of this folder that show nothing, each for one reason, and what the log's "not found" means."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from receipt_service.tlog.checkpoint import Checkpoint
from receipt_service.tlog.merkle import EMPTY_ROOT
from receipt_service.tlog.note import Signature
from receipt_service.tlog.proof import HEADER
from tests.support.receipts import NOW
from tests.support.small_log import (
    IMPOSTOR,
    LOG,
    LOG_PQ,
    NORTH,
    ORIGIN,
    OTHER_LOG,
    PLACE,
    SOUTH,
    by_log,
    checkpoint_of,
    note_of,
    path_of,
)
from tests.vectors.log.good_proofs import HEAD, IDENTITY, SEEN, SIZE, TEXTS, Vector, bent, proof, witnessed

ORDER = 2**252 + 27742317777372353535851937790883648493


def bogus() -> Iterator[Vector]:
    yield from bogus_paths()
    yield from bogus_checkpoints()
    yield from bogus_signatures()
    yield from bogus_files()


def refused(name: str, content: bytes, comment: str, **changed: Any) -> Vector:
    return Vector(f"bogus-{name}", content, "proof_not_valid", comment, **changed)


def bogus_paths() -> Iterator[Vector]:
    both, path = witnessed(NORTH, SOUTH), path_of(TEXTS, PLACE)
    altered = bytes([path[1][0] ^ 1]) + path[1][1:]
    yield refused("wrong-index", proof(*both, place=PLACE - 1), "the index of the entry beside it")
    yield refused("index-beyond", proof(*both, place=SIZE), "an index that the tree does not have")
    yield refused("altered-node", proof(*both, hashes=(path[0], altered, *path[2:])), "one bit of a node")
    yield refused("node-missing", proof(*both, hashes=path[:-1]), "a node less")
    yield refused("node-too-many", proof(*both, hashes=(*path, path[0])), "a node more")
    yield refused("nodes-swapped", proof(*both, hashes=path[::-1]), "the nodes from the top down")
    yield refused("other-leaf", proof(*both, index=PLACE + 1), "the proof of another receipt")


def bogus_checkpoints() -> Iterator[Vector]:
    other = replace(HEAD, origin="autre.example/log")
    cosigned = [key.sign(other, SEEN) for key in (NORTH, SOUTH)]
    yield refused("other-log", proof(OTHER_LOG.sign(other), *cosigned, head=other), "the checkpoint of another log")
    lent = [key.sign(other) for key in (LOG, LOG_PQ)]
    yield refused("lent-key", proof(*lent, *cosigned, head=other), "a known log's key under another log's name")
    before = checkpoint_of(TEXTS, SIZE - 1)
    yield refused("older-root", proof(*witnessed(NORTH, SOUTH, head=before), head=before), "an older tree's checkpoint")
    larger = replace(HEAD, size=SIZE + 1)
    yield refused("size-altered", proof(*witnessed(NORTH, SOUTH), head=larger), "signatures of another size")
    empty = Checkpoint(ORIGIN, 0, EMPTY_ROOT)
    yield refused("empty-tree", proof(*witnessed(NORTH, SOUTH, head=empty), head=empty, hashes=()), "an empty tree")


def bogus_signatures() -> Iterator[Vector]:
    north, south = NORTH.sign(HEAD, SEEN), SOUTH.sign(HEAD, SEEN)
    impostor = IMPOSTOR.sign(HEAD)
    yield refused(
        "wrong-key",
        proof(replace(impostor, key_name=ORIGIN), north, south),
        "signed by a key that nobody knows, under the log's name",
    )
    yield refused(
        "wrong-key-id",
        proof(replace(impostor, key_name=ORIGIN, key_id=LOG.key.key_id), north, south),
        "the same, with the key id of the log's key",
    )
    yield refused("no-log", proof(north, south), "witnesses alone, without the log")
    yield refused("cosignature-bent", proof(*by_log(HEAD), bent(north), south), "a known witness's does not hold")
    moved = Signature(north.key_name, north.key_id, (SEEN - 60).to_bytes(8, "big") + north.value[8:])
    yield refused("time-altered", proof(*by_log(HEAD), moved, south), "a witness's time was put back")
    elsewhere = NORTH.sign(checkpoint_of(TEXTS, SIZE - 1), SEEN)
    yield refused("cosignature-of-another-tree", proof(*by_log(HEAD), elsewhere, south), "taken from another tree")
    future = NORTH.sign(HEAD, int(NOW.timestamp()) + 301)
    yield refused("future", proof(*by_log(HEAD), future, south), "a witness's time is to come")
    plain = LOG.sign(HEAD).value
    twin = plain[:32] + (int.from_bytes(plain[32:], "little") + ORDER).to_bytes(32, "little")
    yield refused("s-not-reduced", proof(replace(LOG.sign(HEAD), value=twin), north, south), "the signature's twin")
    fits_all = Signature(ORIGIN, IDENTITY.key_id, (1).to_bytes(32, "little") + bytes(32))
    yield refused("small-order", proof(fits_all), "a log's key of small order", policy="policy-small-order.txt")
    short = replace(north, value=north.value[:-1])
    yield refused("cosignature-short", proof(*by_log(HEAD), short, south), "a witness's signature lacks a byte")


def bogus_files() -> Iterator[Vector]:
    sound = proof(*witnessed(NORTH, SOUTH))
    head, _, note = sound.partition(b"\n\n")
    yield refused("empty", b"", "nothing")
    yield refused("header", sound.replace(HEADER.encode(), b"c2sp.org/tlog-proof@v2"), "another version")
    yield refused("index-spelt", sound.replace(b"index 3", b"index 03"), "a leading zero")
    yield refused("index-missing", sound.replace(b"index 3\n", b""), "no index")
    yield refused("crlf", sound.replace(b"\n", b"\r\n"), "line ends of another system")
    yield refused("cut", sound[:-1], "the last line end is missing")
    yield refused("after", sound + b"\n", "a line more at the end")
    yield refused("note-alone", note, "the checkpoint without the proof")
    yield refused("head-alone", head + b"\n", "the proof without the checkpoint")
    yield refused("not-utf-8", sound.replace(b"\xe2\x80\x94 ", b"\xe2\x80 "), "the dash is cut")
    padded = head.rpartition(b"=")[0] + b"\n\n" + note
    yield refused("padding", padded, "base64 without its padding")
    letters = head[:-2] + bytes([head[-2] + 1]) + head[-1:] + b"\n\n" + note
    yield refused("spare-bits", letters, "base64 with spare bits set")


def absences() -> list[dict[str, Any]]:
    """What the log's "not found" means, by the day of issuance and the clock."""
    impostor = replace(IMPOSTOR.sign(HEAD), key_name=ORIGIN)
    cases = [
        ("not-yet", "2026-11-24T08:00:00Z", "checkpoint", "not_yet_logged", None, "the morning after"),
        ("last-second", "2026-11-25T00:00:00Z", "checkpoint", "not_yet_logged", None, "the last second of its time"),
        ("never", "2026-11-25T00:00:01Z", "checkpoint", "never_logged", None, "a second later"),
        ("nobody", "2026-12-24T08:00:00Z", "checkpoint-wrong-key", "not_checked", "log_unreachable", "not the log"),
        ("rubbish", "2026-12-24T08:00:00Z", "checkpoint-rubbish", "not_checked", "log_unreachable", "a login page"),
    ]
    files = {
        "checkpoint": note_of(HEAD, *witnessed(NORTH, SOUTH)).decode(),
        "checkpoint-wrong-key": note_of(HEAD, impostor).decode(),
        "checkpoint-rubbish": "<html>log in</html>",
    }
    return [
        {
            "name": name,
            "issued_on": "2026-11-23",
            "now": now,
            "checkpoint": files[file],
            "policy": "policy.txt",
            "state": state,
            "why": why,
            "due": "2026-11-25T00:00:00Z" if why is None else None,
            "comment": comment,
        }
        for name, now, file, state, why, comment in cases
    ]
