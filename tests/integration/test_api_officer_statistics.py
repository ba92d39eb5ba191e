"""``/v1/officer-statistics`` on real parts: whose officers, at the price of a record, and what is shown."""

from datetime import UTC, datetime

import pytest

from receipt_service.statistics import officers
from receipt_service.statistics.officers import latest_closed
from receipt_service.storage import officer_readings, rollup
from receipt_service.storage.engine import reading, writing
from receipt_service.web.authentication import Role

MONTH, QUARTER = latest_closed(datetime.now(UTC))
AS_NUMBER = int(MONTH.replace("-", ""))
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
OFFICERS = 24


def cells(unit="PN-75-10", officers=OFFICERS, checks=200, free=160, month=AS_NUMBER, first=1_000_000):
    for place in range(officers):
        number = f"{first + place}"
        yield rollup.OfficerRow(month, unit, number, "identity_check", "", checks)
        yield rollup.OfficerRow(month, unit, number, "identity_check", "LIBRE", free)
        yield rollup.OfficerRow(month, unit, number, "identity_check", "VERIF", checks - free)


def fill(api, *rows):
    with writing(api.engine) as connection:
        rollup.add_officers(connection, [row for each in rows for row in each])


def ask(api, subject="agent-3", role=Role.SUPERVISOR, **query):
    query = {"unit": "PN-75-10", "period": MONTH, "purpose": "regular_review"} | query
    target = "&".join(f"{name}={value}" for name, value in query.items() if value is not None)
    return api.get(f"/v1/officer-statistics?{target}", subject, role)


def readings(api):
    with reading(api.engine) as connection:
        return list(officer_readings.since(connection, EPOCH))


def test_a_supervisor_sees_the_officers_below_in_the_order_of_their_numbers(api):
    fill(
        api,
        cells(),
        [rollup.OfficerRow(AS_NUMBER, "PN-75", "0999999", "search", "", 12)],
        [
            rollup.OfficerRow(AS_NUMBER, "PN-75-10", "2000000", "identity_check", "", 300),
            rollup.OfficerRow(AS_NUMBER, "PN-75-10", "2000000", "identity_check", "LIBRE", 294),
        ],
        cells(unit="PN-973", first=5_000_000),
        cells(month=AS_NUMBER - 100, first=6_000_000),
    )

    answer = ask(api, unit="PN-75")

    assert answer.status == 200
    assert answer.header("cache-control") == "no-store"
    shown = answer.json["officers"]
    assert [each["number"] for each in shown] == [
        "0999999",
        *(f"{1_000_000 + n}" for n in range(OFFICERS)),
        "2000000",
    ]
    assert shown[0]["checks"] is None
    assert shown[0]["withheld"]["reason"] == "few_checks"
    assert (shown[1]["checks"], shown[1]["with_result"], shown[1]["question"]) == (200, 40, None)
    assert shown[-1]["question"]["direction"] == "below"
    assert shown[-1]["question"]["text"]["fr"].endswith("?")
    assert (shown[-1]["with_result"], shown[-1]["comparison"]["checks"]) == (6, 300)


def test_nothing_is_given_to_rank_by(api):
    fill(api, cells())

    text = ask(api).body.decode()

    assert [word for word in ("score", "rank", "p_value", '"z"') if word in text.replace("Nothing is ranked", "")] == []


def test_the_unit_is_ones_own_when_none_is_named(api):
    assert ask(api, "agent-2", unit=None).json["unit"] == "PN-75-10"


def test_every_reading_is_on_record_with_its_purpose(api):
    fill(api, cells())
    before = datetime.now(UTC).replace(microsecond=0)

    answer = ask(api, purpose="complaint")
    ask(api, "agent-2", period=QUARTER)

    first, second = readings(api)
    assert (first.reader_number, first.reader_unit, first.unit_code) == ("2222222", "PN-75", "PN-75-10")
    assert (first.period, first.purpose, first.officers) == (MONTH, "complaint", OFFICERS)
    assert before <= first.read_at <= datetime.now(UTC)
    assert datetime.fromisoformat(answer.json["read_at"]) == first.read_at.replace(microsecond=0)
    assert (second.reader_number, second.period) == ("7654321", QUARTER)


@pytest.mark.parametrize(
    ("subject", "unit"),
    [
        ("agent-2", "PN-75"),
        ("agent-2", "PN-973"),
        ("agent-4", "PN-75-10"),
        ("agent-3", "NO-SUCH-UNIT"),
        ("agent-3", "%27%3B--"),
        ("agent-3", ""),
    ],
)
def test_other_units_are_refused_and_ones_that_there_are_not_no_differently(api, subject, unit):
    fill(api, cells())

    answer = ask(api, subject, unit=unit)

    assert (answer.status, answer.problem) == (403, "outside-own-units")
    assert readings(api) == []


@pytest.mark.parametrize("role", [Role.OFFICER, Role.AUDITOR])
def test_other_roles_are_refused(api, role):
    assert ask(api, "agent-3", role).problem == "forbidden"
    assert readings(api) == []


def test_nobody_is_refused_and_so_is_who_is_no_longer_an_officer(api):
    assert api.get("/v1/officer-statistics").problem == "unauthenticated"
    assert ask(api, "agent-5").problem == "officer-unknown"
    assert readings(api) == []


@pytest.mark.parametrize("purpose", [None, "", "curiosity", "Regular_Review"])
def test_a_purpose_of_the_list_is_required(api, purpose):
    answer = ask(api, purpose=purpose)

    assert (answer.status, answer.problem) == (422, "purpose-required")
    assert "regular_review" in answer.json["allowed"]
    assert readings(api) == []


@pytest.mark.parametrize(
    "period", [None, "", "2026", "2026-13", "2026-Q5", "2999-01", "2999-Q1", "0000-01", "9999-12", "october", "%00"]
)
def test_a_period_that_is_over_is_required(api, period):
    answer = ask(api, period=period)

    assert (answer.status, answer.problem) == (422, "period-not-closed")
    assert answer.json["allowed"] == [MONTH, QUARTER]
    assert readings(api) == []


@pytest.mark.parametrize(
    "more", ["&officer=1000001", "&unit=PN-75", "&purpose=training", "&sort=share", "&a%FF=b", "&%E9=1"]
)
def test_unknown_and_repeated_parameters_are_refused(api, more):
    answer = ask(api, purpose="regular_review" + more)

    assert (answer.status, answer.problem) == (422, "invalid-parameter")
    assert readings(api) == []


def test_refusals_speak_french_as_well(api):
    answer = api.client.request(
        "GET",
        "/v1/officer-statistics?unit=PN-973",
        headers={"authorization": f"Bearer {api.token('agent-3', Role.SUPERVISOR)}"},
    )

    assert answer.header("content-language") == "fr"


def test_where_the_record_cannot_be_written_nothing_is_answered(api):
    fill(api, cells())
    with writing(api.engine) as connection:
        connection.exec_driver_sql("ALTER TABLE officer_reading RENAME TO officer_reading_elsewhere")

    answer = ask(api)

    assert answer.status in {500, 503}
    assert b"1000001" not in answer.body


def test_a_unit_with_too_many_officers_is_not_shown_and_one_below_it_is(api, monkeypatch):
    monkeypatch.setattr(officers, "MOST_OFFICERS", OFFICERS)
    fill(api, cells(), cells(unit="PN-75", officers=1, first=3_000_000))

    too_large = ask(api, unit="PN-75")

    assert (too_large.status, too_large.problem) == (422, "unit-too-large")
    assert readings(api) == []
    assert len(ask(api).json["officers"]) == OFFICERS
