"""An officer's app in miniature: tokens, a check under its Idempotency-Key, and patience.

What an app has to do right is done here in full: the key stays the same for every repeat, a lost answer,
409 and 503 are repeated, a token about to end is replaced. Connections are kept alive.
"""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from types import TracebackType
from typing import Any, Final, Self
from uuid import UUID

import aiohttp
import orjson

from receipt_service.errors import Unavailable

_TRIES: Final = 8
_LONGEST_PAUSE_SECONDS: Final = 5.0
_TOKEN_MARGIN_SECONDS: Final = 30
_REPEATED: Final = frozenset({HTTPStatus.CONFLICT, HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})


@dataclass(frozen=True, slots=True, repr=False)
class Answer:
    """What the service said, once it said something final."""

    status: int
    headers: Mapping[str, str]
    """Looked up without regard to case."""
    content: bytes
    repeats: int
    """How often the request was sent again before."""

    @property
    def json(self) -> dict[str, Any]:
        """The body as a JSON object."""
        value = orjson.loads(self.content)
        assert isinstance(value, dict)  # noqa: S101 - every JSON body of the service is an object
        return value


@dataclass(frozen=True, slots=True)
class _Token:
    value: str = field(repr=False)
    ends_at: float
    """On the monotonic clock."""


class ApiClient:
    """A session with one service for any number of officers; use it as an async context manager."""

    def __init__(self, base_url: str, *, token_url: str, connections: int = 16) -> None:
        """``token_url`` is the demonstration's own token issuer."""
        self._base_url = base_url
        self._token_url = token_url
        self._connections = connections
        self._tokens: dict[str, _Token] = {}
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        """Open the session."""
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=self._connections, keepalive_timeout=60),
            timeout=aiohttp.ClientTimeout(total=60),
            auto_decompress=True,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()

    async def submit(
        self, body: Mapping[str, Any], key: UUID, officer: str, *, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """``POST /v1/checks`` as the officer with that subject, until there is a final answer.

        Raises ``Unavailable`` when there is none after several tries.
        """
        return await self.request(
            "POST",
            "/v1/checks",
            officer=officer,
            content=orjson.dumps(body),
            headers={"Content-Type": "application/json", "Idempotency-Key": f'"{key}"', **(headers or {})},
        )

    async def request(
        self,
        method: str,
        path: str,
        *,
        officer: str | None = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send one request and repeat it while the service asks for that or can't be reached."""
        url = path if path.startswith("http") else self._base_url + path
        renewed = False
        for repeats in range(_TRIES):
            pause = min(0.05 * 2**repeats, _LONGEST_PAUSE_SECONDS)
            try:
                answer = await self._once(method, url, officer, content, dict(headers or {}), repeats)
            except (aiohttp.ClientError, TimeoutError):
                await asyncio.sleep(pause)
                continue
            if answer.status == HTTPStatus.UNAUTHORIZED and officer is not None and not renewed:
                self._tokens.pop(officer, None)
                renewed = True
                continue
            if answer.status not in _REPEATED:
                return answer
            await asyncio.sleep(min(float(answer.headers.get("Retry-After", pause)), _LONGEST_PAUSE_SECONDS))
        raise Unavailable("the service gave no final answer")

    async def _once(
        self, method: str, url: str, officer: str | None, content: bytes | None, headers: dict[str, str], repeats: int
    ) -> Answer:
        if officer is not None:
            headers["Authorization"] = f"Bearer {await self.token(officer)}"
        assert self._session is not None  # noqa: S101 - used as a context manager
        async with self._session.request(method, url, data=content, headers=headers) as response:
            return Answer(response.status, response.headers, await response.read(), repeats)

    async def token(self, officer: str) -> str:
        """Give an access token of the officer, the one in hand while it lasts."""
        held = self._tokens.get(officer)
        if held is None or held.ends_at < time.monotonic():
            held = await self._new_token(officer)
            self._tokens[officer] = held
        return held.value

    async def _new_token(self, officer: str) -> _Token:
        asked_at = time.monotonic()
        assert self._session is not None  # noqa: S101 - used as a context manager
        async with self._session.post(
            self._token_url, data={"grant_type": "client_credentials", "subject": officer}
        ) as response:
            if response.status != HTTPStatus.OK:
                raise Unavailable("the token issuer refuses")
            granted = await response.json()
        return _Token(granted["access_token"], asked_at + granted["expires_in"] - _TOKEN_MARGIN_SECONDS)
