"""Ed25519 and ML-DSA-44 as notes use them: keys from seeds, and one form of each signature."""

import hashlib
import itertools
import pickle

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from receipt_service.crypto.note_signing import Ed25519Signer, MlDsa44Signer, new_seed
from receipt_service.crypto.note_verification import ed25519_holds, ml_dsa_44_holds
from receipt_service.errors import ConfigurationError

# RFC 8032 §7.1, test 2.
RFC_SEED = bytes.fromhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")
RFC_KEY = bytes.fromhex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c")
RFC_SIGNATURE = bytes.fromhex(
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
    "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
)
ORDER = 2**252 + 27742317777372353535851937790883648493
PRIME = 2**255 - 19
IDENTITY = (1).to_bytes(32, "little")
POINTS_OF_ORDER_EIGHT = [
    bytes.fromhex(point)
    for point in (
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    )
]
KINDS = [(Ed25519Signer, ed25519_holds, 32, 64), (MlDsa44Signer, ml_dsa_44_holds, 1312, 2420)]


def test_ed25519_is_the_rfcs():
    signer = Ed25519Signer(RFC_SEED)
    assert signer.public_key == RFC_KEY
    assert signer.sign(b"\x72") == RFC_SIGNATURE
    assert ed25519_holds(RFC_KEY, RFC_SIGNATURE, b"\x72")


@pytest.mark.parametrize(("signer_type", "holds", "key_bytes", "signature_bytes"), KINDS)
def test_what_is_signed_holds_and_nothing_else(signer_type, holds, key_bytes, signature_bytes):
    signer, other = signer_type(new_seed()), signer_type(new_seed())
    signature = signer.sign(b"message")

    assert (len(signer.public_key), len(signature)) == (key_bytes, signature_bytes)
    assert holds(signer.public_key, signature, b"message")
    assert not holds(signer.public_key, signature, b"messagf")
    assert not holds(other.public_key, signature, b"message")
    for bent in (signature[:-1], signature + b"\0", b"", signature[:5] + bytes([signature[5] ^ 1]) + signature[6:]):
        assert not holds(signer.public_key, bent, b"message")
    for key in (signer.public_key[:-1], signer.public_key + b"\0", b""):
        assert not holds(key, signature, b"message")


@pytest.mark.parametrize(("signer_type", "holds", "key_bytes", "signature_bytes"), KINDS)
def test_a_seed_is_the_key(signer_type, holds, key_bytes, signature_bytes):
    seed = new_seed()
    assert signer_type(seed).public_key == signer_type(seed).public_key
    for wrong in (b"", seed[:-1], seed + b"0"):
        with pytest.raises(ConfigurationError):
            signer_type(wrong)


@pytest.mark.parametrize(("signer_type", "holds", "key_bytes", "signature_bytes"), KINDS)
def test_a_signer_shows_and_gives_nothing_away(signer_type, holds, key_bytes, signature_bytes):
    seed = new_seed()
    signer = signer_type(seed)
    assert seed.hex() not in repr(signer)
    assert signer.public_key[:8].hex() in repr(signer)
    with pytest.raises(TypeError):
        pickle.dumps(signer)


def test_a_scalar_has_one_form():
    """Without the check, s and s + L would be two signatures over one message (RFC 8032 §5.1.7)."""
    s = int.from_bytes(RFC_SIGNATURE[32:], "little")
    assert not ed25519_holds(RFC_KEY, RFC_SIGNATURE[:32] + (s + ORDER).to_bytes(32, "little"), b"\x72")


def forged(key):
    """A message and the signature R = identity, s = 0 over it, valid under a key of order 8 or less.

    It holds where the challenge is a multiple of 8: then s B = R + k A says that identity is identity.
    """
    messages = (b"forged %d" % number for number in itertools.count())
    message = next(message for message in messages if challenge(IDENTITY + key + message) % 8 == 0)
    return IDENTITY + bytes(32), message


def challenge(data):
    return int.from_bytes(hashlib.sha512(data).digest(), "little") % ORDER


@pytest.mark.parametrize(
    "key",
    [
        *(y.to_bytes(32, "little") for y in (0, 1, PRIME - 1)),
        *POINTS_OF_ORDER_EIGHT,
        (1 << 255).to_bytes(32, "little"),
    ],
    ids=bytes.hex,
)
def test_a_key_of_small_order_signs_nothing(key):
    """Under such a key, one signature fits every eighth message. The library takes it, so we look first."""
    signature, message = forged(key)
    Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    assert not ed25519_holds(key, signature, message)


@pytest.mark.parametrize("y", [PRIME, PRIME + 1, 2**255 - 1])
def test_an_unreduced_key_or_point_signs_nothing(y):
    unreduced = y.to_bytes(32, "little")
    assert not ed25519_holds(unreduced, *forged(unreduced))
    assert not ed25519_holds(RFC_KEY, unreduced + RFC_SIGNATURE[32:], b"\x72")
