"""The log as it runs, its database and its publisher, with witnesses over HTTP: from a check to a witnessed proof."""

from contextlib import ExitStack
from datetime import timedelta

from receipt_service.storage import log_anchors
from receipt_service.storage.engine import reading
from receipt_service.tlog.policy import parse_policy
from receipt_service.tlog.trust import check_checkpoint
from receipt_service.transparency.anchors import AnchorKeeper
from receipt_service.transparency.log_folder import WITNESSED
from receipt_service.transparency.running import LogPace, LogRunner
from receipt_service.transparency.witnessing import WitnessPace, WitnessRounds
from receipt_service.witness.server import build_server
from tests.support.logs import CHECKS, ORIGIN, register
from tests.support.servers import serving
from tests.support.witnesses import a_witness, until

NAMES = ("one", "two", "three")


def test_checks_are_logged_published_witnessed_and_anchored(kept_log, tmp_path):
    lines = [f"log {key.vkey}" for key in kept_log.signer.verifiers]
    with ExitStack() as at_end:
        for name in NAMES:
            witness = a_witness(tmp_path / name, f"witness.example/{name}", ())
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
