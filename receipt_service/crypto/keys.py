"""P-256 public keys: coordinates, JWK members and the thumbprint that is the key's id.

Bytes only. Which keys are trusted, and when, is for ``verify.trust_root``; where private keys lie is
for ``bootstrap.keyring``.
"""

import hashlib
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec

from receipt_service.errors import ConfigurationError

COORDINATE_BYTES: Final = 32
ORDER: Final = 0xFFFFFFFF_00000000_FFFFFFFF_FFFFFFFF_BCE6FAAD_A7179E84_F3B9CAC2_FC632551
"""Order n of P-256's base point (FIPS 186-5, SP 800-186 §3.2.1.3)."""


@dataclass(frozen=True)
class PublicKey:
    """A point on P-256. Raises ``ConfigurationError`` when the coordinates are not one."""

    x: bytes
    y: bytes

    def __post_init__(self) -> None:
        """Check the lengths here, the curve equation in ``handle``."""
        if len(self.x) != COORDINATE_BYTES or len(self.y) != COORDINATE_BYTES:
            raise ConfigurationError("a P-256 coordinate has 32 bytes")
        self.handle  # noqa: B018  refuse a point off the curve now, not at the first receipt

    @cached_property
    def handle(self) -> ec.EllipticCurvePublicKey:
        """The key as the cryptographic library takes it."""
        try:
            return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), b"\x04" + self.x + self.y)
        except ValueError as error:
            raise ConfigurationError("not a point on P-256") from error

    @property
    def jwk(self) -> dict[str, str]:
        """The required members of the JWK, in the order of RFC 7638 §3.2."""
        return {"crv": "P-256", "kty": "EC", "x": _base64url(self.x), "y": _base64url(self.y)}

    @cached_property
    def thumbprint(self) -> str:
        """JWK thumbprint with SHA-256 (RFC 7638), our ``kid``: it names the key and nothing else."""
        members = ",".join(f'"{name}":"{value}"' for name, value in self.jwk.items())
        return _base64url(hashlib.sha256(f"{{{members}}}".encode()).digest())

    @classmethod
    def of(cls, key: ec.EllipticCurvePrivateKey | ec.EllipticCurvePublicKey) -> "PublicKey":
        """Take the public half of a key. Raises ``ConfigurationError`` for another curve."""
        public = key.public_key() if isinstance(key, ec.EllipticCurvePrivateKey) else key
        if not isinstance(public.curve, ec.SECP256R1):
            raise ConfigurationError("the key is not on P-256")
        numbers = public.public_numbers()
        return cls(numbers.x.to_bytes(COORDINATE_BYTES, "big"), numbers.y.to_bytes(COORDINATE_BYTES, "big"))


def _base64url(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode("ascii")
