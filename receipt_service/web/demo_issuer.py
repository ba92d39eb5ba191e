"""The demonstration's own token issuer: enough of OpenID Connect to take a token or to sign in, and no password at all.

Whoever reaches it becomes any officer. It exists only where ``RECEIPT_DEMO=true``: constructing it
otherwise raises, and its key lives in memory and dies with the process.
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import uuid4

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from receipt_service.errors import ConfigurationError
from receipt_service.web.authentication import Role
from receipt_service.web.token_keys import FixedKeys, usable_keys

DEMO_PATH: Final = "/demo/oidc"
DEMO_AUDIENCE: Final = "receipt-service-demo"
DEMO_CLIENT: Final = "receipt-service-supervision"
LIFETIME_SECONDS: Final = 3600
CODE_SECONDS: Final = 60
DEMO_SUPERVISORS: Final = ("demo-supervisor-paris", "demo-opj-paris", "demo-3134501", "demo-4234501", "demo-pm-lyon")
"""Subjects of the sample directory (schemas/examples/directory.csv) who may sign in as supervisors."""


@dataclass(frozen=True, slots=True)
class Authorization:
    """An authorization request that holds."""

    redirect_uri: str
    state: str
    nonce: str
    challenge: str


@dataclass(frozen=True, slots=True)
class _Grant:
    subject: str
    authorization: Authorization
    expires_at: float


class DemoIssuer:
    """Signs tokens for whoever asks."""

    def __init__(self, public_url: str, *, demo: bool, redirect_uri: str | None = None) -> None:
        """Make a key; ``redirect_uri`` is the one address that codes are sent to.

        Raises ``ConfigurationError`` outside the demonstration.
        """
        if not demo:
            raise ConfigurationError("the built-in token issuer exists in the demonstration only")
        self.issuer = public_url + DEMO_PATH
        self._redirect_uri = redirect_uri
        self._grants: dict[str, _Grant] = {}
        self._key = ec.generate_private_key(ec.SECP256R1())
        public: dict[str, Any] = ECAlgorithm.to_jwk(self._key.public_key(), as_dict=True)
        self._kid = f"demo-{uuid4()}"
        self.jwks: dict[str, Any] = {"keys": [{**public, "kid": self._kid, "use": "sig", "alg": "ES256"}]}

    @property
    def keys(self) -> FixedKeys:
        """The public key, for the verifier in the same process."""
        return FixedKeys(usable_keys(self.jwks, ["ES256"]))

    @property
    def discovery(self) -> dict[str, Any]:
        """The OpenID provider's metadata (OpenID Connect Discovery 1.0 §3)."""
        return {
            "issuer": self.issuer,
            "jwks_uri": f"{self.issuer}/jwks",
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "grant_types_supported": ["client_credentials", "authorization_code"],
            "response_types_supported": ["code"],
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["none"],
            "authorization_response_iss_parameter_supported": True,
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["ES256"],
        }

    def token(self, subject: str, roles: Sequence[Role], now: datetime) -> str:
        """Sign an access token (RFC 9068) for the subject of a sample officer."""
        more = {"nbf": int(now.timestamp()), "realm_access": {"roles": [role.value for role in roles]}}
        return self._signed("at+jwt", {"aud": DEMO_AUDIENCE, "sub": subject, **more}, now)

    def authorization(self, query: Mapping[str, str]) -> Authorization | None:
        """Read an authorization request; None unless it is one of our own client, for its one address, with PKCE."""
        wanted = {
            "response_type": "code",
            "client_id": DEMO_CLIENT,
            "redirect_uri": self._redirect_uri,
            "code_challenge_method": "S256",
        }
        needed = ("state", "nonce", "code_challenge")
        if any(query.get(name) != value for name, value in wanted.items()) or not all(map(query.get, needed)):
            return None
        return Authorization(query["redirect_uri"], *(query[name] for name in needed))

    def code(self, subject: str, authorization: Authorization, now: datetime) -> str:
        """Give a code for the subject: good once, for a minute."""
        self._grants = {code: grant for code, grant in self._grants.items() if now.timestamp() < grant.expires_at}
        code = secrets.token_urlsafe(32)
        self._grants[code] = _Grant(subject, authorization, now.timestamp() + CODE_SECONDS)
        return code

    def redeem(self, form: Mapping[str, str], now: datetime) -> dict[str, Any] | None:
        """Exchange a code (RFC 6749 §4.1.3, RFC 7636 §4.6) for a supervisor's access and ID token, or for nothing."""
        grant = self._grants.pop(form.get("code", ""), None)
        if grant is None or now.timestamp() >= grant.expires_at or form.get("client_id") != DEMO_CLIENT:
            return None
        asked = grant.authorization
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if form.get("redirect_uri") != asked.redirect_uri or not hmac.compare_digest(challenge, asked.challenge):
            return None
        id_claims = {"aud": DEMO_CLIENT, "sub": grant.subject, "nonce": asked.nonce, "typ": "ID"}
        return {
            "access_token": self.token(grant.subject, [Role.SUPERVISOR], now),
            "id_token": self._signed("JWT", id_claims, now),
            "token_type": "Bearer",
            "expires_in": LIFETIME_SECONDS,
        }

    def _signed(self, kind: str, claims: Mapping[str, Any], now: datetime) -> str:
        issued = int(now.timestamp())
        always = {"iss": self.issuer, "jti": str(uuid4()), "iat": issued, "exp": issued + LIFETIME_SECONDS}
        headers = {"kid": self._kid, "typ": kind}
        return jwt.encode({**always, **claims}, self._key, algorithm="ES256", headers=headers)
