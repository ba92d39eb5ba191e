"""The identity provider as a browser's sign-in needs it: where to send people, and how to redeem a code.

Found by discovery (OpenID Connect Discovery 1.0), asked over HTTPS, bounded in time and size, never followed to
another address.
"""

import asyncio
import ssl
import time
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote_plus, urlsplit

import aiohttp
import orjson

from receipt_service import telemetry
from receipt_service.errors import ReceiptServiceError, Unavailable

KEPT_SECONDS: Final = 3600
LARGEST_ANSWER_BYTES: Final = 262_144
_NO_MORE: Final[Mapping[str, str]] = {}
_OK: Final = 200
_SERVER_ERROR: Final = 500


class CodeRefused(ReceiptServiceError):
    """The provider gives nothing for this code: used, expired, or not ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """What the provider knows this service by."""

    client_id: str
    client_secret: str | None
    """None for a public client: PKCE alone then proves that who redeems a code has asked for it."""
    redirect_uri: str
    scopes: str = "openid"


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """What the discovery document says that a sign-in needs."""

    authorization_endpoint: str
    token_endpoint: str
    names_itself: bool
    """Whether answers carry ``iss`` (RFC 9207); one without it is then another provider's."""


def metadata_of(document: Any, issuer: str) -> Metadata:
    """Read a discovery document. Raises ``ValueError`` for another issuer's, or one that is of no use here."""
    if not isinstance(document, dict) or str(document.get("issuer", "")).rstrip("/") != issuer:
        raise ValueError("the discovery document is another issuer's")
    addresses = [document.get(name) for name in ("authorization_endpoint", "token_endpoint")]
    if any(not isinstance(each, str) or urlsplit(each).scheme != urlsplit(issuer).scheme for each in addresses):
        raise ValueError("an endpoint is missing, or less protected than the issuer")
    if "S256" not in document.get("code_challenge_methods_supported", ["S256"]):
        raise ValueError("the provider knows no PKCE with S256")
    return Metadata(
        authorization_endpoint=str(addresses[0]),
        token_endpoint=str(addresses[1]),
        names_itself=document.get("authorization_response_iss_parameter_supported") is True,
    )


class OpenIdProvider:
    """Asks one provider, and remembers its metadata for an hour."""

    def __init__(
        self,
        issuer: str,
        *,
        discovery_url: str | None = None,
        timeout_seconds: float = 5,
        tls: ssl.SSLContext | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.issuer = issuer
        self._discovery_url = discovery_url or f"{issuer}/.well-known/openid-configuration"
        self._timeout = aiohttp.ClientTimeout(total=timeout_seconds)
        self._tls = tls
        self._clock = clock
        self._metadata: Metadata | None = None
        self._read_at = 0.0
        self._lock = asyncio.Lock()

    async def metadata(self) -> Metadata:
        """Give the metadata. Raises ``Unavailable`` when they cannot be had."""
        async with self._lock:
            if self._metadata is None or self._clock() - self._read_at > KEPT_SECONDS:
                status, document = await self._ask("GET", self._discovery_url)
                try:
                    self._metadata = metadata_of(document if status == _OK else None, self.issuer)
                except ValueError as error:
                    telemetry.logger().warning("openid_metadata_refused", exc_info=error)
                    raise Unavailable("the identity provider's metadata cannot be had") from error
                self._read_at = self._clock()
            return self._metadata

    async def redeem(self, code: str, verifier: str, client: Client) -> Mapping[str, Any]:
        """Exchange a code for the provider's token answer (RFC 6749 §4.1.3). Raises ``CodeRefused``, ``Unavailable``.

        A confidential client names itself by HTTP Basic, which every provider must know (RFC 6749 §2.3.1).
        """
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": client.redirect_uri,
            "client_id": client.client_id,
            "code_verifier": verifier,
        }
        metadata = await self.metadata()
        status, answer = await self._ask("POST", metadata.token_endpoint, _basic(client), data=form)
        if status >= _SERVER_ERROR:
            raise Unavailable("the identity provider does not answer")
        if status != _OK or not isinstance(answer, dict):
            raise CodeRefused("the identity provider refused the code")
        return answer

    async def _ask(
        self, method: str, address: str, headers: Mapping[str, str] = _NO_MORE, **more: Any
    ) -> tuple[int, Any]:
        """Ask once; give status and JSON (None where there is none). Raises ``Unavailable``."""
        connector = aiohttp.TCPConnector(ssl=self._tls if self._tls is not None else True)
        headers = {"Accept": "application/json", **headers}
        try:
            async with (
                aiohttp.ClientSession(connector=connector, timeout=self._timeout, trust_env=True) as session,
                session.request(method, address, allow_redirects=False, headers=headers, **more) as answer,
            ):
                return answer.status, await _json(answer)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            telemetry.logger().warning("openid_provider_silent", exc_info=error)
            raise Unavailable("the identity provider does not answer") from error


def _basic(client: Client) -> dict[str, str]:
    """Write the header by which a confidential client names itself: both parts as in a form, then Basic."""
    if client.client_secret is None:
        return {}
    pair = f"{quote_plus(client.client_id)}:{quote_plus(client.client_secret)}"
    return {"Authorization": f"Basic {b64encode(pair.encode()).decode()}"}


async def _json(answer: aiohttp.ClientResponse) -> Any:
    body = await answer.content.read(LARGEST_ANSWER_BYTES + 1)
    while len(body) <= LARGEST_ANSWER_BYTES and (more := await answer.content.read(65_536)):
        body += more
    try:
        return orjson.loads(body) if len(body) <= LARGEST_ANSWER_BYTES else None
    except orjson.JSONDecodeError:
        return None
