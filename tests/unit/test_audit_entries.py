"""Entries of the log, and the strict verifier of receipts beside them: what one takes as a leaf the other takes."""

import json
from datetime import UTC, date, datetime

import pytest

from receipt_service.audit.entries import EntryVerifier
from receipt_service.audit.findings import AuditFault, Code
from receipt_service.domain.attestation import TYP, VCT
from receipt_service.domain.canonical import base64url, from_base64url
from receipt_service.domain.log_entry import EntryKind
from receipt_service.domain.log_record import RECORD_TYPES, write_record
from receipt_service.verify.verifier import Verifier
from tests.support.audited_log import OLD_SIGNER, make_stub, trust_root
from tests.support.receipts import ISSUER, SIGNER

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
LEAF = make_stub(datetime(2026, 11, 23, 13, tzinfo=UTC)).leaf
ENTRIES = EntryVerifier(trust_root())


def signed(header=None, payload=None, signer=SIGNER):
    """The leaf with changed members, signed again: what only whoever has the key can make."""
    parts = [json.loads(from_base64url(part)) for part in LEAF.split(".")[:2]]
    for part, changed in zip(parts, (header or {}, payload or {}), strict=True):
        part.update(changed)
        for name in [name for name, value in part.items() if value is ...]:
            del part[name]
    text = ".".join(base64url(json.dumps(part, separators=(",", ":")).encode()) for part in parts)
    return f"{text}.{base64url(signer.sign(text.encode()))}"


def altered(part, place=10):
    parts = LEAF.split(".")
    letter = "A" if parts[part][place] != "A" else "B"
    parts[part] = parts[part][:place] + letter + parts[part][place + 1 :]
    return ".".join(parts)


DIGESTS = json.loads(from_base64url(LEAF.split(".")[1]))["_sd"]
DAY = json.loads(from_base64url(LEAF.split(".")[1]))["iat"]
HOSTILE = {
    "payload altered": altered(1, 40),
    "signature altered": altered(2),
    "header altered": altered(0),
    "two parts": LEAF.rpartition(".")[0],
    "padding": LEAF + "=",
    "a tilde": LEAF + "~",
    "empty": "",
    "alg none": signed({"alg": "none"}),
    "another typ": signed({"typ": "jwt"}),
    "a member more in the header": signed({"jwk": {}}),
    "no kid": signed({"kid": ...}),
    "unknown kid": signed({"kid": "nobody"}),
    "another issuer": signed(payload={"iss": "https://evil.example"}),
    "no issuer": signed(payload={"iss": ""}),
    "another vct": signed(payload={"vct": "urn:x"}),
    "no vct": signed(payload={"vct": ...}),
    "a member more": signed(payload={"sub": "x"}),
    "open facts": signed(payload={"facts": {}}),
    "iat not a day": signed(payload={"iat": DAY + 1}),
    "iat a text": signed(payload={"iat": str(DAY)}),
    "iat too far": signed(payload={"iat": 10**12}),
    "four digests": signed(payload={"_sd": DIGESTS[:4]}),
    "unsorted": signed(payload={"_sd": DIGESTS[::-1]}),
    "twice": signed(payload={"_sd": sorted([*DIGESTS[:4], DIGESTS[0]])}),
    "a short digest": signed(payload={"_sd": sorted([*DIGESTS[:4], "A" * 42])}),
    "a digest that is none": signed(payload={"_sd": [*DIGESTS[:4], 5]}),
    "another hash": signed(payload={"_sd_alg": "sha-512"}),
    "another's key under the kid": signed(signer=OLD_SIGNER),
    "a key past its end": signed({"kid": OLD_SIGNER.kid}, signer=OLD_SIGNER),
}


def test_a_leaf_is_read():
    entry = ENTRIES.check(LEAF.encode())

    assert (entry.kind, entry.issued_on, list(entry.digests)) == (EntryKind.ATTESTATION, date(2026, 11, 23), DIGESTS)
    assert Verifier(trust_root()).verify(LEAF + "~", NOW).passed


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_what_the_verifier_refuses_the_audit_refuses(text):
    with pytest.raises(AuditFault):
        ENTRIES.check(text.encode())

    assert not Verifier(trust_root()).verify(text + "~", NOW).passed


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (HOSTILE["signature altered"], Code.ENTRY_SIGNATURE_INVALID),
        (HOSTILE["unknown kid"], Code.ENTRY_KEY_UNKNOWN),
        (HOSTILE["another issuer"], Code.ENTRY_KEY_UNKNOWN),
        (HOSTILE["a key past its end"], Code.ENTRY_KEY_OUTSIDE_PERIOD),
        (HOSTILE["another vct"], Code.ENTRY_TYPE_UNKNOWN),
        (HOSTILE["iat not a day"], Code.ENTRY_UNREADABLE),
        ("é", Code.ENTRY_UNREADABLE),
        ("A" * 70_000, Code.ENTRY_UNREADABLE),
    ],
)
def test_faults_are_told_apart(text, code):
    with pytest.raises(AuditFault) as fault:
        ENTRIES.check(text.encode())

    assert fault.value.code is code


def test_a_high_s_signature_is_another_leaf_and_refused():
    head, _, encoded = LEAF.rpartition(".")
    raw = from_base64url(encoded)
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    twin = raw[:32] + (order - int.from_bytes(raw[32:], "big")).to_bytes(32, "big")

    with pytest.raises(AuditFault):
        ENTRIES.check(f"{head}.{base64url(twin)}".encode())


@pytest.mark.parametrize("kind", RECORD_TYPES)
@pytest.mark.parametrize("salt", [bytes(16), None])
def test_records_of_every_kind_are_read(kind, salt):
    record = write_record(
        kind, {"a": 1}, issuer=ISSUER, kid=SIGNER.kid, issued_on=date(2026, 11, 23), sign=SIGNER.sign, salt=salt
    )

    entry = ENTRIES.check(record.text.encode())

    assert (entry.kind, len(entry.digests)) == (kind, 0 if salt is None else 1)


def test_a_record_is_no_attestation_and_the_other_way_round():
    record_vct = RECORD_TYPES[EntryKind.DELETION]

    for text in (signed(payload={"vct": record_vct}), signed({"typ": "log-record+sd-jwt"})):
        with pytest.raises(AuditFault):
            ENTRIES.check(text.encode())
    assert (TYP, VCT) == ("dc+sd-jwt", "urn:fr:recepisse:controle-identite:1")
