"""``receipt-service trust``, as people run it."""

import json
from hashlib import sha256

import pytest
from click.testing import CliRunner

from receipt_service.cli.trust import metadata_url, trust
from receipt_service.cli.verify import verify
from receipt_service.errors import ConfigurationError
from receipt_service.tlog.note import SignatureType, VerifierKey
from receipt_service.verify.trust_root import TrustRoot
from tests.support.receipts import (
    OTHER_SIGNER,
    SIGNER,
    sample_receipt,
)
from tests.support.small_log import IMPOSTOR, LOG, NORTH, ORIGIN, POLICY, POLICY_NO_WITNESS


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


@pytest.fixture
def publishing(service):
    """An issuer that publishes its keys and proposes a log policy."""
    base, answers, _ = service
    answers["/.well-known/jwt-vc-issuer"] = json.dumps({"issuer": base, "jwks": {"keys": metadata(SIGNER)}}).encode()
    answers["/log/policy"] = POLICY.encode()
    return base, answers


def saved(place):
    (policy,) = TrustRoot.from_json((place / "fetched.json").read_bytes()).log_policies.values()
    return policy


def test_the_log_policy_is_saved_and_shown_to_be_compared(place, publishing):
    base, _ = publishing
    result = fetch(place, base)
    assert result.exit_code == 0, result.output
    assert saved(place) == POLICY
    for key in (LOG, NORTH):
        assert sha256(key.vkey.encode()).hexdigest() in result.output
    assert "group two-of-three: 2 of north, south, west" in result.output
    assert "quorum: two-of-three" in result.output
    listed = CliRunner().invoke(trust, ["list", "--trust-root", str(place / "fetched.json")])
    assert sha256(LOG.vkey.encode()).hexdigest() in listed.output


def test_an_issuer_without_a_log_is_said_to_be_one(place, publishing):
    base, answers = publishing
    del answers["/log/policy"]
    assert "no log policy is published" in fetch(place, base).output
    assert TrustRoot.from_json((place / "fetched.json").read_bytes()).log_policy(base) is None


def test_a_policy_that_asks_for_nobody_is_said_to_be_one(place, publishing):
    base, answers = publishing
    answers["/log/policy"] = POLICY_NO_WITNESS.encode()
    assert "quorum: none. No witness is asked for" in fetch(place, base).output


@pytest.mark.parametrize("answer", [500, b"", b"<html>log in</html>", b"quorum none\n", b"# \xff\n" + POLICY.encode()])
def test_a_policy_that_is_none_leaves_everything_as_it_was(place, publishing, answer):
    base, answers = publishing
    answers["/log/policy"] = answer
    assert isinstance(fetch(place, base).exception, ConfigurationError)
    assert not (place / "fetched.json").exists()


@pytest.mark.parametrize(
    "changed",
    [
        POLICY.replace(LOG.vkey, VerifierKey(ORIGIN, SignatureType.ED25519, IMPOSTOR.key.public_key).vkey),
        POLICY.replace(f"log {LOG.vkey}\n", ""),
        f"log {VerifierKey(ORIGIN, SignatureType.ED25519, IMPOSTOR.key.public_key).vkey}\n{POLICY}",
        f"log {IMPOSTOR.vkey}\nquorum none\n",
    ],
    ids=["another key", "a key less", "a key more", "another log"],
)
def test_other_keys_of_the_log_are_not_accepted_in_silence(place, publishing, changed):
    base, answers = publishing
    fetch(place, base)
    before = (place / "fetched.json").read_bytes()
    answers["/log/policy"] = changed.encode()
    assert isinstance(fetch(place, base).exception, ConfigurationError)
    assert (place / "fetched.json").read_bytes() == before
    assert fetch(place, base, "--replace").exit_code == 0
    assert saved(place) == changed


def test_other_witnesses_are_proposed_and_not_taken_over(place, publishing):
    base, answers = publishing
    fetch(place, base)
    answers["/log/policy"] = POLICY_NO_WITNESS.encode()
    assert "the saved log policy stays" in fetch(place, base).output
    assert saved(place) == POLICY
    del answers["/log/policy"]
    assert "the saved one stays" in fetch(place, base, "--replace").output
    assert saved(place) == POLICY


def keep(place, issuer, text):
    (place / "own.policy").write_text(text)
    arguments = ["policy", issuer, str(place / "own.policy"), "--trust-root", str(place / "fetched.json")]
    return CliRunner().invoke(trust, arguments)


def test_a_policy_of_one_s_own_takes_its_place_and_stays(place, publishing):
    base, _ = publishing
    fetch(place, base)
    own = f"log {LOG.vkey}\nwitness mine {NORTH.vkey}\nquorum mine\n"
    result = keep(place, base + "/", own)
    assert result.exit_code == 0, result.output
    assert "quorum: mine" in result.output
    assert saved(place) == own
    assert isinstance(fetch(place, base).exception, ConfigurationError)  # it knows one key of the log, not both
    assert saved(place) == own
    both = POLICY.replace("2 north", "3 north")
    keep(place, base, both)
    assert fetch(place, base).exit_code == 0
    assert saved(place) == both


def test_a_policy_is_for_an_issuer_that_is_trusted(place, publishing):
    base, _ = publishing
    fetch(place, base)
    assert isinstance(keep(place, "https://autre.example", POLICY).exception, ConfigurationError)
    assert isinstance(keep(place, base, "quorum none\n").exception, ConfigurationError)
    assert saved(place) == POLICY
