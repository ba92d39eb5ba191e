import json
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from receipt_service.demo.stops import law
from receipt_service.demo.stops.law import grounds_for, outcomes_for
from receipt_service.demo.stops.mapping import GAPS, Gap, Replay, map_stop
from receipt_service.demo.stops.records import StopRecord
from receipt_service.demo.stops.roster import Roster, RosterOfficer
from receipt_service.domain.catalogue import parse_catalogue
from receipt_service.domain.check_request import TEXT_LIMITS
from receipt_service.web.requests import read_check

ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
DRUGS = "Misuse of Drugs Act 1971 (section 23)"
PACE = "Police and Criminal Evidence Act 1984 (section 1)"
SECTION_60 = "Criminal Justice and Public Order Act 1994 (section 60)"
LEGISLATION = [
    DRUGS,
    PACE,
    SECTION_60,
    "Firearms Act 1968 (section 47)",
    "Terrorism Act 2000 (section 43(1))",
    "Psychoactive Substances Act 2016 (s36(2), s37(2))",
    "Customs and Excise Management Act 1979 (section 163)",
    "Wildlife and Countryside Act 1981 (section 19)",
    "Public Order Act 2023 (section 11)",
    "",
    "An Act of tomorrow (section 1)",
]
OBJECTS = [
    "Controlled drugs",
    "Stolen goods",
    "Offensive weapons",
    "Firearms",
    "Fireworks",
    "Articles for use in criminal damage",
    "Evidence of offences under the Act",
    "Anything to threaten or harm anyone",
    "",
    "A new object",
]
OUTCOMES = [
    "A no further action disposal",
    "Arrest",
    "Community resolution",
    "Penalty Notice for Disorder",
    "Summons / charged by post",
    "Caution (simple or conditional)",
    "",
    "A new outcome",
]


def officer(number, quality, commune):
    return RosterOfficer(
        number=number,
        subject=f"demo-{number}",
        quality=quality,
        force="PN",
        unit="U",
        unit_name="U",
        department=commune[:2],
        commune=commune,
    )


REPLAY = Replay(
    seed=2026,
    secret=b"0" * 32,
    before=NOW,
    roster=Roster([officer("1000001", "OPJ", "75110"), officer("1000002", "APJ", "75110")]),
    zone=ZoneInfo("Europe/Paris"),
)
RECORDS = st.builds(
    StopRecord,
    line=st.integers(2, 99_999),
    at=st.datetimes(datetime(2012, 1, 1), datetime(2026, 11, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    kind=st.sampled_from(["Person search", "Person and Vehicle search", "Vehicle search", ""]),
    coordinates=st.none() | st.tuples(st.floats(49, 56), st.floats(-6, 2)),
    street=st.none() | st.sampled_from(["", "On or near Supermarket", "On or near Gerard Street", "On or near A118"]),
    legislation=st.sampled_from(LEGISLATION),
    search_object=st.sampled_from(OBJECTS),
    outcome=st.sampled_from(OUTCOMES),
)


def record(**changes):
    given = {
        "line": 2,
        "at": datetime(2024, 9, 27, 20, 15, tzinfo=UTC),
        "kind": "Person search",
        "coordinates": (51.5074, -0.1278),
        "street": "On or near Supermarket",
        "legislation": DRUGS,
        "search_object": "Controlled drugs",
        "outcome": "A no further action disposal",
    }
    return StopRecord(**(given | changes))


@cache
def catalogue():
    return parse_catalogue((ROOT / "schemas" / "catalogue" / "catalogue-2026.1.json").read_bytes())


@given(stop=RECORDS)
def test_a_request_without_a_gap_has_the_shape_the_service_accepts(stop):
    mapped = map_stop(stop, REPLAY)
    assume(mapped.gap is None)
    request, _, recipient = read_check(json.dumps(mapped.body).encode(), NOW)
    assert [use.code for use in request.legal_bases] == [basis["code"] for basis in mapped.body["legal_bases"]]
    assert recipient.channels


@given(stop=RECORDS)
def test_every_code_is_in_the_catalogue_and_fits_the_bases(stop):
    body = map_stop(stop, REPLAY).body
    bases = [catalogue().bases[basis["code"]] for basis in body["legal_bases"]]
    for basis, used in zip(bases, body["legal_bases"], strict=True):
        assert set(basis.required_fields) <= used.keys()
        assert used.keys() <= {"code", *basis.required_fields, *basis.optional_fields}
        assert set(body["reasons"]) <= basis.reasons
        assert body["selection"] in basis.selections
        assert not basis.reason_text_required or body["reason_text"]
    searches = {measure for basis in bases for measure in basis.searches}
    for measure in body["measures"]:
        assert not catalogue().measures[measure].needs_basis or measure in searches or not bases
    assert set(body["outcomes"]) <= catalogue().outcomes.keys()


@given(stop=RECORDS)
def test_the_officer_may_use_the_bases(stop):
    mapped = map_stop(stop, REPLAY)
    for used in mapped.body["legal_bases"]:
        authority = catalogue().bases[used["code"]].qualities[mapped.officer.quality]
        assert authority.value == "own" or mapped.body["ordered_by"] == "1000001"


@given(stop=RECORDS)
def test_equal_rows_are_equal_requests_and_others_are_not(stop):
    one = map_stop(stop, REPLAY)
    assert map_stop(stop, REPLAY) == one
    assert UUID(str(one.idempotency_key)).version == 4
    other = map_stop(record(street="On or near Elsewhere"), REPLAY)
    assert other.idempotency_key != one.idempotency_key


def test_the_key_is_secret_to_the_run():
    other = Replay(seed=REPLAY.seed, secret=b"1" * 32, before=NOW, roster=REPLAY.roster, zone=ZoneInfo("Europe/Paris"))
    one, two = map_stop(record(), REPLAY), map_stop(record(), other)
    assert one.body == two.body
    assert one.idempotency_key != two.idempotency_key


@pytest.mark.parametrize(
    ("changes", "gap"),
    [
        ({}, None),
        ({"coordinates": None, "street": ""}, Gap.PLACE),
        ({"coordinates": None}, Gap.PLACE),
        ({"street": ""}, Gap.PLACE),
        ({"street": None}, None),
        ({"legislation": ""}, Gap.LEGAL_BASIS),
        ({"legislation": "An Act of tomorrow (section 1)"}, Gap.LEGAL_BASIS),
        ({"outcome": "A new outcome"}, Gap.OUTCOME),
        ({"outcome": ""}, None),
    ],
)
def test_what_the_source_leaves_out_is_left_out(changes, gap):
    mapped = map_stop(record(**changes), REPLAY)
    assert mapped.gap == gap
    if gap is not None:
        member = GAPS[gap][0].removeprefix("/")
        assert not mapped.body.get(member)


@pytest.mark.parametrize(
    ("kind", "legislation", "bases", "measures"),
    [
        ("Person search", DRUGS, ["CPP-78-2-AL2"], ["PALPATION"]),
        ("Person and Vehicle search", DRUGS, ["CPP-78-2-AL2", "CPP-78-2-3"], ["PALPATION", "VISITE_VEHICULE"]),
        ("Vehicle search", DRUGS, ["CPP-78-2-3"], ["VISITE_VEHICULE"]),
        ("Person search", SECTION_60, ["CPP-78-2-2-I"], ["PALPATION"]),
        ("Vehicle search", SECTION_60, ["CPP-78-2-2-II"], ["VISITE_VEHICULE"]),
        ("", DRUGS, ["CPP-78-2-AL2"], ["PALPATION"]),
    ],
)
def test_bases_and_measures_follow_the_kind_of_search(kind, legislation, bases, measures):
    body = map_stop(record(kind=kind, legislation=legislation), REPLAY).body
    assert [basis["code"] for basis in body["legal_bases"]] == bases
    assert body["measures"] == measures


def test_only_an_opj_opens_a_vehicle():
    stops = [record(kind="Vehicle search", at=datetime(2024, 9, day, tzinfo=UTC)) for day in range(1, 30)]
    assert {map_stop(stop, REPLAY).officer.quality for stop in stops} == {"OPJ"}


def test_under_a_requisition_the_check_lies_within_it():
    body = map_stop(record(legislation=SECTION_60), REPLAY).body
    requisition = body["legal_bases"][0]["requisition"]
    assert requisition["signed_at"] < requisition["starts_at"] <= body["checked_at"] < requisition["ends_at"]
    assert body["place"]["commune"] in requisition["communes"]
    assert "reason_text" not in body


@pytest.mark.parametrize(
    ("outcome", "grounds", "codes"),
    [
        ("A no further action disposal", law.DRUGS, ("LIBRE",)),
        ("Arrest", law.DRUGS, ("INTERPEL",)),
        ("Community resolution", law.DRUGS, ("AFD",)),
        ("Community resolution", law.STOLEN, ("AFD",)),
        ("Community resolution", law.WEAPONS, ("PV_CONVOC",)),
        ("Community resolution", None, ("PV_CONVOC",)),
        ("Penalty Notice for Disorder", law.DRUGS, ("VERBAL",)),
        ("Caution (simple or conditional)", law.DRUGS, ("PV_CONVOC",)),
        ("Summons / charged by post", law.DRUGS, ("PV_CONVOC",)),
        ("Khat or Cannabis warning", law.DRUGS, ("AFD",)),
        ("Nothing found - no further action", law.DRUGS, ("LIBRE",)),
        ("", law.DRUGS, ("LIBRE",)),
        ("Something else", law.DRUGS, None),
    ],
)
def test_outcomes(outcome, grounds, codes):
    assert outcomes_for(outcome, grounds) == codes


def test_a_fixed_fine_is_for_adults_only():
    stops = [
        record(outcome="Community resolution", at=datetime(2024, 9, 1 + day % 28, day % 24, tzinfo=UTC))
        for day in range(300)
    ]
    years = [
        int(body["person"]["birth_date"][:4])
        for body in (map_stop(stop, REPLAY).body for stop in stops)
        if body["person"]["identity"] == "established"
    ]
    assert max(years) <= 2007


@pytest.mark.parametrize("legislation", [text for text in LEGISLATION if text and "tomorrow" not in text])
def test_every_known_power_has_grounds(legislation):
    assert grounds_for(legislation, "") is not None


def test_every_text_has_room():
    for grounds in vars(law).values():
        if isinstance(grounds, law.Grounds):
            assert len(grounds.offence) <= TEXT_LIMITS["offence"]
            assert len(grounds.facts or "") <= TEXT_LIMITS["reason_text"]
