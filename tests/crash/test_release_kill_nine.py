"""Kill -9 while a period is released: nothing of it is seen, and the next run makes it whole."""

import signal
from datetime import timedelta

import pytest
from sqlalchemy import text

from receipt_service.statistics.releasing.release import NotReleasable, release
from receipt_service.storage import releases
from receipt_service.storage.engine import reading
from tests.support.dying import nursery
from tests.support.population import METHOD, population, store
from tests.support.release_crash import PERIOD, POINTS
from tests.support.worlds import NOW

NOT_CLAIMED = {"before anything", "claimed, not committed"}
STANDS = {"shown"}
LATER = NOW + timedelta(minutes=3)


@pytest.fixture(scope="module")
def run_and_die():
    """The process that the releasing ones are forked from."""
    with nursery("tests.support.release_crash") as ask:
        yield ask


def make(engine, now):
    return release(engine, PERIOD, method=METHOD, now=now, clock=lambda: now)


def cells_of(engine):
    with reading(engine) as connection:
        return sorted(map(tuple, connection.execute(text("SELECT * FROM released_cell"))))


def shown(engine):
    """What a reader gets: cells of periods that stand."""
    with reading(engine) as connection:
        return cells_of(engine) if PERIOD in releases.released(connection) else []


@pytest.mark.parametrize("point", POINTS)
def test_a_kill_leaves_nothing_to_be_seen_and_the_next_run_makes_it_whole(engine, database_url, run_and_die, point):
    store(engine, population(1, 1200))
    assert run_and_die(database_url, point) == -signal.SIGKILL

    left = cells_of(engine)
    assert bool(left) is ("cells written" in point or point.startswith("shown"))
    if point in STANDS:
        with pytest.raises(NotReleasable, match="is released"):
            make(engine, LATER)
        assert shown(engine) == left
        return
    assert shown(engine) == []
    if point not in NOT_CLAIMED:
        with pytest.raises(NotReleasable, match="being released"):
            make(engine, NOW)
    made = make(engine, LATER)
    whole = shown(engine)
    assert len(whole) == made.cells > 150
    assert {*left} <= {*whole}
