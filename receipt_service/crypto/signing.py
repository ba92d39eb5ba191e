"""The issuer's signature: ES256 (RFC 7518 §3.4), low-s, over bytes that are published as they are.

Only issuance, the log and the composition root may import this module (import contract "Only
issuance and the log may sign").
"""

from typing import Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from receipt_service.crypto.keys import COORDINATE_BYTES, ORDER, PublicKey

_ES256: Final = ec.ECDSA(hashes.SHA256(), deterministic_signing=True)
"""Deterministic nonces (RFC 6979): a failing random generator cannot give the key away."""


class Signer:
    """One private key, safe to share between threads."""

    def __init__(self, private_key: ec.EllipticCurvePrivateKey) -> None:
        """Raise ``ConfigurationError`` for a key that is not on P-256."""
        self._key = private_key
        self.public_key = PublicKey.of(private_key)
        self.kid = self.public_key.thumbprint

    def __repr__(self) -> str:
        """Name the key, never show it."""
        return f"Signer(kid={self.kid!r})"

    def __reduce__(self) -> tuple[object, ...]:
        """Refuse to be pickled: a private key does not travel."""
        raise TypeError("a signer is never serialised")

    def sign(self, message: bytes) -> bytes:
        """Sign; 64 bytes ``r || s`` with the smaller of ``s`` and ``n - s``.

        Both verify, so an issuer that wrote either would let anyone turn one receipt into a second
        one with another leaf hash; verifiers of this project refuse the larger.
        """
        r, s = decode_dss_signature(self._key.sign(message, _ES256))
        return r.to_bytes(COORDINATE_BYTES, "big") + min(s, ORDER - s).to_bytes(COORDINATE_BYTES, "big")
