"""The person and the recipient, and the texts beside them."""

from dataclasses import replace

import pytest

from receipt_service.domain.check_request import TEXT_LIMITS, PlaceRequest
from receipt_service.domain.recipient import Recipient
from receipt_service.domain.rule_texts import RULES
from receipt_service.errors import InvalidCheck
from tests.support.checks import LYON, PARIS, PERSON, catalogue, situation, territory

CASE = situation("CPP-78-2-AL8")


@pytest.mark.parametrize("name", ["family_name", "given_names", "birth_place"])
@pytest.mark.parametrize("text", [" ", "a\nb", "a\x00", "a\u202eb", "x" * 101])
def test_names_are_printable_and_bounded(name, text):
    case = replace(CASE, person=replace(PERSON, **{name: text}))
    assert (f"/person/{name}", "person.text") in case.violations()


@pytest.mark.parametrize(
    "changes",
    [
        {"given_names": ""},
        {"family_name": "O"},
        {"family_name": "d'Ötscher-Ølsen Œuvré"},
        {"family_name": "Иванов", "given_names": "Пётр"},
        {"family_name": "محمد", "given_names": "علي"},
        {"family_name": "李", "given_names": "娜"},
        {"family_name": "X" * 100},
    ],
)
def test_people_are_called_what_they_are_called(changes):
    assert replace(CASE, person=replace(PERSON, **changes)).violations() == []


def test_a_family_name_is_given():
    assert replace(CASE, person=replace(PERSON, family_name="")).violations() == [
        ("/person/family_name", "person.text")
    ]


@pytest.mark.parametrize("date", ["1990-05-17", "1990-05", "1990", "2026-11-24", "1900", "2024-02-29"])
def test_birth_dates_may_be_partly_known(date):
    assert replace(CASE, person=replace(PERSON, birth_date=date)).violations() == []


@pytest.mark.parametrize(
    "date",
    [
        "",
        "17/05/1990",
        "1990-13",
        "1990-02-30",
        "2023-02-29",
        "2026-11-25",
        "2027",
        "1890",
        "1990-5-7",
        "90",
        "0000",
        "1990-05-17T00",
        "१९९०",
        "9999-12",
    ],
)
def test_impossible_birth_dates_are_refused(date):
    assert replace(CASE, person=replace(PERSON, birth_date=date)).violations() == [
        ("/person/birth_date", "person.birth_date")
    ]


def test_a_recipient_chooses_or_declines():
    assert replace(CASE, recipient=Recipient()).violations() == [("/recipient", "recipient.none")]
    both = Recipient(declined=True, on_paper=True)
    assert replace(CASE, recipient=both).violations() == [("/recipient/declined", "recipient.declined_with_others")]
    for recipient in (
        Recipient(declined=True),
        Recipient(on_screen=True, on_paper=True, email="a@b.fr", sms="+33639980001"),
    ):
        assert replace(CASE, recipient=recipient).violations() == []


def test_the_second_language_exists_and_is_a_second_one():
    assert CASE.change(second_language="en").violations() == []
    for language in ("fr", "de", ""):
        assert CASE.change(second_language=language).violations() == [("/second_language", "language.unknown")]


@pytest.mark.parametrize(
    ("pointer", "case"),
    [
        ("/reason_text", lambda text: CASE.change(reason_text=text)),
        ("/legal_bases/0/circumstances", lambda text: CASE.change_basis(circumstances=text)),
        ("/legal_bases/0/operation_reference", lambda text: CASE.change_basis(operation_reference=text)),
        ("/place/public_place", lambda text: CASE.change(place=PlaceRequest(public_place=text, commune=PARIS))),
        ("/legal_bases/0/offence", lambda text: situation("CPP-78-2-AL2").change_basis(offence=text)),
        ("/legal_bases/0/measure_breached", lambda text: situation("CPP-78-2-AL5").change_basis(measure_breached=text)),
        ("/legal_bases/0/notice_reference", lambda text: situation("CPP-78-2-AL6").change_basis(notice_reference=text)),
        ("/legal_bases/0/site", lambda text: situation("CPP-78-2-AL9").change_basis(site=text)),
        ("/legal_bases/0/shown_to", lambda text: situation("CPP-78-2-1").change_basis(shown_to=text)),
        ("/legal_bases/1/event", lambda text: situation("CPP-78-2-5").change_basis(1, event=text)),
        ("/legal_bases/0/requisition/reference", lambda text: situation().change_requisition(reference=text)),
        ("/legal_bases/0/requisition/court", lambda text: situation().change_requisition(court=text)),
        ("/legal_bases/0/requisition/places", lambda text: situation().change_requisition(places=text)),
        ("/legal_bases/0/requisition/offences/0", lambda text: situation().change_requisition(offences=(text,))),
    ],
)
def test_every_text_is_bounded_and_screened(pointer, case):
    limit = TEXT_LIMITS[pointer.split("/")[-1] if not pointer.endswith("0") else "offences"]
    assert case(("mot clé " * 40)[: limit - 1] + "x").violations() == []
    assert case("x" * (limit + 1)).violations() == [(pointer, "text.too_long")]
    assert (pointer, "text.control_character") in case("deux mots\nici").violations()
    assert (pointer, "text.identity") in case("vu avec Ravelomanantsoa ici").violations()
    assert (pointer, "text.identity") in case("ZEPHYRINE vue ici").violations()
    assert (pointer, "text.identity") in case("appeler le +33 6 39 98 00 01").violations()
    assert (pointer, "text.names_person") in case("vu avec Mme Durand ici").violations()
    assert (pointer, "text.contact") in case("écrire à x.y@exemple.fr ici").violations()


def test_no_refusal_repeats_what_was_typed():
    canary = "QZXJKCANARI"
    case = situation().change(
        reason_text=f"{canary} a fui",
        selection=canary,
        reasons=(canary,),
        measures=(canary,),
        outcomes=(canary,),
        ordered_by=canary,
        second_language=canary,
        place=PlaceRequest(public_place=f"chez {canary}", commune=canary),
    )
    case = case.change_basis(zone_type=canary, code="CPP-78-2-AL9", site=canary, risk_type=canary)
    case = replace(case, person=replace(PERSON, family_name=canary, birth_date=canary))
    with pytest.raises(InvalidCheck) as refusal:
        case.check()
    assert len(refusal.value.violations) > 10
    assert canary not in repr(refusal.value.violations)
    assert canary not in str(refusal.value)


def test_texts_of_rules_speak_both_languages_and_take_the_same_parameters():
    for rule, text in RULES.items():
        assert min(text.fr, text.en), rule
        assert text.fr != text.en, rule


def test_the_territory_knows_every_commune_and_its_zone():
    assert len(territory()) > 35_000
    assert territory().commune("2A004").department == "2A"
    assert territory().commune("97801").department == "978"
    assert territory().commune(LYON).parent == "69123"
    assert territory().commune("01001").zone == "Europe/Paris"
    assert territory().commune("75000") is None


def test_a_check_knows_nothing_of_the_person_or_the_recipient():
    found = repr(situation("CPP-78-2-AL7").check())
    for mark in (PERSON.family_name, PERSON.given_names, PERSON.birth_date, PERSON.birth_place, "639980001"):
        assert mark not in found
    assert catalogue().version in found
