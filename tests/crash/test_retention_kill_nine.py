"""Kill -9 while the book lets go of stubs: each batch is gone and recorded or neither, and the next run goes on."""

import signal

import pytest
from sqlalchemy import text

from receipt_service.storage.engine import reading
from tests.support.dying import nursery
from tests.support.retained import fill, log_records, named_and_dropped
from tests.support.retention_crash import AT_ONCE, POINTS, TERMS, keeper

ONE_BATCH_STANDS = {"in the second batch", "after the first batch"}


@pytest.fixture(scope="module")
def run_and_die():
    with nursery("tests.support.retention_crash") as ask:
        yield ask


@pytest.mark.parametrize("what", TERMS)
@pytest.mark.parametrize("point", POINTS)
def test_a_killed_run_leaves_whole_batches_and_the_next_one_goes_on(engine, database_url, run_and_die, point, what):
    fill(engine, 10)
    assert run_and_die(database_url, point, what) == -signal.SIGKILL

    stands = AT_ONCE if point in ONE_BATCH_STANDS else 0
    named, dropped = named_and_dropped(engine, TERMS[what])
    assert named == dropped
    assert len(named) == stands
    assert len(log_records(engine)) == bool(stands)

    assert sum(keeper(engine).run(TERMS[what], AT_ONCE)) == 10 - stands
    named, dropped = named_and_dropped(engine, TERMS[what])
    assert named == dropped
    assert len(named) == 10
    with reading(engine) as connection:
        assert connection.execute(text("SELECT count(*) FROM stub")).scalar_one() == 10
