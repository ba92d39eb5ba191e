"""Ed25519 and ML-DSA-44 as notes use them: keys from seeds, and one form of each signature."""

import pickle

import pytest

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


@pytest.mark.parametrize("y", [0, 1, PRIME - 1, PRIME, PRIME + 1])
@pytest.mark.parametrize("sign", [0, 1])
def test_a_key_of_small_order_or_unreduced_signs_nothing(y, sign):
    """Under the key of order 1, R = identity and s = 0 fit every message: libraries differ on whether that holds."""
    key = (y | sign << 255).to_bytes(32, "little")
    for point in (1, y):
        assert not ed25519_holds(key, (point | sign << 255).to_bytes(32, "little") + bytes(32), b"any")


def test_the_identity_would_be_taken_by_the_library():
    """Why the check above exists; when this fails, the library has become strict itself."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey  # noqa: PLC0415 - the library alone

    identity = (1).to_bytes(32, "little")
    Ed25519PublicKey.from_public_bytes(identity).verify(identity + bytes(32), b"any message")
