"""Kill -9 while the log is kept: whoever comes next goes on with the same tree, and an audit finds all of it whole."""

import signal
from datetime import UTC, datetime

import pytest

from receipt_service.audit.period import AuditPeriod, audit_period
from receipt_service.bootstrap.audit import build_auditing
from receipt_service.tlog.hash_reader import HashReader
from receipt_service.tlog.merkle import verify_consistency
from receipt_service.tlog.policy import format_policy
from receipt_service.transparency.log_folder import CHECKPOINT
from receipt_service.transparency.sequencing import sequence
from tests.support.audited_log import make_stub, trust_root
from tests.support.checks import territory
from tests.support.dying import nursery
from tests.support.issuances import store
from tests.support.log_crash import POINTS


@pytest.fixture(scope="module")
def run_and_die():
    """The process that the others are forked from."""
    with nursery("tests.support.log_crash") as ask:
        yield ask


def checkpoint_of(log):
    return log.checkpoint().checkpoint if log.folder.read(CHECKPOINT) is not None else None


def register(engine, count):
    """Register so many signed checks; return their leaves."""
    made = [make_stub(datetime.now(UTC)) for _ in range(count)]
    store(engine, *(each.issuance for each in made))
    return [each.leaf for each in made]


def audited(log, policy_file):
    """What an auditor finds in all of it."""
    policy_file.write_bytes(format_policy(log.policy))
    sources = build_auditing(
        log.engine, log.folder, trust_root=trust_root(), policy_file=policy_file, territory=territory()
    ).sources
    return audit_period(sources, AuditPeriod(), datetime.now(UTC))


@pytest.mark.parametrize("point", POINTS)
def test_a_kill_leaves_a_tree_that_continues(kept_log, database_url, run_and_die, point, tmp_path):
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

    result = audited(kept_log, tmp_path / "auditor.policy")
    assert (result.findings.counts, result.entries, result.stubs) == ({}, len(leaves), len(leaves))
