"""R1, R4-R9: who, where, with which facts, beside which other basis."""

from dataclasses import replace

import pytest

from receipt_service.domain.catalogue_entries import Authority
from receipt_service.domain.check import BasisUse, Quality
from receipt_service.domain.check_request import PlaceRequest
from receipt_service.domain.person import IdentityNotEstablished, NotEstablishedReason
from tests.support.checks import (
    CHECKED_AT,
    LYON,
    MAMOUDZOU,
    NOT_ASKED,
    NOW,
    OPJ_NUMBER,
    PARIS,
    PERSON,
    basis_use,
    catalogue,
    officer,
    situation,
    superior,
)

CODES = sorted(catalogue().bases)
ALONE = [code for code in CODES if not catalogue().bases[code].accessory_to and not catalogue().bases[code].follows]


@pytest.mark.parametrize("code", CODES)
def test_a_sound_check_passes_under_every_basis(code):
    found = situation(code).check()
    assert found.bases[-1].code == code
    assert found.catalogue_version == "2026.1"
    assert found.possible_consequences
    assert "DDD" in found.remedies


@pytest.mark.parametrize("code", ALONE)
@pytest.mark.parametrize("quality", Quality)
def test_each_quality_may_do_what_the_law_gives_it_and_nothing_else(code, quality):
    authority = catalogue().bases[code].qualities.get(quality)
    case = replace(situation(code), officer=officer(quality))
    if authority is None:
        assert ("/legal_bases/0/code", "basis.quality") in case.violations()
    elif authority is Authority.ON_ORDER:
        assert case.violations() == [("/ordered_by", "ordered_by.required")]
        ordered = replace(case.change(ordered_by=OPJ_NUMBER), ordered_by=superior())
        assert ordered.check().ordered_by == OPJ_NUMBER
    else:
        assert case.violations() == []


def test_an_order_comes_from_an_opj_of_the_directory():
    case = replace(situation("CPP-78-2-AL8"), officer=officer(Quality.APJ)).change(ordered_by=OPJ_NUMBER)
    assert case.violations() == [("/ordered_by", "ordered_by.unknown")]
    assert replace(case, ordered_by=officer(Quality.OPJ, number="1111111")).violations() == [
        ("/ordered_by", "ordered_by.unknown")
    ]
    other = officer(Quality.APJ, number=OPJ_NUMBER)
    assert replace(case, ordered_by=other).violations() == [("/ordered_by", "ordered_by.not_opj")]


def test_an_opj_may_name_another_opj_and_not_somebody_unknown():
    case = situation("CPP-78-2-AL8").change(ordered_by=OPJ_NUMBER)
    assert replace(case, ordered_by=superior()).violations() == []
    assert case.violations() == [("/ordered_by", "ordered_by.unknown")]


def test_customs_check_papers_from_the_rank_of_controller():
    low = officer(Quality.DOUANE, rank="DOUANE-AGENT-CONSTATATION")
    assert replace(situation("CDOU-67-QUATER"), officer=low).violations() == [("/legal_bases/0/code", "basis.rank")]
    assert replace(situation("CDOU-67-1"), officer=low).violations() == []


@pytest.mark.parametrize("code", [code for code in CODES if catalogue().bases[code].departments])
def test_local_bases_apply_in_their_departement_alone(code):
    elsewhere = LYON
    case = situation(code).change(place=PlaceRequest(public_place="Place du marché", commune=elsewhere))
    assert ("/legal_bases/0/code", "basis.department") in case.violations()


@pytest.mark.parametrize("code", ["CPP-78-2-AL9", "CPP-78-2-AL10", "CDOU-67-QUATER", "CESEDA-L812-2-3"])
@pytest.mark.parametrize(
    "commune", ["97120", "97209", "97302", "97411", MAMOUDZOU, "97502", "97701", "97801", "98735", "98818"]
)
def test_the_border_strip_of_al_9_and_10_ends_with_metropolitan_france(code, commune):
    case = situation(code).change(place=PlaceRequest(public_place="Gare routière", commune=commune))
    assert case.violations() == [("/legal_bases/0/code", "basis.metropolitan_only")]


@pytest.mark.parametrize(
    ("code", "field", "wrong"),
    [
        ("CPP-78-2-AL3", "offence_class", "contravention"),
        ("CPP-78-2-AL4", "offence_class", "contravention"),
        ("CPP-78-2-3", "offence_class", "contravention"),
        ("CPP-78-2-AL2", "offence_class", "infraction"),
    ],
)
def test_the_class_of_the_offence_suits_the_basis(code, field, wrong):
    assert situation(code).change_basis(**{field: wrong}).violations() == [(f"/legal_bases/0/{field}", "offence.class")]


def test_a_contravention_is_enough_for_al_2():
    assert situation("CPP-78-2-AL2").change_basis(offence_class="contravention").violations() == []


@pytest.mark.parametrize(
    ("code", "field", "rule"),
    [
        ("CPP-78-2-AL9", "zone_type", "zone.unknown"),
        ("CPP-78-2-AL11", "zone_type", "zone.unknown"),
        ("CPP-78-2-AL8", "risk_type", "risk.unknown"),
        ("CESEDA-L812-2-1", "objective_element", "element.unknown"),
    ],
)
def test_codes_among_the_facts_exist(code, field, rule):
    assert situation(code).change_basis(**{field: "whatever"}).violations() == [(f"/legal_bases/0/{field}", rule)]


@pytest.mark.parametrize("code", ["CPP-78-6", "CSI-L522-4", "CSI-L531-1"])
@pytest.mark.parametrize("offence", ["6116", "NATINF 6116", "natinf6116"])
def test_taking_identity_needs_a_natinf_code(code, offence):
    assert situation(code).change_basis(offence=offence).violations() == []
    wrong = situation(code).change_basis(offence="Tapage nocturne")
    assert wrong.violations() == [("/legal_bases/0/offence", "offence.natinf")]
    crime = situation(code).change_basis(offence_class="crime")
    assert crime.violations() == [("/legal_bases/0/offence_class", "offence.class")]


@pytest.mark.parametrize("code", CODES)
def test_every_required_fact_is_missed_and_nothing_else_is(code):
    position = len(situation(code).request.legal_bases) - 1
    for name in catalogue().bases[code].required_fields:
        found = situation(code).change_basis(position, **{name: None}).violations()
        assert (f"/legal_bases/{position}/{name}", "basis.field_required") in found
        assert [rule for _, rule in found if rule != "basis.field_required"] == []


def test_an_empty_text_is_no_fact():
    found = situation("CPP-78-2-AL5").change_basis(measure_breached="  ").violations()
    assert found == [("/legal_bases/0/measure_breached", "basis.field_required")]


def test_facts_that_a_basis_does_not_use_are_refused():
    case = situation("CPP-78-2-AL7").change_basis(objective_element="foreign_vehicle")
    assert case.violations() == [("/legal_bases/0/objective_element", "basis.field_not_allowed")]


@pytest.mark.parametrize(
    ("code", "field"),
    [("CPP-78-2-1", "premises_professional"), ("CPP-78-2-2-II", "owner_present"), ("CPP-78-2-3", "owner_present")],
)
def test_conditions_that_are_not_met_forbid_the_basis(code, field):
    assert situation(code).change_basis(**{field: False}).violations() == [
        (f"/legal_bases/0/{field}", "basis.must_be_true")
    ]


def test_78_2_5_never_stands_alone():
    case = situation("CPP-78-2-5")
    alone = case.change(legal_bases=case.request.legal_bases[1:], reasons=("RECHERCHE_ARMES",), selection="everyone")
    assert ("/legal_bases/0/code", "basis.accessory_only") in alone.violations()
    assert ("/person/identity", "person.no_identity_basis") in alone.violations()


@pytest.mark.parametrize("code", [f"CPP-78-2-AL{alinea}" for alinea in range(2, 9)])
def test_78_2_5_accompanies_al_2_to_8(code):
    main = situation(code)
    case = main.change(
        legal_bases=(*main.request.legal_bases, basis_use("CPP-78-2-5")),
        reasons=(*main.request.reasons, "RECHERCHE_ARMES"),
        measures=("FOUILLE_BAGAGE",),
    )
    assert case.violations() == []


@pytest.mark.parametrize("code", ["CPP-78-2-AL9", "CPP-78-2-1", "CROUTE-R233-1", "CPP-78-2-2-III"])
def test_78_2_5_accompanies_nothing_else(code):
    main = situation(code)
    case = main.change(
        legal_bases=(*main.request.legal_bases, basis_use("CPP-78-2-5")),
        reasons=(*main.request.reasons, "RECHERCHE_ARMES"),
    )
    assert ("/legal_bases/1/code", "basis.accessory_only") in case.violations()


@pytest.mark.parametrize(
    "code", ["CPP-78-2-3", "CPP-78-2-2-II", "CPP-78-2-2-III", "CPP-78-2-2-IV", "CESEDA-L812-3", "CSI-L226-1"]
)
@pytest.mark.parametrize(
    "person", [PERSON, *(IdentityNotEstablished(reason=reason) for reason in ("refused", "impossible"))]
)
def test_searches_never_ground_identity(code, person):
    assert situation(code).person == NOT_ASKED
    found = replace(situation(code), person=replace_reason(person)).violations()
    assert found == [("/person/identity", "person.no_identity_basis")]


def replace_reason(person):
    if isinstance(person, IdentityNotEstablished):
        return IdentityNotEstablished(reason=NotEstablishedReason(person.reason))
    return person


def test_papers_follow_an_identity_check_of_the_same_request():
    assert situation("CESEDA-L812-2-2").violations() == []


@pytest.mark.parametrize(
    ("parents", "number", "expected"),
    [
        (None, None, "basis.parent_required"),
        (None, "0ABC", "basis.parent_unknown"),
        (("CPP-78-2-AL8",), "0ABC", None),
        (("CPP-78-2-1",), "0ABC", None),
        (("CPP-78-2-2-I",), "0ABC", None),
        (("CPP-78-2-AL14",), "0ABC", None),
        (("CROUTE-R233-1",), "0ABC", "basis.parent_not_allowed"),
        (("CPP-78-2-4",), "0ABC", "basis.parent_not_allowed"),
        (("CPP-78-6",), "0ABC", "basis.parent_not_allowed"),
        ((), "0ABC", "basis.parent_not_allowed"),
        (("CROUTE-R233-1", "CPP-78-2-AL8"), "0ABC", None),
    ],
)
def test_papers_follow_an_earlier_check_of_the_right_kind(parents, number, expected):
    case = situation("CESEDA-L812-2-2")
    alone = replace(
        case.change(
            legal_bases=(replace(basis_use("CESEDA-L812-2-2"), parent_receipt_number=number),),
            reasons=("SUITE_CONTROLE",),
        ),
        parent_bases=parents,
    )
    field = "/legal_bases/0/parent_receipt_number"
    assert alone.violations() == ([] if expected is None else [(field, expected)])


def test_papers_outside_any_identity_check_exclude_one():
    main = situation("CPP-78-2-AL8")
    case = main.change(
        legal_bases=(*main.request.legal_bases, basis_use("CESEDA-L812-2-1")),
        reasons=(*main.request.reasons, "ELEMENT_EXTERIEUR"),
    )
    assert case.violations() == [("/legal_bases/1/code", "basis.excluded")]


def test_unknown_repeated_missing_and_too_many_bases():
    case = situation("CPP-78-2-AL8")
    use = case.request.legal_bases[0]
    assert case.change(legal_bases=()).violations() == [("/legal_bases", "basis.none")]
    assert case.change(legal_bases=(use, use)).violations() == [("/legal_bases/1/code", "basis.duplicate")]
    assert ("/legal_bases", "basis.too_many") in case.change(legal_bases=(use,) * 6).violations()
    unknown = case.change(legal_bases=(use, BasisUse(code="CPP-78-2-AL18"))).violations()
    assert unknown == [("/legal_bases/1/code", "basis.unknown")]


def test_a_basis_applies_from_its_day_in_the_zone_of_the_place(monkeypatch):
    entry = catalogue().bases["CPP-78-2-AL8"]
    day = CHECKED_AT.date()
    case = situation("CPP-78-2-AL8")
    for changes, expected in (
        ({"effective_from": day}, []),
        ({"effective_until": day}, []),
        ({"effective_from": day.replace(day=24)}, ["basis.not_in_force"]),
        ({"effective_until": day.replace(day=22)}, ["basis.not_in_force"]),
    ):
        changed = replace(catalogue(), bases={**catalogue().bases, "CPP-78-2-AL8": replace(entry, **changes)})
        with monkeypatch.context() as patch:
            patch.setattr("tests.support.checks.catalogue", lambda changed=changed: changed)
            assert [rule for _, rule in case.violations()] == expected


def test_the_commune_exists_and_the_place_has_words():
    case = situation("CPP-78-2-AL8")
    assert case.change(place=PlaceRequest(public_place="Parvis", commune="99999")).violations() == [
        ("/place/commune", "place.commune_unknown")
    ]
    assert case.change(place=PlaceRequest(public_place=" ", commune=PARIS)).violations() == [
        ("/place/public_place", "text.empty")
    ]


def test_all_violations_come_together_in_the_order_of_the_fields():
    case = situation("CPP-78-2-AL8").change(
        reasons=("NOBODY",), selection="whim", outcomes=(), measures=("NOTHING",), ordered_by="1", second_language="xx"
    )
    case = replace(case, officer=officer(Quality.APJA_21_2), now=NOW.replace(year=2025))
    fields = [field.split("/")[1] for field, _ in case.violations()]
    expected = [
        "legal_bases",
        "reasons",
        "selection",
        "checked_at",
        "measures",
        "outcomes",
        "ordered_by",
        "second_language",
    ]
    assert list(dict.fromkeys(fields)) == expected


def test_the_reference_of_a_search_notice_stops_at_validation():
    case = situation("CPP-78-2-AL6")
    assert case.request.legal_bases[0].notice_reference
    assert case.check().bases[0].notice_reference is None
