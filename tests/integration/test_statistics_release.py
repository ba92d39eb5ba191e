"""Releasing: what is shown, that nothing small lies between two shown cells, that it stands, on both databases."""

import itertools
import random
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from receipt_service.statistics.lattice import HOUR_BANDS, RecordMark, months_of
from receipt_service.statistics.protection import OTHER
from receipt_service.statistics.release import release
from receipt_service.storage.engine import reading
from tests.support.population import (
    BASES,
    METHOD,
    MONTHS,
    OUTCOMES,
    SEATS,
    SELECTIONS,
    Record,
    cells,
    population,
    store,
)

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
PERIODS = ("2026-07", "2026-08", "2026-09", "2026-Q3")


def release_all(engine, method=METHOD):
    return {period: release(engine, period, method=method, now=NOW, clock=lambda: NOW) for period in PERIODS}


def shown_cells(engine):
    with reading(engine) as connection:
        query = text("SELECT period, area, table_code, a, b, value, mark, n, k FROM released_cell")
        return list(connection.execute(query))


def members(rows, records):
    """The records of each shown cell, by brute force, a bit for each; a merged cell has what is not shown."""
    bits = {key: sum(1 << index for index in found) for key, found in cells(records).items()}
    alone = [row for row in rows if OTHER not in {row.a, row.b}]
    found = {
        row: sum(bits.get((row.table_code, month, row.area, row.a, row.b), 0) for month in months_of(row.period))
        for row in alone
    }
    shown = {(row.period, row.area, row.table_code, row.a, row.b): row for row in alone}
    for row in set(rows) - set(alone):
        place = (row.period, row.area)
        first = row.table_code.split("*")[0]
        whole = (*place, "total", "", "") if row.a == OTHER else (*place, first, row.a, "")
        beside = 0
        for other in alone:
            if (other.period, other.area, other.table_code) == (*place, row.table_code) and row.a in {OTHER, other.a}:
                beside |= found[other]
        found[row] = found[shown[whole]] & ~beside
    return found


def everyone():
    """A population in which every combination occurs: what is nested in it is nested by definition."""
    chance = random.Random(0)
    template = population(0, 1)[0].fact
    dimensions = ("month", "hour_band", "unit", "commune", "basis", "selection")
    choices = (MONTHS, HOUR_BANDS, tuple(SEATS), tuple(SEATS.values()), BASES, SELECTIONS)
    records = []
    for _ in range(6000):
        drawn = dict(zip(dimensions, map(chance.choice, choices), strict=True))
        several = {
            "reasons": tuple(chance.sample(("ACTE_OBSERVE", "REQUISITION", "FUITE", "APPEL"), 2)),
            "outcomes": tuple(chance.sample(OUTCOMES, chance.choice((1, 2)))),
            "measures": chance.choice(((), ("PALPATION",))),
            "operations": chance.choice(((), ("OP-1",))),
            "marks": (chance.choice((RecordMark.COMPLETE, RecordMark.REASON_MISSING)),),
            "channels": (chance.choice(("sms", "email")),),
        }
        records.append(Record(replace(template, department=drawn["commune"][:2], **drawn, **several), 0))
    return records


def counts_checks(row):
    return not row.table_code.startswith("delivery")


@pytest.mark.parametrize("size", [60, 400, 3000])
def test_nothing_small_lies_between_two_shown_cells(engine, size):
    records = population(size, size)
    store(engine, records)
    release_all(engine)
    rows = shown_cells(engine)
    truth, definition = members(rows, records), members(rows, everyone())
    assert len(rows) > (0 if size < 100 else 50)
    for row in filter(counts_checks, rows):
        assert truth[row].bit_count() == row.n >= 11
        assert row.value >= 11
    close = [
        (one, other)
        for one, other in itertools.permutations(filter(counts_checks, rows), 2)
        if other.n - one.n < 11 and definition[one] & ~definition[other] == 0
    ]
    assert close == []


def test_a_unit_and_the_place_where_it_works_do_not_show_the_few_that_are_of_one_alone(engine):
    records = population(7, 3000)
    store(engine, records)
    release_all(engine)
    shown = {(row.period, row.area, row.table_code, row.a, row.b): row for row in shown_cells(engine)}
    pairs = [
        ("UPN-75", "D75"),
        ("UPN-93", "D93"),
        ("UGN-77", "D77"),
        ("UGN", "D77"),
        ("UPN", "D93"),
        ("UPN-75-10", "C75110"),
    ]
    seen = 0
    for (period, area, *cell), row in shown.items():
        for unit, place in pairs:
            other = shown.get((period, place, *cell))
            if area == unit and other is not None:
                seen += 1
                assert abs(row.n - other.n) >= 11
    assert seen > 100
