"""Supervisors sign in with a browser: OpenID Connect's code flow with PKCE (RFC 6749, 7636, 9207, 9700).

Nothing is kept on the server. Two cookies, both encrypted and out of reach of scripts: one for the ten minutes of a
sign-in, with what must come back unchanged (state, nonce, verifier); one for the session, with the access token, which
ends when the token does. The token is then judged like any other (``authentication``).
"""

import base64
import hashlib
import hmac
import secrets
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple, Protocol
from urllib.parse import urlencode, urlsplit, urlunsplit

import jwt
import orjson
from jwt.exceptions import PyJWTError

from receipt_service.crypto.cookie_cipher import CookieCipher
from receipt_service.errors import ReceiptServiceError
from receipt_service.web.authentication import LONGEST_TOKEN
from receipt_service.web.openid_provider import Client, CodeRefused, Metadata
from receipt_service.web.token_keys import KeySource

CALLBACK_PATH: Final = "/supervision/callback"
SIGN_IN_TIME: Final = timedelta(minutes=10)
LARGEST_COOKIE: Final = 4000
"""Browsers keep 4096 bytes of a cookie with its name and attributes; they drop a larger one in silence."""
_SESSION, _PENDING = "receipt-session", "receipt-sign-in"
_SKEW_SECONDS: Final = 60


class SignInFailed(ReceiptServiceError):
    """What came back is not the answer to a sign-in that this browser began; the person may begin anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """A sign-in that is under way."""

    state: str
    nonce: str
    verifier: str
    to: str
    """Query of the page to come back to."""
    expires_at: float


class Started(NamedTuple):
    """Where to send the browser, and the cookie for it."""

    address: str
    cookie: str


class Finished(NamedTuple):
    """An access token, not judged yet, and the query of the page to come back to."""

    token: bytes
    to: str


class Provider(Protocol):
    """``openid_provider.OpenIdProvider``."""

    issuer: str

    async def metadata(self) -> Metadata:
        """Raise ``Unavailable``."""

    async def redeem(self, code: str, verifier: str, client: Client) -> Mapping[str, Any]:
        """Raise ``CodeRefused``, ``Unavailable``."""


def new_pending(to: str, now: datetime) -> Pending:
    """Draw what a sign-in needs: 256 bits each."""
    state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
    return Pending(state=state, nonce=nonce, verifier=verifier, to=to, expires_at=(now + SIGN_IN_TIME).timestamp())


def challenge_of(verifier: str) -> str:
    """Return the S256 challenge of a verifier (RFC 7636 §4.2)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode("ascii")).digest()).rstrip(b"=").decode()


def authorization_address(endpoint: str, client: Client, pending: Pending) -> str:
    """Write the authorization request (RFC 6749 §4.1.1, OpenID Connect Core §3.1.2.1); keeps the endpoint's query."""
    query = urlencode(
        {
            "response_type": "code",
            "client_id": client.client_id,
            "redirect_uri": client.redirect_uri,
            "scope": client.scopes,
            "state": pending.state,
            "nonce": pending.nonce,
            "code_challenge": challenge_of(pending.verifier),
            "code_challenge_method": "S256",
        }
    )
    parts = urlsplit(endpoint)
    return urlunsplit(parts._replace(query="&".join(filter(None, (parts.query, query)))))


def code_of(answer: Mapping[str, str], pending: Pending, *, issuer: str, names_itself: bool) -> str:
    """Take the code out of an authorization answer (RFC 6749 §4.1.2, RFC 9207). Raises ``SignInFailed``."""
    if not hmac.compare_digest(answer.get("state", "").encode(), pending.state.encode()):
        raise SignInFailed("the answer belongs to another sign-in")
    named = answer.get("iss")
    if (named is None and names_itself) or named not in {None, issuer}:
        raise SignInFailed("the answer is another provider's")
    code = answer.get("code")
    if not code:
        raise SignInFailed("the provider gave no code")
    return code


class SignIn:
    """The flow and its cookies."""

    def __init__(
        self, provider: Provider, client: Client, cipher: CookieCipher, keys: KeySource, algorithms: Sequence[str]
    ) -> None:
        self._provider = provider
        self._client = client
        self._cipher = cipher
        self._keys = keys
        self._algorithms = tuple(algorithms)
        https = client.redirect_uri.startswith("https://")
        self._prefix = "__Host-" if https else ""
        self._secure = "; Secure" if https else ""

    async def start(self, to: str, now: datetime) -> Started:
        """Begin a sign-in that comes back to the page with the query ``to``. Raises ``Unavailable``."""
        pending = new_pending(to, now)
        metadata = await self._provider.metadata()
        cookie = self._cookie(_PENDING, self._encrypted(orjson.dumps(asdict(pending)), _PENDING), SIGN_IN_TIME)
        return Started(authorization_address(metadata.authorization_endpoint, self._client, pending), cookie)

    async def finish(self, answer: Mapping[str, str], cookies: Mapping[str, str], now: datetime) -> Finished:
        """Redeem the code of an authorization answer. Raises ``SignInFailed`` and ``Unavailable``."""
        pending = self._pending(cookies, now)
        if pending is None:
            raise SignInFailed("no sign-in is under way in this browser")
        metadata = await self._provider.metadata()
        code = code_of(answer, pending, issuer=self._provider.issuer, names_itself=metadata.names_itself)
        try:
            tokens = await self._provider.redeem(code, pending.verifier, self._client)
        except CodeRefused as error:
            raise SignInFailed("the provider refused the code") from error
        token = tokens.get("access_token")
        if not isinstance(token, str) or not token.isascii() or str(tokens.get("token_type")).lower() != "bearer":
            raise SignInFailed("the provider gave no bearer token")
        await self._require_own_sign_in(tokens.get("id_token"), pending, now)
        return Finished(token.encode(), pending.to)

    def session_cookie(self, token: bytes, expires_at: float, now: datetime) -> str:
        """Write the cookie that keeps the token until it expires. Raises ``SignInFailed`` for one that has no room."""
        content = self._encrypted(zlib.compress(token, 9), _SESSION)
        cookie = self._cookie(_SESSION, content, timedelta(seconds=int(expires_at - now.timestamp())))
        if len(cookie) > LARGEST_COOKIE:
            raise SignInFailed("the access token is too large for a cookie")
        return cookie

    def token_of(self, cookies: Mapping[str, str]) -> bytes | None:
        """Give the session's token; None without a session of ours."""
        content = self._decrypted(cookies, _SESSION)
        try:
            token = None if content is None else zlib.decompress(content)
        except zlib.error:
            return None
        return token if token is not None and len(token) <= LONGEST_TOKEN else None

    def forget_sign_in(self) -> str:
        """Write the cookie that ends a sign-in."""
        return self._cookie(_PENDING, "", timedelta(0))

    def forget_session(self) -> str:
        """Write the cookie that ends the session in this browser."""
        return self._cookie(_SESSION, "", timedelta(0))

    def _pending(self, cookies: Mapping[str, str], now: datetime) -> Pending | None:
        content = self._decrypted(cookies, _PENDING)
        pending = None if content is None else Pending(**orjson.loads(content))
        return pending if pending is not None and now.timestamp() < pending.expires_at else None

    async def _require_own_sign_in(self, id_token: object, pending: Pending, now: datetime) -> None:
        """Hold the ID token to OpenID Connect Core §3.1.3.7: ours, of this sign-in. Raises ``SignInFailed``."""
        try:
            header = jwt.get_unverified_header(str(id_token))
            algorithm, kid = str(header.get("alg")), str(header.get("kid"))
            key = await self._keys.key(kid, algorithm) if algorithm in self._algorithms else None
            if key is None:
                raise SignInFailed("the ID token is signed by a key that the provider does not have")
            claims: dict[str, Any] = jwt.decode(
                str(id_token),
                key,
                algorithms=[algorithm],
                audience=self._client.client_id,
                issuer=self._provider.issuer,
                options={"verify_exp": False, "verify_iat": False, "require": ["exp", "iat", "iss", "aud", "sub"]},
            )
        except PyJWTError as error:
            raise SignInFailed("the ID token does not hold") from error
        several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
        if several and claims.get("azp") != self._client.client_id:
            raise SignInFailed("the ID token is for another client")
        if not isinstance(claims["exp"], int | float) or now.timestamp() >= claims["exp"] + _SKEW_SECONDS:
            raise SignInFailed("the ID token has expired")
        if not hmac.compare_digest(str(claims.get("nonce", "")).encode(), pending.nonce.encode()):
            raise SignInFailed("the ID token belongs to another sign-in")

    def _cookie(self, name: str, content: str, lasting: timedelta) -> str:
        """Write a cookie; with https one that no other host or path can set (``__Host-``)."""
        attributes = f"Path=/; HttpOnly; SameSite=Lax; Max-Age={int(lasting.total_seconds())}{self._secure}"
        return f"{self._prefix}{name}={content}; {attributes}"

    def _encrypted(self, content: bytes, name: str) -> str:
        return base64.urlsafe_b64encode(self._cipher.encrypt(content, name.encode())).decode()

    def _decrypted(self, cookies: Mapping[str, str], name: str) -> bytes | None:
        try:
            content = base64.urlsafe_b64decode(cookies.get(self._prefix + name, ""))
        except ValueError:
            return None
        return self._cipher.decrypt(content, name.encode()) if content else None
