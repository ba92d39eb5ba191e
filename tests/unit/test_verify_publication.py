"""A published folder is believed as it was signed, and in no other form."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receipt_service.crypto.keys import ORDER
from receipt_service.domain.canonical import base64url, from_base64url, to_json
from receipt_service.domain.publication import TYP
from receipt_service.domain.signed_manifest import MANIFEST, SIGNED_MANIFEST
from receipt_service.errors import VerificationError
from receipt_service.verify.publication import read_manifest, verify_publication
from receipt_service.verify.signed_manifest import Fault, NotAsSigned
from receipt_service.verify.trust_root import TrustRoot
from receipt_service.verify.verdict import Status
from receipt_service.verify.verifier import Verifier
from tests.support.publishing import ISSUER, NOW, QUARTER, a_key, files_of, trust_in

KEY = a_key()
FILES = files_of(KEY)
TRUST = trust_in(KEY)
DATA = "identity-checks-2026-Q3.csv"


def fault_of(files, trust=TRUST, now=NOW):
    with pytest.raises(NotAsSigned) as refused:
        verify_publication(files, trust, now)
    return refused.value.fault


def signed(claims, header=None, key=KEY):
    """A manifest of other claims under a good signature, beside the same files."""
    content = claims if isinstance(claims, bytes) else json.dumps(claims).encode()
    header = {"alg": "ES256", "kid": key.kid, "typ": TYP} if header is None else header
    message = f"{base64url(to_json(header))}.{base64url(content)}"
    jws = f"{message}.{base64url(key.sign(message.encode()))}".encode()
    return {**FILES, MANIFEST: content, SIGNED_MANIFEST: jws}


def claims(**changed):
    return {**json.loads(FILES[MANIFEST]), **changed}


def test_what_was_published_is_believed():
    manifest = verify_publication(FILES, TRUST, NOW)

    assert (manifest.issuer, manifest.kid, manifest.period) == (ISSUER, KEY.kid, QUARTER)
    assert manifest.published_at == NOW
    assert {file.name for file in manifest.files} == set(FILES) - {MANIFEST, SIGNED_MANIFEST}
    assert read_manifest(FILES[SIGNED_MANIFEST]) == manifest


@pytest.mark.parametrize("name", [name for name in FILES if name not in {MANIFEST, SIGNED_MANIFEST}])
def test_a_file_altered_or_gone_is_noticed(name):
    content = FILES[name]

    assert fault_of({**FILES, name: content[:-1] + bytes([content[-1] ^ 1])}) is Fault.FILE_ALTERED
    assert fault_of({**FILES, name: content + b"\n"}) is Fault.FILE_ALTERED
    assert fault_of({key: value for key, value in FILES.items() if key != name}) is Fault.FILE_MISSING


def test_a_file_too_many_is_noticed():
    assert fault_of({**FILES, "notes.txt": b"see also"}) is Fault.FILE_UNLISTED


def test_the_manifest_must_be_there_and_be_what_was_signed():
    assert fault_of({DATA: FILES[DATA]}) is Fault.MANIFEST_MISSING
    assert fault_of({**FILES, MANIFEST: FILES[MANIFEST] + b" "}) is Fault.MANIFEST_DIFFERS
    assert fault_of({key: value for key, value in FILES.items() if key != MANIFEST}) is Fault.MANIFEST_DIFFERS


@given(st.integers(0, len(FILES[SIGNED_MANIFEST]) - 2), st.integers(0, 7))
def test_no_bit_of_the_signed_manifest_can_change(position, bit):
    jws = bytearray(FILES[SIGNED_MANIFEST])
    jws[position] ^= 1 << bit

    with pytest.raises(NotAsSigned):
        verify_publication({**FILES, SIGNED_MANIFEST: bytes(jws)}, TRUST, NOW)


def test_the_other_signature_of_the_same_key_is_refused():
    head, payload, signature = FILES[SIGNED_MANIFEST].decode().strip().split(".")
    both = from_base64url(signature)
    high = both[:32] + (ORDER - int.from_bytes(both[32:], "big")).to_bytes(32, "big")
    jws = f"{head}.{payload}.{base64url(high)}".encode()

    assert fault_of({**FILES, SIGNED_MANIFEST: jws}) is Fault.SIGNATURE_INVALID


def test_somebody_elses_signature_under_our_keys_name_is_refused():
    other = a_key()
    header = {"alg": "ES256", "kid": KEY.kid, "typ": TYP}

    assert fault_of(signed(claims(), header, other)) is Fault.SIGNATURE_INVALID


def test_without_the_key_nothing_is_said():
    unknown = fault_of(FILES, TrustRoot()), fault_of(FILES, trust_in(a_key()))

    assert unknown == (Fault.ISSUER_UNKNOWN, Fault.KEY_UNKNOWN)
    assert {NotAsSigned(fault, "").status for fault in unknown} == {Status.INDETERMINATE}
    assert NotAsSigned(Fault.FILE_ALTERED, "").status is Status.FAILED


def test_it_was_signed_while_the_key_signs_and_not_later_than_now():
    day = timedelta(days=1)

    assert fault_of(FILES, now=NOW - day) is Fault.SIGNED_IN_FUTURE
    assert fault_of(FILES, trust_in(KEY, not_after=NOW - day)) is Fault.KEY_OUTSIDE_PERIOD
    assert fault_of(FILES, trust_in(KEY, not_before=NOW + day)) is Fault.KEY_OUTSIDE_PERIOD
    assert verify_publication(FILES, trust_in(KEY, not_after=NOW + day), datetime(2030, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "none", "kid": KEY.kid, "typ": TYP},
        {"alg": "ES256", "kid": KEY.kid, "typ": "dc+sd-jwt"},
        {"alg": "ES256", "kid": KEY.kid},
        {"alg": "ES256", "kid": KEY.kid, "typ": TYP, "jwk": {}},
        {"alg": "ES256", "kid": 1, "typ": TYP},
    ],
)
def test_another_header_is_refused(header):
    assert fault_of(signed(claims(), header)) is Fault.MANIFEST_MALFORMED


@pytest.mark.parametrize(
    "content",
    [
        b"[]",
        b"{}",
        b'{"iss":"x","iss":"y"}',
        *(
            json.dumps(claims(**changed)).encode()
            for changed in (
                {"iss": 1},
                {"iat": "now"},
                {"iat": True},
                {"iat": 10**30},
                {"period": "2026"},
                {"period": None},
                {"files": []},
                {"files": [{"name": "../x", "bytes": 1, "sha256": "0" * 64}]},
                {"files": [{"name": MANIFEST, "bytes": 1, "sha256": "0" * 64}]},
                {"files": [{"name": "x", "bytes": "1", "sha256": "0" * 64}]},
                {"files": [{"name": "x", "bytes": 1, "sha256": "0"}]},
                {"files": [{"name": "x", "bytes": 1, "sha256": "0" * 64}] * 2},
            )
        ),
    ],
)
def test_claims_in_another_form_are_refused(content):
    assert fault_of(signed(content)) is Fault.MANIFEST_MALFORMED


@pytest.mark.parametrize("jws", [b"", b"a.b", b"a.b.c.d", b"a" * (1 << 19), "é.é.é".encode(), b"a.b.c"])
def test_what_is_no_signed_manifest_is_refused(jws):
    assert fault_of({**FILES, SIGNED_MANIFEST: jws}) is Fault.MANIFEST_MALFORMED


def test_a_manifest_is_no_receipt_and_a_fault_is_a_verification_error():
    verdict = Verifier(TRUST).verify(FILES[SIGNED_MANIFEST].decode().strip() + "~", NOW)

    assert verdict.status is Status.FAILED
    assert issubclass(NotAsSigned, VerificationError)
