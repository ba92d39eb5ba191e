"""``receipt-service trust``, as people run it."""

import json

import pytest
from click.testing import CliRunner

from receipt_service.cli.trust import metadata_url, trust
from receipt_service.cli.verify import verify
from receipt_service.errors import ConfigurationError
from tests.support.receipts import (
    OTHER_SIGNER,
    SIGNER,
    sample_receipt,
)


def metadata(*signers):
    more = {"alg": "ES256", "use": "sig", "nbf": 1767225600}
    return [{**signer.public_key.jwk, "kid": signer.kid, **more} for signer in signers]


def fetch(place, issuer, *options):
    return CliRunner().invoke(trust, ["fetch", issuer, "--trust-root", str(place / "fetched.json"), *options])


def test_trust_is_fetched_once_and_then_works_offline(place, service):
    base, answers, asked = service
    answers["/.well-known/jwt-vc-issuer"] = json.dumps({"issuer": base, "jwks": {"keys": metadata(SIGNER)}}).encode()
    result = fetch(place, base + "/")
    assert result.exit_code == 0, result.output
    assert SIGNER.kid in result.output
    assert asked == ["/.well-known/jwt-vc-issuer", "/log/policy"]
    (place / "there").write_text(sample_receipt(issuer=base).compact)
    offline = CliRunner().invoke(verify, [str(place / "there"), "--trust-root", str(place / "fetched.json")])
    assert offline.exit_code == 0, offline.output
    listed = CliRunner().invoke(trust, ["list", "--trust-root", str(place / "fetched.json")])
    assert listed.output.splitlines() == [base, f"  {SIGNER.kid}  signs 2026-01-01 to …"]


def test_a_key_that_disappears_is_not_accepted_in_silence(place, service):
    base, answers, _ = service
    path = "/.well-known/jwt-vc-issuer"
    answers[path] = json.dumps({"issuer": base, "jwks": {"keys": metadata(SIGNER)}}).encode()
    fetch(place, base)
    answers[path] = json.dumps({"issuer": base, "jwks": {"keys": metadata(OTHER_SIGNER)}}).encode()
    before = (place / "fetched.json").read_bytes()
    refused = fetch(place, base)
    assert isinstance(refused.exception, ConfigurationError)
    assert (place / "fetched.json").read_bytes() == before
    assert fetch(place, base, "--replace").exit_code == 0
    answers[path] = json.dumps({"issuer": base, "jwks": {"keys": metadata(OTHER_SIGNER, SIGNER)}}).encode()
    assert fetch(place, base).exit_code == 0


@pytest.mark.parametrize(
    "answer",
    [
        404,
        500,
        b"",
        b"[]",
        b"{}",
        json.dumps({"issuer": "https://autre.example", "jwks": {"keys": metadata(SIGNER)}}).encode(),
    ],
)
def test_trust_is_not_fetched_from_rubbish(place, service, answer):
    base, answers, _ = service
    answers["/.well-known/jwt-vc-issuer"] = answer
    assert isinstance(fetch(place, base).exception, ConfigurationError)
    assert not (place / "fetched.json").exists()


def test_trust_is_fetched_over_https_alone(place):
    assert isinstance(fetch(place, "http://recepisse.example").exception, ConfigurationError)
    assert isinstance(fetch(place, "recepisse.example").exception, ConfigurationError)


def test_the_well_known_part_stands_before_the_path():
    assert metadata_url("https://a.example") == "https://a.example/.well-known/jwt-vc-issuer"
    assert metadata_url("https://a.example/b/c") == "https://a.example/.well-known/jwt-vc-issuer/b/c"
