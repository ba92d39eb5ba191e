"""Reasons, selection, measures and outcomes against the bases and the officer."""

from dataclasses import replace

import pytest

from receipt_service.domain.check import Quality
from receipt_service.domain.person import IdentityNotEstablished, NotEstablishedReason
from tests.support.checks import OPJ_NUMBER, PERSON, basis_use, catalogue, officer, situation, superior

CODES = sorted(catalogue().bases)
SEARCHES = sorted(code for code, measure in catalogue().measures.items() if measure.needs_basis)


@pytest.mark.parametrize("outcome", sorted(set(catalogue().outcomes) - {"LIBRE"}))
@pytest.mark.parametrize("first", [True, False])
def test_libre_excludes_every_other_outcome(outcome, first):
    outcomes = ("LIBRE", outcome) if first else (outcome, "LIBRE")
    found = situation("CPP-78-2-AL8").change(outcomes=outcomes).violations()
    assert (f"/outcomes/{outcomes.index('LIBRE')}", "outcome.excludes_others") in found


@pytest.mark.parametrize(
    ("quality", "outcome", "expected"),
    [
        (Quality.OPJ, "GAV", []),
        (Quality.OPJ, "VERIF", []),
        (Quality.OPJ, "SITUATION", []),
        (Quality.OPJ, "RETENUE_DOUANE", ["outcome.quality"]),
        (Quality.APJ, "DEPISTAGE", ["ordered_by.required"]),
    ],
)
def test_outcomes_are_within_the_officers_power(quality, outcome, expected):
    case = replace(situation("CPP-78-2-AL2"), officer=officer(quality)).change(outcomes=(outcome,))
    assert [rule for _, rule in case.violations()] == expected


def test_municipal_police_report_and_an_opj_orders():
    case = situation("CPP-78-6")
    case = replace(case, officer=officer(Quality.APJA_21_2))
    assert case.change(outcomes=("VERBAL",)).violations() == []
    assert case.change(outcomes=("INTERPEL",)).violations() == []
    for outcome in ("GAV", "SITUATION", "RETENUE_SEJOUR"):
        assert ("/outcomes/0", "outcome.quality") in case.change(outcomes=(outcome,)).violations()
    held = case.change(outcomes=("VERIF",))
    assert held.violations() == [("/outcomes/0", "outcome.order_required")]
    assert replace(held.change(ordered_by=OPJ_NUMBER), ordered_by=superior()).violations() == []


def test_customs_hold_and_only_customs():
    case = situation("CDOU-67-QUATER")
    assert case.change(outcomes=("RETENUE_DOUANE",)).violations() == []
    assert case.change(outcomes=("GAV",)).violations() == [("/outcomes/0", "outcome.quality")]


def test_holding_for_the_right_to_stay_follows_a_check_of_papers():
    assert situation("CPP-78-2-AL8").change(outcomes=("RETENUE_SEJOUR",)).violations() == [
        ("/outcomes/0", "outcome.needs_basis")
    ]
    assert situation("CESEDA-L812-2-2").change(outcomes=("RETENUE_SEJOUR",)).violations() == []


def test_a_verification_needs_a_basis_that_grounds_identity():
    assert situation("CPP-78-2-3").change(outcomes=("VERIF",)).violations() == [("/outcomes/0", "outcome.needs_basis")]


def test_access_is_refused_at_a_perimeter_alone():
    assert situation("CSI-L226-1").change(outcomes=("ACCES_REFUSE",)).violations() == []
    assert situation("CPP-78-2-AL8").change(outcomes=("ACCES_REFUSE",)).violations() == [
        ("/outcomes/0", "outcome.needs_basis")
    ]


@pytest.mark.parametrize(
    ("birth_date", "afd", "parents"),
    [
        ("1990-05-17", [], ["outcome.minors_only"]),
        ("2008-11-23", [], ["outcome.minors_only"]),
        ("2008-11-24", ["outcome.adults_only"], []),
        ("2015", ["outcome.adults_only"], []),
        ("2008", [], []),
        ("2008-11", [], []),
        ("2008-10", [], ["outcome.minors_only"]),
        ("2008-12", ["outcome.adults_only"], []),
        ("2007", [], ["outcome.minors_only"]),
    ],
)
def test_age_excludes_an_outcome_only_when_it_is_certain(birth_date, afd, parents):
    case = replace(situation("CPP-78-2-AL2"), person=replace(PERSON, birth_date=birth_date))
    assert [rule for _, rule in case.change(outcomes=("AFD",)).violations()] == afd
    assert [rule for _, rule in case.change(outcomes=("CONDUITE_MINEUR",)).violations()] == parents


def test_without_an_identity_age_excludes_nothing():
    case = replace(situation("CPP-78-2-AL2"), person=IdentityNotEstablished(reason=NotEstablishedReason.REFUSED))
    assert case.change(outcomes=("AFD",)).violations() == []
    assert case.change(outcomes=("CONDUITE_MINEUR",)).violations() == []


@pytest.mark.parametrize("measure", SEARCHES)
@pytest.mark.parametrize("code", CODES)
def test_a_search_needs_a_basis_that_allows_it(code, measure):
    case = situation(code)
    position = len(case.request.legal_bases) - 1
    entry = catalogue().bases[code]
    consent = {"consent": True} if "consent" in entry.fields else {}
    found = case.change_basis(position, **consent).change(measures=(measure,)).violations()
    allowed = any(measure in catalogue().bases[use.code].searches for use in case.request.legal_bases)
    assert found == ([] if allowed else [("/measures/0", "measure.not_for_basis")])


@pytest.mark.parametrize("code", ["CPP-78-2-4", "CESEDA-L812-3", "CESEDA-L812-4"])
def test_where_consent_is_needed_the_prosecutors_instruction_replaces_it(code):
    case = situation(code).change(measures=("VISITE_VEHICULE",))
    field = "/legal_bases/0/consent"
    assert case.violations() == [(field, "search.consent_required")]
    assert case.change_basis(consent=False).violations() == [(field, "search.consent_required")]
    assert case.change_basis(consent=False, prosecutor_instruction=True).violations() == []
    assert case.change_basis(consent=True).violations() == []


def test_refusing_at_a_perimeter_means_no_search():
    case = situation("CSI-L226-1").change_basis(consent=False)
    assert case.change(outcomes=("ACCES_REFUSE",)).violations() == []
    searched = case.change(measures=("FOUILLE_BAGAGE",))
    assert searched.violations() == [("/legal_bases/0/consent", "search.consent_required")]


@pytest.mark.parametrize("measure", sorted(set(catalogue().measures) - set(SEARCHES)))
def test_other_measures_need_no_basis_of_their_own(measure):
    assert situation("CPP-78-2-AL8").change(measures=(measure,)).violations() == []


@pytest.mark.parametrize(("member", "kind"), [("measures", "measure"), ("outcomes", "outcome"), ("reasons", "reason")])
def test_unknown_repeated_and_too_many_codes(member, kind):
    sound = {"measures": "PALPATION", "outcomes": "VERBAL", "reasons": "EVENEMENT"}[member]
    case = situation("CPP-78-2-AL8")
    assert (f"/{member}/0", f"{kind}.unknown") in case.change(**{member: ("NOBODY",)}).violations()
    assert case.change(**{member: (sound, sound)}).violations() == [(f"/{member}/1", f"{kind}.duplicate")]
    assert (f"/{member}", f"{kind}.too_many") in case.change(**{member: (sound,) * 13}).violations()


def test_a_check_has_a_reason_and_an_outcome():
    case = situation("CPP-78-2-AL8")
    assert case.change(outcomes=()).violations() == [("/outcomes", "outcome.none")]
    assert ("/reasons", "reason.none") in case.change(reasons=()).violations()


def test_every_reason_fits_a_basis_and_every_basis_has_a_reason():
    case = situation("CPP-78-2-AL8")
    assert case.change(reasons=("EVENEMENT", "TRAVAIL_ILLEGAL")).violations() == [
        ("/reasons/1", "reason.not_for_basis")
    ]
    two = case.change(legal_bases=(*case.request.legal_bases, basis_use("CROUTE-R233-1")))
    assert two.violations() == [("/legal_bases/1/code", "reason.basis_without")]
    assert two.change(reasons=("EVENEMENT", "CONTROLE_ROUTIER")).violations() == []


@pytest.mark.parametrize("code", [f"CPP-78-2-AL{alinea}" for alinea in range(2, 7)] + ["CPP-78-2-3"])
@pytest.mark.parametrize("text", [None, "", "  "])
def test_suspicion_is_put_in_words(code, text):
    assert situation(code).change(reason_text=text).violations() == [("/reason_text", "reason_text.required")]


@pytest.mark.parametrize(
    "text",
    [
        "Contrôle de routine",
        "comportement suspect",
        "RAS",
        "Fuite",
        "Lieu propice aux infractions.",
        "Défavorablement connu",
    ],
)
def test_a_formula_is_no_objective_fact(text):
    assert situation("CPP-78-2-AL2").change(reason_text=text).violations() == [("/reason_text", "text.generic")]
    circumstances = situation("CPP-78-2-AL8").change_basis(circumstances=text)
    assert circumstances.violations() == [("/legal_bases/0/circumstances", "text.generic")]
    assert situation("CPP-78-2-AL8").change(reason_text=text).violations() == []


def test_other_bases_need_no_words():
    assert situation("CPP-78-2-AL7").change(reason_text=None).check().reason_text is None


@pytest.mark.parametrize(
    ("code", "mode", "allowed"),
    [
        ("CPP-78-2-AL2", "random_draw", False),
        ("CPP-78-2-AL2", "everyone", False),
        ("CPP-78-2-AL2", "report", True),
        ("CPP-78-2-AL7", "requisition", True),
        ("CPP-78-2-AL7", "random_draw", True),
        ("CPP-78-2-AL8", "requisition", False),
        ("CPP-78-2-AL9", "everyone", False),
        ("CPP-78-2-AL10", "everyone", False),
        ("CESEDA-L812-2-1", "everyone", False),
        ("CDOU-67-QUATER", "everyone", False),
        ("CPP-78-2-AL9", "random_draw", True),
        ("CPP-78-2-AL14", "random_draw", True),
    ],
)
def test_the_mode_of_selection_is_one_that_the_basis_admits(code, mode, allowed):
    expected = [] if allowed else [("/selection", "selection.not_for_basis")]
    assert situation(code).change(selection=mode).violations() == expected


def test_an_unknown_mode_of_selection():
    assert situation("CPP-78-2-AL7").change(selection="face").violations() == [("/selection", "selection.unknown")]
