"""The record of audits and the closings on both databases: never changed, kept three years or for ever."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from receipt_service.audit.readings import Reader, ReadingBook, ReadingKind, reason_of
from receipt_service.storage import daily_closings
from receipt_service.storage.audit_readings import KEPT
from receipt_service.storage.daily_closings import StoredClosing
from receipt_service.storage.engine import open_engine, reading, writing

NOW = datetime.now(UTC)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
WHY = reason_of("incident", "2026/7")
CLOSING = StoredClosing("PN-75-10", date(2026, 11, 3), NOW, "a.b.c", "d")


def note(engine, at=NOW):
    ReadingBook(engine).note(Reader("system_user", "alice"), ReadingKind.PERIOD, "all", WHY, at)


def kept(engine):
    return [one.read_at for one in ReadingBook(engine).since(EPOCH)]


@pytest.mark.parametrize("statement", ["UPDATE audit_reading SET purpose = 'x'", "DELETE FROM audit_reading"])
def test_a_reading_is_neither_changed_nor_deleted(engine, statement):
    note(engine)

    with pytest.raises(DBAPIError, match="a reading is"), writing(engine) as connection:
        connection.execute(text(statement))

    assert kept(engine) == [NOW]


def test_after_three_years_it_is_forgotten_and_not_a_day_before(engine):
    note(engine, NOW - KEPT - timedelta(hours=1))
    younger = NOW - KEPT + timedelta(days=2)
    note(engine, younger)

    assert ReadingBook(engine).forget_outlived(NOW) == 1
    assert ReadingBook(engine).forget_outlived(NOW) == 0
    assert kept(engine) == [younger]


def test_no_clock_of_the_application_makes_the_database_forget_early(engine):
    note(engine)

    with pytest.raises(DBAPIError, match="kept for three years"):
        ReadingBook(engine).forget_outlived(NOW + timedelta(days=2000))


@pytest.mark.parametrize(
    "statement", ["UPDATE daily_closing SET day = '2026-11-04'", "DELETE FROM daily_closing WHERE unit_code <> ''"]
)
def test_a_closing_stands(engine, statement):
    with writing(engine) as connection:
        daily_closings.add(connection, CLOSING)

    with pytest.raises(DBAPIError, match="a daily closing is never"), writing(engine) as connection:
        connection.execute(text(statement))

    with reading(engine) as connection:
        assert daily_closings.find(connection, CLOSING.unit_code, CLOSING.day) == CLOSING
        assert list(daily_closings.between(connection, CLOSING.day, CLOSING.day)) == [CLOSING]
        assert list(daily_closings.between(connection, date(2026, 11, 4), date(2026, 11, 5))) == []


def test_a_day_is_closed_once(engine):
    with writing(engine) as connection:
        daily_closings.add(connection, CLOSING)

    with pytest.raises(DBAPIError), writing(engine) as connection:
        daily_closings.add(connection, CLOSING)


@pytest.mark.needs_postgres
@pytest.mark.parametrize("table", ["audit_reading", "daily_closing"])
def test_the_tables_cannot_be_emptied_at_once(postgres_url, table):
    engine = open_engine(postgres_url)
    with pytest.raises(DBAPIError, match="never emptied"), writing(engine) as connection:
        connection.execute(text(f"TRUNCATE {table}"))
    engine.dispose()
