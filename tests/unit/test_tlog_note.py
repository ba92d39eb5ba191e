"""Signed notes, keys, checkpoints and proof files: one form of each, and nothing else is read."""

import pytest

from receipt_service.tlog.checkpoint import Checkpoint, MalformedCheckpoint, parse_checkpoint, signed_bytes
from receipt_service.tlog.merkle import EMPTY_ROOT
from receipt_service.tlog.notation import MalformedLogText, base64, from_base64, read_hash, read_number
from receipt_service.tlog.note import (
    MOST_SIGNATURES,
    BadSignature,
    MalformedKey,
    MalformedNote,
    Signature,
    SignatureType,
    SignedNote,
    VerifierKey,
    format_note,
    known_signatures,
    open_note,
    parse_note,
    parse_signatures,
    parse_vkey,
)
from receipt_service.tlog.proof import LogProof, MalformedLogProof, format_proof, parse_proof, read_hashes
from tests.support.log_keys import LogKey

ROOT = bytes(range(32))
SIGNATURE = Signature("log.example", b"\x01\x02\x03\x04", b"signed")
NOTE = SignedNote("line\n\nline\n", (SIGNATURE,))
DATA = format_note(NOTE)
CHECKPOINT = Checkpoint("log.example/ä b", 7, ROOT)
KEYS = {kind: LogKey("log.example", kind).key for kind in SignatureType}


def test_numbers_have_one_form():
    assert [read_number(text) for text in ("0", "7", "10", str(2**63 - 1))] == [0, 7, 10, 2**63 - 1]
    for text in ("", "00", "07", "+7", "-0", " 7", "7\n", "1_0", "\u0661", str(2**63), "1" * 5000):
        with pytest.raises(MalformedLogText):
            read_number(text)


def test_base64_has_one_form():
    assert from_base64("AA==") == b"\0"
    for text in ("AA", "AB==", "AA=", "AA===", "AA==\n", " AA==", "A-==", "é===", "AAA=AAA=", "="):
        with pytest.raises(MalformedLogText):
            from_base64(text)
    with pytest.raises(MalformedLogText, match="32 bytes"):
        read_hash("AA==")


def test_a_note_is_read_and_written():
    assert b"line\n\nline\n\n\xe2\x80\x94 log.example " + base64(b"\1\2\3\4signed").encode() + b"\n" == DATA
    assert parse_note(DATA) == NOTE


def line(text):
    return f"text\n\n— {text}\n".encode()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"text\n",
        b"text\n\n",
        b"text\n\n\n",
        DATA[:-1],
        DATA + b"\n",
        DATA + b"x\n",
        DATA.replace(b"line", b"li\0ne"),
        DATA.replace(b"line", b"li\tne"),
        DATA.replace(b"\n", b"\r\n"),
        DATA.replace(b"line", b"li\xffne"),
        DATA.replace(b"line", b"\xed\xa0\x80"),
        b"\n" + DATA[DATA.index("—".encode()) :],
        line("log.example AQIDBA=="),
        line("log.example AQIDBAU"),
        line("log.example AQIDBAV="),
        line("log.example  AQIDBAU="),
        line("log.example AQIDBAU= "),
        line("log.example"),
        line(" AQIDBAU="),
        line("log+example AQIDBAU="),
        line("log\u00a0example AQIDBAU="),
        line("log\u2028example AQIDBAU="),
        line("log.example AQIDBAU=").replace("—".encode(), b"-"),
        line("log.example AQIDBAU=").replace("— ".encode(), b""),
        b"text\n\n" + "— log.example AQIDBAU=\n".encode() * (MOST_SIGNATURES + 1),
        b"t" * (1 << 20) + DATA,
    ],
    ids=lambda data: str(data[-30:]),
)
def test_what_is_no_note_is_refused(data):
    with pytest.raises(MalformedNote):
        parse_note(data)


def test_a_note_may_have_many_signatures():
    """signed-note asks for 16 at least, and a post-quantum signature has 3,300 characters."""
    many = tuple(Signature(f"witness{number}", b"abcd", bytes(2428)) for number in range(MOST_SIGNATURES))
    assert parse_note(format_note(SignedNote("text\n", many))).signatures == many


@pytest.mark.parametrize(
    "note",
    [
        SignedNote("text", (SIGNATURE,)),
        SignedNote("", (SIGNATURE,)),
        SignedNote("te\rxt\n", (SIGNATURE,)),
        SignedNote("\ud800\n", (SIGNATURE,)),
        SignedNote("text\n", ()),
        SignedNote("text\n", (SIGNATURE,) * (MOST_SIGNATURES + 1)),
        SignedNote("text\n", (Signature("a b", b"abcd", b"x"),)),
        SignedNote("text\n", (Signature("", b"abcd", b"x"),)),
        SignedNote("text\n", (Signature("a", b"abc", b"x"),)),
        SignedNote("text\n", (Signature("a", b"abcd", b""),)),
    ],
)
def test_what_could_not_be_read_is_not_written(note):
    with pytest.raises(MalformedNote):
        format_note(note)


def test_signatures_are_added_once():
    other = Signature("w", b"abcd", b"x")
    assert NOTE.signed_also(other, SIGNATURE, other).signatures == (SIGNATURE, other)


def test_a_witness_answers_with_signature_lines():
    assert parse_signatures(SIGNATURE.line * 2) == (SIGNATURE, SIGNATURE)
    for text in ("", "\n", SIGNATURE.line[:-1], SIGNATURE.line + "\n", "\n" + SIGNATURE.line):
        with pytest.raises(MalformedNote):
            parse_signatures(text)


@pytest.mark.parametrize("kind", SignatureType)
def test_a_key_is_written_and_read(kind):
    assert parse_vkey(KEYS[kind].vkey) == KEYS[kind]
    assert KEYS[kind].vkey.startswith(f"log.example+{KEYS[kind].key_id.hex()}+")


def test_the_type_is_part_of_the_key_id():
    ids = [VerifierKey("a", kind, bytes(32)).key_id for kind in (SignatureType.ED25519, SignatureType(4))]
    assert ids[0] != ids[1]


@pytest.mark.parametrize(
    "bend",
    [
        lambda vkey: vkey.replace("+", "-", 1),
        lambda vkey: vkey.upper(),
        lambda vkey: vkey + "\n",
        lambda vkey: vkey + "=",
        lambda vkey: "other" + vkey,
        lambda vkey: vkey.replace("log.example", ""),
        lambda vkey: vkey.replace("log.example", "log example"),
        lambda vkey: vkey.rpartition("+")[0] + "+",
        lambda vkey: vkey.rpartition("+")[0] + "+AQ==",
    ],
)
def test_another_key_is_refused(bend):
    with pytest.raises(MalformedKey):
        parse_vkey(bend(KEYS[SignatureType.ED25519].vkey))


@pytest.mark.parametrize(("name", "public_key"), [("", bytes(32)), ("a+b", bytes(32)), ("a", bytes(31))])
def test_no_key_is_like_that(name, public_key):
    with pytest.raises(MalformedKey):
        VerifierKey(name, SignatureType.ED25519, public_key)


def test_signatures_of_unknown_keys_mean_nothing():
    key = KEYS[SignatureType.ED25519]
    same_name = Signature(key.name, b"abcd", b"x")
    same_id = Signature("other", key.key_id, b"x")
    both = Signature(key.name, key.key_id, b"x")
    assert list(known_signatures(SignedNote("t\n", (same_name, same_id, both)), [key])) == [(key, both)]


def test_two_keys_of_one_name_and_id_are_refused():
    """Key ids are short: a second key for a name and an id can be searched for."""

    class Colliding(VerifierKey):
        key_id = b"abcd"

    keys = [Colliding("a", SignatureType.ED25519, bytes([number] * 32)) for number in (1, 2)]
    with pytest.raises(MalformedKey, match="share"):
        list(known_signatures(NOTE, keys))


def test_a_note_opens_for_a_known_key_alone():
    log = LogKey("log.example", SignatureType.ED25519)
    signature = Signature(log.key.name, log.key.key_id, log.signer.sign(b"text\n"))
    data = format_note(SignedNote("text\n", (SIGNATURE, signature)))

    assert open_note(data, [log.key], lambda *_: True)[1] == [log.key]
    with pytest.raises(BadSignature, match="does not hold"):
        open_note(data, [log.key], lambda *_: False)
    with pytest.raises(BadSignature, match="no known key"):
        open_note(DATA, [log.key], lambda *_: True)
    with pytest.raises(MalformedKey):
        open_note(data, [KEYS[SignatureType.COSIGNATURE_ED25519]], lambda *_: True)


def test_a_checkpoint_is_read_and_written():
    assert CHECKPOINT.text == f"log.example/ä b\n7\n{base64(ROOT)}\n"
    assert parse_checkpoint(CHECKPOINT.text) == CHECKPOINT
    extended = Checkpoint("a", 0, EMPTY_ROOT, ("one", "two"))
    assert parse_checkpoint(extended.text) == extended


@pytest.mark.parametrize(
    "text",
    [
        "",
        "log\n7\n",
        CHECKPOINT.text[:-1],
        CHECKPOINT.text + "\n",
        CHECKPOINT.text + "\next\n",
        CHECKPOINT.text.replace("7", "07"),
        CHECKPOINT.text.replace("7", "-7"),
        CHECKPOINT.text.replace("7", "7 "),
        CHECKPOINT.text.replace("7", "0"),
        CHECKPOINT.text.replace("7", str(2**63)),
        CHECKPOINT.text.replace("=", ""),
        CHECKPOINT.text.replace("8=", "9="),
        CHECKPOINT.text.partition("\n")[2],
        "\n" + CHECKPOINT.text.partition("\n")[2],
        CHECKPOINT.text.replace(base64(ROOT), base64(ROOT[:31])),
    ],
)
def test_what_is_no_checkpoint_is_refused(text):
    with pytest.raises(MalformedCheckpoint):
        parse_checkpoint(text)


def test_each_type_signs_its_own_bytes():
    log = Checkpoint("origin", 258, ROOT, ("extension",))
    body = log.text.encode()
    assert signed_bytes(KEYS[SignatureType.ED25519], log, 5) == body
    assert signed_bytes(KEYS[SignatureType.COSIGNATURE_ED25519], log, 5) == b"cosignature/v1\ntime 5\n" + body
    assert signed_bytes(KEYS[SignatureType.COSIGNATURE_ML_DSA_44], log, 5) == (
        b"subtree/v1\n\0\x0blog.example" + bytes(7) + b"\x05\x06origin" + bytes(8) + bytes(6) + b"\x01\x02" + ROOT
    )


def test_a_name_of_more_than_255_bytes_cannot_be_cosigned():
    longest = Checkpoint("é" * 127 + "a", 7, ROOT)
    assert signed_bytes(KEYS[SignatureType.COSIGNATURE_ML_DSA_44], longest, 0)
    with pytest.raises(MalformedCheckpoint, match="255"):
        signed_bytes(KEYS[SignatureType.COSIGNATURE_ML_DSA_44], Checkpoint("é" * 128, 7, ROOT), 0)


PROOF = LogProof(3, (ROOT, EMPTY_ROOT), b"checkpoint\n", b"more")
PROOF_DATA = format_proof(PROOF)


def test_a_proof_file_is_read_and_written():
    head = "c2sp.org/tlog-proof@v1\nextra bW9yZQ==\nindex 3\n"
    assert f"{head}{base64(ROOT)}\n{base64(EMPTY_ROOT)}\n\ncheckpoint\n".encode() == PROOF_DATA
    assert parse_proof(PROOF_DATA) == PROOF


@pytest.mark.parametrize(
    "data",
    [
        b"",
        PROOF_DATA[:-1],
        PROOF_DATA.replace(b"\n", b"\r\n"),
        PROOF_DATA.replace(b"@v1", b"@v2"),
        PROOF_DATA.replace(b"extra bW9yZQ==", b"extra "),
        PROOF_DATA.replace(b"extra bW9yZQ==", b"extra bW9yZR=="),
        PROOF_DATA.replace(b"extra bW9yZQ==", b"extra bW9yZQ==\nextra bW9yZQ=="),
        PROOF_DATA.replace(b"index 3", b"index 03"),
        PROOF_DATA.replace(b"index 3", b"index  3"),
        PROOF_DATA.replace(b"index 3", b"index 3 "),
        PROOF_DATA.replace(b"index 3", b"Index 3"),
        PROOF_DATA.replace(b"index 3", b"index 9223372036854775808"),
        PROOF_DATA.replace(b"index 3\n", b""),
        PROOF_DATA.replace(b"\n\ncheckpoint\n", b"\n\n"),
        PROOF_DATA.replace(b"\n\ncheckpoint\n", b"\n"),
        PROOF_DATA.replace(b"extra bW9yZQ==\nindex 3", b"index 3\nextra bW9yZQ=="),
        b"c2sp.org/tlog-proof@v1\n\n" + b"checkpoint\n",
        b"c2sp.org/tlog-proof@v1\nextra bW9yZQ==\n\n" + b"checkpoint\n",
        b"c2sp.org/tlog-proof@v1\nindex 0\n" + f"{base64(ROOT)}\n".encode() * 64 + b"\ncheckpoint\n",
        PROOF_DATA + b"x" * (2 << 20) + b"\n",
        "\u00e9".encode() + PROOF_DATA,
    ],
    ids=lambda data: str(data[:60]),
)
def test_what_is_no_proof_file_is_refused(data):
    with pytest.raises(MalformedLogProof):
        parse_proof(data)


def test_a_proof_has_hashes_for_nodes():
    for index, hashes in [(3, (b"short",)), (-1, ()), (2**63, ()), (0, (ROOT,) * 64)]:
        with pytest.raises(MalformedLogProof):
            LogProof(index, hashes, b"checkpoint\n")
    assert read_hashes([base64(ROOT)]) == (ROOT,)
