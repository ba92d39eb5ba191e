"""Asking an identity provider: by HTTP, bounded, and never to be led elsewhere."""

import asyncio
import base64
import json
from dataclasses import dataclass, field
from urllib.parse import parse_qs

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from receipt_service.errors import Unavailable
from receipt_service.web.openid_provider import LARGEST_ANSWER_BYTES, Client, CodeRefused, OpenIdProvider
from tests.support.servers import serving

CLIENT = Client(client_id="dash board", client_secret=None, redirect_uri="http://127.0.0.1:1/supervision/callback")


@dataclass
class Provider:
    """What a made-up provider answers, and what it was asked."""

    address: str = ""
    discovery: dict = field(default_factory=dict)
    answer: Response = field(default_factory=lambda: Response(b"{}", media_type="application/json"))
    asked: list = field(default_factory=list)

    async def metadata(self, _: Request) -> Response:
        self.asked.append("discovery")
        document = {
            "issuer": self.address,
            "authorization_endpoint": f"{self.address}/authorize",
            "token_endpoint": f"{self.address}/token",
            **self.discovery,
        }
        return Response(json.dumps(document), media_type="application/json")

    async def token(self, request: Request) -> Response:
        form = parse_qs((await request.body()).decode())
        self.asked.append((request.headers.get("authorization"), {name: values[0] for name, values in form.items()}))
        return self.answer


@pytest.fixture
def provider():
    made = Provider()
    routes = [
        Route("/.well-known/openid-configuration", made.metadata),
        Route("/token", made.token, methods=["POST"]),
        Route("/elsewhere", made.token, methods=["GET", "POST"]),
    ]
    with serving(Starlette(routes=routes)) as made.address:
        yield made


def redeem(provider, client=CLIENT, **more):
    asking = OpenIdProvider(provider.address, **more)
    return asyncio.run(asking.redeem("the-code", "the-verifier", client))


def test_a_code_is_redeemed_with_its_verifier(provider):
    provider.answer = Response(b'{"access_token": "a.b.c"}', media_type="application/json")

    assert redeem(provider) == {"access_token": "a.b.c"}
    discovery, (authorization, form) = provider.asked
    assert (discovery, authorization) == ("discovery", None)
    assert form == {
        "grant_type": "authorization_code",
        "code": "the-code",
        "redirect_uri": CLIENT.redirect_uri,
        "client_id": CLIENT.client_id,
        "code_verifier": "the-verifier",
    }


def test_a_confidential_client_names_itself_by_basic_as_rfc_6749_encodes_it(provider):
    redeem(provider, Client(client_id="dash board", client_secret="s:é", redirect_uri=CLIENT.redirect_uri))

    authorization = provider.asked[1][0]
    assert base64.b64decode(authorization.removeprefix("Basic ")).decode() == "dash+board:s%3A%C3%A9"


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Response(b'{"error": "invalid_grant"}', 400), CodeRefused),
        (Response(b'{"error": "invalid_client"}', 401), CodeRefused),
        (RedirectResponse("/elsewhere"), CodeRefused),
        (Response(b"not JSON"), CodeRefused),
        (Response(b"[]"), CodeRefused),
        (Response(b'"' + b"x" * LARGEST_ANSWER_BYTES + b'"'), CodeRefused),
        (Response(b"{}", 500), Unavailable),
    ],
)
def test_any_other_answer_is_refused_and_no_redirection_followed(provider, answer, error):
    provider.answer = answer

    with pytest.raises(error):
        redeem(provider)
    assert len(provider.asked) == 2


@pytest.mark.parametrize("discovery", [{"issuer": "https://other.example"}, {"token_endpoint": 7}])
def test_metadata_of_no_use_are_told_as_unavailable(provider, discovery):
    provider.discovery = discovery

    with pytest.raises(Unavailable):
        redeem(provider)
    assert provider.asked == ["discovery"]


def test_the_discovery_document_may_stand_elsewhere_and_must_still_name_the_issuer(provider):
    provider.discovery = {"issuer": "http://issuer.example"}
    elsewhere = f"{provider.address}/.well-known/openid-configuration"
    asking = OpenIdProvider("http://issuer.example", discovery_url=elsewhere)

    assert asyncio.run(asking.metadata()).token_endpoint == f"{provider.address}/token"
    with pytest.raises(Unavailable):
        asyncio.run(OpenIdProvider("http://other.example", discovery_url=elsewhere).metadata())


def test_a_provider_that_is_not_there_is_unavailable():
    with pytest.raises(Unavailable):
        asyncio.run(OpenIdProvider("http://127.0.0.1:9").metadata())


def test_metadata_are_asked_for_once_an_hour(provider):
    now = [0.0]
    asking = OpenIdProvider(provider.address, clock=lambda: now[0])

    async def twice() -> None:
        await asking.metadata()
        await asking.metadata()

    asyncio.run(twice())
    assert provider.asked == ["discovery"]
    now[0] = 3601
    asyncio.run(twice())
    assert provider.asked == ["discovery", "discovery"]
