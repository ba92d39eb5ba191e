import re
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receipt_service.crypto.derivation import derive
from receipt_service.domain.attestation import VCT, attest, midnight, statement
from receipt_service.domain.canonical import from_base64url, from_json
from receipt_service.domain.disclosure import digest_of, encode_disclosure, parse_disclosure
from receipt_service.domain.groups import SALT_INFOS, STUB_GROUPS, Group
from receipt_service.domain.person import IdentityNotEstablished, NotEstablishedReason
from receipt_service.domain.receipt import Receipt
from receipt_service.domain.stub import Stub
from receipt_service.errors import MalformedReceipt
from tests.support.receipts import (
    CHECK,
    ISSUED_ON,
    ISSUER,
    PERSON,
    RECEIPT_NUMBER,
    SEED,
    SIGNER,
    sample_claims,
    sample_draft,
    sample_receipt,
)


def test_the_leaf_says_issuer_kind_day_and_five_digests_and_nothing_else():
    receipt = sample_receipt()
    header, payload, _ = receipt.leaf.split(".")
    assert from_json(from_base64url(header)) == {"alg": "ES256", "kid": SIGNER.kid, "typ": "dc+sd-jwt"}
    assert from_json(from_base64url(payload)) == {
        "iss": ISSUER,
        "vct": VCT,
        "iat": 1795392000,
        "_sd": sorted(map(digest_of, receipt.disclosures)),
        "_sd_alg": "sha-256",
    }
    assert midnight(ISSUED_ON) == 1795392000


def test_the_leaf_has_the_same_length_whatever_is_on_the_receipt():
    """A longer leaf would say something: a long reason, a person without identity."""
    short = replace(CHECK, reason_text=None, measures=(), ordered_by=None, ended_at=None)
    nobody = IdentityNotEstablished(reason=NotEstablishedReason.REFUSED)
    assert len(sample_receipt(short, nobody).leaf) == len(sample_receipt().leaf)


def test_the_stub_is_the_receipt_without_the_person_to_the_letter():
    receipt = sample_receipt()
    stub = receipt.stub
    person = receipt.disclosures[list(Group).index(Group.PERSON)]
    assert stub.compact == receipt.compact.replace(f"{person}~", "")
    assert [parse_disclosure(encoded).name for encoded in stub.disclosures] == list(STUB_GROUPS)
    assert Receipt.from_stub(stub, person) == receipt
    assert Stub.from_joined(stub.leaf, stub.joined) == stub
    assert Stub.parse(stub.compact) == stub
    assert PERSON.family_name.encode() not in b"".join(map(from_base64url, stub.disclosures))


def test_a_receipt_is_read_back_as_it_was_written():
    receipt = sample_receipt()
    assert Receipt.parse(receipt.compact) == receipt
    assert receipt.receipt_number == RECEIPT_NUMBER
    assert receipt.claims() == sample_claims()


def test_the_groups_as_the_plan_has_them():
    claims = sample_claims()
    assert list(claims) == ["legal_basis", "consequences", "person", "when_where", "officer"]
    assert list(claims[Group.WHEN_WHERE]) == [
        "receipt_number",
        "checked_at",
        "ended_at",
        "zone",
        "place",
        "commune",
        "commune_name",
        "department",
        "recorded_at",
    ]
    assert claims[Group.WHEN_WHERE]["recorded_at"] == "2026-11-23T14:09:42+01:00"
    assert claims[Group.OFFICER]["service"] == {"code": "PN-75-CSP10", "name": "Commissariat du 10e", "force": "PN"}
    assert list(claims[Group.PERSON]) == [
        "identity",
        "family_name",
        "given_names",
        "birth_date",
        "birth_place",
        "established_by",
    ]


def test_a_notice_s_reference_is_never_on_a_receipt():
    basis = replace(CHECK.bases[0], notice_reference="FPR-NEEDLE-1")
    assert "NEEDLE" not in str(sample_claims(replace(CHECK, bases=(basis,))))


def test_times_are_those_of_the_place():
    place = replace(CHECK.place, zone="Indian/Mayotte")
    claims = sample_claims(replace(CHECK, place=place))
    assert claims[Group.WHEN_WHERE]["checked_at"] == "2026-11-23T16:05:00+03:00"


def test_what_is_not_given_is_left_out():
    bare = replace(CHECK, reason_text=None, ended_at=None, ordered_by=None)
    claims = sample_claims(bare)
    assert "reason_text" not in claims[Group.LEGAL_BASIS]
    assert "ended_at" not in claims[Group.WHEN_WHERE]
    assert "ordered_by" not in claims[Group.OFFICER]


def test_every_seed_gives_its_own_five_salts():
    salts = derive(SEED, SALT_INFOS)
    assert len(set(salts)) == 5
    assert [parse_disclosure(encoded).salt for encoded in sample_receipt().disclosures] != []
    assert set(salts).isdisjoint(derive(bytes(16), SALT_INFOS))


@given(st.binary(min_size=16, max_size=16))
def test_another_seed_changes_every_digest(seed):
    ours = set(sample_receipt().leaf_claims()["_sd"])
    theirs = set(sample_receipt(salts=derive(seed, SALT_INFOS)).leaf_claims()["_sd"])
    assert ours.isdisjoint(theirs) or seed == SEED


def test_what_holds_an_identity_shows_nothing_of_it():
    receipt = sample_receipt()
    disclosure = receipt.disclosure(Group.PERSON)
    for value in (receipt, sample_draft(), disclosure, PERSON):
        assert "Lef" not in repr(value)
        assert receipt.disclosures[2] not in repr(value)


@pytest.mark.parametrize("count", [0, 4, 6])
def test_an_attestation_has_five_digests(count):
    with pytest.raises(MalformedReceipt):
        statement(issuer=ISSUER, kid="k", issued_on=ISSUED_ON, digests=[str(n) for n in range(count)])


def test_an_attestation_has_five_different_digests():
    with pytest.raises(MalformedReceipt):
        statement(issuer=ISSUER, kid="k", issued_on=ISSUED_ON, digests=["a"] * 5)


def test_a_signature_has_64_bytes():
    with pytest.raises(MalformedReceipt):
        attest(b"a.b", bytes(63))


@given(st.integers(0, 7_000_000_000))
def test_the_day_is_the_utc_day(seconds):
    begin = midnight(datetime.fromtimestamp(seconds, tz=UTC).date())
    assert begin % 86_400 == 0
    assert 0 <= seconds - begin < 86_400


def test_days_before_1970_have_midnights_too():
    assert midnight(date(1969, 12, 31)) == -86_400


@pytest.mark.parametrize(
    "bend",
    [
        lambda text: text[:-1],
        lambda text: text + "~",
        lambda text: re.sub(r"~[^~]*~$", "~", text),
        lambda text: "~".join([*(parts := text.split("~"))[:1], *parts[-2:0:-1], ""]),
        lambda text: text.replace(".", "", 1),
        lambda text: text[:0],
    ],
)
def test_our_own_receipts_are_read_in_our_own_form_alone(bend):
    with pytest.raises(MalformedReceipt):
        Receipt.parse(bend(sample_receipt().compact))


def test_a_receipt_whose_leaf_commits_to_other_disclosures_is_refused():
    receipt = sample_receipt()
    other = encode_disclosure(bytes(16), "person", {"identity": "not_established", "reason": "refused"})
    with pytest.raises(MalformedReceipt):
        Receipt.parse(Receipt.from_stub(receipt.stub, other).compact)


@pytest.mark.parametrize("text", ["", "leaf", "leaf~", "leaf~a~b~c~d", "leaf~a~b~c~d~e~", "~a~b~c~d~", "leaf~a~~c~d~"])
def test_a_stub_has_a_leaf_and_four_disclosures(text):
    with pytest.raises(MalformedReceipt):
        Stub.parse(text)
