import json
from datetime import UTC, date, datetime

import pytest

from receipt_service.domain.canonical import from_base64url, to_json
from receipt_service.errors import ConfigurationError
from receipt_service.verify.trust_root import TrustedKey, TrustRoot
from tests.support.receipts import ISSUER, OTHER_SIGNER, SIGNER, sample_trust_root
from tests.support.small_log import POLICY

JWK = {**SIGNER.public_key.jwk, "kid": SIGNER.kid}


def metadata(**changed):
    return to_json({"issuer": ISSUER, "jwks": {"keys": [JWK]}, **changed})


def test_the_issuer_s_metadata_become_a_trust_root():
    root = TrustRoot.from_issuer_metadata(metadata(), ISSUER)
    assert root == sample_trust_root()
    assert root.knows(ISSUER)
    assert not root.knows(ISSUER + "/")
    assert root.key(ISSUER, SIGNER.kid).public_key == SIGNER.public_key
    assert root.key(ISSUER, OTHER_SIGNER.kid) is None
    assert root.key("https://autre.example", SIGNER.kid) is None


def test_metadata_of_another_issuer_are_refused():
    with pytest.raises(ConfigurationError):
        TrustRoot.from_issuer_metadata(metadata(), "https://autre.example")


def test_an_issuer_is_replaced_not_mixed():
    root = sample_trust_root().with_issuer(ISSUER, {"keys": [OTHER_SIGNER.public_key.jwk]})
    assert root.key(ISSUER, SIGNER.kid) is None
    assert root.key(ISSUER, OTHER_SIGNER.kid) is not None


@pytest.mark.parametrize(
    "changed",
    [
        {"d": "AAAA"},
        {"kty": "RSA"},
        {"crv": "P-384"},
        {"alg": "HS256"},
        {"use": "enc"},
        {"x": JWK["y"]},
        {"x": JWK["x"] + "="},
        {"x": 1},
        {"kid": ""},
        {"kid": 3},
        {"nbf": "2026"},
        {"nbf": 1.5},
        {"exp": True},
        {"exp": 10**15},
    ],
)
def test_a_key_that_is_not_what_we_verify_with_is_refused(changed):
    with pytest.raises(ConfigurationError):
        TrustedKey.from_jwk({**JWK, **changed})
    with pytest.raises(ConfigurationError):
        TrustRoot.from_issuer_metadata(metadata(jwks={"keys": [{**JWK, **changed}]}), ISSUER)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"{}",
        b'{"version":1}',
        b'{"version":2,"issuers":[]}',
        b'{"version":1,"issuers":[1]}',
        b'{"version":1,"issuers":[{"issuer":1}]}',
        b'{"version":1,"issuers":[{"issuer":"a"}]}',
        b'{"version":1,"version":1,"issuers":[]}',
        to_json({"version": 1, "issuers": [{"issuer": "a", "jwks": {"keys": []}}]}),
        to_json({"version": 1, "issuers": [{"issuer": "a", "jwks": {"keys": [1]}}]}),
        to_json({"version": 1, "issuers": [{"issuer": "a", "jwks": {"keys": [JWK, JWK]}}]}),
        to_json({"version": 1, "issuers": [{"issuer": "a", "jwks": {"keys": [JWK]}}] * 2}),
        to_json({"version": 1, "issuers": [{"issuer": "a", "jwks": {"keys": [JWK]}, "log_policy": 1}]}),
        to_json({"version": 1, "issuers": [{"issuer": "a", "jwks": {"keys": [JWK]}, "log_policy": "quorum none"}]}),
        to_json({"version": 1, "issuers": [{"issuer": "a", "jwks": {"keys": [JWK]}, "log_policy": "log x"}]}),
    ],
)
def test_a_file_that_is_no_trust_root_is_refused(data):
    with pytest.raises(ConfigurationError):
        TrustRoot.from_json(data)


def test_a_period_is_kept_and_written():
    period = {"nbf": 1795392000, "exp": 1795478399}
    key = TrustedKey.from_jwk({**JWK, **period})
    assert key.not_before == datetime(2026, 11, 23, tzinfo=UTC)
    root = TrustRoot().with_issuer(ISSUER, {"keys": [{**JWK, **period}]})
    written = json.loads(root.to_json())["issuers"][0]["jwks"]["keys"][0]
    assert written.items() >= period.items()
    assert len(from_base64url(written["x"])) == 32


@pytest.mark.parametrize(
    ("period", "day", "signs"),
    [
        ({}, date(1970, 1, 1), True),
        ({"nbf": 1795435200}, date(2026, 11, 22), False),
        ({"nbf": 1795435200}, date(2026, 11, 23), True),
        ({"exp": 1795435200}, date(2026, 11, 23), True),
        ({"exp": 1795435200}, date(2026, 11, 24), False),
        ({"nbf": 1795435200, "exp": 1795435200}, date(2026, 11, 23), True),
    ],
)
def test_a_key_signs_on_every_day_that_its_period_touches(period, day, signs):
    """A leaf tells the day alone, so the first and the last day count whole. 1795435200 is 2026-11-23 at noon."""
    assert TrustedKey.from_jwk({**JWK, **period}).signs_on(day) == signs


def test_a_log_policy_is_kept_to_the_character_and_is_its_issuer_s_alone():
    root = (
        sample_trust_root().with_log_policy(ISSUER, POLICY.encode()).with_issuer("https://b.example", {"keys": [JWK]})
    )
    again = TrustRoot.from_json(root.to_json())
    assert again.log_policies == {ISSUER: POLICY}
    assert again.log_policy(ISSUER).quorum == "two-of-three"
    assert again.log_policy("https://b.example") is None
    with pytest.raises(ConfigurationError):
        root.with_log_policy("https://autre.example", POLICY.encode())
    with pytest.raises(ConfigurationError):
        root.with_log_policy(ISSUER, b"# \xff\n" + POLICY.encode())
