import pytest
from hypothesis import given
from hypothesis import strategies as st

from receipt_service.domain.canonical import base64url
from receipt_service.domain.link import ReceiptLink
from receipt_service.domain.person import (
    EstablishedBy,
    IdentityEstablished,
    IdentityNotEstablished,
    NotEstablishedReason,
)
from receipt_service.domain.receipt_number import receipt_number_from
from receipt_service.errors import MalformedReceipt
from tests.support.receipts import ISSUER, PERSON, RECEIPT_NUMBER, SEED, sample_link

LINE = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n"), max_size=30)
PERSONS = st.builds(IdentityNotEstablished, reason=st.sampled_from(NotEstablishedReason)) | st.builds(
    IdentityEstablished,
    family_name=LINE,
    given_names=LINE,
    birth_date=LINE,
    birth_place=LINE,
    established_by=st.sampled_from(EstablishedBy),
)


@given(st.binary(min_size=16, max_size=16), st.binary(min_size=16, max_size=16), PERSONS)
def test_a_link_carries_number_seed_and_person(number, seed, person):
    link = ReceiptLink(receipt_number_from(number), seed, person)
    assert ReceiptLink.parse_fragment(link.fragment) == link


def test_the_person_stands_in_the_fragment_alone():
    url = sample_link().url(f"{ISSUER}/")
    path, _, fragment = url.partition("#")
    assert path == f"{ISSUER}/r"
    assert fragment.startswith(f"{RECEIPT_NUMBER}.")


def test_a_link_shows_nothing_in_a_log():
    assert repr(sample_link()) == "ReceiptLink(…)"


@pytest.mark.parametrize(
    "fragment",
    [
        "",
        "a.b",
        f"{RECEIPT_NUMBER}.{base64url(SEED)}",
        f"{RECEIPT_NUMBER.lower()}.{base64url(SEED)}.{base64url(b'N')}",
        f"{RECEIPT_NUMBER}.{base64url(SEED[:15])}.{base64url(b'N' + b'chr(10)' + b'R')}",
        f"{RECEIPT_NUMBER}.{base64url(SEED)}.{base64url(b'N')}",
        f"{RECEIPT_NUMBER}.{base64url(SEED)}.{base64url(b'X')}",
        f"{RECEIPT_NUMBER}.{base64url(SEED)}.{base64url(bytes([0xFF]))}",
        f"{RECEIPT_NUMBER}.{base64url(SEED)}=.{base64url(b'N')}",
        sample_link().fragment + ".",
        sample_link().fragment[:-1],
    ],
)
def test_a_bent_fragment_is_refused(fragment):
    with pytest.raises(MalformedReceipt):
        ReceiptLink.parse_fragment(fragment)


@pytest.mark.parametrize(
    "person", ["E\na\nb\nc\nd\nXX", "E\na\nb\nc\nd", "E\na\nb\nc\nd\nCI\n", "N\nX", "N\nR\n", "n\nR", ""]
)
def test_a_bent_person_is_refused(person):
    with pytest.raises(MalformedReceipt):
        ReceiptLink.parse_fragment(f"{RECEIPT_NUMBER}.{base64url(SEED)}.{base64url(person.encode())}")


def test_a_name_of_two_lines_has_no_link():
    person = IdentityEstablished(
        family_name="a\nb",
        given_names="c",
        birth_date="1990",
        birth_place="d",
        established_by=EstablishedBy.OTHER_DOCUMENT,
    )
    with pytest.raises(MalformedReceipt):
        _ = ReceiptLink(RECEIPT_NUMBER, SEED, person).fragment


def test_a_seed_of_another_length_is_refused():
    with pytest.raises(MalformedReceipt):
        ReceiptLink(RECEIPT_NUMBER, SEED + b"x", PERSON)
