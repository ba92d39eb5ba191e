"""The verification page on a local server, with the stubs, keys and catalogue that it asks for."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from receipt_service.web.pages import pages_router
from receipt_service.web.responses import stub_content
from tests.support.receipts import ISSUER, sample_trust_root
from tests.support.rendered_receipts import CATALOGUE_FILE, Case
from tests.support.servers import serving


@dataclass
class Site:
    """What the server answers; tests change it while it runs."""

    address: str = ""
    stubs: dict[str, dict[str, object]] = field(default_factory=dict)
    failing: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)

    def add(self, case: Case) -> str:
        """Hold the stub of a case, and return the link to it."""
        self.stubs[case.receipt_number] = stub_content(case.receipt_number, case.receipt.stub)
        return f"{self.address}/r#{case.link.fragment}"

    def answer(self, name: str, content: bytes | None) -> Response:
        if name in self.failing:
            return Response(status_code=503)
        if content is None:
            return Response(status_code=404)
        return Response(content, media_type="application/json")


def _app(site: Site) -> FastAPI:
    app = FastAPI(openapi_url=None)
    app.include_router(pages_router())
    (trusted,) = json.loads(sample_trust_root().to_json())["issuers"]

    @app.get("/v1/stubs/{number}")
    async def stub(number: str) -> Response:
        found = site.stubs.get(number)
        return site.answer("stubs", None if found is None else json.dumps(found).encode())

    @app.get("/.well-known/jwt-vc-issuer")
    async def keys() -> Response:
        return site.answer("keys", json.dumps({"issuer": ISSUER, "jwks": trusted["jwks"]}).encode())

    @app.get("/v1/catalogue")
    async def catalogue(_: Request) -> Response:
        return site.answer("catalogue", CATALOGUE_FILE.read_bytes())

    @app.middleware("http")
    async def remember(request: Request, call_next):
        site.asked.append(str(request.url))
        return await call_next(request)

    return app


@contextmanager
def page_site() -> Iterator[Site]:
    """Serve the page on a free port of the loopback until the block ends."""
    site = Site()
    with serving(_app(site)) as site.address:
        yield site
