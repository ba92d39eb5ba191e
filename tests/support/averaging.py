"""Averaging over a lattice: the best linear estimate of a total from every figure that adds up to it in any way.

Worlds are units with two units below, in a quarter of three months; their checks are divided by two bases, two
selection modes and two hour bands, so that every sum can be formed. The attacker takes all figures of all of them and
solves for the total by least squares, which no other unbiased estimate that is linear in the figures can better
(Gauss and Markov).
"""

import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from receipt_service.statistics.lattice import months_of
from tests.support.slivers import A, B, Units
from tests.support.worlds import PLAIN, QUARTER, Group, Served

MONTHS = months_of("2026-Q3")
VALUES = {"basis": (A, B), "selection": ("behaviour", "requisition"), "hour_band": ("12-15", "00-03")}
"""The first of each is the more frequent one: the second is merged."""
TABLES = ("", "basis", "selection", "hour_band", "basis,selection")
ATOMS = list(itertools.product(MONTHS, "12", *VALUES.values()))

Key = tuple[str, str, tuple[tuple[str, str], ...]]
"""Which figure: the area's last letter (empty for the world's own unit), the period, and the values by dimension."""


def averaging_ground(number: int, seed: int) -> tuple[Units, list[Group], dict[str, int]]:
    """Units, checks, and the true total of each world's quarter."""
    chance = random.Random(seed)
    units: Units = {"TOP": (None, "77"), "FILL": ("TOP", None), "REST": (None, None)}
    groups, totals = [], {}
    for index in range(number):
        name = f"W{index:04}"
        units |= {name: ("TOP", None), f"{name}-1": (name, None), f"{name}-2": (name, None)}
        ours = []
        for month, below, basis, mode, band in ATOMS:
            size = chance.randint(24, 32) - 5 * (basis == B) - 5 * (mode != "behaviour") - 3 * (band != "12-15")
            values = {"basis": basis, "selection": mode, "hour_band": band}
            ours.append(Group(replace(PLAIN, month=month, unit=f"{name}-{below}", **values), size))
        totals[name] = sum(group.size for group in ours)
        groups += ours
    for unit, month in itertools.product(("FILL", "REST"), MONTHS):
        for values in itertools.product(*VALUES.values()):
            fact = replace(PLAIN, month=month, unit=unit, **dict(zip(VALUES, values, strict=True)))
            groups.append(Group(fact, 60))
        groups += [Group(replace(PLAIN, month=month, unit=unit, basis=rare), 8) for rare in ("CPP-78-2-2-I", "X")]
        groups += [Group(replace(PLAIN, month=month, unit=unit, selection=rare), 8) for rare in ("report", "everyone")]
        groups += [Group(replace(PLAIN, month=month, unit=unit, hour_band=rare), 8) for rare in ("06-09", "09-12")]
    return units, groups, totals


def all_figures(served: Served, name: str) -> dict[Key, int]:
    """Ask for everything that adds up to the total of a world, or to a part of it."""
    found: dict[Key, int] = {}
    for period, table in itertools.product(QUARTER, TABLES):
        names = table.split(",") if table else []
        for letter, area in (("", name), ("1", f"{name}-1"), ("2", f"{name}-2")):
            for values, number in served.figures(f"area=U{area}&period={period}&by={table}").items():
                found[letter, period, tuple(zip(names, values, strict=True))] = number
    return found


def _counts(key: Key, atom: tuple[int | str, ...]) -> bool:
    letter, period, values = key
    month, below, *have = atom
    if month not in months_of(period) or letter not in {"", below}:
        return False
    mine = dict(zip(VALUES, have, strict=True))
    return all(mine[name] == (VALUES[name][1] if value == "other" else value) for name, value in values)


@dataclass(frozen=True, eq=False)
class Best:
    """The best estimate's weights, and how many times over it has the total: its variance is V / ``times``."""

    keys: tuple[Key, ...]
    weights: np.ndarray

    @classmethod
    def of(cls, keys: tuple[Key, ...]) -> "Best":
        counted = np.array([[_counts(key, atom) for atom in ATOMS] for key in keys], dtype=float)
        return cls(keys, counted @ np.linalg.pinv(counted.T @ counted) @ np.ones(len(ATOMS)))

    @property
    def times(self) -> float:
        return float(1 / (self.weights @ self.weights))

    def total(self, figures: dict[Key, int]) -> float:
        return float(self.weights @ [figures[key] for key in self.keys])


def estimates(served: Served, totals: dict[str, int]) -> Iterator[tuple[Best, float]]:
    """For each world the best estimate there is, and by how much it is wrong."""
    known: dict[tuple[Key, ...], Best] = {}
    for name, total in totals.items():
        figures = all_figures(served, name)
        keys = tuple(sorted(figures))
        best = known.setdefault(keys, None) or Best.of(keys)  # type: ignore[arg-type]
        known[keys] = best
        yield best, best.total(figures) - total
