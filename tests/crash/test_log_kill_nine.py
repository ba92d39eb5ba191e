"""Kill -9 while the log is kept: whoever comes next goes on with the same tree."""

import signal

import pytest

from receipt_service.tlog.hash_reader import HashReader
from receipt_service.tlog.merkle import verify_consistency
from receipt_service.transparency.log_folder import CHECKPOINT
from receipt_service.transparency.sequencing import sequence
from tests.support.dying import nursery
from tests.support.log_crash import POINTS
from tests.support.logs import register


@pytest.fixture(scope="module")
def run_and_die():
    """The process that the others are forked from."""
    with nursery("tests.support.log_crash") as ask:
        yield ask


def checkpoint_of(log):
    return log.checkpoint().checkpoint if log.folder.read(CHECKPOINT) is not None else None


@pytest.mark.parametrize("point", POINTS)
def test_a_kill_leaves_a_tree_that_continues(kept_log, database_url, run_and_die, point):
    leaves = register(kept_log.engine, 250)
    sequence(kept_log.engine, 10_000)
    kept_log.publish()
    seen = [checkpoint_of(kept_log)]

    for count in (3, 300):  # within a tile, and over its edge
        leaves += register(kept_log.engine, count)
        assert run_and_die(database_url, str(kept_log.keys.parent), point) == -signal.SIGKILL
        seen.append(checkpoint_of(kept_log))
        assert seen[-1].size <= len(leaves)
        kept_log.entries()  # whatever checkpoint stands, all below it is whole

    leaves += register(kept_log.engine, 2)
    sequence(kept_log.engine, 10_000)
    assert kept_log.publish().size == len(leaves)
    assert sorted(kept_log.entries()) == sorted(leaves)
    assert kept_log.places() == list(range(len(leaves)))
    last = checkpoint_of(kept_log)
    hashes = HashReader(last.size, kept_log.folder.read_tile)
    for earlier in seen:
        verify_consistency(earlier.size, earlier.root, last.size, last.root, hashes.consistency_proof(earlier.size))
