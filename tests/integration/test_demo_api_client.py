"""The client in miniature, against a server that answers as told."""

import asyncio
from uuid import UUID

import pytest
from aiohttp import web

from receipt_service.demo import api_client
from receipt_service.demo.api_client import ApiClient
from receipt_service.errors import Unavailable

KEY = UUID("8e03978e-40d5-43dd-bc93-6894a57f9324")


class Told:
    """A server that gives the answers of a list, one after the other."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.keys, self.tokens, self.issued = [], [], 0

    async def token(self, request):
        self.issued += 1
        form = await request.post()
        return web.json_response({"access_token": f"{form['subject']}-{self.issued}", "expires_in": 3600})

    async def checks(self, request):
        self.keys.append(request.headers["Idempotency-Key"])
        self.tokens.append(request.headers["Authorization"])
        answer = self.answers.pop(0)
        if answer == "drop":
            request.transport.abort()
            return web.Response()
        status, headers = answer if isinstance(answer, tuple) else (answer, {})
        return web.json_response({"n": len(self.keys)}, status=status, headers=headers)


def submitted(told, *, times=1):
    async def run():
        app = web.Application()
        app.router.add_post("/token", told.token)
        app.router.add_post("/v1/checks", told.checks)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        base = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            async with ApiClient(base, token_url=f"{base}/token") as client:
                return [await client.submit({"a": 1}, KEY, "demo") for _ in range(times)]
        finally:
            await runner.cleanup()

    return asyncio.run(run())


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(api_client, "_LONGEST_PAUSE_SECONDS", 0.01)


def test_a_final_answer_is_given_as_it_is():
    (answer,) = submitted(Told((422, {"X-Reason": "law"})))
    assert (answer.status, answer.repeats, answer.json) == (422, 0, {"n": 1})
    assert answer.headers["x-reason"] == "law"


@pytest.mark.parametrize("first", [503, 409, 429, "drop", (503, {"Retry-After": "1"})])
def test_what_asks_for_a_repeat_is_repeated_under_the_same_key(first):
    told = Told(first, first, 201)
    (answer,) = submitted(told)
    assert (answer.status, answer.repeats) == (201, 2)
    assert set(told.keys) == {f'"{KEY}"'}


def test_a_token_is_kept_while_it_lasts():
    told = Told(201, 201, 201)
    submitted(told, times=3)
    assert told.issued == 1


def test_a_token_that_is_refused_is_replaced_once():
    told = Told(401, 201)
    (answer,) = submitted(told)
    assert answer.status == 201
    assert told.tokens == ["Bearer demo-1", "Bearer demo-2"]
    (refused,) = submitted(Told(401, 401))
    assert refused.status == 401


def test_patience_ends():
    told = Told(*[503] * 20)
    with pytest.raises(Unavailable):
        submitted(told)
    assert len(told.keys) == 8
