"""Attacks on the statistics through the API: one check, averaging, small differences, and questions off the lattice."""

from collections import defaultdict

import numpy as np
import pytest

from receipt_service.statistics.lattice import months_of, unit_area
from receipt_service.statistics.method.p_table import perturbation_table
from receipt_service.statistics.questions import AREA_SPLITS, question_of
from receipt_service.statistics.releasing import protection
from receipt_service.storage import directory, rollup
from receipt_service.storage.engine import open_engine, reading, writing
from tests.support.averaging import averaging_ground, estimates
from tests.support.population import NOISE
from tests.support.slivers import ATTACKS, IN_FACT, ground, guess, worlds_of
from tests.support.worlds import fill, officer, release_all, serving

BLIND = 0.55
"""A Bayes-optimal guess may be right in this share of cases; 0.5 is blind."""


class BareThreshold:
    """The same questions, answered with true numbers from 11 on."""

    def __init__(self, engine):
        self.engine = engine

    def figures(self, query):
        given = dict(part.split("=") for part in query.split("&"))
        question = question_of(area=given["area"], period=given["period"], by=given.get("by", "").split(","))
        split = question.area_split in AREA_SPLITS
        found = defaultdict(int)
        with reading(self.engine) as connection:
            units = directory.units(connection)
            areas = {unit_area(code) for code, unit in units.items() if unit.parent_code == question.area[1:]}
            cells = rollup.cells(connection, months=months_of(question.period), tables=(question.table.code,))
            for cell in cells:
                below = cell.area in areas or (
                    question.area[0] == "D" and cell.area.startswith(f"C{question.area[1:]}")
                )
                if below if split else cell.area == question.area:
                    values = [cell.a, cell.b][: len(question.table.dimensions)]
                    found[(*([cell.area[1:]] if split else []), *values)] += cell.n
        return {values: number for values, number in found.items() if number >= 11}


@pytest.fixture
def besieged(sqlite_url, tmp_path, api_keys, law):
    """Make the worlds of an attack, release them, and serve them."""
    engine = open_engine(sqlite_url)

    def make(attack, worlds):
        units, groups = ground(attack, worlds)
        fill(engine, units, groups)
        with writing(engine) as connection:
            directory.save(connection, [], [officer("TOP", 1000001, "top")])
        release_all(engine, attack.periods)
        return engine

    yield make, lambda: serving(tmp_path, engine, api_keys, law)
    engine.dispose()


def best_guess_from_two_noises():
    """How often the best guess is right, of a difference that is 0 or 1 and shows through two independent noises."""
    row = perturbation_table(NOISE)[-1].probabilities
    between = np.convolve(row, row[::-1])
    apart = np.abs(np.append(between, 0) - np.append(0, between)).sum() / 2
    return (1 + apart) / 2


@pytest.mark.parametrize("name", ATTACKS)
def test_whoever_looks_for_one_check_guesses(besieged, name):
    make, serve = besieged
    worlds = worlds_of(seed=11)
    make(ATTACKS[name], worlds)
    with serve() as served:
        found = guess(ATTACKS[name], served, worlds)
        assert len(served.figures("area=UTOP&period=2026-07&by=unit")) >= len(worlds)
    low, high = found.interval
    print(f"{name}: {found.accuracy:.3f} ({low:.3f} to {high:.3f})")  # noqa: T201
    if name in IN_FACT:
        assert low <= best_guess_from_two_noises() <= BLIND
    else:
        assert found.accuracy <= BLIND


@pytest.mark.parametrize("name", ATTACKS)
def test_the_same_attack_on_a_bare_threshold_finds_the_check(besieged, name):
    make, _ = besieged
    worlds = worlds_of(seed=11, number=200)
    found = guess(ATTACKS[name], BareThreshold(make(ATTACKS[name], worlds)), worlds)
    assert found.accuracy >= 0.99


@pytest.mark.parametrize("name", IN_FACT)
def test_noise_that_belonged_to_the_checks_alone_would_give_away_cells_equal_in_fact(besieged, name, monkeypatch):
    make, serve = besieged
    worlds = worlds_of(seed=11, number=400)
    monkeypatch.setattr(protection, "_of_table", lambda key, _: key)
    make(ATTACKS[name], worlds)
    with serve() as served:
        assert guess(ATTACKS[name], served, worlds).accuracy >= 0.85


def test_averaging_over_the_whole_lattice_is_no_better_than_predicted(sqlite_url, tmp_path, api_keys, law):
    engine = open_engine(sqlite_url)
    units, groups, totals = averaging_ground(number=80, seed=3)
    fill(engine, units, groups)
    with writing(engine) as connection:
        directory.save(connection, [], [officer("TOP", 1000001, "top")])
    leak = release_all(engine)["2026-Q3"].leak
    with serving(tmp_path, engine, api_keys, law) as served:
        found = list(estimates(served, totals))
    engine.dispose()
    most = max(best.times for best, _ in found)
    wrong = np.array([error for _, error in found])
    print(f"M {most:.2f}, released {leak:.2f}; standard error {wrong.std():.2f}")  # noqa: T201
    assert 1 < most <= leak
    expected = np.sqrt(np.mean([NOISE.variance / best.times for best, _ in found]))
    assert wrong.std() == pytest.approx(expected, rel=0.2)
    assert wrong.std() >= np.sqrt(NOISE.variance / leak)
