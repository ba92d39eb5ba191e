"""Opening what ``crypto.sealing`` sealed. Only the delivery worker may import this module."""

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from receipt_service.errors import ReceiptServiceError

_SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_128_GCM)


class CannotOpen(ReceiptServiceError):
    """The envelope was sealed to another key or under another ``info``, or it was altered."""


class Opener:
    """One epoch's private key."""

    def __init__(self, private_key: X25519PrivateKey, epoch: str) -> None:
        self._key = private_key
        self.epoch = epoch

    def __repr__(self) -> str:
        """Name the epoch, never show the key."""
        return f"Opener(epoch={self.epoch!r})"

    def __reduce__(self) -> tuple[object, ...]:
        """Refuse to be pickled: a private key does not travel."""
        raise TypeError("an opener is never serialised")

    def open(self, envelope: bytes, info: bytes) -> bytes:
        """Open an envelope under the ``info`` it was sealed with. Raises ``CannotOpen``."""
        try:
            return _SUITE.decrypt(envelope, self._key, info)
        except (InvalidTag, ValueError) as error:
            raise CannotOpen("the envelope does not open with this key") from error
