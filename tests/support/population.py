"""A made-up population of checks, as facts: skewed over units, places, bases and outcomes, as real ones are."""

import random
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import NamedTuple

from sqlalchemy import Engine, text

from receipt_service.domain.directory import UnitEntry
from receipt_service.statistics.facts import Fact, cells_of
from receipt_service.statistics.lattice import HOUR_BANDS, RECORD_KEY_MODULUS, CellKey, Delivery, RecordMark, months_of
from receipt_service.statistics.method.cell_key import InseePerturbation
from receipt_service.statistics.method.p_table import Noise, perturbation_table
from receipt_service.statistics.releasing.protection import OTHER
from receipt_service.statistics.releasing.release import Method
from receipt_service.statistics.units import UnitTree
from receipt_service.storage import directory, rollup
from receipt_service.storage.engine import reading, writing
from receipt_service.storage.rollup import CellRow

MONTHS = (202607, 202608, 202609)
UNITS = {
    "PN": (None, None),
    "PN-75": ("PN", "75"),
    "PN-75-10": ("PN-75", "75"),
    "PN-75-18": ("PN-75", "75"),
    "PN-93": ("PN", "93"),
    "PN-93-SD": ("PN-93", "93"),
    "GN": (None, None),
    "GN-77": ("GN", "77"),
    "GN-77-M": ("GN-77", "77"),
}
SEATS = {
    "PN-75-10": "75110",
    "PN-75-18": "75118",
    "PN-93-SD": "93066",
    "PN-93": "93008",
    "GN-77-M": "77288",
    "GN-77": "77186",
}
BASES = ("CPP-78-2-AL2", "CPP-78-2-AL7", "CPP-78-2-AL8", "CROUTE-R233-1", "CPP-78-2-2-I", "CPP-78-2-AL4")
OUTCOMES = ("LIBRE", "VERBAL", "VERIF", "INTERPEL")
SELECTIONS = ("behaviour", "requisition", "report", "everyone", "random_draw")
TREE = UnitTree({code: parent for code, (parent, _) in UNITS.items()})
NOISE = Noise(deviation=15, variance=10.0, forbidden=10)
METHOD = Method(noise=InseePerturbation(perturbation_table(NOISE)), variance=NOISE.variance, digest="test")
IMPORTED = datetime(2026, 6, 30, tzinfo=UTC)


class Record(NamedTuple):
    """One check: what is counted of it, and its record key."""

    fact: Fact
    key: int


def skewed(chance: random.Random, values: Iterable[str], power: float = 1.2) -> str:
    """Draw a value; each is rarer than the one before."""
    listed = list(values)
    return chance.choices(listed, [1 / (rank + 1) ** power for rank in range(len(listed))])[0]


def population(seed: int, size: int, months: Iterable[int] = MONTHS) -> list[Record]:
    """Draw a population."""
    chance = random.Random(seed)
    return [_record(chance, list(months)) for _ in range(size)]


def _record(chance: random.Random, months: list[int]) -> Record:
    unit = skewed(chance, SEATS, 0.8)
    commune = SEATS[unit] if chance.random() < 0.9 else chance.choice(list(SEATS.values()))
    reasons = tuple({skewed(chance, ("ACTE_OBSERVE", "REQUISITION", "FUITE", "APPEL")) for _ in range(2)})
    fact = Fact(
        month=chance.choice(months),
        hour_band=skewed(chance, HOUR_BANDS, 0.5),
        department=commune[:2],
        commune=commune,
        unit=unit,
        officer="1234567",
        basis=skewed(chance, BASES),
        family="identity_check",
        reasons=reasons,
        measures=("PALPATION",) if chance.random() < 0.2 else (),
        outcomes=(skewed(chance, OUTCOMES, 1.6),),
        selection=skewed(chance, SELECTIONS),
        operations=("OP-1",) if chance.random() < 0.1 else (),
        marks=(RecordMark.COMPLETE,) if chance.random() < 0.95 else (RecordMark.REASON_MISSING,),
        channels=("sms",),
        deliveries=(Delivery.DELIVERED,) if chance.random() < 0.9 else (Delivery.NOT_DELIVERED,),
        delays=("0-5",),
    )
    return Record(fact, chance.randrange(RECORD_KEY_MODULUS))


def cells(records: Iterable[Record]) -> dict[CellKey, set[int]]:
    """Say, by brute force, which records (by position) are in which cell."""
    found: dict[CellKey, set[int]] = defaultdict(set)
    for index, record in enumerate(records):
        for table, area, a, b in cells_of(record.fact, TREE):
            found[CellKey(table, record.fact.month, area, a, b)].add(index)
    return found


def store(engine: Engine, records: list[Record]) -> None:
    """Write units, and the rollup of these records."""
    units = [
        UnitEntry(code=code, name=code, parent_code=up, force=code[:2], department=seat, commune=SEATS.get(code))
        for code, (up, seat) in UNITS.items()
    ]
    rows = [
        CellRow(
            key.month,
            key.area,
            key.table,
            key.a,
            key.b,
            len(members),
            sum(records[index].key for index in members) % RECORD_KEY_MODULUS,
        )
        for key, members in cells(records).items()
    ]
    with writing(engine) as connection:
        directory.save(connection, units, [])
        rollup.save_tree(connection, TREE.parents, directory.count_import(connection, IMPORTED))
        rollup.add_cells(connection, rows)


class Seen(NamedTuple):
    """A shown figure."""

    period: str
    area: str
    table_code: str
    a: str
    b: str
    value: int


def cells_shown(engine: Engine) -> list[Seen]:
    """Every figure that is released."""
    with reading(engine) as connection:
        found = connection.execute(text("SELECT period, area, table_code, a, b, value FROM released_cell"))
        return [Seen(*row) for row in found]


def members(rows: Collection[Seen], records: Iterable[Record]) -> dict[Seen, int]:
    """The records of each shown cell, by brute force, a bit for each; a merged cell has what is not shown."""
    bits = {key: sum(1 << index for index in found) for key, found in cells(records).items()}
    alone = [row for row in rows if OTHER not in {row.a, row.b}]
    found = {
        row: sum(bits.get((row.table_code, month, row.area, row.a, row.b), 0) for month in months_of(row.period))
        for row in alone
    }
    shown = {row[:5]: row for row in alone}
    tables = defaultdict(list)
    for row in alone:
        tables[row[:3]].append(row)
    for row in set(rows) - set(alone):
        first = row.table_code.split("*")[0]
        whole = ("total", "", "") if row.a == OTHER else (first, row.a, "")
        beside = 0
        for other in tables[row[:3]]:
            if row.a in {OTHER, other.a}:
                beside |= found[other]
        found[row] = found[shown[row.period, row.area, *whole]] & ~beside
    return found


def everyone() -> list[Record]:
    """A population in which every combination occurs: what is nested in it is nested by definition."""
    chance = random.Random(0)
    template = population(0, 1)[0].fact
    dimensions = ("month", "hour_band", "unit", "commune", "basis", "selection")
    choices = (MONTHS, HOUR_BANDS, tuple(SEATS), tuple(SEATS.values()), BASES, SELECTIONS)
    records: list[Record] = []
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


def close_pairs(rows: Collection[Seen], records: Iterable[Record]) -> list[tuple[Seen, Seen]]:
    """Pairs of figures of checks, one within the other by definition, that differ by 1 to 10 checks, or by none."""
    counted = [row for row in rows if not row.table_code.startswith("delivery")]
    truth, definition = members(counted, records), members(counted, everyone())
    ordered = sorted((found.bit_count(), row) for row, found in truth.items())
    pairs = []
    for index, (number, one) in enumerate(ordered):
        for more, other in ordered[index + 1 :]:
            if more - number >= 11:
                break
            both = definition[one] & definition[other]
            if both in {definition[one], definition[other]}:
                pairs.append((one, other))
    return pairs
