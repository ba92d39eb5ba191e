import asyncio
import base64
import json
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from receipt_service.errors import ConfigurationError
from receipt_service.web.authentication import Caller, Role, TokenPolicy, TokenVerifier, bearer_token, require_role
from receipt_service.web.demo_issuer import DemoIssuer
from receipt_service.web.refusals import Refused
from receipt_service.web.token_keys import FixedKeys, usable_keys
from tests.support.tokens import (
    ALGORITHMS,
    CLAIMS,
    EC_KEY,
    ED_KEY,
    ISSUER,
    JWKS,
    NOW,
    RSA_KEY,
    SECONDS,
    SMALL_RSA_KEY,
    jwk,
    token,
    verifier,
)


def caller(presented, **changed):
    return asyncio.run(verifier(**changed).caller(presented))


@pytest.mark.parametrize(
    ("key", "algorithm", "kid"),
    [
        (EC_KEY, "ES256", "ec"),
        (RSA_KEY, "RS256", "rsa"),
        (RSA_KEY, "PS256", "rsa"),
        (ED_KEY, "EdDSA", "ed"),
        (RSA_KEY, "RS256", "rs-only"),
    ],
)
def test_a_token_of_the_issuer_is_taken(key, algorithm, kid):
    found = caller(token(key, algorithm, header={"kid": kid}))

    assert found == Caller("agent-1", frozenset({Role.OFFICER}), SECONDS + 300 + 60)


@pytest.mark.parametrize("kind", ["JWT", "jwt", "at+jwt", "application/at+jwt"])
def test_the_types_of_access_tokens_are_taken(kind):
    assert caller(token(header={"typ": kind})).subject == "agent-1"


def forged(header, payload=CLAIMS, signature=b"x" * 64):
    parts = [json.dumps(header).encode(), json.dumps(payload).encode(), signature]
    return b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in parts)


REFUSED = {
    "another issuer": token(iss="https://other.example"),
    "issuer with a slash": token(iss=ISSUER + "/"),
    "no issuer": token(iss=...),
    "another audience": token(aud="other"),
    "no audience": token(aud=...),
    "audience as an object": token(aud={"receipt-service": 1}),
    "expired": token(exp=SECONDS - 61),
    "no expiry": token(exp=...),
    "expiry as text": token(exp="soon"),
    "issued in the future": token(iat=SECONDS + 61),
    "no time of issue": token(iat=...),
    "not yet valid": token(nbf=SECONDS + 61),
    "too old": token(iat=SECONDS - 40_000, exp=SECONDS + 300),
    "boolean expiry": token(exp=True),
    "endless expiry": token(exp=1e300),
    "no subject": token(sub=...),
    "empty subject": token(sub=""),
    "identity token": token(typ="ID"),
    "refresh token": token(typ="Refresh"),
    "another type": token(header={"typ": "secevent+jwt"}),
    "no key name": token(header={"kid": ...}),
    "no type": token(header={"typ": ...}),
    "unknown key": token(header={"kid": "other"}),
    "encryption key": token(header={"kid": "encryption"}),
    "small key": token(SMALL_RSA_KEY, "RS256", header={"kid": "small"}),
    "algorithm of another key": token(RSA_KEY, "RS256", header={"kid": "ec"}),
    "algorithm that the key excludes": token(RSA_KEY, "PS256", header={"kid": "rs-only"}),
    "another's signature": token(ec.generate_private_key(ec.SECP256R1())),
    "critical extension": token(header={"crit": ["b64"], "b64": True}),
    "alg none": forged({"alg": "none", "kid": "ec", "typ": "JWT"}, signature=b""),
    "alg as a list": forged({"alg": ["ES256"], "kid": "ec", "typ": "JWT"}),
    "kid as a list": forged({"alg": "ES256", "kid": ["ec"], "typ": "JWT"}),
    "HMAC with the public key": forged({"alg": "HS256", "kid": "ec", "typ": "JWT"}),
    "own key": forged({"alg": "ES256", "kid": "x", "typ": "JWT", "jwk": jwk(EC_KEY, "x")}),
    "two parts": b"e30.e30",
    "four parts": token() + b".e30",
    "empty parts": b"..",
    "not base64": b"%%.e30.e30",
    "not ASCII": b"\xff\xfe.e30.e30",
    "header is a list": base64.urlsafe_b64encode(b"[]") + b".e30.e30",
    "header says alg twice": base64.urlsafe_b64encode(b'{"alg":"none","alg":"ES256","kid":"ec","typ":"JWT"}').rstrip(
        b"="
    )
    + b".e30.e30",
    "flipped signature": token()[:-10] + (b"A" if token()[-10:-9] != b"A" else b"B") + token()[-9:],
}


@pytest.mark.parametrize("presented", REFUSED.values(), ids=REFUSED)
def test_any_other_token_is_refused(presented):
    with pytest.raises(Refused) as raised:
        caller(presented)

    assert raised.value.problem.slug == "invalid-token"
    assert raised.value.__cause__ is None


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": SECONDS - 59},
        {"iat": SECONDS + 59, "nbf": SECONDS + 59},
        {"aud": "receipt-service"},
        {"exp": SECONDS + 300.5},
    ],
)
def test_clocks_may_differ_by_a_minute(claims):
    assert caller(token(**claims)).subject == "agent-1"


@pytest.mark.parametrize(
    ("claims", "path", "roles"),
    [
        ({}, "realm_access.roles", {Role.OFFICER}),
        ({"roles": ["auditor", "supervisor"]}, "roles", {Role.AUDITOR, Role.SUPERVISOR}),
        ({"scope": "openid officer"}, "scope", {Role.OFFICER}),
        ({"realm_access": ...}, "realm_access.roles", set()),
        ({"realm_access": []}, "realm_access.roles", set()),
        ({"realm_access": {"roles": {"officer": 1}}}, "realm_access.roles", set()),
        ({"realm_access": {"roles": ["Officer", "admin"]}}, "realm_access.roles", set()),
    ],
)
def test_roles_come_from_the_configured_claim(claims, path, roles):
    assert caller(token(**claims), roles_claim=path).roles == roles


def test_a_missing_role_is_another_refusal_than_a_bad_token():
    with pytest.raises(Refused) as raised:
        require_role(Caller("a", frozenset({Role.AUDITOR}), 0), Role.OFFICER, Role.SUPERVISOR)

    assert raised.value.problem.slug == "forbidden"


def test_a_remembered_token_still_expires():
    now = [NOW]
    verify = TokenVerifier(
        TokenPolicy(issuer=ISSUER, audience="receipt-service", algorithms=ALGORITHMS),
        FixedKeys(usable_keys(JWKS, ALGORITHMS)),
        lambda: now[0],
    )
    presented = token(exp=SECONDS + 20)
    assert asyncio.run(verify.caller(presented)) is asyncio.run(verify.caller(presented))

    now[0] += timedelta(seconds=81)

    with pytest.raises(Refused):
        asyncio.run(verify.caller(presented))


def test_no_more_tokens_are_remembered_than_fit(monkeypatch):
    monkeypatch.setattr("receipt_service.web.authentication.MOST_REMEMBERED", 3)
    verify = verifier()

    for number in range(10):
        asyncio.run(verify.caller(token(sub=f"agent-{number}")))

    assert len(verify._remembered) == 3
    assert all(b"agent" not in name for name in verify._remembered)


@pytest.mark.parametrize(
    ("values", "slug"),
    [
        ([], "unauthenticated"),
        ([b"Basic dTpw"], "unauthenticated"),
        ([b"Bearer"], "invalid-token"),
        ([b"Bearer "], "invalid-token"),
        ([b"Bearer a", b"Bearer b"], "invalid-token"),
        ([b"Bearer " + b"a" * 9000], "invalid-token"),
    ],
)
def test_one_bearer_token_is_wanted(values, slug):
    with pytest.raises(Refused) as raised:
        bearer_token([(b"authorization", value) for value in values])

    assert raised.value.problem.slug == slug
    assert raised.value.problem.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize("algorithms", [(), ("none",), ("HS256",), ("ES256", "HS512")])
def test_a_policy_with_symmetric_algorithms_cannot_be_made(algorithms):
    with pytest.raises(ConfigurationError):
        TokenPolicy(issuer=ISSUER, audience="a", algorithms=algorithms)


def test_the_demonstrations_issuer_exists_in_the_demonstration_only():
    with pytest.raises(ConfigurationError):
        DemoIssuer("https://recepisse.example", demo=False)


def test_the_demonstrations_tokens_are_good_ones():
    issuer = DemoIssuer("http://127.0.0.1:8000", demo=True)
    policy = TokenPolicy(issuer=issuer.issuer, audience="receipt-service-demo", algorithms=("ES256",))
    verify = TokenVerifier(policy, issuer.keys, lambda: NOW)

    found = asyncio.run(verify.caller(issuer.token("agent-1", [Role.SUPERVISOR], NOW).encode()))

    assert (found.subject, found.roles) == ("agent-1", {Role.SUPERVISOR})
    assert "d" not in issuer.jwks["keys"][0]
