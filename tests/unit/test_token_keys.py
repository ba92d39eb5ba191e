"""Keys of the token issuer: fetched when needed, kept while it is away, never more often than is good for it."""

import asyncio

import orjson
import pytest
from aiohttp import web

from receipt_service.errors import Unavailable
from receipt_service.web.token_keys import FetchedKeys
from tests.support.tokens import ALGORITHMS, EC_KEY, ED_KEY, jwk


class Provider:
    """An OpenID provider on this machine that can misbehave."""

    def __init__(self):
        self.asked = 0
        self.jwks = {"keys": [jwk(EC_KEY, "ec")]}
        self.issuer = None
        self.down = False
        self.answer = None

    async def __aenter__(self):
        app = web.Application()
        app.router.add_get("/.well-known/openid-configuration", self.discovery)
        app.router.add_get("/jwks", self.keys)
        self.runner = web.AppRunner(app)
        await self.runner.setup()
        site = web.TCPSite(self.runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self.runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_):
        await self.runner.cleanup()

    async def discovery(self, _):
        return web.json_response({"issuer": self.issuer or self.url, "jwks_uri": f"{self.url}/jwks"})

    async def keys(self, _):
        self.asked += 1
        if self.down:
            raise web.HTTPInternalServerError
        if self.answer is not None:
            return await self.answer()
        return web.Response(body=orjson.dumps(self.jwks), content_type="application/json")


def with_provider(scenario):
    async def main():
        async with Provider() as provider:
            await scenario(provider)

    asyncio.run(main())


def fetched(provider, clock, **more):
    return FetchedKeys(provider.url, ALGORITHMS, clock=lambda: clock[0], **more)


def test_keys_are_fetched_once_and_anew_for_a_new_name_at_most_every_half_minute():
    async def scenario(provider):
        clock = [0.0]
        keys = fetched(provider, clock)
        assert await keys.key("ec", "ES256") is not None
        assert await keys.key("ec", "ES256") is not None
        assert provider.asked == 1

        provider.jwks["keys"].append(jwk(ED_KEY, "ed"))
        for _ in range(50):
            assert await keys.key("ed", "EdDSA") is None
        assert provider.asked == 1

        clock[0] = 31
        assert await keys.key("ed", "EdDSA") is not None
        assert provider.asked == 2

    with_provider(scenario)


def test_old_keys_serve_while_the_issuer_is_away_but_not_for_ever():
    async def scenario(provider):
        clock = [0.0]
        keys = fetched(provider, clock, max_age_seconds=60)
        assert await keys.ready()
        provider.down = True
        clock[0] = 3600
        assert await keys.key("ec", "ES256") is not None
        clock[0] = 25 * 3600
        assert not await keys.ready()
        with pytest.raises(Unavailable):
            await keys.key("ec", "ES256")

    with_provider(scenario)


def test_a_key_that_the_issuer_withdraws_is_gone_at_the_next_fetch():
    async def scenario(provider):
        clock = [0.0]
        keys = fetched(provider, clock, max_age_seconds=60)
        assert await keys.key("ec", "ES256") is not None
        provider.jwks["keys"].clear()
        clock[0] = 61
        assert await keys.key("ec", "ES256") is None

    with_provider(scenario)


async def _huge():
    return web.Response(body=b"[" + b" " * 300_000 + b"]", content_type="application/json")


async def _slow():
    await asyncio.sleep(1)  # the limit is 0.3 s; the server's end waits for this
    return web.Response()


async def _elsewhere():
    raise web.HTTPFound("http://127.0.0.1:1/")


async def _text():
    return web.Response(text="hello")


@pytest.mark.parametrize("answer", [_huge, _slow, _elsewhere, _text])
def test_an_issuer_that_misbehaves_leaves_us_without_keys_and_whole(answer):
    async def scenario(provider):
        provider.answer = answer
        keys = fetched(provider, [0.0], timeout_seconds=0.3)
        assert not await keys.ready()
        with pytest.raises(Unavailable):
            await keys.key("ec", "ES256")

    with_provider(scenario)


def test_an_issuer_that_is_just_starting_is_asked_again_soon():
    async def scenario(provider):
        clock = [0.0]
        provider.down = True
        keys = fetched(provider, clock)
        assert not await keys.ready()
        provider.down = False
        assert not await keys.ready()
        clock[0] = 4
        assert await keys.ready()

    with_provider(scenario)


def test_another_issuers_discovery_document_is_refused():
    async def scenario(provider):
        provider.issuer = "http://other.example"
        keys = fetched(provider, [0.0])
        assert not await keys.ready()
        assert provider.asked == 0

    with_provider(scenario)
