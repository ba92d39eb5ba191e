"""The figures in docs/statistics-method.md are what the code gives."""

import math
import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from receipt_service.statistics.lattice import TABLE_OF
from receipt_service.statistics.method.cell_key import InseePerturbation
from receipt_service.statistics.method.intervals import noise_error, rate
from receipt_service.statistics.method.p_table import Noise, Row, perturbation_table
from receipt_service.statistics.releasing.protection import TOTAL, CellId, Count, Protection

DOCUMENT = (Path(__file__).parents[2] / "docs" / "statistics-method.md").read_text()


def tables() -> dict[str, list[list[float]]]:
    """The numbers of every table of the document, by its heading line."""
    found: dict[str, list[list[float]]] = {}
    for block in re.findall(r"((?:^\|.*\|$\n)+)", DOCUMENT, re.MULTILINE):
        heading, _, *lines = block.splitlines()
        cells = [[cell.strip(" %").replace(",", "") for cell in line.strip("|").split("|")] for line in lines]
        found[heading] = [[float(cell) for cell in line if re.fullmatch(r"[\d.]+", cell)] for line in cells]
    return found


def table(beginning: str) -> list[list[float]]:
    (lines,) = (lines for heading, lines in tables().items() if heading.startswith(beginning))
    return lines


def rows(variance: float) -> tuple[Row, ...]:
    return perturbation_table(Noise(deviation=15, variance=variance, forbidden=10))


def results(row: Row, count: int) -> np.ndarray:
    """Probability of each shown count, from 0 on."""
    shown = np.zeros(count + 30)
    for deviation, probability in zip(row.deviations, row.probabilities, strict=True):
        shown[count + deviation] += probability
    return shown


def accuracy(first: np.ndarray, second: np.ndarray, cells: int = 1) -> float:
    """How often the more likely of two worlds is the true one, for so many independent cells."""
    if cells == 1:
        return 0.5 + np.abs(first - second).sum() / 4
    random = np.random.default_rng(20261124)
    with np.errstate(divide="ignore", invalid="ignore"):
        evidence = np.log(second) - np.log(first)
    right = 0.0
    for world, sign in ((first, -1), (second, 1)):
        seen = sign * evidence[random.choice(world.size, (40_000, cells), p=world / world.sum())].sum(axis=1)
        right += ((seen > 0).mean() + (seen == 0).mean() / 2) / 2
    return float(right)


@pytest.mark.parametrize("line", table("| V | unchanged"), ids=str)
def test_size_of_the_noise(line):
    variance, unchanged, within_two, within_five, vanishing = line
    last = dict(zip(rows(variance)[-1].deviations, rows(variance)[-1].probabilities, strict=True))

    for stated, most in ((unchanged, 0), (within_two, 2), (within_five, 5)):
        assert stated == round(100 * sum(p for deviation, p in last.items() if abs(deviation) <= most), 1)
    assert vanishing == round(100 * rows(variance)[11].probabilities[0], 1)


def test_variance_of_small_counts():
    (stated,) = table("| count | 0 | 1")

    assert stated == [round(row.variance, 6) for row in rows(10)[:12]]
    assert [row.variance for row in rows(10)[11:]] == pytest.approx([10] * 16)
    assert round(rows(35)[1].variance, 1) == 11.8


@pytest.mark.parametrize("line", table("| V | 1 cell"), ids=str)
def test_reader_who_knows_all_but_one_check(line):
    variance, *stated, none_or_one = line
    last = rows(variance)[-1]
    worlds = results(last, 100)[:130], results(last, 101)[:130]

    assert stated == pytest.approx([accuracy(*worlds, cells) for cells in (1, 4, 16)], abs=0.006)
    small = results(rows(variance)[0], 0), results(rows(variance)[1], 1)[:30]
    assert none_or_one == pytest.approx(accuracy(*small), abs=0.0006)


@pytest.mark.parametrize(("variance", "stated"), [(3, 0.93), (10, 0.79)])
def test_difference_of_five_checks(variance, stated):
    last = rows(variance)[-1]

    assert f"{stated:.2f}" in DOCUMENT
    assert accuracy(results(last, 100)[:130], results(last, 105)[:130]) == pytest.approx(stated, abs=0.006)


@pytest.mark.parametrize(("count", "stated"), [(11, 0.8), (15, 0.03), (26, 0.0)])
def test_what_is_shown_near_the_threshold_is_too_high(count, stated):
    shown = results(rows(10)[count], count)
    large = np.arange(shown.size) >= 11

    assert shown[large] @ np.arange(shown.size)[large] / shown[large].sum() - count == pytest.approx(stated, abs=0.015)


@pytest.mark.parametrize("line", table("| checks | chance alone"), ids=str)
def test_half_widths_of_intervals(line):
    checks, *stated = line
    for variance, points in zip((0, 3, 10), stated, strict=True):
        found = rate(round(0.2 * checks), int(checks), noise_variance=variance)
        assert found is not None
        assert points == round(50 * (found.high - found.low), 1)
    assert noise_error(0.2, 100, 3) == pytest.approx(0.0177, abs=1e-4)


def test_leak_of_the_example():
    own = sum(1 / cells for cells in (1, 12, 8, 5, 60))

    assert f"M = {own:.2f}" in DOCUMENT
    assert f"add {own:.2f}/6" in DOCUMENT


def test_what_the_complement_rule_costs():
    """Two hundred units of each size, frequencies of bases and outcomes drawn from a Dirichlet law of ½."""
    random = np.random.default_rng(20261124)
    tables = [TABLE_OF[code] for code in ("total", "basis", "outcome", "basis*outcome")]
    protection = Protection(InseePerturbation(rows(10)), tables)

    def count(n: int) -> Count:
        return Count(int(n), int(random.integers(2**16)))

    for checks, *stated in table("| checks of the unit"):
        means = np.zeros(4)
        for _ in range(200):
            n = random.poisson(checks * np.outer(random.dirichlet([0.5] * 12), random.dirichlet([0.5] * 10)))
            counts = {TOTAL: count(n.sum())}
            counts |= {CellId("basis", str(i)): count(m) for i, m in enumerate(n.sum(axis=1))}
            counts |= {CellId("outcome", str(j)): count(m) for j, m in enumerate(n.sum(axis=0))}
            counts |= {CellId("basis*outcome", str(i), str(j)): count(m) for (i, j), m in np.ndenumerate(n)}
            shown = Counter(cell.table for cell in protection.protect(counts))
            means += [(n.sum(axis=1) >= 11).sum(), shown["basis"], (n >= 11).sum(), shown["basis*outcome"]]
        assert stated == pytest.approx((means / 200).tolist(), rel=0.06)


def test_three_figures_tell_little():
    told = 0.5 * (1 + math.erf(1 / (2 * math.sqrt(3 * 10)) / math.sqrt(2)))

    assert f"accuracy of {told:.3f} for three figures" in DOCUMENT
