"""The verification page on a local server, with the stubs, keys and catalogue that it asks for."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from receipt_service.domain.correction import Succession
from receipt_service.issuance.reads import StubReport
from receipt_service.web.boundary import Boundary
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
    erased: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)

    def add(self, case: Case) -> str:
        """Hold the stub of a case, and return the link to it."""
        self.stubs[case.receipt_number] = stub_content(
            case.receipt_number, StubReport(stub=case.receipt.stub, succession=Succession())
        )
        return f"{self.address}/r#{case.link.fragment}"

    def answer(self, name: str, content: bytes | None) -> Response:
        if name in self.erased:
            return Response(status_code=410)
        if name in self.failing:
            return Response(status_code=503)
        if content is None:
            return Response(status_code=404)
        return Response(content, media_type="application/json")


def _app(site: Site) -> ASGIApp:
    (trusted,) = json.loads(sample_trust_root().to_json())["issuers"]

    async def stub(request: Request) -> Response:
        found = site.stubs.get(request.path_params["number"])
        return site.answer("stubs", None if found is None else json.dumps(found).encode())

    async def keys(_: Request) -> Response:
        return site.answer("keys", json.dumps({"issuer": ISSUER, "jwks": trusted["jwks"]}).encode())

    async def catalogue(_: Request) -> Response:
        return site.answer("catalogue", CATALOGUE_FILE.read_bytes())

    routes = [
        *pages_router().routes,
        Route("/v1/stubs/{number}", stub),
        Route("/.well-known/jwt-vc-issuer", keys),
        Route("/v1/catalogue", catalogue),
    ]
    bounded = Boundary(Router(routes, redirect_slashes=False), request_limit_bytes=1000, https=False)

    async def remembering(scope: Scope, receive: Receive, send: Send) -> None:
        site.asked.append(f"{scope['path']}?{scope['query_string'].decode()}")
        await bounded(scope, receive, send)

    return remembering


@contextmanager
def page_site() -> Iterator[Site]:
    """Serve the page on a free port of the loopback until the block ends."""
    site = Site()
    with serving(_app(site)) as site.address:
        yield site
