"""Verification of the log's and the witnesses' signatures, each in one form only. Raw keys in, yes or no out."""

from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey

_PRIME: Final = 2**255 - 19
_ORDER: Final = 2**252 + 27742317777372353535851937790883648493
_ED25519_BYTES: Final = 64
_HALF: Final = 32
_SMALL_ORDER: Final = frozenset(
    {
        0,
        1,
        _PRIME - 1,
        2707385501144840649318225287225658788936804267575313519463743609750303402022,
        55188659117513257062467267217118295137698188065244968500265048394206261417927,
    }
)
"""y coordinates of the eight points of small order: under such a key one signature fits many messages."""


def ed25519_holds(public_key: bytes, signature: bytes, message: bytes) -> bool:
    """Say whether the signature over the message is the key's (RFC 8032 §5.1.7).

    Stricter than the RFC asks: no key of small order, no coordinate or scalar that is not reduced, so that a
    signature has no second form and every verifier of Ed25519 comes to the same answer.
    """
    if len(signature) != _ED25519_BYTES or int.from_bytes(signature[_HALF:], "little") >= _ORDER:
        return False
    if not (_is_reduced(public_key) and _is_reduced(signature[:_HALF])) or _y(public_key) in _SMALL_ORDER:
        return False
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def ml_dsa_44_holds(public_key: bytes, signature: bytes, message: bytes) -> bool:
    """Say whether the signature over the message is the key's (FIPS 204 §5.3, empty context)."""
    try:
        MLDSA44PublicKey.from_public_bytes(public_key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def _y(point: bytes) -> int:
    return int.from_bytes(point, "little") & (2**255 - 1)


def _is_reduced(point: bytes) -> bool:
    return len(point) == _HALF and _y(point) < _PRIME
