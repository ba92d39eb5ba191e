"""Sealing: only the right private key under the right context opens, and nothing is sealed without a sound key."""

from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from receipt_service.bootstrap.sealing_keys import SealingKeys
from receipt_service.crypto.opening import CannotOpen, Opener
from receipt_service.crypto.sealing import Sealer
from receipt_service.domain.envelope import Envelope, sealing_info
from receipt_service.domain.epoch import public_name
from receipt_service.domain.identifiers import MessageId
from receipt_service.domain.recipient import Channel
from receipt_service.errors import ConfigurationError, MalformedReceipt, Unavailable

NOW = datetime(2026, 11, 23, 14, 5, tzinfo=UTC)
EPOCH = "2026-11-23T14Z"
KEY = X25519PrivateKey.generate()
SEALER = Sealer(KEY.public_key().public_bytes_raw(), EPOCH)
OPENER = Opener(KEY, EPOCH)


@given(st.binary(max_size=5000), st.binary(max_size=200))
def test_what_is_sealed_opens_and_is_48_bytes_longer(plaintext, info):
    sealed = SEALER.seal(plaintext, info)
    assert OPENER.open(sealed, info) == plaintext
    assert len(sealed) == len(plaintext) + 48
    assert SEALER.seal(plaintext, info) != sealed


@given(st.binary(max_size=100), st.binary(max_size=50), st.data())
def test_any_change_keeps_it_shut(plaintext, info, data):
    sealed = bytearray(SEALER.seal(plaintext, info))
    bit = data.draw(st.integers(0, len(sealed) * 8 - 1))
    if bit == 255:
        bit = 254  # the top bit of an X25519 key is ignored (RFC 7748 §5)
    sealed[bit // 8] ^= 1 << bit % 8
    with pytest.raises(CannotOpen):
        OPENER.open(bytes(sealed), info)


@given(st.binary(max_size=60))
def test_what_was_never_sealed_does_not_open(noise):
    with pytest.raises(CannotOpen):
        OPENER.open(noise, b"")


def test_another_key_or_context_does_not_open():
    sealed = SEALER.seal(b"x", b"context")
    with pytest.raises(CannotOpen):
        Opener(X25519PrivateKey.generate(), EPOCH).open(sealed, b"context")
    with pytest.raises(CannotOpen):
        OPENER.open(sealed, b"contexT")


@given(
    st.lists(
        st.tuples(
            st.integers(0, 2**63 - 1),
            st.datetimes(datetime(2026, 1, 1), datetime(2050, 1, 1)),  # noqa: DTZ001
            st.sampled_from(Channel),
        ),
        min_size=2,
        max_size=2,
        unique=True,
    )
)
def test_no_two_messages_share_a_context(pair):
    infos = {sealing_info(MessageId(n), f"{at:%Y-%m-%dT%HZ}", channel) for n, at, channel in pair}
    assert len(infos) == len({(n, f"{at:%Y-%m-%dT%HZ}", channel) for n, at, channel in pair})


def test_a_private_key_does_not_travel_and_does_not_show():
    with pytest.raises(TypeError):
        OPENER.__reduce__()
    assert KEY.private_bytes_raw().hex() not in repr(OPENER)


@pytest.mark.parametrize("wrong", [b"", b"x" * 31, b"x" * 33])
def test_a_key_has_32_bytes(wrong):
    with pytest.raises(ConfigurationError):
        Sealer(wrong, EPOCH)


def test_nothing_is_sealed_to_a_key_that_everybody_can_open():
    with pytest.raises(ConfigurationError):
        Sealer(bytes(32), EPOCH).seal(b"x", b"")


def envelope(**changed):
    plain = {"to": "+33639980001", "receipt": "l~d~", "seed": bytes(16), "languages": ("fr", "en")}
    return Envelope(**{**plain, **changed})


@given(st.text(), st.text(), st.binary(), st.lists(st.sampled_from(["fr", "en"]), min_size=1))
def test_an_envelope_comes_back(to, receipt, seed, languages):
    given_one = Envelope(to=to, receipt=receipt, seed=seed, languages=tuple(languages))
    try:
        encoded = given_one.encode()
    except MalformedReceipt:  # a lone surrogate, which is no text
        return
    assert Envelope.decode(encoded) == given_one


@pytest.mark.parametrize(
    "wrong",
    [
        b"",
        b"[]",
        b"{}",
        envelope().encode().replace(b'"v":1', b'"v":2'),
        envelope().encode().replace(b'["fr","en"]', b"[]"),
        envelope().encode().replace(b'["fr","en"]', b"[1]"),
        envelope().encode().replace(b'"to":"+33639980001"', b'"to":1'),
        envelope().encode() + b" x",
    ],
)
def test_an_envelope_of_another_form_is_refused(wrong):
    with pytest.raises(MalformedReceipt):
        Envelope.decode(wrong)


def test_an_envelope_shows_nothing():
    assert repr(envelope()) == "Envelope(…)"


def test_the_key_of_the_hour_is_picked_and_kept(tmp_path):
    keys = SealingKeys(tmp_path)
    (tmp_path / public_name(EPOCH)).write_bytes(KEY.public_key().public_bytes_raw())
    sealer = keys.sealer_at(NOW)
    assert sealer.epoch == EPOCH
    assert keys.sealer_at(NOW + timedelta(minutes=54, seconds=59)) is sealer
    with pytest.raises(Unavailable):
        keys.sealer_at(NOW + timedelta(minutes=55))


@pytest.mark.parametrize("content", [b"", b"short", bytes(31), bytes(33)])
def test_a_damaged_key_file_seals_nothing(tmp_path, content):
    (tmp_path / public_name(EPOCH)).write_bytes(content)
    with pytest.raises(Unavailable):
        SealingKeys(tmp_path).sealer_at(NOW)


def test_a_key_file_that_others_may_write_seals_nothing(tmp_path):
    path = tmp_path / public_name(EPOCH)
    path.write_bytes(KEY.public_key().public_bytes_raw())
    path.chmod(0o666)
    with pytest.raises(Unavailable):
        SealingKeys(tmp_path).sealer_at(NOW)


def test_no_folder_no_sealing(tmp_path):
    with pytest.raises(Unavailable):
        SealingKeys(tmp_path / "absent").sealer_at(NOW)
