"""The log as it runs, its database and its publisher, with witnesses over HTTP: from a check to a witnessed proof."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from receipt_service.bootstrap.log_head import LogHeadReader
from receipt_service.domain.groups import Moment
from receipt_service.storage import log_anchors
from receipt_service.storage.engine import reading
from receipt_service.storage.stubs import pack_leaf
from receipt_service.tlog.merkle import leaf_hash
from receipt_service.tlog.policy import Policy, parse_policy
from receipt_service.tlog.trust import check_checkpoint
from receipt_service.transparency.anchors import AnchorKeeper
from receipt_service.transparency.log_folder import ANCHOR, WITNESSED
from receipt_service.transparency.proving import Proofs
from receipt_service.transparency.running import LogPace, LogRunner
from receipt_service.transparency.witnessing import WitnessPace, WitnessRounds
from receipt_service.verify.log_check import judge_proof
from receipt_service.verify.log_standing import Clock, LogState
from receipt_service.verify.not_before import log_head_of
from receipt_service.witness.server import build_server
from tests.support.issuances import an_issuance, store
from tests.support.logs import CHECKS, ORIGIN, KeptLog, register
from tests.support.receipts import sample_receipt, sample_verifier
from tests.support.servers import serving
from tests.support.witnesses import a_witness, until

NAMES = ("one", "two", "three")


@contextmanager
def witnessed(kept_log: KeptLog, folder: Path) -> Iterator[tuple[Policy, WitnessRounds]]:
    """Keep the log, with three witnesses of which two must cosign, until the block ends."""
    lines = [f"log {key.vkey}" for key in kept_log.signer.verifiers]
    with ExitStack() as at_end:
        for name in NAMES:
            witness = a_witness(folder / name, f"witness.example/{name}", ())
            witness._logs = {ORIGIN: kept_log.signer.verifiers}
            witness._last_seen.begin(ORIGIN)
            url = at_end.enter_context(serving(build_server(witness)))
            lines += [f"witness {name}-{kind} {vkey} {url}" for kind, vkey in enumerate(witness.vkeys)]
            lines.append(f"group {name} all {name}-0 {name}-1")
        policy = parse_policy("\n".join([*lines, "group enough 2 one two three", "quorum enough"]).encode())
        keeper = AnchorKeeper(kept_log.engine, kept_log.folder)
        rounds = WitnessRounds(kept_log.folder, policy, keeper.keep, WitnessPace(again_after=timedelta(seconds=0.1)))
        runner = LogRunner(
            kept_log.engine,
            kept_log.publisher(),
            LogPace(pause=timedelta(seconds=0.02)),
            published=rounds.published,
        )
        for one in (rounds, runner):
            one.start()
            at_end.callback(one.stop)
        yield policy, rounds


def test_checks_are_logged_published_witnessed_and_anchored(kept_log, tmp_path):
    with witnessed(kept_log, tmp_path) as (policy, rounds):
        total = 0
        for count in (1, 7, 300):
            register(kept_log.engine, count)
            total += count
            until(lambda total=total: rounds.status().witnessed_size == total)

    checked = check_checkpoint(kept_log.folder.read(WITNESSED), policy, CHECKS)
    assert checked.quorum_reached
    assert checked.checkpoint.size == 308
    assert kept_log.checkpoint().checkpoint == checked.checkpoint
    with reading(kept_log.engine) as connection:
        anchor = log_anchors.newest(connection)
        assert anchor == log_anchors.first_over(connection, 0)
    assert check_checkpoint(anchor.note.encode(), policy, CHECKS).quorum_reached
    assert kept_log.folder.read(ANCHOR) == anchor.note.encode()


def test_a_check_names_the_anchor_before_it_and_its_proof_says_when_that_stood(kept_log, tmp_path):
    with witnessed(kept_log, tmp_path) as (policy, rounds):
        began = int(time.time())
        register(kept_log.engine, 3)
        until(lambda: kept_log.folder.read(ANCHOR) is not None)
        head = LogHeadReader(kept_log.folder)()
        time.sleep(1.1)  # witnesses count whole seconds
        recorded = datetime.now(UTC)
        receipt = sample_receipt(moment=Moment(log=head))
        store(kept_log.engine, an_issuance(leaf=pack_leaf(receipt.leaf)))
        until(lambda: rounds.status().witnessed_size == 4)

    verdict = sample_verifier().verify(receipt.compact, recorded)
    assert head == log_head_of(verdict.claims)
    proof = Proofs(kept_log.engine, kept_log.folder).of_leaf(leaf_hash(receipt.leaf.encode()))
    found = judge_proof(receipt.leaf, proof, policy, datetime.now(UTC), head)
    assert (found.state, found.index) == (LogState.LOGGED, 3)
    assert datetime.fromtimestamp(began, UTC) <= found.not_before.at < recorded
    assert found.not_before.by is Clock.WITNESS
    assert found.not_before.at < found.not_after.at
