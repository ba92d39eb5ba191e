"""Releasing: when it may be, once, whole or not at all; nothing small between two figures; on both databases."""

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError, IntegrityError

from receipt_service.bootstrap.release import build_method
from receipt_service.config.loading import load
from receipt_service.config.parts import ReleaseSettings
from receipt_service.errors import ConfigurationError
from receipt_service.statistics.releasing import release as releasing
from receipt_service.statistics.releasing.release import Method, NotReleasable, due, release
from receipt_service.storage import directory, releases, rollup
from receipt_service.storage.engine import reading, writing
from receipt_service.storage.issuances import Register
from receipt_service.storage.rollup import CellRow
from tests.support import stub_facts
from tests.support.population import IMPORTED, METHOD, cells_shown, close_pairs, members, population, store

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
PERIODS = ("2026-07", "2026-08", "2026-09", "2026-Q3")


def release_one(engine, period="2026-07", method=METHOD, now=NOW):
    return release(engine, period, method=method, now=now, clock=lambda: now)


def release_all(engine):
    return {period: release_one(engine, period) for period in PERIODS}


def stands(engine):
    with reading(engine) as connection:
        return releases.released(connection)


def everything(engine):
    """All that is released, the truth behind it included."""
    with reading(engine) as connection:
        return sorted(map(tuple, connection.execute(text("SELECT * FROM released_cell"))))


@pytest.fixture
def filled(engine):
    store(engine, population(1, 600))
    return engine


@pytest.mark.parametrize("size", [60, 400, 3000])
def test_nothing_small_lies_between_two_shown_cells(engine, size):
    records = population(size, size)
    store(engine, records)
    release_all(engine)
    rows = cells_shown(engine)
    assert len(rows) > (0 if size < 100 else 50)
    assert all(row.value >= 11 for row in rows)
    counted = [row for row in rows if not row.table_code.startswith("delivery")]
    assert all(found.bit_count() >= 11 for found in members(counted, records).values())
    assert close_pairs(rows, records) == []


def test_a_unit_and_the_place_where_it_works_do_not_show_the_few_that_are_of_one_alone(engine):
    records = population(7, 3000)
    store(engine, records)
    release_all(engine)
    rows = cells_shown(engine)
    truth = {row[:5]: found.bit_count() for row, found in members(rows, records).items()}
    pairs = [
        ("UPN-75", "D75"),
        ("UPN-93", "D93"),
        ("UGN-77", "D77"),
        ("UGN", "D77"),
        ("UPN", "D93"),
        ("UPN-75-10", "C75110"),
    ]
    both = [
        (number, truth[period, place, *cell])
        for (period, area, *cell), number in truth.items()
        for unit, place in pairs
        if area == unit and (period, place, *cell) in truth
    ]
    assert len(both) > 100
    assert all(abs(one - other) >= 11 for one, other in both)


def test_a_period_is_released_some_days_after_its_end_and_not_before(filled):
    closes = datetime(2026, 8, 6, 12, tzinfo=UTC)
    with pytest.raises(NotReleasable, match="may be released from 2026-08-06 on"):
        release_one(filled, now=closes - timedelta(seconds=1))
    assert due(filled, closes - timedelta(seconds=1)) == []
    assert due(filled, closes) == ["2026-07"]
    assert release_one(filled, now=closes).cells == len(cells_shown(filled)) > 0
    assert due(filled, closes) == []


def test_a_quarter_waits_for_its_months(filled):
    release_one(filled, "2026-07")
    with pytest.raises(NotReleasable, match="2026-08, 2026-09"):
        release_one(filled, "2026-Q3")
    assert due(filled, NOW) == ["2026-08", "2026-09", "2026-Q3"]


def test_what_is_no_period_is_none(filled):
    with pytest.raises(ValueError, match="2026-Q4"):
        release_one(filled, "2026-07-01")


def test_a_period_is_released_once(filled):
    first = release_one(filled)
    before = everything(filled)
    with pytest.raises(NotReleasable, match="is released"):
        release_one(filled)
    assert everything(filled) == before
    assert len(before) == first.cells


def test_what_comes_late_changes_nothing(filled):
    release_one(filled)
    before = everything(filled)
    with writing(filled) as connection:
        rollup.add_cells(connection, [CellRow(202607, "F", "total", "", "", 50, 7)])
    release_one(filled, "2026-08")
    assert [row for row in everything(filled) if row[0] == "2026-07"] == before


def test_stubs_that_wait_to_be_folded_are_waited_for(engine):
    stub_facts.place_units(engine, {"N1": None})
    july = datetime(2026, 7, 20, tzinfo=UTC)
    folding = stub_facts.rollup(engine)
    folding.fold(10)
    register = Register(engine)
    register([stub_facts.a_stub(unit="N1", at=july) for _ in range(30)])
    register.close()
    with pytest.raises(NotReleasable, match="30 stubs and messages of that time are not folded"):
        release_one(engine)
    folding.fold(1000)
    assert release_one(engine).areas > 0


def test_units_that_moved_are_waited_for(filled):
    with writing(filled) as connection:
        directory.count_import(connection, IMPORTED)
    with pytest.raises(NotReleasable, match="units have moved"):
        release_one(filled)
    assert stands(filled) == {}


def test_too_little_noise_is_refused_and_nothing_is_shown(filled):
    with pytest.raises(ConfigurationError, match="noise is too small"):
        release_one(filled, method=replace(METHOD, variance=1.0))
    assert stands(filled) == {}


def test_after_a_refusal_the_next_one_begins_anew_when_the_lease_is_over(filled):
    with pytest.raises(ConfigurationError):
        release_one(filled, method=replace(METHOD, variance=1.0))
    with pytest.raises(NotReleasable, match="being released"):
        release_one(filled)
    later = NOW + timedelta(minutes=3)
    assert release_one(filled, now=later).cells == len(cells_shown(filled))


def test_of_two_at_once_one_makes_it(filled):
    ready, done = threading.Barrier(2), []

    def run():
        ready.wait()
        try:
            done.append(release_one(filled))
        except NotReleasable as error:
            done.append(error)

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    made = [found for found in done if not isinstance(found, NotReleasable)]
    assert len(done) == 2
    assert len(made) == 1
    assert made[0].cells == len(cells_shown(filled))


def test_whoever_stood_still_too_long_writes_no_more(filled, monkeypatch):
    """Another one begins anew and ends while the first stands still; the first wakes up with its cells in hand."""
    later = NOW + timedelta(minutes=5)
    made = []

    def stand_still(claim, choice, progress):
        monkeypatch.undo()
        made.append(release_one(filled, now=later))
        return releasing._write(claim, choice, progress)

    monkeypatch.setattr(releasing, "_write", stand_still)
    with pytest.raises(NotReleasable, match="begun anew by another"):
        release_one(filled)
    assert len(cells_shown(filled)) == made[0].cells
    assert stands(filled)["2026-07"].released_at == later


def test_a_lease_is_held_on_to_while_areas_go_by(filled):
    at = [NOW]

    def clock():
        at[0] += timedelta(seconds=50)
        return at[0]

    assert release(filled, "2026-07", method=METHOD, now=NOW, clock=clock).cells == len(cells_shown(filled))
    assert at[0] > NOW + 3 * releasing._LEASE


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE release SET leak = 0",
        "DELETE FROM release",
        "INSERT INTO released_cell VALUES ('2026-07', 'total', 'D01', '', '', 12, 'perturbed', 12, 0)",
        "UPDATE released_cell SET value = 12",
        "DELETE FROM released_cell",
    ],
)
def test_the_database_keeps_what_is_released(filled, statement):
    release_one(filled)
    before = everything(filled)
    with pytest.raises(DatabaseError, match="what is released never changes"), writing(filled) as connection:
        connection.execute(text(statement))
    assert everything(filled) == before
    assert set(stands(filled)) == {"2026-07"}


@pytest.mark.parametrize("values", ["10, 'perturbed', 12, 0", "12, 'perturbed', 10, 0", "12, 'zero', 12, 0"])
def test_the_database_takes_nothing_below_the_threshold(filled, values):
    with writing(filled) as connection:
        releases.claim(connection, "2026-08", method="m", now=NOW, until=NOW)
    with pytest.raises(IntegrityError), writing(filled) as connection:
        connection.execute(text(f"INSERT INTO released_cell VALUES ('2026-08', 'total', 'D01', '', '', {values})"))  # noqa: S608


def ons_table(tmp_path, deviation):
    lines = [f"{row},{key},{deviation(key)}" for row in range(751) for key in range(256)]
    path = tmp_path / "ons.csv"
    path.write_text("\n".join(["pcv,ckey,pvalue", *lines]))
    return build_method(load(ReleaseSettings, data_folder=tmp_path, statistics_ons_table=path))


def test_a_table_of_the_ons_with_real_noise_is_used(filled, tmp_path):
    method = ons_table(tmp_path, lambda key: key * 73 % 256 % 13 - 6)
    assert isinstance(method, Method)
    assert method.variance == pytest.approx(14, abs=0.5)
    release_one(filled, method=method)
    rows = everything(filled)
    assert rows
    assert {row[5] - row[7] for row in rows} > {*range(-3, 4)}
    assert all(abs(row[5] - row[7]) <= 6 and row[5] >= 11 for row in rows)


def test_a_table_of_the_ons_that_only_rounds_is_refused(filled, tmp_path):
    method = ons_table(tmp_path, lambda _: 0)
    assert method.variance == 0
    with pytest.raises(ConfigurationError, match="noise is too small"):
        release_one(filled, method=method)
    assert stands(filled) == {}
