"""Facts of checks as France would have them: units in a tree, officers, communes, skew, seasons and hours of the day.

Columns of numbers, as the product's own aggregation takes them; drawn from a fixed seed. What is real: communes and
départements (COG 2026), the codes of the catalogue, the number of units, officers and checks. What is made up: shares.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from receipt_service.statistics.fact_columns import Codebook, FactColumns, Numbers, Several
from receipt_service.statistics.lattice import (
    DELAY_BANDS,
    HOUR_BANDS,
    RECORD_KEY_MODULUS,
    AreaLevel,
    Delivery,
    Dimension,
    RecordMark,
)
from receipt_service.statistics.units import UnitTree
from tests.support.checks import catalogue, territory

UNITS, OFFICERS, OPERATIONS = 3000, 120_000, 20_000
BASES, REASONS, OUTCOMES = 12, 20, 10
"""How many of the catalogue's are in common use."""
AT_ONCE = 500_000
MONTH_WEIGHTS = np.array([8.1, 7.6, 8.4, 8.2, 8.6, 8.9, 9.4, 8.7, 8.3, 8.2, 7.9, 7.7])
HOUR_WEIGHTS = np.array([9, 4, 3, 10, 13, 19, 24, 18], dtype=float)
"""Shares of the eight bands: evenings most, early mornings least."""


@dataclass(frozen=True)
class Ground:
    """Everything that facts are drawn from."""

    book: Codebook
    tree: UnitTree
    commune_department: Numbers
    commune_weights: np.ndarray
    units_of: list[Numbers]
    """By département: its units."""
    family_of: Numbers
    """By basis."""


def _skewed(number: int, chance: np.random.Generator, power: float = 1.0) -> np.ndarray:
    weights = 1.0 / np.arange(1, number + 1) ** power
    chance.shuffle(weights)
    return weights / weights.sum()


def lay_ground(seed: int = 1) -> Ground:
    """Write the codebook: communes and départements of the COG, units in four levels, the catalogue's codes."""
    chance = np.random.default_rng(seed)
    book, land, law = Codebook(), territory(), catalogue()
    for month in range(202601, 202613):
        book.months.code(str(month))
    communes = [code for code in land._communes if land.commune(code).department in land.departments]
    for code in communes:
        book.areas[AreaLevel.COMMUNE].code(code)
    department = np.array(
        [book.areas[AreaLevel.DEPARTMENT].code(land.commune(code).department) for code in communes], dtype=np.int64
    )
    departments = len(book.areas[AreaLevel.DEPARTMENT])
    parents: dict[str, str | None] = {"FR": None}
    units_of: list[Numbers] = []
    per_department = np.maximum(_skewed(departments, chance, 0.6) * UNITS, 2).astype(int)
    for index, name in enumerate(book.areas[AreaLevel.DEPARTMENT].texts):
        zone, head = f"ZONE-{index % 13:02}", f"DEP-{name}"
        parents |= {zone: "FR", head: zone}
        codes = [f"{head}-{number:03}" for number in range(per_department[index])]
        parents |= dict.fromkeys(codes, head)
        units_of.append(np.array([book.areas[AreaLevel.UNIT].code(code) for code in [head, *codes]], dtype=np.int64))
    for number in range(OFFICERS):
        book.officers.code(f"{1_000_000 + number}")
    kinds = {
        Dimension.BASIS: law.bases, Dimension.REASON: law.reasons, Dimension.MEASURE: law.measures,
        Dimension.OUTCOME: law.outcomes, Dimension.SELECTION: law.selection_modes, Dimension.HOUR_BAND: HOUR_BANDS,
        Dimension.CHANNEL: ("sms", "email", "screen", "paper", "declined"), Dimension.DELIVERY: list(Delivery),
        Dimension.DELIVERY_DELAY: list(DELAY_BANDS), Dimension.RECORD: list(RecordMark),
        Dimension.OPERATION: [f"OP-{number}" for number in range(OPERATIONS)],
    }  # fmt: skip
    for dimension, codes in kinds.items():
        for code in codes:
            book.values[dimension].code(code)
    family = np.array([book.families.code(basis.family) for basis in law.bases.values()], dtype=np.int64)
    tree = UnitTree(parents)
    return Ground(book, tree, department, _skewed(len(communes), chance, 0.9), units_of, family)


def _alias(weights: np.ndarray, size: int, chance: np.random.Generator) -> Numbers:
    """Draw by weights: by the cumulative sums, which is quick enough for many draws at once."""
    return np.searchsorted(np.cumsum(weights / weights.sum()), chance.random(size)).clip(max=len(weights) - 1)


def _several(shares: np.ndarray, rows: Numbers, chance: np.random.Generator) -> Several:
    """One value for each of these rows, and a second one for every tenth."""
    second = rows[chance.random(len(rows)) < 0.1]
    both = np.sort(np.concatenate((rows, second)))
    values = _alias(shares, len(both), chance)
    same = np.flatnonzero((both[1:] == both[:-1]) & (values[1:] == values[:-1])) + 1
    values[same] = (values[same] + 1) % len(shares)
    return Several(both, values)


def facts(ground: Ground, month: int, number: int, chance: np.random.Generator) -> FactColumns:
    """Draw checks of one month (0 is January)."""
    book = ground.book
    size = {dimension: len(vocabulary) for dimension, vocabulary in book.values.items()}
    commune = _alias(ground.commune_weights, number, chance)
    department = ground.commune_department[commune]
    counts = np.array([len(units) for units in ground.units_of])
    every_unit = np.concatenate(ground.units_of)
    starts = np.concatenate(([0], np.cumsum(counts)))[:-1]
    place = (chance.random(number) ** 1.7 * counts[department]).astype(np.int64)
    unit = every_unit[starts[department] + place]
    officer = (unit * (OFFICERS // UNITS) + (chance.random(number) ** 1.3 * 40).astype(np.int64)) % OFFICERS
    basis = _alias(1.0 / np.arange(1, BASES + 1) ** 1.2, number, chance)
    rows = np.arange(number, dtype=np.int64)
    outcomes = np.concatenate(([60.0], 40.0 / np.arange(1, OUTCOMES) ** 1.1))
    some = {dimension: rows[chance.random(number) < share] for dimension, share in _SHARES.items()}
    weights = {
        Dimension.REASON: 1.0 / np.arange(1, REASONS + 1),
        Dimension.MEASURE: 1.0 / np.arange(1, size[Dimension.MEASURE] + 1),
        Dimension.OUTCOME: outcomes,
        Dimension.CHANNEL: np.array([62.0, 12, 6, 14, 6]),
        Dimension.DELIVERY: np.array([60.0, 14, 4, 6, 14, 6]),
        Dimension.DELIVERY_DELAY: np.array([30.0, 40, 20, 6, 2, 1, 1]),
        Dimension.OPERATION: np.ones(size[Dimension.OPERATION]),
        Dimension.RECORD: np.array([6.0, 1, 2, 85, 6]),
    }
    return FactColumns(
        months=np.full(number, month, dtype=np.int64),
        areas={AreaLevel.DEPARTMENT: department, AreaLevel.COMMUNE: commune, AreaLevel.UNIT: unit},
        single={
            Dimension.BASIS: basis,
            Dimension.HOUR_BAND: _alias(HOUR_WEIGHTS, number, chance),
            Dimension.SELECTION: _alias(np.array([40.0, 15, 20, 5, 20]), number, chance),
        },
        several={each: _several(weights[each], some[each], chance) for each in _SHARES},
        officers=officer,
        families=ground.family_of[basis],
        keys=chance.integers(0, RECORD_KEY_MODULUS, number, dtype=np.int64),
        signs=np.ones(number, dtype=np.int64),
        weights=np.ones(number, dtype=np.int64),
    )


_SHARES = {
    Dimension.REASON: 0.97, Dimension.MEASURE: 0.3, Dimension.OUTCOME: 1.0, Dimension.CHANNEL: 1.0,
    Dimension.DELIVERY: 0.98, Dimension.DELIVERY_DELAY: 0.55, Dimension.OPERATION: 0.05, Dimension.RECORD: 1.0,
}  # fmt: skip
"""Which share of the checks has any value of a dimension."""


def a_year(ground: Ground, number: int, seed: int = 2) -> Iterator[tuple[int, Iterator[FactColumns]]]:
    """Yield each month with its facts, at most half a million at a time."""
    chance = np.random.default_rng(seed)
    for month, share in enumerate(MONTH_WEIGHTS / MONTH_WEIGHTS.sum()):
        yield month, _of_month(ground, month, max(int(number * share), 1), chance)


def _of_month(ground: Ground, month: int, number: int, chance: np.random.Generator) -> Iterator[FactColumns]:
    for start in range(0, number, AT_ONCE):
        yield facts(ground, month, min(AT_ONCE, number - start), chance)
