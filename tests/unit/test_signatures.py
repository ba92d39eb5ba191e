import hmac
import pickle

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwk, jws

from receipt_service.crypto.derivation import KeyedHash, derive
from receipt_service.crypto.keys import ORDER, PublicKey
from receipt_service.crypto.signing import Signer
from receipt_service.crypto.verification import holds, low_s, read_signature
from receipt_service.errors import ConfigurationError
from tests.support.receipts import OTHER_SIGNER, SIGNER, sample_receipt


@given(st.binary(max_size=300))
def test_a_signature_holds_and_is_low(message):
    signature = SIGNER.sign(message)
    numbers = read_signature(signature)
    assert numbers is not None
    r, s = numbers
    assert low_s(s)
    assert not low_s(ORDER - s)
    assert holds(SIGNER.public_key, r, s, message)
    assert holds(SIGNER.public_key, r, ORDER - s, message), "ECDSA itself takes both"
    assert not holds(SIGNER.public_key, r, s, message + b"x")
    assert not holds(OTHER_SIGNER.public_key, r, s, message)


def test_a_signature_is_the_same_every_time():
    assert SIGNER.sign(b"message") == SIGNER.sign(b"message")


def test_rfc_6979_appendix_a_2_5_with_the_low_s():
    """Key and signature of RFC 6979 A.2.5 (P-256, SHA-256, "sample"); its s is high, ours is n - s."""
    secret = 0xC9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721
    r = 0xEFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716
    s = 0xF7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8
    signer = Signer(ec.derive_private_key(secret, ec.SECP256R1()))
    assert signer.public_key.x.hex() == "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"
    assert signer.sign(b"sample") == r.to_bytes(32, "big") + (ORDER - s).to_bytes(32, "big")


@pytest.mark.parametrize(
    "signature", [b"", bytes(64), bytes(63) + b"\1", b"\1" + bytes(63), b"\xff" * 64, b"\1" * 63, b"\1" * 65]
)
def test_a_signature_out_of_range_is_no_signature(signature):
    assert read_signature(signature) is None


def test_the_leaf_verifies_with_joserfc():
    key = jwk.ECKey.import_key(SIGNER.public_key.jwk)
    token = jws.deserialize_compact(sample_receipt().leaf, key, algorithms=["ES256"])
    assert token.headers()["typ"] == "dc+sd-jwt"


def test_a_key_s_id_is_its_thumbprint():
    assert SIGNER.kid == jwk.ECKey.import_key(SIGNER.public_key.jwk).thumbprint()


def test_a_signer_neither_travels_nor_shows_itself():
    with pytest.raises(TypeError):
        pickle.dumps(SIGNER)
    assert repr(SIGNER) == f"Signer(kid='{SIGNER.kid}')"


def test_only_p_256_signs():
    with pytest.raises(ConfigurationError):
        Signer(ec.generate_private_key(ec.SECP384R1()))


@pytest.mark.parametrize(
    ("x", "y"), [(bytes(32), bytes(32)), (b"", b""), (b"\1" * 32, b"\1" * 32), (SIGNER.public_key.x, bytes(31))]
)
def test_a_point_off_the_curve_is_no_key(x, y):
    with pytest.raises(ConfigurationError):
        PublicKey(x, y)


@given(st.binary(min_size=1, max_size=64), st.lists(st.binary(max_size=40), max_size=4), st.integers(1, 100))
def test_derivation_is_hkdf(secret, infos, length):
    expected = [HKDF(hashes.SHA256(), length, None, info).derive(secret) for info in infos]
    assert list(derive(secret, infos, length)) == expected


@given(st.binary(max_size=200), st.lists(st.binary(max_size=300), min_size=1, max_size=3))
def test_a_keyed_hash_is_hmac_for_every_message(key, messages):
    keyed = KeyedHash(key)

    assert [keyed.digest(message) for message in messages] == [hmac.digest(key, each, "sha256") for each in messages]
    assert repr(keyed) == "KeyedHash(…)"


def test_rfc_4231_test_case_6():
    """A key longer than a block."""
    mac = "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
    message = b"Test Using Larger Than Block-Size Key - Hash Key First"

    assert KeyedHash(b"\xaa" * 131).digest(message).hex() == mac


def test_rfc_5869_test_case_3():
    okm = "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"
    assert derive(b"\x0b" * 22, [b""], 42)[0].hex() == okm


@pytest.mark.parametrize("length", [0, -1, 8161])
def test_hkdf_s_limits(length):
    with pytest.raises(ValueError, match="8160"):
        derive(b"x", [b""], length)
