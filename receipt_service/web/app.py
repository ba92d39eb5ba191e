"""The HTTP application: routes, the boundary around them, and nothing that the framework does by default.

FastAPI's own validation answers quote the request, its telemetry hook records query strings, and its
documentation pages load scripts from elsewhere: all three are off (tests/integration/test_api_leaks.py).
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from fastapi import APIRouter, FastAPI
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from receipt_service.errors import ReceiptServiceError
from receipt_service.web.access import PUBLIC, DirectRoute, guarded
from receipt_service.web.audit_answers import AUDIT_RESPONSES
from receipt_service.web.audit_requests import AuditMatchIn, AuditPeriodIn, DailyClosingIn
from receipt_service.web.boundary import Boundary
from receipt_service.web.correction_requests import CancellationIn, CorrectionIn
from receipt_service.web.indicator_answers import IndicatorsOut
from receipt_service.web.officer_answers import OfficerStatisticsOut
from receipt_service.web.openapi import VERSION, build_document
from receipt_service.web.pages import pages_router
from receipt_service.web.requests import CheckRequestIn, ReceiptPdfIn
from receipt_service.web.responses import RESPONSES, json_response
from receipt_service.web.routes import (
    audit,
    catalogue,
    checks,
    closings,
    corrections,
    health,
    log,
    officer_statistics,
    receipts,
    statistics,
    stubs,
    well_known,
)
from receipt_service.web.routes.demo_tokens import demo_router
from receipt_service.web.routes.open_data import open_data_router
from receipt_service.web.routes.supervision import supervision_router
from receipt_service.web.services import Services
from receipt_service.web.statistics_answers import StatisticsOfferOut, StatisticsOut

API_ROUTERS: Final = (
    checks.router,
    corrections.router,
    stubs.router,
    receipts.router,
    statistics.router,
    officer_statistics.router,
    catalogue.router,
    log.router,
    closings.router,
    audit.router,
    well_known.router,
    health.router,
)
_OF_AUDIT: Final[tuple[type[BaseModel], ...]] = (AuditMatchIn, AuditPeriodIn, DailyClosingIn, *AUDIT_RESPONSES)
_OF_STATISTICS: Final = (OfficerStatisticsOut, StatisticsOut, StatisticsOfferOut, IndicatorsOut)
_NO_TELEMETRY: Final = {
    "tracing": False,
    "metrics": False,
    "logs": False,
    "operation_spans": False,
    "auto_configure": False,
}


def create_app(services: Services, *pages: APIRouter) -> FastAPI:
    """Build the application: API, verification page, and ``pages``, more routers outside the API's document."""
    app = _bare_app(request_limit_bytes=services.request_limit_bytes, https=services.public_url.startswith("https://"))
    app.state.services = services
    app.state.printing = asyncio.Semaphore(1)
    app.router.lifespan_context = _lifespan
    for router in (
        pages_router(),
        open_data_router(),
        log.log_router(),
        supervision_router(),
        *pages,
        *([] if services.demo_issuer is None else [demo_router()]),
    ):
        app.router.routes.extend(router.routes)
    document = openapi_document()
    answer = guarded(_answer_with(document), PUBLIC, ("application/json",))
    app.router.routes.append(DirectRoute("/openapi.json", answer, methods=["GET"], include_in_schema=False))
    return app


def openapi_document() -> dict[str, Any]:
    """Return the OpenAPI document of the API; needs no settings and no services."""
    requests = (CheckRequestIn, CorrectionIn, CancellationIn, ReceiptPdfIn)
    return build_document(_bare_app(), (*requests, *RESPONSES, *_OF_STATISTICS, *_OF_AUDIT))


class _Application(FastAPI):
    """FastAPI with the boundary as its whole middleware: each of the usual layers costs every request."""

    def __init__(self, *, request_limit_bytes: int, https: bool, **options: Any) -> None:
        self._request_limit_bytes = request_limit_bytes
        self._https = https
        super().__init__(**options)

    def build_middleware_stack(self) -> ASGIApp:
        """Put the boundary around the router; it answers every failure, the router's own included."""
        return Boundary(self.router, request_limit_bytes=self._request_limit_bytes, https=self._https)


def _bare_app(*, request_limit_bytes: int = 65_536, https: bool = True) -> FastAPI:
    app = _Application(
        request_limit_bytes=request_limit_bytes,
        https=https,
        title="Receipt service",
        version=VERSION,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        debug=False,
        redirect_slashes=False,
        telemetry=_NO_TELEMETRY,
    )
    for router in API_ROUTERS:
        # Not include_router, which would match every request twice.
        app.router.routes.extend(router.routes)
    return app


def _answer_with(content: Any) -> Any:
    async def answer(_: Request) -> Response:
        return json_response(content, headers={"Cache-Control": "public, max-age=300"})

    return answer


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    services: Services = app.state.services
    if services.start is not None:
        try:
            await services.start()
        except ReceiptServiceError as error:
            # The server reports a failed start by its type alone; the command shows our own words.
            app.state.start_fault = error
            raise
    try:
        yield
    finally:
        if services.stop is not None:
            await services.stop()
        await services.tokens.keys.close()
