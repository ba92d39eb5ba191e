"""Sealing: HPKE (RFC 9180, base mode) to an epoch's public key. Who seals can't open.

DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-128-GCM: 48 bytes longer than what is sealed (the encapsulated key and
the tag). Only issuance and the composition root may import this module.
"""

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from receipt_service.errors import ConfigurationError

_SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_128_GCM)


class Sealer:
    """One epoch's public key."""

    def __init__(self, public_key: bytes, epoch: str) -> None:
        """``public_key`` is the raw X25519 key; raises ``ConfigurationError`` when it is not 32 bytes."""
        try:
            self._key = X25519PublicKey.from_public_bytes(public_key)
        except ValueError as error:
            raise ConfigurationError("a sealing key is 32 bytes of X25519") from error
        self.epoch = epoch

    def seal(self, plaintext: bytes, info: bytes) -> bytes:
        """Seal; ``info`` is bound to the result, and opening needs the same.

        Raises ``ConfigurationError`` for a key of low order, to which nothing can be sealed (RFC 9180 §7.1.4).
        """
        try:
            return _SUITE.encrypt(plaintext, self._key, info)
        except ValueError as error:
            raise ConfigurationError("nothing can be sealed to this key") from error
