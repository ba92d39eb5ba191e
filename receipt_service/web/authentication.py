"""Who is calling: OpenID Connect access tokens as bearer tokens (RFC 6750, RFC 8725, RFC 9068).

The token proves the subject and the roles; everything that a receipt prints about the officer comes
from the directory. A token that has been verified is remembered by its SHA-256 for a minute, so a
busy officer costs one signature check a minute and a stolen table shows no token.
"""

import binascii
import hashlib
from base64 import urlsafe_b64decode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final

from jwt import PyJWS
from jwt.exceptions import PyJWTError

from receipt_service.errors import ConfigurationError
from receipt_service.web import json_body
from receipt_service.web.problems import FORBIDDEN, INVALID_TOKEN, UNAUTHENTICATED
from receipt_service.web.refusals import Refused
from receipt_service.web.token_keys import KeySource

LONGEST_TOKEN: Final = 8192
REMEMBERED_SECONDS: Final = 60
MOST_REMEMBERED: Final = 10_000
_TYPES: Final = frozenset({"jwt", "at+jwt", "application/at+jwt"})
_NEVER: Final = frozenset({"none", "HS256", "HS384", "HS512"})


class Role(StrEnum):
    """What a token entitles to; a caller may hold several."""

    OFFICER = "officer"
    SUPERVISOR = "supervisor"
    AUDITOR = "auditor"
    DPO = "dpo"
    """The data-protection officer (*délégué à la protection des données*), who sees who audited what."""


@dataclass(frozen=True, slots=True)
class Caller:
    """A verified token's subject and roles; ``expires_at`` in seconds since 1970."""

    subject: str
    roles: frozenset[Role]
    expires_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenPolicy:
    """What a token must say."""

    issuer: str
    audience: str
    algorithms: Sequence[str]
    subject_claim: str = "sub"
    roles_claim: str = "realm_access.roles"
    clock_skew_seconds: int = 60
    max_age_seconds: int = 36_000

    def __post_init__(self) -> None:
        """Refuse algorithms with which anybody who knows the public key could sign."""
        if not self.algorithms or _NEVER & set(self.algorithms):
            raise ConfigurationError("tokens need asymmetric algorithms")


def bearer_token(headers: Sequence[tuple[bytes, bytes]]) -> bytes:
    """Take the token out of the one Authorization header. Raises ``Refused`` (401)."""
    values = [value for name, value in headers if name == b"authorization"]
    if not values:
        raise Refused(UNAUTHENTICATED)
    scheme, _, token = values[0].partition(b" ")
    if scheme.lower() != b"bearer":
        raise Refused(UNAUTHENTICATED)
    token = token.strip(b" ")
    if len(values) > 1 or not token or len(token) > LONGEST_TOKEN:
        raise Refused(INVALID_TOKEN)
    return token


class TokenVerifier:
    """Turns a token into a ``Caller``, or refuses it."""

    def __init__(
        self, policy: TokenPolicy, keys: KeySource, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self.keys = keys
        self._policy = policy
        self._clock = clock
        self._remembered: dict[bytes, tuple[Caller, float]] = {}

    async def caller(self, token: bytes) -> Caller:
        """Verify the token; raises ``Refused`` (401), or ``Unavailable`` when keys cannot be had."""
        now = self._clock().timestamp()
        name = hashlib.sha256(token).digest()
        remembered = self._remembered.get(name)
        if remembered is not None and now < remembered[1] and now < remembered[0].expires_at:
            return remembered[0]
        caller = await self._verify(token, now)
        if len(self._remembered) >= MOST_REMEMBERED:
            # Oldest first: dictionaries keep the order of insertion.
            del self._remembered[next(iter(self._remembered))]
        self._remembered.pop(name, None)
        self._remembered[name] = (caller, now + REMEMBERED_SECONDS)
        return caller

    async def _verify(self, token: bytes, now: float) -> Caller:
        """Follow RFC 8725: algorithm, key, signature, then type and claims."""
        # 1. The header names an algorithm of the policy and a key; nothing else in it is followed.
        header = _header(token)
        algorithm, kid, kind = header.get("alg"), header.get("kid"), header.get("typ")
        if not isinstance(algorithm, str) or not isinstance(kid, str) or "crit" in header:
            raise Refused(INVALID_TOKEN)
        if algorithm not in self._policy.algorithms:
            raise Refused(INVALID_TOKEN)
        if not isinstance(kind, str) or kind.lower() not in _TYPES:
            raise Refused(INVALID_TOKEN)
        # 2. The key of that name serves that algorithm.
        key = await self.keys.key(kid, algorithm)
        if key is None:
            raise Refused(INVALID_TOKEN)
        # 3. The signature holds.
        try:
            payload = PyJWS().decode(token, key, algorithms=[algorithm])
        except (PyJWTError, ValueError):
            raise Refused(INVALID_TOKEN) from None
        # 4. The claims hold now.
        return self._caller_of(_object(payload), now)

    def _caller_of(self, claims: Mapping[str, Any], now: float) -> Caller:
        policy, skew = self._policy, self._policy.clock_skew_seconds
        audience = claims.get("aud")
        audiences = audience if isinstance(audience, list) else [audience]
        if claims.get("iss") != policy.issuer or policy.audience not in audiences:
            raise Refused(INVALID_TOKEN)
        issued, expires = _seconds(claims, "iat"), _seconds(claims, "exp")
        begins = _seconds(claims, "nbf") if "nbf" in claims else issued
        if issued > now + skew or begins > now + skew:
            raise Refused(INVALID_TOKEN)
        ends = min(expires, issued + policy.max_age_seconds) + skew
        subject = claims.get(policy.subject_claim)
        # Keycloak says in its own ``typ`` claim what a token is for; an ID token is not an access token.
        if now >= ends or not isinstance(subject, str) or not subject or claims.get("typ") in {"ID", "Refresh"}:
            raise Refused(INVALID_TOKEN)
        return Caller(subject, _roles(claims, policy.roles_claim), ends)


def _header(token: bytes) -> Mapping[str, Any]:
    """Read the protected header of a compact JWS."""
    first, _, rest = token.partition(b".")
    if rest.count(b".") != 1:
        raise Refused(INVALID_TOKEN)
    try:
        return _object(urlsafe_b64decode(first + b"=" * (-len(first) % 4)))
    except (binascii.Error, ValueError):
        raise Refused(INVALID_TOKEN) from None


def _object(document: bytes) -> Mapping[str, Any]:
    try:
        return json_body.read_object(document)
    except Refused:
        raise Refused(INVALID_TOKEN) from None


def _seconds(claims: Mapping[str, Any], name: str) -> float:
    """Return a NumericDate (RFC 7519 §2) of the claims; a token without it is refused."""
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e11:  # noqa: PLR2004
        raise Refused(INVALID_TOKEN)
    return float(value)


def _roles(claims: Mapping[str, Any], path: str) -> frozenset[Role]:
    """Collect the roles we know at ``a.b.c`` of the claims; a list of words or words between spaces."""
    value: Any = claims
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    words = value.split() if isinstance(value, str) else value
    known = {role.value for role in Role}
    return frozenset(Role(word) for word in words if word in known) if isinstance(words, list) else frozenset()


def require_role(caller: Caller, *allowed: Role) -> None:
    """Refuse (403) a caller that holds none of the roles."""
    if caller.roles.isdisjoint(allowed):
        raise Refused(FORBIDDEN)
