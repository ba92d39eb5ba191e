from datetime import date

import phonenumbers
from hypothesis import given
from hypothesis import strategies as st

from receipt_service.demo.stops.draw import Draw
from receipt_service.demo.stops.persons import IDENTITY_SHARES, person_for, words
from receipt_service.demo.stops.recipients import CHANNEL_SHARES, recipient_for
from receipt_service.demo.twilio_store import MAGIC_NUMBERS
from receipt_service.domain.person import EstablishedBy, NotEstablishedReason

TODAY = date(2026, 11, 23)
RECORDS = st.binary(max_size=8)


@given(record=RECORDS, avoid=st.text(max_size=40))
def test_a_person_never_has_a_word_of_the_free_text_in_their_name(record, avoid):
    person = person_for(Draw(1, "person", record), today=TODAY, avoid=avoid)
    if person["identity"] == "established":
        assert not words(f"{person['family_name']} {person['given_names']}") & words(avoid)


def test_a_street_called_like_a_person_changes_the_person():
    record = next(
        record
        for record in (bytes([number]) for number in range(256))
        if person_for(Draw(1, "person", record), today=TODAY, avoid="").get("family_name") == "Gérard"
    )
    moved = person_for(Draw(1, "person", record), today=TODAY, avoid="à hauteur de GERARD Street")
    assert moved.get("family_name") != "Gérard"


@given(record=RECORDS)
def test_a_person_is_the_same_for_the_same_record(record):
    one, other = (person_for(Draw(7, "person", record), today=TODAY, avoid="Rue") for _ in range(2))
    assert one == other


@given(record=RECORDS)
def test_ages_lie_between_14_and_70(record):
    person = person_for(Draw(1, "person", record), today=TODAY, avoid="")
    if person["identity"] == "established":
        assert 1956 <= int(str(person["birth_date"])[:4]) <= 2012
        assert len(str(person["birth_date"])) in {4, 7, 10}


def test_nobody_is_asked_when_only_the_vehicle_is_searched():
    person = person_for(Draw(1, "person", b""), today=TODAY, avoid="", vehicle_only=True)
    assert person == {"identity": "not_established", "reason": "not_asked"}


def test_every_way_to_establish_an_identity_occurs():
    assert set(IDENTITY_SHARES) == {*EstablishedBy, *NotEstablishedReason} - {NotEstablishedReason.NOT_CARRIED_OVER}
    assert sum(IDENTITY_SHARES.values()) == 100


def test_names_have_the_spellings_that_break_programs():
    drawn = [person_for(Draw(1, "person", number.to_bytes(4)), today=TODAY, avoid="") for number in range(2000)]
    names = " ".join(f"{p.get('family_name', '')} {p.get('given_names', '')}" for p in drawn)
    assert [sign for sign in "éèçëïÉışøáüß'-" if sign not in names] == []
    assert "de La Tour" in names


@given(record=RECORDS)
def test_every_number_is_one_for_fiction_and_the_stand_in_delivers_to_it(record):
    recipient = recipient_for(Draw(1, "recipient", record))
    if "sms" in recipient:
        number = str(recipient["sms"])
        assert number.startswith("+3363998")
        assert len(number) == 12
        assert phonenumbers.is_possible_number(phonenumbers.parse(number))
        assert number not in MAGIC_NUMBERS


def test_every_channel_is_chosen_in_its_share():
    assert sum(CHANNEL_SHARES.values()) == 100
    drawn = [tuple(recipient_for(Draw(1, "recipient", number.to_bytes(4)))) for number in range(5000)]
    for channels, share in CHANNEL_SHARES.items():
        assert abs(drawn.count(channels) / 50 - share) < 2.5
