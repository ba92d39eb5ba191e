"""ES256 verification that accepts each signature in one form only."""

from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from receipt_service.crypto.keys import COORDINATE_BYTES, ORDER, PublicKey

SIGNATURE_BYTES: Final = 2 * COORDINATE_BYTES
_HALF: Final = ORDER // 2
_ES256: Final = ec.ECDSA(hashes.SHA256())


def read_signature(signature: bytes) -> tuple[int, int] | None:
    """Read ``r || s``; ``None`` unless it is 64 bytes with ``0 < r < n`` and ``0 < s < n`` (FIPS 186-5 §6.4.2)."""
    if len(signature) != SIGNATURE_BYTES:
        return None
    r = int.from_bytes(signature[:COORDINATE_BYTES], "big")
    s = int.from_bytes(signature[COORDINATE_BYTES:], "big")
    return (r, s) if 0 < r < ORDER and 0 < s < ORDER else None


def low_s(s: int) -> bool:
    """Say whether ``s`` is the smaller of the two values that verify."""
    return s <= _HALF


def holds(public_key: PublicKey, r: int, s: int, message: bytes) -> bool:
    """Say whether the signature over the message is the key's."""
    try:
        public_key.handle.verify(encode_dss_signature(r, s), message, _ES256)
    except InvalidSignature:
        return False
    return True
