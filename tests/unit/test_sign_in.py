"""Signing in with a browser: what is sent, what must come back, and what a cookie may hold."""

import asyncio
from dataclasses import dataclass, field, replace
from datetime import timedelta
from http.cookies import SimpleCookie
from urllib.parse import parse_qs, urlsplit

import pytest

from receipt_service.crypto.cookie_cipher import CookieCipher
from receipt_service.errors import ConfigurationError
from receipt_service.web.openid_provider import Client, CodeRefused, Metadata, metadata_of
from receipt_service.web.sign_in import (
    SIGN_IN_TIME,
    SignIn,
    SignInFailed,
    authorization_address,
    challenge_of,
    code_of,
    new_pending,
)
from receipt_service.web.token_keys import FixedKeys, usable_keys
from tests.support.tokens import ALGORITHMS, EC_KEY, ED_KEY, ISSUER, JWKS, NOW, SECONDS, token

CLIENT = Client(
    client_id="receipt-supervision", client_secret=None, redirect_uri="https://recepisse.example/supervision/callback"
)
KEY = bytes(range(32))


def id_token(nonce, key=EC_KEY, **claims):
    given = {"aud": CLIENT.client_id, "nonce": nonce, "exp": SECONDS + 300, **claims}
    return token(key, **given).decode()


@dataclass
class FakeProvider:
    """Gives tokens for the code ``good``."""

    issuer: str = ISSUER
    names_itself: bool = False
    claims: dict = field(default_factory=dict)
    answer: dict = field(default_factory=dict)
    nonce: str = ""
    key: object = EC_KEY
    redeemed: list = field(default_factory=list)

    async def metadata(self):
        return Metadata(
            authorization_endpoint=f"{ISSUER}/authorize?kc=1",
            token_endpoint=f"{ISSUER}/token",
            names_itself=self.names_itself,
        )

    async def redeem(self, code, verifier, client):
        self.redeemed.append((code, challenge_of(verifier), client))
        if code != "good":
            raise CodeRefused("no")
        signed = id_token(**{"nonce": self.nonce, **self.claims}, key=self.key)
        return {"access_token": "a.b.c", "token_type": "Bearer", "id_token": signed, **self.answer}


def sign_in(provider, client=CLIENT, key=KEY):
    return SignIn(provider, client, CookieCipher(key), FixedKeys(usable_keys(JWKS, ALGORITHMS)), ("ES256",))


def value_of(cookie):
    (morsel,) = SimpleCookie(cookie).values()
    return {morsel.key: morsel.value}


def begun(provider, to="area=UPN-75"):
    """A sign-in under way: the flow, its query at the provider, and the browser's cookies."""
    flow = sign_in(provider)
    started = asyncio.run(flow.start(to, NOW))
    query = {name: values[0] for name, values in parse_qs(urlsplit(started.address).query).items()}
    provider.nonce = query["nonce"]
    return flow, query, value_of(started.cookie)


def finish(flow, query, cookies, now=NOW, **answer):
    given = {"code": "good", "state": query["state"], **answer}
    return asyncio.run(flow.finish({name: value for name, value in given.items() if value}, cookies, now))


def test_the_challenge_is_the_one_of_rfc_7636_appendix_b():
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"

    assert challenge_of(verifier) == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def test_the_request_has_all_that_protects_it():
    provider = FakeProvider()
    _, query, cookies = begun(provider)

    assert query["kc"] == "1"
    assert {name: query[name] for name in ("response_type", "client_id", "redirect_uri", "scope")} == {
        "response_type": "code",
        "client_id": CLIENT.client_id,
        "redirect_uri": CLIENT.redirect_uri,
        "scope": "openid",
    }
    assert query["code_challenge_method"] == "S256"
    assert len({query["state"], query["nonce"], query["code_challenge"]}) == 3
    assert min(len(query[name]) for name in ("state", "nonce", "code_challenge")) >= 43
    assert not any(query[name] in value for name in ("state", "nonce") for value in cookies.values())


def test_no_two_sign_ins_are_alike():
    first, second = new_pending("", NOW), new_pending("", NOW)

    assert not {first.state, first.nonce, first.verifier} & {second.state, second.nonce, second.verifier}
    assert first.verifier not in authorization_address(f"{ISSUER}/authorize", CLIENT, first)


def test_a_good_answer_gives_the_token_and_the_way_back():
    provider = FakeProvider()
    flow, query, cookies = begun(provider)

    assert finish(flow, query, cookies) == (b"a.b.c", "area=UPN-75")
    ((code, challenge, client),) = provider.redeemed
    assert (code, challenge, client) == ("good", query["code_challenge"], CLIENT)


@pytest.mark.parametrize(
    "answer",
    [
        {"state": "x" * 43},
        {"state": ""},
        {"code": ""},
        {"code": "used"},
        {"iss": "https://other.example"},
        {"error": "access_denied", "code": ""},
    ],
)
def test_another_answer_is_refused(answer):
    flow, query, cookies = begun(FakeProvider())

    with pytest.raises(SignInFailed):
        finish(flow, query, cookies, **answer)


def test_a_provider_that_names_itself_must():
    pending = new_pending("", NOW)
    good = {"state": pending.state, "code": "good", "iss": ISSUER}

    assert code_of(good, pending, issuer=ISSUER, names_itself=True) == "good"
    with pytest.raises(SignInFailed):
        code_of({**good, "iss": ""}, pending, issuer=ISSUER, names_itself=False)
    del good["iss"]
    assert code_of(good, pending, issuer=ISSUER, names_itself=False) == "good"
    with pytest.raises(SignInFailed):
        code_of(good, pending, issuer=ISSUER, names_itself=True)


@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": "another"},
        {"nonce": ...},
        {"aud": "another-client"},
        {"aud": [CLIENT.client_id, "another"]},
        {"iss": "https://other.example"},
        {"exp": SECONDS - 61},
        {"exp": ...},
        {"sub": ...},
        {"header": {"kid": "unknown"}},
        {"header": {"alg": "none"}},
    ],
)
def test_an_id_token_of_another_sign_in_is_refused(claims):
    provider = FakeProvider(claims=claims)
    flow, query, cookies = begun(provider)

    with pytest.raises(SignInFailed):
        finish(flow, query, cookies)


def test_an_id_token_of_another_key_is_refused():
    provider = FakeProvider(key=ED_KEY, claims={"algorithm": "EdDSA"})
    flow, query, cookies = begun(provider)

    with pytest.raises(SignInFailed):
        finish(flow, query, cookies)


@pytest.mark.parametrize(
    "answer", [{"access_token": None}, {"access_token": "é"}, {"token_type": "DPoP"}, {"id_token": None}]
)
def test_a_token_answer_without_a_bearer_and_an_id_token_is_refused(answer):
    flow, query, cookies = begun(FakeProvider(answer=answer))

    with pytest.raises(SignInFailed):
        finish(flow, query, cookies)


def test_a_sign_in_ends_after_ten_minutes_and_belongs_to_its_browser():
    flow, query, cookies = begun(FakeProvider())

    with pytest.raises(SignInFailed):
        finish(flow, query, cookies, NOW + SIGN_IN_TIME)
    with pytest.raises(SignInFailed):
        finish(flow, query, {})
    with pytest.raises(SignInFailed):
        finish(sign_in(FakeProvider(), key=bytes(32)), query, cookies)


def test_the_session_cookie_is_shut_away_and_lasts_as_long_as_its_token():
    flow = sign_in(FakeProvider())
    cookie = flow.session_cookie(b"a.b.c", NOW.timestamp() + 300, NOW)

    name, _, rest = cookie.partition("=")
    assert name == "__Host-receipt-session"
    assert rest.partition("; ")[2] == "Path=/; HttpOnly; SameSite=Lax; Max-Age=300; Secure"
    assert flow.token_of(value_of(cookie)) == b"a.b.c"
    assert sign_in(FakeProvider(), key=bytes(32)).token_of(value_of(cookie)) is None
    assert flow.forget_session().startswith("__Host-receipt-session=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0")


def test_without_https_the_cookie_has_another_name():
    plain = sign_in(FakeProvider(), replace(CLIENT, redirect_uri="http://127.0.0.1:8000/supervision/callback"))

    assert plain.session_cookie(b"t", NOW.timestamp() + 9, NOW).startswith("receipt-session=")
    assert "Secure" not in plain.session_cookie(b"t", NOW.timestamp() + 9, NOW)


def test_one_cookie_does_not_stand_in_for_the_other():
    flow, _, cookies = begun(FakeProvider())
    (content,) = cookies.values()

    assert flow.token_of({"__Host-receipt-session": content}) is None


@pytest.mark.parametrize("content", ["", "x", "é", "AAAA", "A" * 400])
def test_a_made_up_cookie_is_no_session(content):
    assert sign_in(FakeProvider()).token_of({"__Host-receipt-session": content}) is None


def test_a_token_too_large_for_a_cookie_is_told():
    flow = sign_in(FakeProvider())
    usual = token(header={"x5t": "A" * 43}, groups=[f"group-{number:04}" for number in range(60)])

    assert len(flow.session_cookie(usual, SECONDS + 9, NOW)) < 4000
    import secrets  # noqa: PLC0415

    with pytest.raises(SignInFailed):
        flow.session_cookie(secrets.token_urlsafe(4000).encode(), SECONDS + 9, NOW)


def test_a_changed_cookie_is_noticed_everywhere():
    cipher = CookieCipher(KEY)
    sealed = cipher.encrypt(b"token", b"session")

    assert cipher.decrypt(sealed, b"session") == b"token"
    assert cipher.decrypt(sealed, b"sign-in") is None
    for place in range(len(sealed)):
        assert cipher.decrypt(sealed[:place] + bytes([sealed[place] ^ 1]) + sealed[place + 1 :], b"session") is None
    assert cipher.encrypt(b"token", b"session") != sealed


def test_a_session_key_has_its_length():
    with pytest.raises(ConfigurationError):
        CookieCipher(b"short")


DISCOVERY = {
    "issuer": ISSUER,
    "authorization_endpoint": f"{ISSUER}/authorize",
    "token_endpoint": f"{ISSUER}/token",
    "code_challenge_methods_supported": ["plain", "S256"],
    "authorization_response_iss_parameter_supported": True,
}


def test_a_discovery_document_is_read():
    assert metadata_of(DISCOVERY, ISSUER) == Metadata(
        authorization_endpoint=f"{ISSUER}/authorize", token_endpoint=f"{ISSUER}/token", names_itself=True
    )
    assert metadata_of({**DISCOVERY, "issuer": f"{ISSUER}/"}, ISSUER)


@pytest.mark.parametrize(
    "changed",
    [
        {"issuer": "https://other.example"},
        {"token_endpoint": None},
        {"token_endpoint": "http://connexion.example/token"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"code_challenge_methods_supported": ["plain"]},
    ],
)
def test_a_discovery_document_of_no_use_is_refused(changed):
    with pytest.raises(ValueError, match=r"issuer|endpoint|PKCE"):
        metadata_of({**DISCOVERY, **changed}, ISSUER)
    with pytest.raises(ValueError, match="issuer"):
        metadata_of(None, ISSUER)


def test_a_sign_in_that_takes_long_is_still_one(monkeypatch):
    flow, query, cookies = begun(FakeProvider())

    assert finish(flow, query, cookies, NOW + SIGN_IN_TIME - timedelta(minutes=6)).token == b"a.b.c"
