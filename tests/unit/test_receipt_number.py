import pytest
from hypothesis import given
from hypothesis import strategies as st

from receipt_service.domain.receipt_number import (
    canonical_receipt_number,
    is_receipt_number,
    parse_receipt_number,
    receipt_number_from,
)
from receipt_service.errors import MalformedReceipt

ENTROPY = st.binary(min_size=16, max_size=16)


@given(ENTROPY, ENTROPY)
def test_numbers_are_as_different_as_their_bytes(one, other):
    assert (receipt_number_from(one) == receipt_number_from(other)) == (one == other)
    assert is_receipt_number(receipt_number_from(one))


@given(ENTROPY, st.integers(1, 25))
def test_a_number_is_read_as_people_type_it(entropy, cut):
    number = receipt_number_from(entropy)
    typed = f"{number[:cut]}-{number[cut:]}".lower().replace("1", "l").replace("0", "o")
    assert parse_receipt_number(typed) == number
    assert parse_receipt_number(number.replace("1", "I").replace("0", "O")) == number


def test_the_ends_of_the_range():
    assert receipt_number_from(bytes(16)) == "0" * 26
    assert receipt_number_from(b"\xff" * 16) == "7" + "Z" * 25


@pytest.mark.parametrize(
    "text", ["", "0" * 25, "0" * 27, "8" + "0" * 25, "U" + "0" * 25, "0" * 25 + "\n", "é" + "0" * 25, "0" * 25 + "٣"]
)
def test_what_is_no_number_is_refused(text):
    for reader in (parse_receipt_number, canonical_receipt_number):
        with pytest.raises(MalformedReceipt):
            reader(text)


@pytest.mark.parametrize("text", ["o" * 26, "0" * 13 + "-" + "0" * 13, "a" + "0" * 25, "I" + "0" * 25])
def test_only_one_form_is_canonical(text):
    assert not is_receipt_number(text)
    with pytest.raises(MalformedReceipt):
        canonical_receipt_number(text)


@pytest.mark.parametrize("size", [0, 15, 17])
def test_less_or_more_than_128_bits_are_refused(size):
    with pytest.raises(MalformedReceipt):
        receipt_number_from(bytes(size))
