"""The token issuer's public keys: fetched over HTTPS, kept, fetched anew when a token names a new one.

The issuer is trusted for who is an officer, not for good behaviour: answers are bounded in time and
size, redirections are not followed, and tokens with made-up key names cannot make us ask it more than
once in half a minute.
"""

import asyncio
import contextlib
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

import aiohttp
import orjson
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt import PyJWK
from jwt.exceptions import PyJWTError

from receipt_service import telemetry
from receipt_service.errors import Unavailable

SMALLEST_REFRESH_SECONDS: Final = 30
RETRY_SECONDS: Final = 3
"""After a fetch that failed: sooner, since the issuer may just be starting."""
LONGEST_STALE_SECONDS: Final = 24 * 3600
LARGEST_ANSWER_BYTES: Final = 262_144
MOST_KEYS: Final = 64
_MIN_RSA_BITS: Final = 2048
_ALGORITHMS_OF: Final[Mapping[tuple[str, str | None], tuple[str, ...]]] = {
    ("EC", "P-256"): ("ES256",),
    ("RSA", None): ("RS256", "PS256"),
    ("OKP", "Ed25519"): ("EdDSA",),
}

Keys = Mapping[tuple[str, str], PyJWK]
"""Public keys by (kid, algorithm)."""


class KeySource(Protocol):
    """Where the keys of tokens come from."""

    async def key(self, kid: str, algorithm: str) -> PyJWK | None:
        """Return the key of that name for that algorithm, or None if the issuer has none."""

    async def ready(self) -> bool:
        """Tell whether tokens can be judged now."""

    async def close(self) -> None:
        """Give back what is held."""


def usable_keys(document: Any, algorithms: Sequence[str]) -> Keys:
    """Read a JWK Set (RFC 7517) into the keys that may sign tokens; the rest is left out.

    A key serves only algorithms of its own kind, which is what stops a token from choosing another
    (RFC 8725 §3.1); symmetric keys, encryption keys and RSA below 2048 bits serve none.
    """
    found: dict[tuple[str, str], PyJWK] = {}
    for jwk in document.get("keys", [])[:MOST_KEYS] if isinstance(document, dict) else []:
        if not isinstance(jwk, dict) or not isinstance(jwk.get("kid"), str) or jwk.get("use", "sig") != "sig":
            continue
        kind = (str(jwk.get("kty")), None if jwk.get("kty") == "RSA" else jwk.get("crv"))
        for algorithm in _ALGORITHMS_OF.get(kind, ()):
            if algorithm not in algorithms or jwk.get("alg", algorithm) != algorithm:
                continue
            with contextlib.suppress(PyJWTError, ValueError):
                key = PyJWK({name: value for name, value in jwk.items() if name != "d"}, algorithm)
                if not isinstance(key.key, RSAPublicKey) or key.key.key_size >= _MIN_RSA_BITS:
                    found[jwk["kid"], algorithm] = key
    return found


class FixedKeys:
    """Keys that are known from the start: the demonstration's own, or a test's."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys

    async def key(self, kid: str, algorithm: str) -> PyJWK | None:
        """Return the key if it is one of them."""
        return self._keys.get((kid, algorithm))

    async def ready(self) -> bool:
        """Tell that they are always there."""
        return True

    async def close(self) -> None:
        """Hold nothing."""


class FetchedKeys:
    """The keys that an OpenID provider publishes, found by discovery unless their address is given."""

    def __init__(
        self,
        issuer: str,
        algorithms: Sequence[str],
        *,
        jwks_url: str | None = None,
        timeout_seconds: float = 5,
        max_age_seconds: float = 3600,
        tls: ssl.SSLContext | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._issuer = issuer
        self._algorithms = tuple(algorithms)
        self._jwks_url = jwks_url
        self._timeout = aiohttp.ClientTimeout(total=timeout_seconds)
        self._max_age = max_age_seconds
        self._tls = tls
        self._clock = clock
        self._keys: Keys = {}
        self._fetched_at: float | None = None
        self._next_at = float("-inf")
        self._lock = asyncio.Lock()

    async def key(self, kid: str, algorithm: str) -> PyJWK | None:
        """Return the key, asking the issuer anew when it is unknown or the set is old.

        Raises ``Unavailable`` when the issuer has never answered, or not for a day.
        """
        found = self._keys.get((kid, algorithm))
        if found is not None and not self._older_than(self._max_age):
            return found
        await self._refresh()
        if self._older_than(LONGEST_STALE_SECONDS):
            raise Unavailable("the token issuer's keys cannot be had")
        return self._keys.get((kid, algorithm))

    async def ready(self) -> bool:
        """Tell whether there are keys, asking for them if there never were."""
        if self._older_than(LONGEST_STALE_SECONDS):
            await self._refresh()
        return not self._older_than(LONGEST_STALE_SECONDS) and bool(self._keys)

    async def close(self) -> None:
        """Hold nothing: connections live as long as one fetch."""

    def _older_than(self, seconds: float) -> bool:
        return self._fetched_at is None or self._clock() - self._fetched_at > seconds

    async def _refresh(self) -> None:
        """Fetch the keys unless that was done or tried a moment ago; keep the old ones on failure."""
        async with self._lock:
            if self._clock() < self._next_at:
                return
            self._next_at = self._clock() + RETRY_SECONDS
            try:
                self._keys = usable_keys(await self._fetch(), self._algorithms)
                self._fetched_at = self._clock()
                self._next_at = self._fetched_at + SMALLEST_REFRESH_SECONDS
            except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
                telemetry.logger().warning("token_keys_not_fetched", exc_info=error)

    async def _fetch(self) -> Any:
        connector = aiohttp.TCPConnector(ssl=self._tls if self._tls is not None else True)
        async with aiohttp.ClientSession(connector=connector, timeout=self._timeout, trust_env=True) as session:
            address = self._jwks_url
            if address is None:
                found = await _get_json(session, f"{self._issuer}/.well-known/openid-configuration")
                if not isinstance(found, dict) or str(found.get("issuer", "")).rstrip("/") != self._issuer:
                    raise ValueError("the discovery document is another issuer's")
                address = str(found.get("jwks_uri", ""))
                if urlsplit(address).scheme != urlsplit(self._issuer).scheme:
                    raise ValueError("the keys' address is less protected than the issuer's")
            return await _get_json(session, address)


async def _get_json(session: aiohttp.ClientSession, address: str) -> Any:
    """Get one bounded JSON document; raises ValueError for anything else."""
    async with session.get(address, allow_redirects=False, headers={"Accept": "application/json"}) as answer:
        if answer.status != 200:  # noqa: PLR2004 - OK
            raise ValueError("not an answer")
        body = await answer.content.read(LARGEST_ANSWER_BYTES + 1)
        while len(body) <= LARGEST_ANSWER_BYTES and (more := await answer.content.read(65_536)):
            body += more
        if len(body) > LARGEST_ANSWER_BYTES:
            raise ValueError("an answer beyond every reason")
        return orjson.loads(body)
