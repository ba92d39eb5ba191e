"""The HTTP application: routes, the boundary around them, and nothing that the framework does by default.

FastAPI's own validation answers quote the request, its telemetry hook records query strings, and its
documentation pages load scripts from elsewhere: all three are off (tests/integration/test_api_leaks.py).
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from fastapi import APIRouter, FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from receipt_service.web.access import PUBLIC, guarded
from receipt_service.web.boundary import Boundary
from receipt_service.web.openapi import VERSION, build_document
from receipt_service.web.pages import pages_router
from receipt_service.web.problems import INVALID_PARAMETER, Refused, problem_of_status, problem_response
from receipt_service.web.requests import CheckRequestIn, ReceiptPdfIn
from receipt_service.web.responses import RESPONSES, json_response
from receipt_service.web.routes import catalogue, checks, health, receipts, stubs, well_known
from receipt_service.web.routes.demo_tokens import demo_router
from receipt_service.web.services import Services

API_ROUTERS: Final = (
    checks.router,
    stubs.router,
    receipts.router,
    catalogue.router,
    well_known.router,
    health.router,
)
_NO_TELEMETRY: Final = {
    "tracing": False,
    "metrics": False,
    "logs": False,
    "operation_spans": False,
    "auto_configure": False,
}


def create_app(services: Services, *pages: APIRouter) -> FastAPI:
    """Build the application: API, verification page, and ``pages``, more routers outside the API's document."""
    app = _bare_app()
    app.state.services = services
    app.state.hand = checks.Hand()
    app.state.printing = asyncio.Semaphore(1)
    app.router.lifespan_context = _lifespan
    for router in (pages_router(), *pages):
        app.include_router(router, include_in_schema=False)
    if services.demo_issuer is not None:
        app.include_router(demo_router())
    document = openapi_document()
    app.add_api_route("/openapi.json", guarded(_answer_with(document), PUBLIC, ("application/json",)), methods=["GET"])
    app.add_middleware(
        Boundary,
        request_limit_bytes=services.request_limit_bytes,
        https=services.public_url.startswith("https://"),
    )
    return app


def openapi_document() -> dict[str, Any]:
    """Return the OpenAPI document of the API; needs no settings and no services."""
    return build_document(_bare_app(), (CheckRequestIn, ReceiptPdfIn, *RESPONSES))


def _bare_app() -> FastAPI:
    app = FastAPI(
        title="Receipt service",
        version=VERSION,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        debug=False,
        redirect_slashes=False,
        telemetry=_NO_TELEMETRY,  # type: ignore[arg-type]  # a TypedDict whose other members are optional
        exception_handlers={HTTPException: _http_exception, RequestValidationError: _validation_error},
    )
    for router in API_ROUTERS:
        app.include_router(router)
    return app


def _answer_with(content: Any) -> Any:
    async def answer(_: Request) -> Response:
        return json_response(content, headers={"Cache-Control": "public, max-age=300"})

    return answer


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    services: Services = app.state.services
    if services.start is not None:
        await services.start()
    try:
        yield
    finally:
        if services.stop is not None:
            await services.stop()
        await services.tokens.keys.close()


async def _http_exception(request: Request, error: Exception) -> Response:
    """Answer what the router refuses (404, 405) with a problem."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    headers = error.headers if isinstance(error, HTTPException) else None
    refused = Refused(problem_of_status(status), headers=headers)
    return problem_response(refused, request.headers.get("accept-language"))


async def _validation_error(request: Request, _: Exception) -> Response:
    """Answer without the framework's echo of the input; our routes validate themselves and never come here."""
    return problem_response(Refused(INVALID_PARAMETER), request.headers.get("accept-language"))
