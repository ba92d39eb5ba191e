"""Access tokens as an OpenID provider signs them, its keys, and a verifier that trusts it."""

import base64
import json
from datetime import UTC, datetime

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm, get_default_algorithms

from receipt_service.web.authentication import TokenPolicy, TokenVerifier
from receipt_service.web.token_keys import FixedKeys, usable_keys

NOW = datetime(2026, 11, 23, 14, 0, tzinfo=UTC)
ISSUER = "https://connexion.example/realms/police"
ALGORITHMS = ("ES256", "PS256", "RS256", "EdDSA")
EC_KEY = ec.generate_private_key(ec.SECP256R1())
RSA_KEY = rsa.generate_private_key(65537, 2048)
ED_KEY = ed25519.Ed25519PrivateKey.generate()
SMALL_RSA_KEY = rsa.generate_private_key(65537, 1024)  # noqa: S505 - to be refused


def jwk(key, kid, **more):
    maker = {
        ec.EllipticCurvePrivateKey: ECAlgorithm,
        rsa.RSAPrivateKey: RSAAlgorithm,
        ed25519.Ed25519PrivateKey: OKPAlgorithm,
    }
    algorithm = next(maker[kind] for kind in maker if isinstance(key, kind))
    return {**algorithm.to_jwk(key.public_key(), as_dict=True), "kid": kid, **more}


JWKS = {
    "keys": [
        jwk(EC_KEY, "ec"),
        jwk(RSA_KEY, "rsa", use="sig"),
        jwk(ED_KEY, "ed"),
        jwk(EC_KEY, "encryption", use="enc"),
        jwk(SMALL_RSA_KEY, "small"),
        jwk(RSA_KEY, "rs-only", alg="RS256"),
        {"kty": "oct", "kid": "secret", "k": "AAAA"},
        {"kty": "EC", "crv": "P-256", "kid": "broken", "x": "AA", "y": "AA"},
        "nonsense",
    ]
}
SECONDS = int(NOW.timestamp())
CLAIMS = {
    "iss": ISSUER,
    "aud": ["account", "receipt-service"],
    "sub": "agent-1",
    "iat": SECONDS - 10,
    "exp": SECONDS + 300,
    "realm_access": {"roles": ["officer", "uma_authorization"]},
}


def token(key=EC_KEY, algorithm="ES256", *, header=None, **claims):
    payload = {name: value for name, value in {**CLAIMS, **claims}.items() if value is not ...}
    headers = {"alg": algorithm, "kid": "ec", "typ": "JWT", **(header or {})}
    parts = [json.dumps({k: v for k, v in headers.items() if v is not ...}).encode(), json.dumps(payload).encode()]
    signed = b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in parts)
    signature = get_default_algorithms()[algorithm].sign(signed, key)
    return signed + b"." + base64.urlsafe_b64encode(signature).rstrip(b"=")


def verifier(now=NOW, **changed):
    policy = TokenPolicy(**{"issuer": ISSUER, "audience": "receipt-service", "algorithms": ALGORITHMS} | changed)
    return TokenVerifier(policy, FixedKeys(usable_keys(JWKS, ALGORITHMS)), lambda: now)
