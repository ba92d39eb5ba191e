"""ES256 verification that accepts each signature in one form only."""

from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from receipt_service.crypto.keys import COORDINATE_BYTES, ORDER, PublicKey

SIGNATURE_BYTES: Final = 2 * COORDINATE_BYTES
_ES256: Final = ec.ECDSA(hashes.SHA256())


def well_formed(signature: bytes) -> bool:
    """Say whether it is 64 bytes with ``0 < r < n`` and ``0 < s < n`` (FIPS 186-5 §6.4.2)."""
    r, s = _halves(signature)
    return len(signature) == SIGNATURE_BYTES and 0 < r < ORDER and 0 < s < ORDER


def low_s(signature: bytes) -> bool:
    """Say whether ``s`` is the smaller of the two values that verify."""
    return _halves(signature)[1] <= ORDER // 2


def holds(public_key: PublicKey, signature: bytes, message: bytes) -> bool:
    """Say whether the signature (``r || s``, well formed) over the message is the key's."""
    try:
        public_key.handle.verify(encode_dss_signature(*_halves(signature)), message, _ES256)
    except InvalidSignature:
        return False
    return True


def _halves(signature: bytes) -> tuple[int, int]:
    return int.from_bytes(signature[:COORDINATE_BYTES], "big"), int.from_bytes(signature[COORDINATE_BYTES:], "big")
