"""The log's formats against what others wrote: tests/vectors/tlog/README.md says who."""

import hashlib
import json
from pathlib import Path

import pytest

from receipt_service.tlog.checkpoint import check_signature, parse_checkpoint
from receipt_service.tlog.merkle import BadProof, leaf_hash, root_hash, verify_consistency, verify_inclusion
from receipt_service.tlog.notation import base64, read_hash
from receipt_service.tlog.note import (
    MalformedKey,
    SignatureType,
    VerifierKey,
    format_note,
    open_note,
    parse_note,
    parse_vkey,
)
from receipt_service.tlog.policy import parse_policy
from receipt_service.tlog.proof import LogProof, MalformedLogProof, format_proof, parse_proof
from receipt_service.tlog.trust import check_checkpoint
from receipt_service.verify.note_checks import NOTE_CHECKS

VECTORS = Path(__file__).parents[1] / "vectors" / "tlog"
MERKLE = json.loads((VECTORS / "merkle.json").read_text())
NOTES = json.loads((VECTORS / "notes.json").read_text())
LEAVES = [bytes.fromhex(text) for text in MERKLE["leaf_hashes"]]
ROOTS = [bytes.fromhex(text) for text in MERKLE["roots"]]
RANDOM = bytes.fromhex(MERKLE["random_hash"])
EMPTY = ROOTS[0]
ED25519 = NOTE_CHECKS[SignatureType.ED25519]


def nodes(case):
    return [bytes.fromhex(text) for text in case["proof"]]


def bent_nodes(proof, bit, *fillers):
    """The ways to bend a list of nodes that both kinds of proof share."""
    for filler in (b"", *fillers):
        yield f"trailing {filler.hex()}", [*proof, filler]
        yield f"preceding {filler.hex()}", [filler, *proof]
    for place, node in enumerate(proof):
        flipped = bytes([node[0] ^ 1 << bit]) + node[1:]
        yield f"modified {place}", [*proof[:place], flipped, *proof[place + 1 :]]


def hostile_inclusions():
    for number, case in enumerate(MERKLE["inclusion"]):
        index, size, proof = case["index"], case["size"], nodes(case)
        leaf, root = LEAVES[index], ROOTS[size]
        for other in (index - 1, (index - 1) % 2**64, index + 1, index ^ 2):
            yield f"{number} index {other}", (leaf, other, size, proof, root)
        for other in (size * 2, size // 2):
            yield f"{number} size {other}", (leaf, index, other, proof, root)
        yield f"{number} wrong leaf", (b"WrongLeaf", index, size, proof, root)
        yield f"{number} empty root", (leaf, index, size, proof, EMPTY)
        yield f"{number} random root", (leaf, index, size, proof, RANDOM)
        for name, bent in bent_nodes(proof, 3, root):
            yield f"{number} {name}", (leaf, index, size, bent, root)
        if proof:
            yield f"{number} removed", (leaf, index, size, proof[:-1], root)
        if len(proof) > 1:
            yield f"{number} inserted", (leaf, index, size, [proof[0], RANDOM, *proof[1:]], root)
    for index, size in MERKLE["inclusion_sizes"]:
        yield f"sizes {index} {size} no root", (RANDOM, index, size, [], b"")
        yield f"sizes {index} {size} no leaf", (b"", index, size, [], EMPTY)
        yield f"sizes {index} {size} mismatch", (RANDOM, index, size, [], EMPTY)
    single = leaf_hash(b"data")
    yield "single no leaf", (b"", 0, 1, [], single)
    yield "single no root", (single, 0, 1, [], b"")
    yield "single neither", (b"", 0, 1, [], b"")


def hostile_consistencies():
    for number, case in enumerate(MERKLE["consistency"]):
        old, new, proof = case["size1"], case["size2"], nodes(case)
        if not proof:
            continue
        old_root, new_root = ROOTS[old], ROOTS[new]
        for other in (old - 1, old + 1, old ^ 2):
            yield f"{number} old size {other}", (other, old_root, new, new_root, proof)
        for other in (new * 2, new // 2):
            yield f"{number} new size {other}", (old, old_root, other, new_root, proof)
        yield f"{number} wrong old root", (old, b"WrongRoot", new, new_root, proof)
        yield f"{number} wrong new root", (old, old_root, new, b"WrongRoot", proof)
        yield f"{number} swapped", (old, new_root, new, old_root, proof)
        yield f"{number} empty", (old, old_root, new, new_root, [])
        yield f"{number} truncated", (old, old_root, new, new_root, proof[:-1])
        for name, bent in bent_nodes(proof, 4, old_root, new_root, proof[0]):
            yield f"{number} {name}", (old, old_root, new, new_root, bent)
    for number, case in enumerate(MERKLE["consistency_sizes"]):
        roots = [bytes.fromhex(case[name]) for name in ("root1", "root2")]
        yield f"sizes {number}", (case["size1"], roots[0], case["size2"], roots[1], nodes(case))


def test_leaves_and_roots():
    assert [leaf_hash(bytes.fromhex(entry)) for entry in MERKLE["entries"]] == LEAVES
    assert [root_hash(LEAVES[:size]) for size in range(9)] == ROOTS


@pytest.mark.parametrize("case", MERKLE["inclusion"])
def test_inclusion_proofs_hold(case):
    verify_inclusion(LEAVES[case["index"]], case["index"], case["size"], nodes(case), ROOTS[case["size"]])


@pytest.mark.parametrize("case", MERKLE["consistency"])
def test_consistency_proofs_hold(case):
    old, new = case["size1"], case["size2"]
    verify_consistency(old, ROOTS[old], new, ROOTS[new], nodes(case))


@pytest.mark.parametrize(
    ("name", "call"), list(hostile_inclusions()), ids=lambda value: value if type(value) is str else ""
)
def test_hostile_inclusion_is_refused(name, call):
    with pytest.raises(BadProof):
        verify_inclusion(*call)


@pytest.mark.parametrize(
    ("name", "call"), list(hostile_consistencies()), ids=lambda value: value if type(value) is str else ""
)
def test_hostile_consistency_is_refused(name, call):
    with pytest.raises(BadProof):
        verify_consistency(*call)


def test_gos_note_opens():
    note = NOTES["peter_neumann"]
    key = parse_vkey(note["vkey"])
    data = f"{note['text']}\n{note['signature_line']}".encode()

    opened, signed_by = open_note(data, [key], ED25519)

    assert opened.text == note["text"]
    assert signed_by == [key]
    assert format_note(opened) == data


@pytest.mark.parametrize("vkey", [*NOTES["vkeys"]["good"], NOTES["ml_dsa_44"]["vkey"]], ids=lambda vkey: vkey[:20])
def test_vkeys_are_read_and_written(vkey):
    assert parse_vkey(vkey).vkey == vkey


@pytest.mark.parametrize("vkey", NOTES["vkeys"]["bad"])
def test_bad_vkeys_are_refused(vkey):
    with pytest.raises(MalformedKey):
        parse_vkey(vkey)


def test_a_cosignatures_time_is_read():
    value = NOTES["cosignature_time"]["signature"]
    note = parse_note(f"a\n\n— witness {value}\n".encode())
    checkpoint = parse_checkpoint(NOTES["checkpoint_of_the_specification"].partition("\n\n")[0] + "\n")
    key = VerifierKey("witness", SignatureType.COSIGNATURE_ED25519, bytes(32))

    time = check_signature(checkpoint, key, note.signatures[0], {SignatureType.COSIGNATURE_ED25519: lambda *_: True})

    assert time == NOTES["cosignature_time"]["time"]


def test_the_specifications_checkpoint_is_read_and_written():
    data = NOTES["checkpoint_of_the_specification"].encode()
    note = parse_note(data)
    checkpoint = parse_checkpoint(note.text)

    assert format_note(note) == data
    assert (checkpoint.origin, checkpoint.size) == ("example.com/behind-the-sofa", 20852163)
    assert [signature.key_name for signature in note.signatures] == [
        "example.com/behind-the-sofa",
        "witness.example.com/w1",
    ]


@pytest.mark.parametrize("data", NOTES["tessera"]["checkpoints"], ids=["0", "12", "15"])
def test_tesseras_checkpoints_are_signed_over_the_roots_we_compute(data):
    leaves = [leaf_hash(entry.encode()) for entry in NOTES["tessera"]["entries"]]
    policy = parse_policy(f"log {NOTES['tessera']['vkey']}\nquorum none\n".encode())

    checked = check_checkpoint(data.encode(), policy, NOTE_CHECKS)

    assert checked.checkpoint.root == root_hash(leaves[: checked.checkpoint.size])
    assert format_note(checked.note) == data.encode()


@pytest.mark.parametrize(("size", "root"), NOTES["tessera"]["other_roots"].items())
def test_tesseras_other_roots(size, root):
    leaves = [leaf_hash(entry.encode()) for entry in NOTES["tessera"]["entries"][: int(size)]]
    assert base64(root_hash(leaves)) == root


def test_sigsums_checkpoints_are_signed_and_consistent():
    vectors = NOTES["sigsum"]
    origin = vectors["checkpoints"][0].partition("\n")[0]
    key = VerifierKey(origin, SignatureType.ED25519, bytes.fromhex(vectors["public_key"]))
    policy = parse_policy(f"log {key.vkey}\nquorum none\n".encode())
    checked = [check_checkpoint(data.encode(), policy, NOTE_CHECKS).checkpoint for data in vectors["checkpoints"]]
    roots = {checkpoint.size: checkpoint.root for checkpoint in checked}

    for case in vectors["consistency"]:
        proof = [read_hash(text) for text in case["proof"]]
        verify_consistency(case["old"], roots[case["old"]], case["new"], roots[case["new"]], proof)


def test_torchwoods_ml_dsa_44_signature_holds():
    policy = parse_policy(f"log {NOTES['ml_dsa_44']['vkey']}\nquorum none\n".encode())

    checked = check_checkpoint(NOTES["ml_dsa_44"]["checkpoint"].encode(), policy, NOTE_CHECKS)

    assert checked.log_keys[0].type is SignatureType.COSIGNATURE_ML_DSA_44
    assert checked.checkpoint.size == 1


@pytest.mark.parametrize("case", NOTES["proofs"]["good"])
def test_proof_files_are_written_and_read(case):
    hashes = tuple(hashlib.sha256(word.encode()).digest() for word in case["hashes_of"])
    proof = LogProof(case["index"], hashes, case["checkpoint"].encode(), case["extra"].encode())
    extra = f"extra {base64(proof.extra)}\n" if proof.extra else ""
    lines = "".join(f"{base64(node)}\n" for node in hashes)

    assert format_proof(proof).decode() == (
        f"c2sp.org/tlog-proof@v1\n{extra}index {case['index']}\n{lines}\n{case['checkpoint']}"
    )
    assert parse_proof(format_proof(proof)) == proof


@pytest.mark.parametrize("data", NOTES["proofs"]["bad"])
def test_bad_proof_files_are_refused(data):
    with pytest.raises(MalformedLogProof):
        parse_proof(data.encode())
