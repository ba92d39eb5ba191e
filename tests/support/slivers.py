"""The attack on one check: worlds with it and without it, what is asked about them, and the best guess from answers.

The attacker knows everything about how a world is made but the numbers: which two figures differ by that one check and
nothing else. They look at many worlds of which the truth is known, note how often each appearance of the figures goes
with the check having taken place, and guess the others: no guess from the same appearance can be better (Bayes).
"""

import random
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, replace
from math import sqrt
from typing import Protocol

from receipt_service.statistics.lattice import HOUR_BANDS
from tests.support.worlds import PLAIN, Group

A, B, C, X = "CPP-78-2-AL2", "CPP-78-2-AL7", "CPP-78-2-AL8", "CROUTE-R233-1"
SELECTIONS = ("behaviour", "requisition", "report", "everyone", "random_draw")
PLACES = ("77", "78")
WORLDS = 1600

Figures = dict[tuple[str, ...], int]
Units = dict[str, tuple[str | None, str | None]]


class Source(Protocol):
    """Whatever gives figures: the API, or a bare threshold to compare with."""

    def figures(self, query: str) -> Figures: ...


@dataclass(frozen=True)
class World:
    """One world: its name is its unit, ``there`` the truth, ``commune`` a place of its own."""

    name: str
    commune: str
    there: bool
    chance: random.Random

    def group(self, size: tuple[int, int] | None = None, **changed) -> Group:
        """Checks of the world; as many as chance says, or the one check, where no size is given."""
        number = int(self.there) if size is None else self.chance.randint(*size)
        place = {"commune": self.commune, "department": self.commune[:2], "unit": self.name}
        return Group(replace(PLAIN, **{**place, **changed}), number)


@dataclass(frozen=True)
class Attack:
    """``groups`` of a world, the last one the check; ``looks`` gives an appearance for each world's name."""

    groups: Callable[[World], list[Group]]
    looks: Callable[[Source, list[World]], Iterator[Hashable]]
    child: bool = False
    """Whether worlds have a unit below theirs, called ``…-1``."""
    periods: tuple[str, ...] = ("2026-07",)


SOME = (30, 200)


def _apart(one: int | None, other: int | None) -> Hashable:
    """How a pair of figures looks: whether they are there, and what lies between them."""
    return one is None, other is None, max(-20, min(20, (one or 0) - (other or 0))) if one and other else None


def _by(source: Source, query: str) -> dict[str, Figures]:
    """A question divided by units (or communes), as one for each."""
    found: dict[str, Figures] = defaultdict(dict)
    for (name, *values), number in source.figures(query).items():
        found[name][tuple(values)] = number
    return found


def _value(source, worlds, query="area=UTOP&period=2026-07&by=unit,basis", value=A):
    totals, lines = _by(source, "area=UTOP&period=2026-07&by=unit"), _by(source, query)
    for world in worlds:
        yield _apart(totals[world.name].get(()), lines[world.name].get((value,)))


def _outcome(source, worlds):
    return _value(source, worlds, "area=UTOP&period=2026-07&by=unit,outcome", "LIBRE")


def _rest(source, worlds):
    """The total, and all lines of bases together."""
    totals, lines = (_by(source, f"area=UTOP&period=2026-07&by=unit{more}") for more in ("", ",basis"))
    for world in worlds:
        shown = lines[world.name]
        yield tuple(sorted(shown)), _apart(totals[world.name].get(()), sum(shown.values()) or None)


def _child(source, worlds):
    totals = _by(source, "area=UTOP&period=2026-07&by=unit")
    for world in worlds:
        below = source.figures(f"area=U{world.name}&period=2026-07&by=unit")
        yield _apart(totals[world.name].get(()), below.get((f"{world.name}-1",)))


def _time(source, worlds):
    month, quarter = (_by(source, f"area=UTOP&period={period}&by=unit") for period in ("2026-07", "2026-Q3"))
    for world in worlds:
        yield _apart(quarter[world.name].get(()), month[world.name].get(()))


def _in_fact(source, worlds):
    bases, modes = (_by(source, f"area=UTOP&period=2026-07&by=unit,{name}") for name in ("basis", "selection"))
    for world in worlds:
        pairs = [
            [lines[world.name].get((value,), lines[world.name].get(("other",))) for lines, value in pair]
            for pair in (((bases, A), (modes, "requisition")), ((bases, B), (modes, "behaviour")))
        ]
        yield tuple(min(abs(one - other), 2) if one and other else None for one, other in pairs)


def _place(source, worlds):
    units = _by(source, "area=UTOP&period=2026-07&by=unit")
    communes = {
        name: found for code in PLACES for name, found in _by(source, f"area=D{code}&period=2026-07&by=commune").items()
    }
    for world in worlds:
        yield _apart(communes.get(world.commune, {}).get(()), units[world.name].get(()))


def _cell(source, worlds):
    rows = _by(source, "area=UTOP&period=2026-07&by=unit,basis")
    for world in worlds:
        cells = source.figures(f"area=U{world.name}&period=2026-07&by=basis,outcome")
        yield _apart(rows[world.name].get((A,)), cells.get((A, "LIBRE")))


ATTACKS = {
    "all checks of a unit but one have the same basis": Attack(
        lambda world: [world.group(SOME, basis=A), world.group(basis=X)], _value
    ),
    "three bases, and one check of a fourth": Attack(
        lambda world: [*(world.group(SOME, basis=basis) for basis in (A, B, C)), world.group(basis=X)], _rest
    ),
    "all but one end alike": Attack(
        lambda world: [world.group(SOME, outcomes=("LIBRE",)), world.group(outcomes=("VERBAL",))], _outcome
    ),
    "all but one of a basis end alike": Attack(
        lambda world: [
            world.group(SOME, basis=A, outcomes=("LIBRE",)),
            *(world.group(SOME, basis=B, outcomes=(outcome,)) for outcome in ("LIBRE", "VERBAL")),
            world.group(basis=A, outcomes=("VERBAL",)),
        ],
        _cell,
    ),
    "all checks of a unit but one are of a unit below": Attack(
        lambda world: [world.group(SOME, unit=f"{world.name}-1"), world.group()], _child, child=True
    ),
    "all checks of a quarter but one are of one month": Attack(
        lambda world: [world.group(SOME), world.group(month=202608)],
        _time,
        periods=("2026-07", "2026-08", "2026-09", "2026-Q3"),
    ),
    "a basis and a selection mode that only one check tells apart": Attack(
        lambda world: [
            world.group(SOME, basis=A, selection="requisition"),
            world.group(SOME, basis=B),
            world.group(basis=A),
        ],
        _in_fact,
    ),
    "a unit and a place in which only one check is another unit's": Attack(
        lambda world: [world.group(SOME), world.group(unit="FILL")], _place
    ),
}
IN_FACT = list(ATTACKS)[-2:]


def worlds_of(seed: int, number: int = WORLDS) -> list[World]:
    """Half of them with the check, and half of each half: blind guesses are right in one case of two."""
    chance = random.Random(seed)
    there: list[bool] = []
    for _ in range(2):
        half = [index % 2 == 0 for index in range(number // 2)]
        chance.shuffle(half)
        there += half
    return [
        World(f"W{index:04}", f"{PLACES[index % 2]}{index // 2:03}", found, random.Random(seed + index))
        for index, found in enumerate(there)
    ]


def ground(attack: Attack, worlds: list[World]) -> tuple[Units, list[Group]]:
    """Units and checks: the worlds, and enough others around them that areas above show every value."""
    units: Units = {"TOP": (None, "77"), "FILL": ("TOP", "78"), "REST": (None, None)}
    groups = [group for world in worlds for group in attack.groups(world)]
    for world in worlds:
        units[world.name] = ("TOP", None)
        if attack.child:
            units[f"{world.name}-1"] = (world.name, None)
    for unit in ("FILL", "REST"):
        for month in (202607, 202608, 202609):
            place = {"unit": unit, "month": month, "department": "75", "commune": "75110"}
            for index, band in enumerate(HOUR_BANDS):
                values = {"basis": (A, B, C, X)[index % 4], "selection": SELECTIONS[index % 5], "hour_band": band}
                ends = (("LIBRE",), ("VERBAL",), ())[index % 3]
                groups.append(Group(replace(PLAIN, **place, **values, outcomes=ends), 60))
            groups += [Group(replace(PLAIN, **place, basis=rare), 8) for rare in ("CPP-78-2-2-I", "CPP-78-2-AL4")]
    return units, groups


@dataclass(frozen=True)
class Result:
    """How often the guess was right."""

    right: int
    of: int

    @property
    def accuracy(self) -> float:
        return self.right / self.of

    @property
    def interval(self) -> tuple[float, float]:
        """95 %, Wilson's."""
        z, share = 1.96, self.accuracy
        centre, half = share + z * z / 2 / self.of, z * sqrt(share * (1 - share) / self.of + (z / 2 / self.of) ** 2)
        return (centre - half) / (1 + z * z / self.of), (centre + half) / (1 + z * z / self.of)


def guess(attack: Attack, source: Source, worlds: list[World]) -> Result:
    """Learn from one half of the worlds, guess the other."""
    seen = list(zip(attack.looks(source, worlds), worlds, strict=True))
    known, unknown = seen[: len(seen) // 2], seen[len(seen) // 2 :]
    times = Counter((look, world.there) for look, world in known)
    right = sum((times[look, True] > times[look, False]) is world.there for look, world in unknown)
    return Result(right, len(unknown))
