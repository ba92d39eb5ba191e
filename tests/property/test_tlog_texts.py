"""Notes, checkpoints, proofs and policies: written and read they are the same, and no two texts are one thing."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receipt_service.tlog.checkpoint import Checkpoint, MalformedCheckpoint, parse_checkpoint
from receipt_service.tlog.merkle import EMPTY_ROOT
from receipt_service.tlog.notation import MalformedLogText
from receipt_service.tlog.note import (
    BadSignature,
    MalformedNote,
    Signature,
    SignatureType,
    SignedNote,
    VerifierKey,
    format_note,
    parse_note,
    parse_vkey,
)
from receipt_service.tlog.policy import (
    Group,
    KnownLog,
    KnownWitness,
    MalformedPolicy,
    Policy,
    format_policy,
    parse_policy,
)
from receipt_service.tlog.proof import LogProof, MalformedLogProof, format_proof, parse_proof
from receipt_service.tlog.trust import check_checkpoint
from receipt_service.verify.note_checks import NOTE_CHECKS
from tests.support.log_keys import LogKey

LETTERS = st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"])
LINES = st.text(LETTERS, min_size=1, max_size=20)
NAMES = LINES.filter(lambda text: "+" not in text and not any(letter.isspace() for letter in text))
HASHES = st.binary(min_size=32, max_size=32)
NUMBERS = st.integers(0, 2**63 - 1)
SIGNATURES = st.builds(Signature, NAMES, st.binary(min_size=4, max_size=4), st.binary(min_size=1, max_size=80))
NOTES = st.builds(
    SignedNote,
    st.lists(st.text(LETTERS, max_size=20), min_size=1, max_size=5).map(lambda lines: "\n".join([*lines, ""])),
    st.lists(SIGNATURES, min_size=1, max_size=5).map(tuple),
)
EXTENSIONS = st.lists(LINES, max_size=2).map(tuple)
EMPTY = st.builds(Checkpoint, LINES, st.just(0), st.just(EMPTY_ROOT))
CHECKPOINTS = EMPTY | st.builds(Checkpoint, LINES, NUMBERS.filter(bool), HASHES, EXTENSIONS)
PROOFS = st.builds(
    LogProof,
    NUMBERS,
    st.lists(HASHES, max_size=4).map(tuple),
    st.binary(max_size=30).map(lambda data: data + b"\n"),
    st.binary(max_size=9),
)
READERS = [(parse_note, MalformedNote), (parse_proof, MalformedLogProof), (parse_policy, MalformedPolicy)]
LOG = LogKey("log.example", SignatureType.ED25519)
WITNESS = LogKey("witness.example", SignatureType.COSIGNATURE_ED25519)
HEAD = Checkpoint("log.example", 5, bytes(32))
SIGNED = format_note(SignedNote(HEAD.text, (LOG.sign(HEAD), WITNESS.sign(HEAD, 1_700_000_000))))
POLICY = parse_policy(f"log {LOG.vkey}\nwitness w {WITNESS.vkey}\nquorum w\n".encode())


@st.composite
def mutated(draw, data):
    """Bytes with one of them changed, missing, or put in."""
    place = draw(st.integers(0, len(data) - 1))
    new = bytes([draw(st.integers(0, 255))])
    rest = draw(st.sampled_from([0, 1]))
    put = draw(st.sampled_from([b"", new, b"\n", b" ", b"0", b"="]))
    return data[:place] + put + data[place + rest :]


@st.composite
def policies(draw):
    names = draw(st.lists(NAMES.filter(lambda name: name != "none"), min_size=2, max_size=6, unique=True))
    *witness_names, group_name = names
    witnesses = tuple(
        KnownWitness(
            name,
            VerifierKey(name, SignatureType.COSIGNATURE_ED25519, bytes([number]) * 32),
            draw(st.none() | st.just("https://w.example/")),
        )
        for number, name in enumerate(witness_names)
    )
    group = Group(group_name, draw(st.integers(1, len(witness_names))), tuple(witness_names))
    logs = (KnownLog(VerifierKey(group_name, SignatureType.ED25519, bytes(32))),)
    return Policy(logs, witnesses, (group,), draw(st.sampled_from([*names, "none"])))


@given(NOTES, st.data())
def test_notes(note, data):
    written = format_note(note)
    assert parse_note(written) == note
    has_one_form(written, data.draw(mutated(written)), parse_note, format_note, MalformedNote)


@given(CHECKPOINTS, st.data())
def test_checkpoints(checkpoint, data):
    written = checkpoint.text.encode()

    def read(mutation):
        try:
            return parse_checkpoint(mutation.decode())
        except UnicodeDecodeError as error:
            raise MalformedCheckpoint from error

    assert read(written) == checkpoint
    has_one_form(written, data.draw(mutated(written)), read, lambda read: read.text.encode(), MalformedCheckpoint)


@given(PROOFS, st.data())
def test_proofs(proof, data):
    written = format_proof(proof)
    assert parse_proof(written) == proof
    has_one_form(written, data.draw(mutated(written)), parse_proof, format_proof, MalformedLogProof)


@given(policies())
def test_policies(policy):
    assert parse_policy(format_policy(policy)) == policy


@given(NAMES, st.sampled_from(SignatureType), st.data())
def test_keys(name, kind, data):
    key = VerifierKey(name, kind, data.draw(st.binary(min_size=1, max_size=1)) * kind.public_key_bytes)
    assert parse_vkey(key.vkey) == key
    with pytest.raises(MalformedLogText):
        parse_vkey(key.vkey + data.draw(st.sampled_from(["=", "A", "+", "\n", " "])))


@given(st.binary(max_size=200) | mutated(SIGNED) | mutated(format_policy(POLICY)))
def test_whatever_comes_in_is_read_or_refused(data):
    """Hostile bytes raise our errors and no others."""
    for parse, refused in READERS:
        with contextlib.suppress(refused):
            parse(data)


@given(mutated(SIGNED))
def test_no_mutation_of_a_signed_checkpoint_is_another_checkpoint(data):
    """It is refused, or it is the same tree by the same log; only the witness may be lost, to another name."""
    try:
        checked = check_checkpoint(data, POLICY, NOTE_CHECKS)
    except (MalformedLogText, BadSignature):
        return
    assert checked.checkpoint == HEAD
    assert checked.log_keys == (LOG.key,)
    assert all(given.time == 1_700_000_000 for given in checked.cosignatures)


def has_one_form(written, mutation, parse, write, refused):
    """A mutation is refused, or it is the one form of something else."""
    try:
        other = parse(mutation)
    except refused:
        return
    assert write(other) == mutation
    assert (other == parse(written)) == (mutation == written)
