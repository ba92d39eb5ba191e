"""The verification page on a local server, with the stubs, keys, catalogue and log that it asks for."""

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
from receipt_service.tlog.merkle import leaf_hash
from receipt_service.web.boundary import Boundary
from receipt_service.web.pages import pages_router
from receipt_service.web.responses import stub_content
from tests.support.receipts import ISSUER, sample_trust_root
from tests.support.rendered_receipts import CATALOGUE_FILE, Case
from tests.support.servers import serving
from tests.support.small_log import POLICY, SmallLog, leaves


@dataclass
class Site:
    """What the server answers; tests change it while it runs."""

    address: str = ""
    stubs: dict[str, dict[str, object]] = field(default_factory=dict)
    proofs: dict[str, bytes] = field(default_factory=dict)
    policy: bytes | None = POLICY.encode()
    checkpoint: bytes | None = None
    failing: set[str] = field(default_factory=set)
    erased: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)

    def add(self, case: Case) -> str:
        """Hold the stub of a case, and return the link to it."""
        self.stubs[case.receipt_number] = stub_content(
            case.receipt_number, StubReport(stub=case.receipt.stub, succession=Succession())
        )
        self.log(case, SmallLog(texts=[*leaves()[:3], case.receipt.leaf]))
        return f"{self.address}/r#{case.link.fragment}"

    def log(self, case: Case, log: SmallLog) -> None:
        """Hold the log's proof of a case, and its checkpoint."""
        self.proofs[leaf_hash(case.receipt.leaf.encode()).hex()] = log.proof(case.receipt.leaf)
        self.checkpoint = log.note

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

    async def policy(_: Request) -> Response:
        return site.answer("policy", site.policy)

    async def proof(request: Request) -> Response:
        return site.answer("proofs", site.proofs.get(request.path_params["leaf_hash"]))

    async def checkpoint(_: Request) -> Response:
        return site.answer("checkpoint", site.checkpoint)

    routes = [
        *pages_router().routes,
        Route("/v1/stubs/{number}", stub),
        Route("/.well-known/jwt-vc-issuer", keys),
        Route("/v1/catalogue", catalogue),
        Route("/log/policy", policy),
        Route("/log/checkpoint", checkpoint),
        Route("/v1/log/proofs/{leaf_hash}", proof),
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
