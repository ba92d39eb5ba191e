"""Cell keys: INSEE's cells to the last one, unbiased after quantising, nothing in 1…10."""

import csv
from pathlib import Path

import numpy as np
import pytest

from receipt_service.errors import ConfigurationError
from receipt_service.statistics.lattice import RECORD_KEY_MODULUS
from receipt_service.statistics.method.cell_key import NOT_SHOWN, InseePerturbation, Mark, OnsPerturbation
from receipt_service.statistics.method.p_table import Noise, perturbation_table

VECTORS = Path(__file__).parents[1] / "vectors" / "statistics" / "insee_ckm_cells.csv"
ROWS = perturbation_table(Noise(deviation=15, variance=3, forbidden=10))
EVERY_KEY = np.arange(RECORD_KEY_MODULUS)


def insee_cells() -> dict[tuple[int, float, int], list[tuple[int, int, int]]]:
    """{(D, V, js): [(n, k, perturbed)]}: of the cell key (k + n/2)/2^16 the sum k of the record keys is taken back."""
    cells: dict[tuple[int, float, int], list[tuple[int, int, int]]] = {}
    with VECTORS.open() as lines:
        for line in csv.DictReader(lines):
            n, steps = int(line["nb_obs"]), float(line["ckey"]) * 2 * RECORD_KEY_MODULUS
            assert abs(steps - round(steps)) < 1e-8
            k, odd = divmod(round(steps) - n, 2)
            assert not odd
            parameters = int(line["D"]), float(line["V"]), int(line["js"])
            cells.setdefault(parameters, []).append((n, k % RECORD_KEY_MODULUS, int(line["nb_obs_ckm"])))
    return cells


@pytest.mark.parametrize("parameters", sorted(insee_cells()))
def test_every_cell_is_that_of_insee(parameters):
    deviation, variance, forbidden = parameters
    rows = perturbation_table(Noise(deviation=deviation, variance=variance, forbidden=forbidden))
    n, k, perturbed = map(np.array, zip(*insee_cells()[parameters], strict=True))
    ours = InseePerturbation(rows, threshold=1)

    assert n.size > 700
    assert np.array_equal(ours.perturb(n, k).counts, perturbed)
    assert [ours.perturb_one(*cell) for cell in zip(n.tolist(), k.tolist(), strict=True)] == perturbed.tolist()


@pytest.mark.parametrize("variance", [3, 10])
def test_noise_over_all_keys_is_unbiased_and_of_the_variance_of_its_row(variance):
    rows = perturbation_table(Noise(deviation=15, variance=variance, forbidden=10))
    perturbation = InseePerturbation(rows)
    for count in range(len(rows) + 4):
        noise = perturbation.perturb(np.full(EVERY_KEY.shape, count), EVERY_KEY).counts - count

        assert abs(noise.mean()) < 0.0003  # asked for: 0.001
        assert noise.var() == pytest.approx(rows[min(count, len(rows) - 1)].variance, rel=0.01)
        assert np.abs(noise).max() <= 15


@pytest.mark.parametrize("variance", [0.5, 3, 10])
def test_first_and_last_cell_key_stay_in_the_row_of_their_count(variance):
    """The lowest keys bring counts down and the highest up, in each row, one by one and all at once."""
    rows = perturbation_table(Noise(deviation=15, variance=variance, forbidden=10))
    perturbation = InseePerturbation(rows)
    n = np.arange(2, 2 * len(rows), 2)
    lowest, highest = -(n // 2) % RECORD_KEY_MODULUS, (-(n // 2) - 1) % RECORD_KEY_MODULUS

    assert (perturbation.perturb(n, lowest).counts < n).all()
    assert (perturbation.perturb(n, highest).counts > n).all()
    for k in (lowest, highest):
        one_by_one = [perturbation.perturb_one(*cell) for cell in zip(n.tolist(), k.tolist(), strict=True)]
        assert one_by_one == perturbation.perturb(n, k).counts.tolist()


def test_no_count_from_one_to_ten_is_shown():
    perturbation = InseePerturbation(ROWS)
    shown = {
        int(value)
        for n in range(40)
        for value in np.unique(perturbation.perturb(np.full(500, n), EVERY_KEY[: 500 * 131 : 131]).counts)
    }

    assert shown.isdisjoint(range(NOT_SHOWN, 0))
    assert shown.isdisjoint(range(1, 11))
    assert {0, 11} <= shown


def test_small_result_of_a_table_that_allows_it_is_withheld():
    rows = perturbation_table(Noise(deviation=5, variance=3))
    n, k = np.full(EVERY_KEY.shape, 9), EVERY_KEY
    perturbed, plain = InseePerturbation(rows).perturb(n, k), InseePerturbation(rows, threshold=1).perturb(n, k)

    small = plain.counts < 11
    assert small.any() and not small.all()  # noqa: PT018 - one fact
    assert np.array_equal(perturbed.marks == Mark.WITHHELD, small)
    assert np.array_equal(perturbed.counts, np.where(small, NOT_SHOWN, plain.counts))


def test_zero_stays_zero_and_looks_like_a_small_count_made_zero():
    perturbed = InseePerturbation(ROWS).perturb([0, 1, 500], [0, 0, 0])

    assert perturbed.counts[:2].tolist() == [0, 0]
    assert perturbed.marks.tolist() == [Mark.ZERO, Mark.ZERO, Mark.PERTURBED]


def test_ons_rows_above_750_are_those_of_501_to_750_in_turn():
    rows = np.arange(1, 751)
    perturbation = OnsPerturbation(rows, np.zeros(750, int), rows, threshold=0)
    n = np.array([1, 500, 750, 751, 1000, 1001, 47_000_000])

    assert (perturbation.perturb(n, np.zeros(7, int)).counts - n).tolist() == [1, 500, 750, 501, 750, 501, 750]


def test_what_an_ons_table_does_not_name_is_no_deviation():
    perturbation = OnsPerturbation([5, 5], [0, 3], [7, -1], threshold=0)

    assert [perturbation.perturb_one(5, k) for k in range(5)] == [12, 5, 5, 4, 12]


@pytest.mark.parametrize(
    ("rows", "keys"), [([], []), ([-1], [0]), ([751], [0]), ([1], [-1]), ([1], [2]), ([1, 1], [1, 1])]
)
def test_ons_table_of_another_form_is_refused(rows, keys):
    with pytest.raises(ConfigurationError):
        OnsPerturbation(rows, keys, [0] * len(rows))


@pytest.mark.parametrize("perturbation", [InseePerturbation(ROWS), OnsPerturbation([1], [0], [0])])
def test_negative_count_is_refused(perturbation):
    with pytest.raises(ValueError, match="never negative"):
        perturbation.perturb([3, -1], [0, 0])
    with pytest.raises(ValueError, match="never negative"):
        perturbation.perturb_one(-1, 0)
