"""The demonstration's own token issuer: enough of OpenID Connect to take a token, and no password at all.

Whoever reaches it becomes any officer. It exists only where ``RECEIPT_DEMO=true``: constructing it
otherwise raises, and its key lives in memory and dies with the process.
"""

from collections.abc import Sequence
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
LIFETIME_SECONDS: Final = 3600


class DemoIssuer:
    """Signs tokens for whoever asks."""

    def __init__(self, public_url: str, *, demo: bool) -> None:
        """Make a key. Raises ``ConfigurationError`` outside the demonstration."""
        if not demo:
            raise ConfigurationError("the built-in token issuer exists in the demonstration only")
        self.issuer = public_url + DEMO_PATH
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
            "token_endpoint": f"{self.issuer}/token",
            "grant_types_supported": ["client_credentials"],
            "response_types_supported": ["none"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["ES256"],
        }

    def token(self, subject: str, roles: Sequence[Role], now: datetime) -> str:
        """Sign an access token (RFC 9068) for the subject of a sample officer."""
        issued = int(now.timestamp())
        claims = {
            "iss": self.issuer,
            "aud": DEMO_AUDIENCE,
            "sub": subject,
            "jti": str(uuid4()),
            "iat": issued,
            "nbf": issued,
            "exp": issued + LIFETIME_SECONDS,
            "realm_access": {"roles": [role.value for role in roles]},
        }
        return jwt.encode(claims, self._key, algorithm="ES256", headers={"kid": self._kid, "typ": "at+jwt"})
