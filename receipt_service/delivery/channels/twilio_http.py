"""The HTTP client beneath the ``twilio`` package: one request, one real time-out, nothing logged.

The package's own asynchronous client ignores its time-out (twilio-python issue 925), repeats a POST
that may have sent an SMS when ``max_retries`` is set, and logs telephone numbers at INFO. This one
sends each request exactly once, ends it after ``limit`` seconds whatever the server does, and says
by its exceptions whether the request can have been acted on.
"""

import asyncio
import base64
import logging
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

import aiohttp
from twilio.http import AsyncHttpClient
from twilio.http.response import Response

from receipt_service.errors import ReceiptServiceError

CONNECT_SHARE = 0.5
"""Part of the time limit that may pass before the connection stands."""
LONGEST_ANSWER = 4 * 1024 * 1024
"""Bytes of an answer that are read; a page of a thousand messages has about 1.5 MB."""

_silent = logging.getLogger("receipt_service.delivery.twilio.silent")
_silent.disabled = True


class NotSent(ReceiptServiceError):
    """No connection came about: the provider can't have seen the request."""


class AnswerLost(ReceiptServiceError):
    """The request had left and no whole answer came: it may have been acted on. ``code`` says what happened."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class RateLimited(ReceiptServiceError):
    """HTTP 429: not acted on. ``retry_after`` is the provider's wish, if it stated one."""

    def __init__(self, retry_after: timedelta | None) -> None:
        super().__init__("429")
        self.retry_after = retry_after


class OneShotHttpClient(AsyncHttpClient):  # type: ignore[misc]  # the twilio package carries no types
    """Carries requests of the ``twilio`` package over one pool of at most ``connections`` connections."""

    def __init__(self, *, limit: float, connections: int) -> None:
        """``limit`` is the whole time of a request in seconds, connecting included."""
        super().__init__(_silent, is_async=True, timeout=limit)
        self._limit = limit
        self._connections = connections
        self._session: aiohttp.ClientSession | None = None

    async def request(
        self,
        method: str,
        uri: str,
        params: dict[str, object] | None = None,
        data: dict[str, object] | None = None,
        headers: dict[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - the signature is the package's
        allow_redirects: bool = False,  # noqa: FBT001, FBT002 - the signature is the package's
    ) -> Response:
        """Send once.

        ``timeout`` and ``allow_redirects`` are the package's and have no say: the limit is the
        client's, and a redirect is an answer like another (it would carry the text elsewhere).

        Raises:
            NotSent, AnswerLost, RateLimited: as their names say.

        """
        del timeout, allow_redirects
        sent_headers = dict(headers or {})
        if auth is not None:
            sent_headers["Authorization"] = "Basic " + base64.b64encode(":".join(auth).encode()).decode()
        # Encoded here: aiohttp would draw a multipart boundary for each form that it never uses.
        form = urlencode(data, doseq=True).encode() if data else None
        arguments: dict[str, Any] = {"params": params, "data": form, "headers": sent_headers}
        try:
            async with asyncio.timeout(self._limit):
                return await self._exchange(method, uri, arguments)
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise NotSent(type(error).__name__) from None
        except TimeoutError:
            raise AnswerLost("timeout") from None
        except (aiohttp.ClientError, OSError, UnicodeDecodeError):
            raise AnswerLost("disconnected") from None

    async def _exchange(self, method: str, uri: str, arguments: dict[str, Any]) -> Response:
        async with self._open_session().request(method.upper(), uri, allow_redirects=False, **arguments) as answer:
            if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
                raise RateLimited(parse_retry_after(answer.headers.get("Retry-After"), datetime.now(UTC)))
            body = await answer.content.read(LONGEST_ANSWER)
            while not answer.content.at_eof() and len(body) < LONGEST_ANSWER:
                body += await answer.content.read(LONGEST_ANSWER - len(body))
            return Response(answer.status, body.decode("utf-8"), answer.headers)

    def _open_session(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=self._connections, keepalive_timeout=15),
                timeout=aiohttp.ClientTimeout(total=self._limit, sock_connect=self._limit * CONNECT_SHARE),
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=False,
            )
        return self._session

    async def close(self) -> None:
        """Close the pool; a later request opens a new one."""
        if self._session is not None:
            await self._session.close()
            self._session = None


def parse_retry_after(value: str | None, now: datetime) -> timedelta | None:
    """Read a Retry-After header: seconds or an HTTP date (RFC 9110 §10.2.3). What can't be read is None."""
    if value is None:
        return None
    text = value.strip()
    if text.isascii() and text.isdigit():
        return timedelta(seconds=int(text[:9]))
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(moment - now, timedelta(0))
