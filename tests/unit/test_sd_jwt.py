"""The generic layer: RFC 9901's examples, and each refusal of its §7.1 and §7.3."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from receipt_service.domain.canonical import base64url, to_json
from receipt_service.domain.disclosure import digest_of
from receipt_service.errors import VerificationError
from receipt_service.verify.key_binding import verify_key_binding
from receipt_service.verify.sd_jwt import parse, verify_sd_jwt
from receipt_service.verify.trust_root import TrustedKey
from receipt_service.verify.verdict import Reason
from tests.support.forging import join, sign, written
from tests.support.receipts import OTHER_SIGNER, SIGNER

FOLDER = Path(__file__).resolve().parents[1] / "vectors" / "rfc9901"
EXPECTED = json.loads((FOLDER / "expected.json").read_text(encoding="utf-8"))
ISSUER_KEY = TrustedKey.from_jwk(EXPECTED["issuer_key"]).public_key
NOW = datetime.fromtimestamp(EXPECTED["now"], tz=UTC)
KB_EXAMPLES = [name for name in EXPECTED["examples"] if name.endswith("+kb")]
HEADER = {"alg": "ES256", "typ": "example+sd-jwt"}


def bind(text, claims, **changed):
    arguments = {
        "audience": EXPECTED["audience"],
        "nonce": EXPECTED["nonce"],
        "now": NOW,
        "max_age": timedelta(hours=1),
    }
    return verify_key_binding(text, claims, high_s_allowed=True, **(arguments | changed))


def refused(text, **arguments):
    with pytest.raises(VerificationError) as caught:
        verify_sd_jwt(text, SIGNER.public_key, now=NOW, **arguments)
    return caught.value.reason


@pytest.mark.parametrize("name", EXPECTED["examples"])
def test_the_rfc_s_examples_verify(name):
    text = (FOLDER / name).read_text(encoding="ascii")
    claims = verify_sd_jwt(text, ISSUER_KEY, now=NOW, high_s_allowed=True)
    assert claims == EXPECTED["examples"][name]


@pytest.mark.parametrize("name", KB_EXAMPLES)
def test_the_rfc_s_key_bindings_verify(name):
    text = (FOLDER / name).read_text(encoding="ascii")
    claims = verify_sd_jwt(text, ISSUER_KEY, now=NOW, high_s_allowed=True)
    assert bind(text, claims)["nonce"] == EXPECTED["nonce"]


@pytest.mark.parametrize("name", KB_EXAMPLES)
@pytest.mark.parametrize(
    "changed",
    [
        {"audience": "https://other.example"},
        {"nonce": "0"},
        {"now": NOW + timedelta(hours=2)},
        {"now": NOW - timedelta(hours=2)},
    ],
)
def test_a_key_binding_for_somebody_else_or_another_time_is_refused(name, changed):
    text = (FOLDER / name).read_text(encoding="ascii")
    claims = verify_sd_jwt(text, ISSUER_KEY, now=NOW, high_s_allowed=True)
    with pytest.raises(VerificationError):
        bind(text, claims, **changed)


@pytest.mark.parametrize("name", KB_EXAMPLES)
def test_a_key_binding_covers_what_is_shown(name):
    leaf, *disclosures, binding = (FOLDER / name).read_text(encoding="ascii").split("~")
    less = "~".join([leaf, *disclosures[1:], binding])
    claims = verify_sd_jwt("~".join([leaf, *disclosures, ""]), ISSUER_KEY, now=NOW, high_s_allowed=True)
    with pytest.raises(VerificationError, match="another presentation"):
        bind(less, claims)


@pytest.mark.parametrize("name", EXPECTED["examples"])
def test_every_example_bent_is_refused(name):
    text = (FOLDER / name).read_text(encoding="ascii")
    leaf, *disclosures, _ = text.split("~")
    stranger = written("AAECAwQFBgcICQoLDA0ODw", "x", 1)
    for bent in (
        join(leaf, [*disclosures, stranger]),
        join(leaf, [*disclosures, disclosures[0]]),
        join(leaf, [disclosures[0] + "=", *disclosures[1:]]),
        join(leaf[:-6] + ("A" if leaf[-6] != "A" else "B") + leaf[-5:], disclosures),
    ):
        with pytest.raises(VerificationError):
            verify_sd_jwt(bent, ISSUER_KEY, now=NOW, high_s_allowed=True)


def test_a_key_binding_needs_the_issuer_s_word_for_the_key():
    text = join(sign(HEADER, {}), []) + "a.b.c"
    with pytest.raises(VerificationError) as caught:
        bind(text, {})
    assert caught.value.reason == Reason.KEY_BINDING_INVALID


@pytest.mark.parametrize(
    ("header", "payload"),
    [
        ({"alg": "ES256", "typ": "JWT"}, {}),
        ({"alg": "none", "typ": "kb+jwt"}, {}),
        ({"alg": "ES256", "typ": "kb+jwt", "crit": ["x"]}, {}),
        ({"alg": "ES256", "typ": "kb+jwt"}, {"iat": "now"}),
        ({"alg": "ES256", "typ": "kb+jwt"}, {"nonce": None}),
        ({"alg": "ES256", "typ": "kb+jwt"}, {"sd_hash": "A" * 43}),
    ],
)
def test_bent_key_bindings_are_refused(header, payload):
    presented = join(sign(HEADER, {"cnf": {"jwk": OTHER_SIGNER.public_key.jwk}}), [])
    good = {
        "iat": EXPECTED["now"],
        "aud": EXPECTED["audience"],
        "nonce": EXPECTED["nonce"],
        "sd_hash": digest_of(presented),
    }
    claims = verify_sd_jwt(presented, SIGNER.public_key, now=NOW)
    assert bind(presented + sign({"alg": "ES256", "typ": "kb+jwt"}, good, OTHER_SIGNER), claims)
    with pytest.raises(VerificationError):
        bind(presented + sign(header, {**good, **payload}, OTHER_SIGNER), claims)
    with pytest.raises(VerificationError):
        bind(presented + sign({"alg": "ES256", "typ": "kb+jwt"}, good, SIGNER), claims)


SALT = "AAECAwQFBgcICQoLDA0ODw"
NAME = written(SALT, "name", "Zoë")
ELEMENT = written(SALT, "FR")
NESTED = written(SALT, "address", {"_sd": [digest_of(NAME)], "city": "Paris"})


def test_nested_disclosures_and_arrays_are_put_in_their_places():
    payload = {
        "_sd": [digest_of(NESTED), "decoy-digest"],
        "_sd_alg": "sha-256",
        "list": ["DE", {"...": digest_of(ELEMENT)}, {"...": "unknown"}],
    }
    text = join(sign(HEADER, payload), [NAME, ELEMENT, NESTED])
    assert verify_sd_jwt(text, SIGNER.public_key, now=NOW) == {
        "list": ["DE", "FR"],
        "address": {"city": "Paris", "name": "Zoë"},
    }
    hidden = join(sign(HEADER, payload), [ELEMENT])
    assert verify_sd_jwt(hidden, SIGNER.public_key, now=NOW) == {"list": ["DE", "FR"]}


@pytest.mark.parametrize("algorithm", ["sha-256", "sha-384", "sha-512"])
def test_every_sha_2_of_the_registry_works(algorithm):
    payload = {"_sd": [digest_of(NAME, algorithm)], "_sd_alg": algorithm}
    assert verify_sd_jwt(join(sign(HEADER, payload), [NAME]), SIGNER.public_key, now=NOW) == {"name": "Zoë"}


@pytest.mark.parametrize(
    ("payload", "disclosures", "reason"),
    [
        ({"_sd": [digest_of(NAME), digest_of(NAME)]}, [NAME], Reason.DIGEST_TWICE),
        ({"_sd": ["x"], "a": {"_sd": ["x"]}}, [], Reason.DIGEST_TWICE),
        ({"_sd": ["x"], "a": [{"...": "x"}]}, [], Reason.DIGEST_TWICE),
        ({"_sd": [digest_of(NESTED), digest_of(NAME)]}, [NAME, NESTED], Reason.DIGEST_TWICE),
        ({"_sd": []}, [NAME], Reason.DISCLOSURE_NOT_REFERENCED),
        ({"_sd": [digest_of(NAME)]}, [NAME, NESTED], Reason.DISCLOSURE_NOT_REFERENCED),
        ({"_sd": [digest_of(NAME)]}, [NAME, NAME], Reason.DISCLOSURE_TWICE),
        ({"_sd": [digest_of(ELEMENT)]}, [ELEMENT], Reason.DISCLOSURE_MALFORMED),
        ({"a": [{"...": digest_of(NAME)}]}, [NAME], Reason.DISCLOSURE_MALFORMED),
        ({"_sd": [digest_of(NAME)], "name": "x"}, [NAME], Reason.CLAIM_NAME_TWICE),
        ({"_sd": "x"}, [], Reason.DIGESTS_UNEXPECTED),
        ({"_sd": [1]}, [], Reason.DIGESTS_UNEXPECTED),
        ({"a": [{"...": 1}]}, [], Reason.DIGESTS_UNEXPECTED),
        ({"a": [{"...": "x", "b": 1}]}, [], Reason.DIGESTS_UNEXPECTED),
        ({"...": "x"}, [], Reason.CLAIM_NAME_RESERVED),
        ({"a": {"_sd_alg": "sha-256"}}, [], Reason.CLAIM_NAME_RESERVED),
        ({"_sd_alg": "sha-1"}, [], Reason.SD_ALG_NOT_ALLOWED),
        ({"_sd_alg": ["sha-256"]}, [], Reason.SD_ALG_NOT_ALLOWED),
        ({"_sd_alg": None}, [], Reason.SD_ALG_NOT_ALLOWED),
        ({"exp": EXPECTED["now"]}, [], Reason.EXPIRED),
        ({"nbf": EXPECTED["now"] + 1}, [], Reason.NOT_YET_VALID),
        ({"exp": "later"}, [], Reason.PAYLOAD_UNEXPECTED),
        ({"nbf": True}, [], Reason.PAYLOAD_UNEXPECTED),
    ],
)
def test_every_refusal_of_section_7_1(payload, disclosures, reason):
    assert refused(join(sign(HEADER, payload), disclosures)) == reason


def test_a_disclosure_named_by_another_and_by_the_leaf_is_refused_even_when_hidden():
    payload = {"_sd": [digest_of(NESTED), digest_of(NAME)]}
    assert refused(join(sign(HEADER, payload), [NESTED])) == Reason.DIGEST_TWICE


def test_nesting_has_a_bottom():
    deep = {}
    for _ in range(100):
        deep = {"a": deep}
    assert refused(join(sign(HEADER, deep), [])) == Reason.PAYLOAD_UNEXPECTED


def test_disclosures_nested_in_each_other_have_a_bottom():
    disclosures = []
    value = "end"
    for _ in range(100):
        disclosures.append(written(SALT, "a", value))
        value = {"_sd": [digest_of(disclosures[-1])]}
    assert refused(join(sign(HEADER, value), disclosures)) == Reason.PAYLOAD_UNEXPECTED


@pytest.mark.parametrize("alg", ["none", "HS256", "ES384", "EdDSA", None, 1])
def test_only_es256_is_taken_whatever_the_token_says(alg):
    assert refused(join(sign({**HEADER, "alg": alg}, {}), [])) == Reason.ALG_NOT_ALLOWED


def test_critical_extensions_are_refused():
    assert refused(join(sign({**HEADER, "crit": ["exp"]}, {}), [])) == Reason.HEADER_UNEXPECTED


def test_another_s_signature_is_refused():
    assert refused(join(sign(HEADER, {}, OTHER_SIGNER), [])) == Reason.SIGNATURE_INVALID


def test_parts_are_shown_to_nobody_by_accident():
    assert repr(parse(join(sign(HEADER, {"name": "Durand"}), [NAME]))) == "SdJwt(…)"


def test_a_text_too_long_is_not_looked_at():
    assert refused("A" * (1 << 21)) == Reason.TOO_LARGE


def test_the_header_is_an_object():
    text = f"{base64url(to_json([1]))}.{base64url(to_json({}))}.{base64url(bytes(64))}~"
    assert refused(text) == Reason.JSON_NOT_STRICT
