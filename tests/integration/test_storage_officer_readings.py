"""The record of readings on both databases: never changed, kept three years, then gone."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from receipt_service.cli.statistics import statistics
from receipt_service.statistics.officers import OfficerScreens
from receipt_service.storage import officer_readings
from receipt_service.storage.engine import open_engine, reading, writing
from receipt_service.storage.officer_readings import KEPT, OfficerReading

NOW = datetime.now(UTC)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def noted(engine, at=NOW, **changed):
    values = {
        "reader_number": "2222222",
        "reader_unit": "PN-75",
        "unit_code": "PN-75-10",
        "period": "2026-Q3",
        "purpose": "training",
        "officers": 3,
    } | changed
    one = OfficerReading(read_at=at, **values)
    with writing(engine) as connection:
        officer_readings.note(connection, one)
    return one


def kept(engine):
    with reading(engine) as connection:
        return list(officer_readings.since(connection, EPOCH))


def test_readings_come_back_in_the_order_of_time(engine):
    second = noted(engine)
    first = noted(engine, NOW - timedelta(days=3), period="2026-10")

    assert kept(engine) == [first, second]
    with reading(engine) as connection:
        assert list(officer_readings.since(connection, NOW)) == [second]


@pytest.mark.parametrize(
    "statement",
    ["UPDATE officer_reading SET purpose = 'inspection'", "DELETE FROM officer_reading"],
)
def test_a_reading_is_neither_changed_nor_deleted(engine, statement):
    one = noted(engine)

    with pytest.raises(DBAPIError, match="a reading is"), writing(engine) as connection:
        connection.execute(text(statement))

    assert kept(engine) == [one]


@pytest.mark.needs_postgres
def test_the_table_cannot_be_emptied_at_once(postgres_url):

    engine = open_engine(postgres_url)
    with pytest.raises(DBAPIError, match="never emptied"), writing(engine) as connection:
        connection.execute(text("TRUNCATE officer_reading"))
    engine.dispose()


def test_after_three_years_it_is_forgotten_and_not_a_day_before(engine):
    noted(engine, NOW - KEPT - timedelta(hours=1))
    younger = noted(engine, NOW - KEPT + timedelta(days=2))
    screens = OfficerScreens(engine)

    assert screens.forget_outlived(NOW) == 1
    assert screens.forget_outlived(NOW) == 0
    assert kept(engine) == [younger]


def test_no_clock_of_the_application_makes_the_database_forget_early(engine):
    one = noted(engine)

    with pytest.raises(DBAPIError, match="kept for three years"):
        OfficerScreens(engine).forget_outlived(NOW + timedelta(days=2000))

    assert kept(engine) == [one]


@pytest.mark.parametrize("changed", [{"purpose": ""}, {"officers": -1}])
def test_a_reading_without_purpose_or_with_fewer_than_none_is_refused(engine, changed):
    with pytest.raises(DBAPIError, match="ck_officer_reading"):
        noted(engine, **changed)


def test_the_command_lists_who_looked_and_why(engine, database_url, monkeypatch):
    monkeypatch.setenv("RECEIPT_DATABASE_URL", database_url)
    noted(engine, purpose="complaint")
    noted(engine, NOW - timedelta(days=40), reader_number="3333333")

    listed = CliRunner().invoke(statistics, ["readings"])
    as_json = CliRunner().invoke(statistics, ["readings", "--days", "60", "--json"])

    assert listed.exit_code == 0, listed.output
    assert listed.output.count("\n") == 1
    assert "2222222  of PN-75  read PN-75-10, 2026-Q3: complaint" in listed.output
    assert [json.loads(line)["reader_number"] for line in as_json.output.splitlines()] == ["3333333", "2222222"]
