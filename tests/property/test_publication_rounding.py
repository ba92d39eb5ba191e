"""What is published is whole, not negative and adds up, whatever the noise did."""

from functools import cache

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from receipt_service.bootstrap.law import load_law
from receipt_service.statistics.publication.noise import margin
from receipt_service.statistics.publication.rounding import SMALLEST_SHOWN, project, reconcile, to_integers
from receipt_service.statistics.publication.rows import CellStatus, cell_status, public_rows
from receipt_service.statistics.publication.tables import PUBLIC_TABLES, public_domain

PARTITIONS = ("basis", "hour_band", "selection")
WIDTHS = {"total": 1, "basis": 6, "outcome": 5, "hour_band": 4, "selection": 3}
SCALES = {table.code: table.scale for table in PUBLIC_TABLES}

cells = st.integers(-200, 200) | st.integers(-10, 30) | st.integers(0, 10**7)


@st.composite
def noisy_tables(draw):
    height = draw(st.integers(1, 4))
    return {code: draw(arrays(np.int64, (height, width), elements=cells)) for code, width in WIDTHS.items()}


@given(noisy_tables())
def test_each_area_is_consistent(noisy):
    settled = reconcile(noisy)
    total = settled["total"][:, 0]

    assert {code: found.shape for code, found in settled.items()} == {
        code: found.shape for code, found in noisy.items()
    }
    assert all(np.issubdtype(found.dtype, np.integer) for found in settled.values())
    assert all((found >= 0).all() for found in settled.values())
    for code in PARTITIONS:
        assert (settled[code].sum(axis=1) == total).all()
    assert (settled["outcome"] <= total[:, np.newaxis]).all()
    assert (settled["outcome"].sum(axis=1) >= total).all()


@given(noisy_tables())
def test_an_area_does_not_depend_on_the_others(noisy):
    alone = reconcile({code: found[:1] for code, found in noisy.items()})

    assert all((reconcile(noisy)[code][:1] == found).all() for code, found in alone.items())


@given(st.lists(st.integers(0, 10**6), min_size=6, max_size=6))
def test_what_is_consistent_already_stays(basis):
    total = sum(basis)
    exact = {
        "total": np.array([[total]]),
        "basis": np.array([basis]),
        "outcome": np.array([[total, 0, 0, 0, 0]]),
        "hour_band": np.array([[0, total, 0, 0]]),
        "selection": np.array([[total, 0, 0]]),
    }

    assert all((reconcile(exact)[code] == found).all() for code, found in exact.items())


points = st.lists(st.floats(-1e4, 1e4), min_size=1, max_size=8).map(np.array)


@given(points, st.integers(1, 10_000), st.lists(st.integers(1, 1000), min_size=8, max_size=8))
def test_the_projection_is_the_nearest_point(values, total, weights):
    found = project(values, total)
    other = np.array(weights[: len(values)]) / sum(weights[: len(values)]) * total

    assert (found >= 0).all()
    assert np.isclose(found.sum(), total)
    assert ((found - values) ** 2).sum() <= ((other - values) ** 2).sum() * (1 + 1e-9) + 1e-6


@given(points)
def test_nothing_is_shared_out_when_the_total_is_nought(values):
    assert (project(values, 0) == 0).all()


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=9), st.integers(1, 5000))
def test_rounding_keeps_the_sum_and_moves_no_value_by_one(weights, total):
    values = (np.array(weights, float) + 1) / (sum(weights) + len(weights)) * total
    whole = to_integers(values, total)

    assert whole.sum() == total
    assert (abs(whole - values) < 1).all()


@given(st.integers(0, 10**8), st.integers(1, 600))
def test_a_count_is_shown_from_the_threshold_on(count, margin_95):
    status = cell_status(count, margin_95)

    assert (status is CellStatus.BELOW_THRESHOLD) == (count < SMALLEST_SHOWN)
    assert (status is CellStatus.SHOWN) == (count >= SMALLEST_SHOWN and count > margin_95)


@cache
def the_domain():
    law = load_law()
    return public_domain(law.catalogues, law.territory)


@given(st.integers(0, 2**32 - 1), st.sampled_from([0, 1, 5, 20, 200, 100_000]))
def test_every_file_has_the_same_rows_and_shows_nothing_small(seed, size):
    domain, rng = the_domain(), np.random.default_rng(seed)
    shapes = {code: (len(domain.departments), len(found)) for code, found in domain.categories.items()}
    noisy = {
        code: rng.integers(0, size + 1, shape) + np.rint(rng.laplace(0, SCALES[code], shape)).astype(np.int64)
        for code, shape in shapes.items()
    }
    rows = public_rows(domain, noisy, "2026-Q3")

    assert [row[:7] for row in rows] == all_labels()
    assert [row for row in rows if row.checks is not None and row.checks < SMALLEST_SHOWN] == []
    assert {(row.table, row.margin_95) for row in rows if row.area != "FR"} == {
        (code, margin(scale)) for code, scale in SCALES.items()
    }


@cache
def all_labels():
    domain = the_domain()
    zeros = {
        code: np.zeros((len(domain.departments), len(found)), np.int64) for code, found in domain.categories.items()
    }
    labels = [row[:7] for row in public_rows(domain, zeros, "2026-Q3")]
    assert len(labels) == len(set(labels)) == domain.size + sum(map(len, domain.categories.values()))
    return labels
