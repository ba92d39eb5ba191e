"""Adherence to a random draw that was committed to before an operation began.

The operation publishes the commitment to a secret seed and the rule, "one in m". During it every person who passes gets
the next number of a counter, and the seed says which numbers are to be checked. A check made on a draw carries its
number. Afterwards the seed is opened: anybody can repeat the draw, and hold the checks against it.

That makes "chosen at random" a claim that can fail. It does not show who counted, or whether everybody was counted.
"""

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import sqrt
from statistics import NormalDist
from typing import Final, NamedTuple

from scipy.special import chdtrc

_LEAST_SEED: Final = 16
_WORD: Final = 8
_STRETCHES: Final = 10
_LEAST_EXPECTED: Final = 5
"""Fewest checks expected of a stretch for the χ² law to be near enough (W. G. Cochran, Biometrics 10, 1954)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draw:
    """A draw, opened: of ``passers`` numbered from 1, each is to be checked with probability 1/``one_in``.

    Raises ``ValueError`` for a seed under 16 bytes, or a rule or number below 1.
    """

    seed: bytes
    one_in: int
    passers: int

    def __post_init__(self) -> None:
        """Refuse what is no draw."""
        if len(self.seed) < _LEAST_SEED or self.one_in < 1 or self.passers < 1:
            raise ValueError(f"a draw has a seed of {_LEAST_SEED} bytes or more, a rule and numbers from 1 on")


class Significance(NamedTuple):
    """A test: its statistic, and the probability of one as far off when the hypothesis holds."""

    statistic: float
    p_value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Adherence:
    """How checks kept to a draw. Shares are from 0 to 1; a test is None where there is too little to test."""

    drawn: int
    """Numbers that were to be checked."""
    followed: float | None
    """Share of the checks whose number was drawn, each number counted once; None without checks."""
    covered: float | None
    """Share of the drawn numbers that were checked; None where none was drawn."""
    evenness: Significance | None
    """χ²: whether the checks are spread over the operation as the draw is. Small p: they thin out somewhere. It errs
    towards chance: checks that follow a draw scatter less than the χ² law allows."""
    skipping: Significance | None
    """Wald-Wolfowitz: whether drawn numbers were skipped here and there or in a row. Small p, below 0: in a row."""


def commitment(seed: bytes) -> str:
    """Return what is published of a seed before the operation: its SHA-256, in hexadecimal."""
    return hashlib.sha256(seed).hexdigest()


def drawn_numbers(draw: Draw) -> tuple[int, ...]:
    """Return the numbers to be checked, ascending.

    A number is drawn if the first 8 bytes of SHA-256(seed, number as 8 bytes big-endian), read big-endian, leave no
    remainder when divided by ``one_in``. (That favours none by more than ``one_in``/2⁶⁴.)
    """
    return tuple(number for number in range(1, draw.passers + 1) if _word(draw.seed, number) % draw.one_in == 0)


def adherence(draw: Draw, checked: Collection[int]) -> Adherence:
    """Hold the numbers that checks carry against the draw; a number that several checks carry counts once.

    Numbers outside 1…``passers`` were not drawn and count against ``followed``.
    """
    due = drawn_numbers(draw)
    made = set(checked)
    kept = [number in made for number in due]
    return Adherence(
        drawn=len(due),
        followed=sum(kept) / len(made) if made else None,
        covered=sum(kept) / len(due) if due else None,
        evenness=_evenness(due, [number for number in made if 1 <= number <= draw.passers], draw.passers),
        skipping=runs_test(kept),
    )


def goodness_of_fit(observed: Sequence[float], expected: Sequence[float]) -> Significance:
    """Test counts against the counts expected, which are scaled to the same sum: Pearson's χ².

    Raises ``ValueError`` for fewer than two classes, or one of which nothing is expected.
    """
    if len(observed) < 2 or min(expected) <= 0:  # noqa: PLR2004 - one class always fits
        raise ValueError("a test of fit needs two classes, and something expected of each")
    scale = sum(observed) / sum(expected)
    if scale == 0:
        return Significance(0.0, 1.0)
    square = sum((o - e * scale) ** 2 / (e * scale) for o, e in zip(observed, expected, strict=True))
    return Significance(square, float(chdtrc(len(observed) - 1, square)))


def runs_test(marks: Sequence[bool]) -> Significance | None:
    """Test whether yes and no follow each other at random: Wald and Wolfowitz's runs, two-sided, normal law.

    The statistic is below 0 where there are fewer runs than by chance (streaks), above 0 where there are more
    (alternation). None when all marks are alike, or there are too few for their variance. The normal law is near
    enough from some ten of each on.

    Source: A. Wald and J. Wolfowitz, Ann. Math. Stat. 11 (1940) 147-162.
    """
    yes = sum(marks)
    no = len(marks) - yes
    mixed = 2 * yes * no
    variance = mixed * (mixed - yes - no) / ((yes + no) ** 2 * (yes + no - 1)) if mixed else 0.0
    if variance <= 0:
        return None
    runs = 1 + sum(before != after for before, after in pairwise(marks))
    z = (runs - 1 - mixed / (yes + no)) / sqrt(variance)
    return Significance(z, 2 * NormalDist().cdf(-abs(z)))


def _word(seed: bytes, number: int) -> int:
    return int.from_bytes(hashlib.sha256(seed + number.to_bytes(_WORD, "big")).digest()[:_WORD], "big")


def _evenness(due: Sequence[int], made: Sequence[int], passers: int) -> Significance | None:
    """Compare stretches of the counter, so many that each has enough drawn numbers and checks to expect."""
    stretches = min(_STRETCHES, len(due) // _LEAST_EXPECTED, len(made) // _LEAST_EXPECTED)
    if stretches < 2:  # noqa: PLR2004 - one stretch is compared with nothing
        return None
    expected, observed = ([0] * stretches for _ in range(2))
    for numbers, into in ((due, expected), (made, observed)):
        for number in numbers:
            into[(number - 1) * stretches // passers] += 1
    return goodness_of_fit(observed, expected) if min(expected) else None
