"""Routes that say who may call them, in one place that also enforces it.

``Route.add`` is the only way a route enters the API (tests/architecture holds it): the declared roles
and media types are what the wrapper checks and what the OpenAPI document says, so neither can lie.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from fastapi import APIRouter
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from receipt_service.web.authentication import Caller, Role, bearer_token, require_role
from receipt_service.web.openapi import problem_answers
from receipt_service.web.problems import FORBIDDEN, INVALID_TOKEN, NOT_ACCEPTABLE, UNAUTHENTICATED, Problem
from receipt_service.web.refusals import Refused

PUBLIC: Final[tuple[Role, ...]] = ()
"""No token: what is served is public, or its address is itself the capability."""
JSON: Final = "application/json"

Public = Callable[[Request], Awaitable[Response]]
Authenticated = Callable[[Request, Caller], Awaitable[Response]]


class DirectRoute(APIRoute):
    """A FastAPI route whose handler takes the request itself.

    The framework documents it and matches it; its dependency solving, which nothing here uses, would cost
    each request more than a signature does.
    """

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        super().__init__(path, endpoint, **options)
        self.app = _direct(endpoint)


def _direct(endpoint: Public) -> ASGIApp:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        response = await endpoint(Request(scope, receive, send))
        await response(scope, receive, send)

    return app


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One operation of the API: its address, who may call it, what it gives, how it refuses."""

    method: str
    path: str
    name: str
    """``operationId``."""
    tag: str
    summary: str
    description: str
    roles: tuple[Role, ...]
    answers: dict[int | str, dict[str, Any]]
    """OpenAPI responses by status, without the problems."""
    problems: tuple[Problem, ...] = ()
    produces: tuple[str, ...] = (JSON,)
    parameters: tuple[Mapping[str, Any], ...] = ()
    body: Mapping[str, Any] | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)

    def add(self, router: APIRouter, handler: Public | Authenticated) -> None:
        """Add the operation to the router, behind its checks."""
        problems = (*self.problems, NOT_ACCEPTABLE)
        operation: dict[str, Any] = {"parameters": list(self.parameters), **self.extra, "security": []}
        if self.roles:
            problems = (*problems, UNAUTHENTICATED, INVALID_TOKEN, FORBIDDEN)
            operation["security"] = [{"officerToken": []}]
        if self.body is not None:
            operation["requestBody"] = self.body
        router.add_api_route(
            self.path,
            guarded(handler, self.roles, self.produces),
            methods=[self.method],
            operation_id=self.name,
            name=self.name,
            tags=[self.tag],
            summary=self.summary,
            description=self.description,
            response_class=Response,
            status_code=min(int(status) for status in self.answers),
            responses={**self.answers, **problem_answers(problems)},
            openapi_extra=operation,
        )


def guarded(
    handler: Any, roles: tuple[Role, ...], produces: tuple[str, ...]
) -> Callable[[Request], Awaitable[Response]]:
    """Put the declared checks before a handler: token and role (401, 403), then Accept (406)."""

    async def endpoint(request: Request) -> Response:
        caller: Caller | None = None
        if roles:
            token = bearer_token(request.scope["headers"])
            caller = await request.app.state.services.tokens.caller(token)
            require_role(caller, *roles)
        for name, value in request.scope["headers"]:
            if name == b"accept" and not accepts(value.decode("latin-1"), produces):
                raise Refused(NOT_ACCEPTABLE)
        answer: Response = await (handler(request, caller) if roles else handler(request))
        return answer

    endpoint.roles = roles  # type: ignore[attr-defined]  # read by tests/architecture
    return endpoint


def accepts(accept: str, produces: tuple[str, ...]) -> bool:
    """Tell whether an Accept header (RFC 9110 §12.5.1) admits one of the media types."""
    if accept in {"*/*", ""}:
        return True
    best: dict[str, tuple[int, float]] = {}
    for part in accept.lower().split(","):
        media, *parameters = [piece.strip() for piece in part.split(";")]
        weight = 1.0
        for parameter in parameters:
            if parameter.startswith("q="):
                weight = _weight(parameter[2:])
        for offered in produces:
            precision = _precision(media, offered)
            if precision > best.get(offered, (0, 0.0))[0]:
                best[offered] = (precision, weight)
    return any(weight > 0 for _, weight in best.values())


def _precision(media: str, offered: str) -> int:
    """Tell how exactly a media range names a type: 0 not at all, 3 by its name."""
    if media == offered:
        return 3
    if media == offered.split("/", maxsplit=1)[0] + "/*":
        return 2
    return 1 if media == "*/*" else 0


def _weight(value: str) -> float:
    try:
        return float(value)
    except ValueError:
        return 0.0
