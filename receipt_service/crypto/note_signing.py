"""Signatures of the log and of witnesses: Ed25519 (RFC 8032) and ML-DSA-44 (FIPS 204), over bytes as they are.

Only the log, the witness and the composition root may import this module (import contract "Only the log and the
witness may sign notes"). Both kinds of key are kept as the 32 bytes that they grow from.
"""

import secrets
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from receipt_service.errors import ConfigurationError

SEED_BYTES: Final = 32
"""RFC 8032 §5.1.5 and FIPS 204 §3.6.1."""


def new_seed() -> bytes:
    """Draw a private key."""
    return secrets.token_bytes(SEED_BYTES)


class Ed25519Signer:
    """One private key, safe to share between threads."""

    def __init__(self, seed: bytes) -> None:
        """Raise ``ConfigurationError`` for anything but 32 bytes."""
        self._key = Ed25519PrivateKey.from_private_bytes(_checked(seed))
        self.public_key = self._key.public_key().public_bytes_raw()

    def __repr__(self) -> str:
        """Name the public half, never show the key."""
        return f"Ed25519Signer(public_key={self.public_key.hex()!r})"

    def __reduce__(self) -> tuple[object, ...]:
        """Refuse to be pickled: a private key does not travel."""
        raise TypeError("a signer is never serialised")

    def sign(self, message: bytes) -> bytes:
        """Sign; 64 bytes."""
        return self._key.sign(message)


class MlDsa44Signer:
    """One private key, safe to share between threads."""

    def __init__(self, seed: bytes) -> None:
        """Raise ``ConfigurationError`` for anything but 32 bytes."""
        self._key = MLDSA44PrivateKey.from_seed_bytes(_checked(seed))
        self.public_key = self._key.public_key().public_bytes_raw()

    def __repr__(self) -> str:
        """Name the public half by its first bytes, never show the key."""
        return f"MlDsa44Signer(public_key={self.public_key[:SEED_BYTES].hex()!r})"

    def __reduce__(self) -> tuple[object, ...]:
        """Refuse to be pickled: a private key does not travel."""
        raise TypeError("a signer is never serialised")

    def sign(self, message: bytes) -> bytes:
        """Sign with an empty context; 2,420 bytes, other ones each time (FIPS 204 §3.4, hedged)."""
        return self._key.sign(message)


def _checked(seed: bytes) -> bytes:
    if len(seed) != SEED_BYTES:
        raise ConfigurationError(f"a private key for notes is {SEED_BYTES} bytes")
    return seed
