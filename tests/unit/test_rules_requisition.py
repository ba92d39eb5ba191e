"""R2: a requisition is complete, signed before its period, short enough, and valid here and now."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from receipt_service.domain.check_request import PlaceRequest
from tests.support.checks import CHECKED_AT, LYON, PARIS, catalogue, situation

CODES = sorted(
    code for code, basis in catalogue().bases.items() if basis.requisition is not None and not basis.accessory_to
)
HOURS = [code for code in CODES if catalogue().bases[code].requisition.max_hours]
SECOND = timedelta(seconds=1)
PARIS_CLOCK = ZoneInfo("Europe/Paris")


def at(code: str, name: str) -> str:
    return f"/legal_bases/0/requisition/{name}"


@pytest.mark.parametrize("code", CODES)
def test_a_requisition_is_present(code):
    assert ("/legal_bases/0/requisition", "basis.field_required") in situation(code).change_basis(
        requisition=None
    ).violations()


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("name", ["reference", "court", "places", "offences", "communes"])
def test_a_requisition_is_complete(code, name):
    empty = () if name in {"offences", "communes"} else " "
    case = situation(code).change_requisition(**{name: empty})
    assert case.violations() == [(at(code, name), "requisition.incomplete")]


@pytest.mark.parametrize("code", CODES)
def test_its_period_holds_the_check_ends_included(code):
    case = situation(code)
    assert case.change_requisition(starts_at=CHECKED_AT, signed_at=CHECKED_AT).violations() == []
    assert case.change_requisition(ends_at=CHECKED_AT).violations() == []
    late = case.change_requisition(starts_at=CHECKED_AT + SECOND)
    assert late.violations() == [(at(code, "starts_at"), "requisition.not_yet_valid")]
    over = case.change_requisition(ends_at=CHECKED_AT - SECOND)
    assert over.violations() == [(at(code, "ends_at"), "requisition.expired")]


@pytest.mark.parametrize("code", CODES)
def test_it_is_signed_before_its_period_and_the_period_runs_forward(code):
    requisition = situation(code).request.legal_bases[0].requisition
    after = situation(code).change_requisition(signed_at=requisition.starts_at + SECOND)
    assert after.violations() == [(at(code, "signed_at"), "requisition.signed_after_start")]
    reversed_ = situation(code).change_requisition(starts_at=requisition.ends_at, ends_at=requisition.starts_at)
    assert (at(code, "ends_at"), "requisition.period_reversed") in reversed_.violations()


@pytest.mark.parametrize("code", HOURS)
def test_twenty_four_hours_and_no_second_more(code):
    start = CHECKED_AT - timedelta(hours=1)
    exact = situation(code).change_requisition(starts_at=start, ends_at=start + timedelta(hours=24))
    assert exact.violations() == []
    longer = situation(code).change_requisition(starts_at=start, ends_at=start + timedelta(hours=24) + SECOND)
    assert longer.violations() == [(at(code, "ends_at"), "requisition.too_long")]


@pytest.mark.parametrize("code", HOURS)
def test_a_renewal_is_a_new_period_of_twenty_four_hours(code):
    assert situation(code).change_requisition(renewed=True).violations() == []
    start = CHECKED_AT - timedelta(hours=30)
    longer = situation(code).change_requisition(starts_at=start, signed_at=start, renewed=True)
    assert longer.violations() == [(at(code, "ends_at"), "requisition.too_long")]


@pytest.mark.parametrize("code", ["CPP-78-2-AL7", "CPP-78-2-1"])
def test_renewal_exists_only_where_the_law_provides_it(code):
    assert situation(code).change_requisition(renewed=True).violations() == [
        (at(code, "renewed"), "requisition.not_renewable")
    ]


def test_al_7_knows_no_longest_period():
    start = CHECKED_AT - timedelta(days=300)
    case = situation("CPP-78-2-AL7").change_requisition(
        signed_at=start, starts_at=start, ends_at=CHECKED_AT + timedelta(days=300)
    )
    assert case.violations() == []


@pytest.mark.parametrize(
    ("begins", "ends"),
    [
        (datetime(2026, 11, 5, 8, 0, tzinfo=PARIS_CLOCK), datetime(2026, 12, 5, 8, 0, tzinfo=PARIS_CLOCK)),
        (datetime(2026, 10, 31, 8, 0, tzinfo=PARIS_CLOCK), datetime(2026, 11, 30, 8, 0, tzinfo=PARIS_CLOCK)),
        (datetime(2026, 10, 24, 8, 0, tzinfo=PARIS_CLOCK), datetime(2026, 11, 24, 8, 0, tzinfo=PARIS_CLOCK)),
    ],
)
def test_a_month_is_a_calendar_month_on_the_clock_of_the_place(begins, ends):
    case = situation("CPP-78-2-1").change_requisition(signed_at=begins, starts_at=begins, ends_at=ends)
    assert case.violations() == []
    longer = case.change_requisition(ends_at=(ends.astimezone(UTC) + SECOND))
    assert longer.violations() == [(at("CPP-78-2-1", "ends_at"), "requisition.too_long")]


def test_the_place_is_in_the_requisition():
    case = situation("CPP-78-2-AL7")
    assert case.change_requisition(communes=("69123",)).violations() == [(at("", "communes"), "requisition.place")]
    assert case.change_requisition(communes=("75056",)).violations() == []
    assert case.change_requisition(communes=("93066", PARIS)).violations() == []
    lyon = case.change(place=PlaceRequest(public_place="Parvis", commune=LYON))
    assert lyon.violations() == [(at("", "communes"), "requisition.place")]
    assert lyon.change_requisition(communes=("69123",)).violations() == []
    city = case.change(place=PlaceRequest(public_place="Parvis", commune="75056"))
    assert city.violations() == [(at("", "communes"), "requisition.place")]


def test_its_communes_exist_and_its_lists_are_bounded():
    case = situation("CPP-78-2-AL7")
    assert case.change_requisition(communes=(PARIS, "00000")).violations() == [
        (at("", "communes/1"), "requisition.commune_unknown")
    ]
    assert case.change_requisition(communes=(PARIS,) * 201).violations() == [
        (at("", "communes"), "requisition.too_many")
    ]
    assert case.change_requisition(offences=("Vol",) * 41).violations() == [
        (at("", "offences"), "requisition.too_many")
    ]


@pytest.mark.parametrize(
    ("code", "accepted", "refused"),
    [
        (
            "CPP-78-2-2-I",
            ["CP 222-37", "STUPEFIANTS", "CP 421-2-6", "C. déf. L.2353-4", "CP  311-4"],
            ["CP 222-39", "Vol", "", "CP 431-10"],
        ),
        ("CPP-78-2-1", ["C. trav. L.8251-1"], ["CP 222-37", "L.8251-1"]),
        ("CMINIER-L621-8-5", ["C. douanes 414-1", "OR_NATIF"], ["CP 311-4"]),
        ("CPP-78-2-AL7", ["CP 222-39", "Vol avec effraction"], [" "]),
    ],
)
def test_offences_are_those_of_the_closed_list_where_the_law_closes_it(code, accepted, refused):
    for offence in accepted:
        assert situation(code).change_requisition(offences=(offence,)).violations() == []
    for offence in refused:
        rule = "requisition.offence" if offence.strip() else "requisition.incomplete"
        assert situation(code).change_requisition(offences=(offence,)).violations() == [(at(code, "offences/0"), rule)]


@pytest.mark.parametrize("name", ["signed_at", "starts_at", "ends_at"])
def test_its_times_are_aware(name):
    naive = CHECKED_AT.replace(tzinfo=None)
    assert (at("", name), "time.not_aware") in situation("CPP-78-2-AL7").change_requisition(
        **{name: naive}
    ).violations()
