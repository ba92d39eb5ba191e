"""The outermost layer of the HTTP interface: plain ASGI, because every layer costs each request.

It bounds what comes in (size, time), turns every failure into a problem document, and puts on every
answer the headers that keep it out of caches, frames and other origins. Nothing of a request is
logged but its route's template.
"""

import asyncio
import secrets
from typing import Final

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from receipt_service import telemetry
from receipt_service.errors import ReceiptServiceError
from receipt_service.web.problems import BODY_TOO_LARGE, INTERNAL_ERROR, REQUEST_TIMEOUT
from receipt_service.web.refusals import Refused, problem_of_status, problem_response, refusal_of

BODY_SECONDS: Final = 20
"""The longest wait for the rest of a request's body."""

_SAFE_DEFAULTS: Final = (
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
)
_HTTPS_ONLY: Final = (b"strict-transport-security", b"max-age=63072000; includeSubDomains")


class Boundary:
    """Wraps the application; knows no route."""

    def __init__(self, app: ASGIApp, *, request_limit_bytes: int, https: bool) -> None:
        self._app = app
        self._limit = request_limit_bytes
        self._defaults = (*_SAFE_DEFAULTS, _HTTPS_ONLY) if https else _SAFE_DEFAULTS

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on within its bounds, and answer its failure."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return
        exchange = _Exchange(scope, receive, send, self._limit, self._defaults)
        if _declared_length(scope) > self._limit:
            await exchange.answer(Refused(BODY_TOO_LARGE))
            return
        try:
            await self._app(scope, exchange.receive, exchange.send)
        except ClientDisconnect:
            # Nobody is there to be answered.
            return
        except Exception as error:  # noqa: BLE001 - the one place where every failure becomes an answer
            await exchange.answer(error)


def _declared_length(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length":
            return int(value) if value.isdigit() and len(value) < 16 else 1 << 62  # noqa: PLR2004
    return 0


class _Exchange:
    """One request and its answer."""

    def __init__(
        self, scope: Scope, receive: Receive, send: Send, limit: int, defaults: tuple[tuple[bytes, bytes], ...]
    ) -> None:
        self._scope = scope
        self._receive = receive
        self._send = send
        self._limit = limit
        self._defaults = defaults
        self._received = 0
        self._complete = False
        self._started = False
        self._head = scope["method"] == "HEAD"
        if self._head:
            # RFC 9110 §9.3.2: the same as GET, without the content.
            scope["method"] = "GET"

    async def receive(self) -> Message:
        """Pass the body on, piece by piece, within its size and its time."""
        if self._complete:
            return await self._receive()
        try:
            async with asyncio.timeout(BODY_SECONDS):
                message = await self._receive()
        except TimeoutError:
            raise Refused(REQUEST_TIMEOUT) from None
        if message["type"] == "http.request":
            self._received += len(message.get("body", b""))
            self._complete = not message.get("more_body", False)
            if self._received > self._limit:
                raise Refused(BODY_TOO_LARGE)
        return message

    async def send(self, message: Message) -> None:
        """Pass the answer on, with the headers that it did not set itself."""
        if message["type"] == "http.response.start":
            self._started = True
            headers = message.get("headers", ())
            present = {name for name, _ in headers}
            message = {**message, "headers": [*headers, *[each for each in self._defaults if each[0] not in present]]}
        elif self._head and message["type"] == "http.response.body":
            message = {**message, "body": b""}
        await self._send(message)

    async def answer(self, error: Exception) -> None:
        """Answer with the problem that the failure is; an unexpected one is logged and gets a number."""
        refused, instance = self._refusal(error)
        if self._started:
            # Too late for a problem: the client sees an answer cut short.
            raise ConnectionError("the answer had begun") from None
        accept_language = Headers(scope=self._scope).get("accept-language")
        response = problem_response(refused, accept_language, instance)
        await response(self._scope, self._receive, self.send)

    def _refusal(self, error: Exception) -> tuple[Refused, str | None]:
        refused: Refused | None = None
        if isinstance(error, ReceiptServiceError):
            refused = refusal_of(error)
        elif isinstance(error, HTTPException):
            refused = Refused(problem_of_status(error.status_code), headers=error.headers)
        fields = {"method": self._scope["method"], "route": getattr(self._scope.get("route"), "path", "unknown")}
        if refused is not None and refused.problem.status < 500:  # noqa: PLR2004
            telemetry.logger().info("refused", problem=refused.problem.slug, **fields)
            return refused, None
        if refused is not None:
            telemetry.logger().warning("unavailable", problem=refused.problem.slug, exc_info=error, **fields)
            return refused, None
        occurrence = secrets.token_hex(8)
        telemetry.logger().error("internal_error", occurrence=occurrence, exc_info=error, **fields)
        return Refused(INTERNAL_ERROR), f"urn:fr:recepisse:occurrence:{occurrence}"
