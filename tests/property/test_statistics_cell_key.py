"""The ONS's package and ours agree on every cell; and what holds for every cell of either kind."""

import contextlib
import io

import numpy as np
import pandas as pd
from cell_key_perturbation.create_perturbed_table import create_perturbed_table
from cell_key_perturbation.utils.generate_test_ptable import generate_ptable_10_5_rule
from hypothesis import given, settings
from hypothesis import strategies as st

from receipt_service.statistics.lattice import RECORD_KEY_MODULUS
from receipt_service.statistics.method.cell_key import InseePerturbation, Mark, OnsPerturbation
from receipt_service.statistics.method.p_table import Noise, perturbation_table

TEN_FIVE = generate_ptable_10_5_rule()
INSEE = InseePerturbation(perturbation_table(Noise(deviation=15, variance=3, forbidden=10)))
COLUMNS = ["unit", "basis", "outcome"]


def ons_table(kind: str, modulus: int, seed: int) -> pd.DataFrame:
    """A p-table in the ONS's form: its own, noise that depends on the key, or one with holes and a row for 0."""
    if kind == "10-5" and modulus == 256:
        return TEN_FIVE
    random = np.random.default_rng(seed)
    places = np.arange(modulus if kind == "full" else 0, 751 * modulus)
    if kind == "holes":
        kept = random.random(places.size) < 0.7 * 256 / modulus  # so that a wide table takes pandas no longer
        kept[-1] = True  # the last key says how many keys there are
        places = places[kept]
    deviations = random.integers(-6, 7, places.size)
    return pd.DataFrame({"pcv": places // modulus, "ckey": places % modulus, "pvalue": deviations})


@settings(max_examples=40)
@given(
    records=st.integers(1, 60_000) | st.integers(1, 300),
    table_of=st.sampled_from([("10-5", 256), ("full", 256), ("holes", 256), ("holes", 4096)]),
    dimensions=st.integers(1, 3),
    threshold=st.sampled_from([0, 3, 5, 10, 11]),
    seed=st.integers(0, 2**32 - 1),
)
def test_rollups_give_what_the_onss_package_gives_from_records(records, table_of, dimensions, threshold, seed):
    kind, modulus = table_of
    random = np.random.default_rng(seed)
    wide = {"unit": 40, "basis": 12, "outcome": 6}
    columns = COLUMNS[:dimensions]
    data = pd.DataFrame({name: (random.zipf(1.4, records) - 1) % wide[name] for name in columns})
    data["record_key"] = random.integers(0, modulus, records)
    table = ons_table(kind, modulus, seed)

    with contextlib.redirect_stdout(io.StringIO()):
        theirs = create_perturbed_table(data, table, columns[:1], columns[1:], "record_key", threshold=threshold)

    rollup = (
        data.groupby(columns)["record_key"]
        .agg(["size", "sum"])
        .reindex(pd.MultiIndex.from_frame(theirs[columns]) if dimensions > 1 else theirs[columns[0]], fill_value=0)
    )
    ours = OnsPerturbation(table["pcv"], table["ckey"], table["pvalue"], threshold=threshold).perturb(
        rollup["size"], rollup["sum"] % RECORD_KEY_MODULUS
    )
    shown = theirs["count"].notna().to_numpy()
    assert np.array_equal(ours.marks != Mark.WITHHELD, shown)
    assert np.array_equal(ours.counts[shown], theirs["count"].to_numpy()[shown].astype(int))


def test_noise_from_4096_keys_agrees_on_two_thousand_cells():
    random = np.random.default_rng(3)
    data = pd.DataFrame({name: random.integers(0, 13, 60_000) for name in COLUMNS})
    data["record_key"] = random.integers(0, 4096, 60_000)
    table = ons_table("full", 4096, 3).query("pcv <= 100")
    with contextlib.redirect_stdout(io.StringIO()):
        theirs = create_perturbed_table(data, table, ["unit"], ["basis", "outcome"], "record_key", threshold=0)
    rollup = data.groupby(COLUMNS)["record_key"].agg(["size", "sum"])
    ours = OnsPerturbation(table["pcv"], table["ckey"], table["pvalue"], threshold=0).perturb(
        rollup["size"], rollup["sum"] % RECORD_KEY_MODULUS
    )

    assert len(theirs) == len(rollup) == 13**3
    assert theirs["pvalue"].nunique() == 13
    assert np.array_equal(ours.counts, theirs["count"].to_numpy().astype(int))


cells = st.tuples(st.integers(0, 10**9), st.integers(0, 10**12))


@given(st.lists(cells, max_size=50))
def test_one_by_one_is_as_all_at_once(drawn):
    n, k = ([cell[part] for cell in drawn] for part in (0, 1))
    perturbed = INSEE.perturb(n, k)

    assert [INSEE.perturb_one(*cell) for cell in drawn] == perturbed.counts.tolist()
    assert all((count == 0) == (mark == Mark.ZERO) for count, mark in zip(*perturbed, strict=True))


@given(cells)
def test_published_count_is_near_and_never_small(cell):
    shown = INSEE.perturb_one(*cell)

    assert shown is not None
    assert abs(shown - cell[0]) <= 15
    assert shown == 0 or shown >= 11


@given(cells, st.integers(-5, 5))
def test_sum_of_record_keys_may_be_reduced_at_any_time(cell, turns):
    n, k = cell

    assert INSEE.perturb_one(n, k) == INSEE.perturb_one(n, k + turns * RECORD_KEY_MODULUS)


@given(st.lists(st.integers(0, RECORD_KEY_MODULUS - 1), min_size=20, max_size=60), st.randoms())
def test_same_checks_show_the_same_number_in_whatever_order_they_came(keys, random):
    shuffled = random.sample(keys, len(keys))

    assert INSEE.perturb_one(len(keys), sum(keys)) == INSEE.perturb_one(len(shuffled), sum(shuffled))
