"""R3, R10 and the clock, in every zone and across changes of the clock."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from receipt_service.domain.check import Quality
from receipt_service.domain.check_request import PlaceRequest
from tests.support.checks import (
    CAYENNE,
    CHECKED_AT,
    MAMOUDZOU,
    NOW,
    OPJ_NUMBER,
    PARIS,
    officer,
    situation,
    superior,
)

SECOND = timedelta(seconds=1)
PARIS_CLOCK = ZoneInfo("Europe/Paris")
OPERATIONS = [
    ("CPP-78-2-AL9", 12),
    ("CPP-78-2-AL10", 12),
    ("CDOU-67-QUATER", 12),
    ("CESEDA-L812-2-3", 12),
    ("CESEDA-L812-2-1", 6),
]
STARTED = "/legal_bases/0/operation_started_at"


def moved(case, checked_at, commune=None, **changes):
    place = case.request.place if commune is None else PlaceRequest(public_place="Port", commune=commune)
    return replace(case.change(checked_at=checked_at, place=place, **changes), now=checked_at + timedelta(minutes=10))


@pytest.mark.parametrize(
    ("checked_at", "expected"),
    [
        (NOW + timedelta(minutes=5), []),
        (NOW + timedelta(minutes=5) + SECOND, ["time.future"]),
        (NOW - timedelta(hours=72), []),
        (NOW - timedelta(hours=72) - SECOND, ["time.too_old"]),
    ],
)
def test_a_check_is_recent_and_not_ahead(checked_at, expected):
    case = situation("CPP-78-2-AL8").change(checked_at=checked_at)
    assert case.violations() == [("/checked_at", rule) for rule in expected]


@pytest.mark.parametrize(
    ("moment", "rule"),
    [
        (CHECKED_AT.replace(tzinfo=None), "time.not_aware"),
        (datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14))), "time.out_of_range"),
        (datetime(9999, 12, 31, 23, tzinfo=timezone(timedelta(hours=-12))), "time.out_of_range"),
    ],
)
def test_times_that_are_no_instants_are_refused(moment, rule):
    case = situation("CPP-78-2-AL9")
    assert ("/checked_at", rule) in case.change(checked_at=moment).violations()
    assert ("/ended_at", rule) in case.change(ended_at=moment).violations()
    assert (STARTED, rule) in case.change_basis(operation_started_at=moment).violations()


def test_a_check_ends_after_it_began_and_not_in_the_future():
    case = situation("CPP-78-2-AL8")
    assert case.change(ended_at=CHECKED_AT).violations() == []
    assert case.change(ended_at=CHECKED_AT - SECOND).violations() == [("/ended_at", "time.ended_before_start")]
    assert case.change(ended_at=NOW + timedelta(hours=1)).violations() == [("/ended_at", "time.future")]


@pytest.mark.parametrize(("code", "hours"), OPERATIONS)
def test_an_operation_lasts_so_long_in_one_place(code, hours):
    limit = CHECKED_AT - timedelta(hours=hours)
    assert situation(code).change_basis(operation_started_at=limit).violations() == []
    assert situation(code).change_basis(operation_started_at=limit - SECOND).violations() == [
        (STARTED, "operation.too_long")
    ]
    assert situation(code).change_basis(operation_started_at=CHECKED_AT).violations() == []
    late = situation(code).change_basis(operation_started_at=CHECKED_AT + SECOND)
    assert late.violations() == [(STARTED, "operation.starts_later")]


@pytest.mark.parametrize(
    ("started", "checked", "allowed"),
    [
        # Summer time ends on 25 October 2026 at 03:00: from 20:00 to 08:00 the hands say 12 h, 13 h went by.
        (datetime(2026, 10, 24, 20, 0, tzinfo=PARIS_CLOCK), datetime(2026, 10, 25, 8, 0, tzinfo=PARIS_CLOCK), False),
        (datetime(2026, 10, 24, 20, 0, tzinfo=PARIS_CLOCK), datetime(2026, 10, 25, 7, 0, tzinfo=PARIS_CLOCK), True),
        # It begins on 29 March 2026 at 02:00: from 20:00 to 09:00 the hands say 13 h, 12 h went by.
        (datetime(2026, 3, 28, 20, 0, tzinfo=PARIS_CLOCK), datetime(2026, 3, 29, 9, 0, tzinfo=PARIS_CLOCK), True),
        (datetime(2026, 3, 28, 20, 0, tzinfo=PARIS_CLOCK), datetime(2026, 3, 29, 9, 1, tzinfo=PARIS_CLOCK), False),
    ],
)
def test_hours_are_counted_as_they_pass_not_as_the_hands_show(started, checked, allowed):
    case = situation("CPP-78-2-AL9").change_basis(operation_started_at=started)
    found = moved(case, checked).violations()
    assert found == ([] if allowed else [(STARTED, "operation.too_long")])


def test_the_hour_that_comes_twice_is_two_instants():
    first = datetime(2026, 10, 25, 2, 30, tzinfo=PARIS_CLOCK)
    second = first.replace(fold=1)
    case = moved(situation("CPP-78-2-AL8"), first, ended_at=second)
    found = replace(case, now=second.astimezone(UTC) + timedelta(minutes=1)).check()
    assert found.ended_at.astimezone(UTC) - found.checked_at.astimezone(UTC) == timedelta(hours=1)
    assert (found.checked_at.isoformat(), found.ended_at.isoformat()) == (
        "2026-10-25T02:30:00+02:00",
        "2026-10-25T02:30:00+01:00",
    )
    backwards = replace(moved(situation("CPP-78-2-AL8"), second, ended_at=first), now=second.astimezone(UTC))
    assert backwards.violations() == [("/ended_at", "time.ended_before_start")]


@pytest.mark.parametrize(
    ("commune", "zone", "expected"),
    [
        (PARIS, "Europe/Paris", "2026-11-23T15:00:00+01:00"),
        ("97120", "America/Guadeloupe", "2026-11-23T10:00:00-04:00"),
        ("97209", "America/Martinique", "2026-11-23T10:00:00-04:00"),
        (CAYENNE, "America/Cayenne", "2026-11-23T11:00:00-03:00"),
        ("97411", "Indian/Reunion", "2026-11-23T18:00:00+04:00"),
        ("97502", "America/Miquelon", "2026-11-23T11:00:00-03:00"),
        (MAMOUDZOU, "Indian/Mayotte", "2026-11-23T17:00:00+03:00"),
        ("97701", "America/St_Barthelemy", "2026-11-23T10:00:00-04:00"),
        ("97801", "America/Marigot", "2026-11-23T10:00:00-04:00"),
        ("98613", "Pacific/Wallis", "2026-11-24T02:00:00+12:00"),
        ("98735", "Pacific/Tahiti", "2026-11-23T04:00:00-10:00"),
        ("98731", "Pacific/Marquesas", "2026-11-23T04:30:00-09:30"),
        ("98719", "Pacific/Gambier", "2026-11-23T05:00:00-09:00"),
        ("98818", "Pacific/Noumea", "2026-11-24T01:00:00+11:00"),
    ],
)
def test_time_is_kept_with_the_zone_of_the_place(commune, zone, expected):
    found = moved(situation("CPP-78-2-AL8"), CHECKED_AT.replace(microsecond=999_999), commune).check()
    assert found.place.zone == zone
    assert found.checked_at.isoformat() == expected


@pytest.mark.parametrize("offset", [-10, 0, 3, 11])
def test_any_offset_names_the_same_instant(offset):
    moment = CHECKED_AT.astimezone(timezone(timedelta(hours=offset)))
    assert situation("CPP-78-2-AL8").change(checked_at=moment).check() == situation("CPP-78-2-AL8").check()


@pytest.mark.parametrize(
    ("outcomes", "commune", "hours"),
    [
        (("LIBRE",), PARIS, 4),
        (("VERBAL",), PARIS, 4),
        (("VERIF",), PARIS, 4),
        (("VERIF",), MAMOUDZOU, 8),
        (("LIBRE",), MAMOUDZOU, 8),
        (("VERIF",), CAYENNE, 8),
        (("SITUATION",), PARIS, 4),
        (("SITUATION",), MAMOUDZOU, 4),
        (("VERIF", "SITUATION"), PARIS, 4),
        (("RETENUE_SEJOUR",), PARIS, 24),
        (("VERIF", "RETENUE_SEJOUR"), PARIS, 24),
    ],
)
def test_nobody_is_held_longer_than_the_law_allows(outcomes, commune, hours):
    code = (
        "CESEDA-L812-2-1"
        if outcomes == ("RETENUE_SEJOUR",)
        else "CESEDA-L812-2-2"
        if "RETENUE_SEJOUR" in outcomes
        else "CPP-78-2-AL8"
    )
    case = situation(code)
    limit = CHECKED_AT + timedelta(hours=hours)
    case = replace(
        case.change(outcomes=outcomes, place=PlaceRequest(public_place="Port", commune=commune), ended_at=limit),
        now=limit + timedelta(minutes=10),
    )
    assert case.violations() == []
    assert case.change(ended_at=limit + SECOND).violations() == [("/ended_at", "time.held_too_long")]


@pytest.mark.parametrize("outcome", ["GAV", "INTERPEL"])
def test_custody_has_limits_of_its_own(outcome):
    ended = CHECKED_AT + timedelta(hours=20)
    case = situation("CPP-78-2-AL2").change(outcomes=(outcome,), ended_at=ended)
    assert replace(case, now=ended).violations() == []


def hold(minutes: float, start: timedelta = timedelta(minutes=5), code: str = "CPP-78-2-4"):
    started = CHECKED_AT + start
    ended = started + timedelta(minutes=minutes)
    case = situation(code).change_basis(hold_started_at=started, hold_ended_at=ended)
    return replace(case, now=ended + timedelta(minutes=10))


def test_a_hold_lasts_thirty_minutes_at_most():
    assert hold(30).violations() == []
    assert hold(30.1).violations() == [("/legal_bases/0/hold_ended_at", "hold.too_long")]
    assert hold(-1).violations() == [("/legal_bases/0/hold_ended_at", "hold.reversed")]
    assert hold(240, code="CESEDA-L812-3").violations() == []
    assert hold(241, code="CESEDA-L812-3").violations() == [("/legal_bases/0/hold_ended_at", "hold.too_long")]


def test_a_hold_has_two_ends_within_the_check():
    case = hold(20)
    assert case.change_basis(hold_ended_at=None).violations() == [("/legal_bases/0/hold_ended_at", "hold.incomplete")]
    assert case.change_basis(hold_started_at=None).violations() == [
        ("/legal_bases/0/hold_started_at", "hold.incomplete")
    ]
    assert hold(20, start=-timedelta(minutes=1)).violations() == [
        ("/legal_bases/0/hold_started_at", "hold.outside_check")
    ]
    short = case.change(ended_at=CHECKED_AT + timedelta(minutes=10))
    assert short.violations() == [("/legal_bases/0/hold_ended_at", "hold.outside_check")]
    future = replace(hold(30), now=CHECKED_AT)
    assert future.violations() == [("/legal_bases/0/hold_ended_at", "hold.outside_check")]
    naive = case.change_basis(hold_started_at=CHECKED_AT.replace(tzinfo=None))
    assert naive.violations() == [("/legal_bases/0/hold_started_at", "time.not_aware")]


def test_an_apj_on_the_order_of_an_opj_may_lead_to_a_verification():
    case = situation("CPP-78-2-AL8").change(outcomes=("VERIF",), ordered_by=OPJ_NUMBER)
    assert replace(case, officer=officer(Quality.APJ), ordered_by=superior()).violations() == []
