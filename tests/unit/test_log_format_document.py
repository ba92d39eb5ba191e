"""docs/log-format.md says what the code does: its examples are made again here."""

import re
from pathlib import Path

from receipt_service.tlog.checkpoint import Checkpoint
from receipt_service.tlog.hash_reader import HashReader
from receipt_service.tlog.merkle import leaf_hash
from receipt_service.tlog.note import MOST_SIGNATURES, SignatureType, SignedNote, format_note
from receipt_service.tlog.policy import LOG_TYPES, WITNESS_TYPES, parse_policy
from receipt_service.tlog.proof import MOST_HASHES, LogProof, format_proof, parse_proof
from receipt_service.tlog.tiles import LARGEST_ENTRY, Tile, write_bundle
from receipt_service.tlog.trust import check_logged
from receipt_service.verify.note_checks import NOTE_CHECKS
from tests.support.log_keys import LogKey
from tests.support.tile_store import TileStore

DOCUMENT = (Path(__file__).resolve().parents[2] / "docs" / "log-format.md").read_text(encoding="utf-8")
EXAMPLES = [f"{body}\n" for body in re.findall(r"```text\n(.*?)\n```", DOCUMENT, re.DOTALL)]
LOG = LogKey("log.example/receipts", SignatureType.ED25519)
WITNESS = LogKey("witness.example/one", SignatureType.COSIGNATURE_ED25519)
OF_A_LOG = [f"entry {number}".encode() for number in range(5)]
LEAVES = [leaf_hash(entry) for entry in OF_A_LOG]


def proof():
    reader = HashReader(5, TileStore(LEAVES).read)
    checkpoint = Checkpoint("log.example/receipts", 5, reader.root())
    note = format_note(SignedNote(checkpoint.text, (LOG.sign(checkpoint), WITNESS.sign(checkpoint, 1_795_392_000))))
    return LogProof(2, reader.inclusion_proof(2), note)


def test_examples_are_what_the_code_makes():
    leaf, bundle, vkey, checkpoint, proof_file, _ = EXAMPLES
    assert leaf == LEAVES[0].hex() + "\n"
    assert bundle == write_bundle(OF_A_LOG[:2]).hex() + "\n"
    assert vkey == LOG.vkey + "\n"
    assert checkpoint.encode() == proof().checkpoint
    assert proof_file.encode() == format_proof(proof())


def test_the_proof_holds_under_the_policy():
    *_, proof_file, policy = EXAMPLES
    checked = check_logged(LEAVES[2], parse_proof(proof_file.encode()), parse_policy(policy.encode()), NOTE_CHECKS)
    assert checked.quorum_reached
    assert checked.earliest_time == 1_795_392_000


def test_numbers_and_types_are_the_code_s():
    assert f"at most {MOST_SIGNATURES} signatures" in DOCUMENT
    assert f"at most {MOST_HASHES};" in DOCUMENT
    assert f"0 to {LARGEST_ENTRY:,} bytes" in DOCUMENT
    assert "1234067 is `x001/x234/067`" in DOCUMENT
    assert Tile(0, 1234067).path == "tile/0/x001/x234/067"
    for word, types in (("log whose checkpoints", LOG_TYPES), ("witness and its name", WITNESS_TYPES)):
        line = next(line for line in DOCUMENT.splitlines() if word in line)
        assert {int(kind, 16) for kind in re.findall(r"`(0x\d\d)`", line)} == types
    rows = re.findall(r"^\| `(0x\d\d)` \| .*?, ([\d,]+) bytes \|", DOCUMENT, re.MULTILINE)
    assert {int(kind, 16): int(length.replace(",", "")) for kind, length in rows} == {
        kind: kind.public_key_bytes for kind in SignatureType
    }
