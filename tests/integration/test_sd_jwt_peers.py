"""Interop: peers' tokens verify here, ours verify there, and what is bent is refused here whoever else takes it."""

from functools import cache, partial

import pytest
from jwcrypto.jwk import JWK
from sd_jwt.common import SDObj
from sd_jwt.issuer import SDJWTIssuer
from sd_jwt.verifier import SDJWTVerifier

from receipt_service.domain.attestation import VCT, midnight
from receipt_service.domain.canonical import base64url
from receipt_service.errors import VerificationError
from receipt_service.verify.sd_jwt import verify_sd_jwt
from receipt_service.verify.verdict import Reason, View
from tests.support.forgery import bogus_receipts
from tests.support.forging import header_of
from tests.support.receipts import ISSUED_ON, ISSUER, NOW, SIGNER, sample_claims, sample_receipt, sample_verifier

HEADER = {"alg": "ES256", "kid": SIGNER.kid, "typ": "dc+sd-jwt"}
ACCEPTED_BY_PYPI = {
    "altered-disclosure",
    "unreferenced-disclosure",
    "padded-disclosure",
    "high-s",
    "final-tilde-missing",
}
"""Forms that PyPI's sd-jwt 0.10.4 takes for valid: the reason why this project has a verifier of its own."""
ACCEPTED_BY_NPM = {"altered-disclosure", "unreferenced-disclosure", "duplicated-disclosure"}
"""The same for npm's @sd-jwt/core 0.19.0."""


def claims():
    return {group.value: value for group, value in sample_claims().items()}


def leaf_claims():
    return {"iss": ISSUER, "vct": VCT, "iat": midnight(ISSUED_ON)}


def private_jwk():
    scalar = SIGNER._key.private_numbers().private_value
    return {**SIGNER.public_key.jwk, "d": base64url(scalar.to_bytes(32, "big"))}


@cache
def bogus():
    return {item.name: item for item in bogus_receipts()}


@pytest.fixture
def peers(npm_peer):
    return partial(npm_peer, "sd_jwt_core.mjs", key=private_jwk())


def pypi_accepts(text):
    try:
        payload = SDJWTVerifier(text, lambda _issuer, _header: JWK(**SIGNER.public_key.jwk)).get_verified_payload()
    except Exception:  # noqa: BLE001 - it raises whatever its parts raise
        return None
    return payload


def pypi_issues():
    """A receipt made by PyPI's library. Its signer takes either s, so it is asked until the smaller comes."""
    user_claims = {**leaf_claims(), **{SDObj(name): value for name, value in claims().items()}}
    for _ in range(64):
        issued = SDJWTIssuer(
            user_claims,
            JWK(**private_jwk()),
            sign_alg="ES256",
            extra_header_parameters={"kid": SIGNER.kid, "typ": "dc+sd-jwt"},
        ).sd_jwt_issuance
        if sample_verifier().verify(issued, NOW).reasons != (Reason.SIGNATURE_HIGH_S,):
            return issued
    raise AssertionError("64 signatures in a row with the larger s")


def test_ours_verify_with_pypi():
    receipt = sample_receipt()
    assert pypi_accepts(receipt.compact) == {**leaf_claims(), **claims()}
    without_person = {name: value for name, value in claims().items() if name != "person"}
    assert pypi_accepts(receipt.stub.compact) == {**leaf_claims(), **without_person}
    assert pypi_accepts(f"{receipt.leaf}~") == leaf_claims()


def test_pypi_s_verify_here():
    verdict = sample_verifier().verify(pypi_issues(), NOW)
    assert verdict.passed, verdict.findings
    assert verdict.view is View.RECEIPT
    assert {group.value: value for group, value in verdict.claims.items()} == claims()


@pytest.mark.needs_node
def test_ours_verify_with_npm(peers):
    receipt = sample_receipt()
    whole, stub, leaf = peers(verify=[receipt.compact, receipt.stub.compact, f"{receipt.leaf}~"])["verified"]
    for name in ("core", "vc"):
        assert whole[name] == {"accepted": True, "payload": {**leaf_claims(), **claims()}}
        assert "person" not in stub[name]["payload"]
        assert leaf[name] == {"accepted": True, "payload": leaf_claims()}


@pytest.mark.needs_node
def test_npm_s_verify_here(peers):
    wanted = {"claims": {**leaf_claims(), **claims()}, "header": {"kid": SIGNER.kid}, "disclose": list(claims())}
    for _ in range(4):
        verdict = sample_verifier().verify(peers(issue=wanted)["issued"], NOW)
        assert verdict.passed, verdict.findings
        assert {group.value: value for group, value in verdict.claims.items()} == claims()


@pytest.mark.needs_node
def test_what_is_bent_is_refused_here_whoever_else_takes_it(peers):
    names = [name for name, item in bogus().items() if len(item.text) < 10_000]
    texts = [bogus()[name].text for name in names]
    answers = dict(zip(names, peers(verify=texts)["verified"], strict=True))
    for name in names:
        assert not sample_verifier().verify(bogus()[name].text, NOW).passed
    assert {name for name in ACCEPTED_BY_NPM if answers[name]["core"]["accepted"]} == ACCEPTED_BY_NPM
    altered = answers["altered-disclosure"]["core"]["payload"]
    assert "person" not in altered, "the altered claim is dropped in silence"


def test_pypi_takes_what_the_rfc_refuses():
    assert {name for name in ACCEPTED_BY_PYPI if pypi_accepts(bogus()[name].text) is not None} == ACCEPTED_BY_PYPI
    assert "person" not in pypi_accepts(bogus()["altered-disclosure"].text)


def test_the_generic_layer_takes_pypi_s_nested_and_decoyed_tokens():
    user_claims = {"iss": ISSUER, SDObj("a"): {SDObj("b"): [SDObj(1), 2]}, "c": [SDObj("x"), {SDObj("d"): None}]}
    issued = SDJWTIssuer(user_claims, JWK(**private_jwk()), sign_alg="ES256", add_decoy_claims=True).sd_jwt_issuance
    verified = verify_sd_jwt(issued, SIGNER.public_key, now=NOW, high_s_allowed=True)
    assert verified == {"iss": ISSUER, "a": {"b": [1, 2]}, "c": ["x", {"d": None}]}
    leaf, *disclosures, _ = issued.split("~")
    with pytest.raises(VerificationError):
        verify_sd_jwt(
            "~".join([leaf, *disclosures, disclosures[0], ""]), SIGNER.public_key, now=NOW, high_s_allowed=True
        )


def test_the_header_is_the_one_that_peers_read():
    assert header_of(sample_receipt()) == HEADER
