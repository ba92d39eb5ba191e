"""The attack of the two faces: an operator shows each reader a log of their own. Witnesses do not let it."""

import pytest

from receipt_service.tlog.policy import parse_policy
from receipt_service.tlog.trust import check_checkpoint
from receipt_service.transparency.witness_requests import NotCosigned, WitnessFault, WitnessLine, witnesses_of
from receipt_service.verify.note_checks import NOTE_CHECKS
from receipt_service.witness.server import build_server
from tests.support.servers import serving
from tests.support.witnesses import LOG, LOG_PQ, FileLog, a_witness, leaves, request

NOW = 2_000_000_000


@pytest.fixture
def witness(tmp_path):
    return a_witness(tmp_path / "w")


@pytest.fixture
def policy(witness):
    """What both readers have: the log's keys, the witness's, and that it must have cosigned."""
    ed25519, ml_dsa = witness.vkeys
    with serving(build_server(witness)) as url:
        yield parse_policy(
            f"log {LOG.vkey}\nlog {LOG_PQ.vkey}\nwitness ed {ed25519} {url}\nwitness pq {ml_dsa} {url}\n"
            "group both all ed pq\nquorum both\n".encode()
        )


def cosigned(log, made, policy):
    """What the operator can get for a published checkpoint: the note with cosignatures."""
    (asked,) = witnesses_of(policy)
    line = WitnessLine(asked, NOTE_CHECKS, lambda: NOW, 10.0, None)
    checkpoint = check_checkpoint(made.note, policy, NOTE_CHECKS).checkpoint
    try:
        lines = [one.signature.line for one in line.ask(checkpoint, made.note, log.folder.read_tile)]
    finally:
        line.close()
    return made.note + "".join(lines).encode()


@pytest.mark.parametrize("size", [9, 12], ids=["two trees of one size", "a larger tree"])
def test_split_view_two_readers_get_different_checkpoints_and_the_witness_refuses_the_second(
    tmp_path, witness, policy, size
):
    """Both histories are honest up to entry 5; in the second one entry 5 was left out and others put in its place."""
    first, second = FileLog(tmp_path / "for Alice"), FileLog(tmp_path / "for Bob")
    made = first.publish(9)
    second.publish(5)
    shown = second.publish(size, "without that entry")

    for_alice = cosigned(first, made, policy)
    assert check_checkpoint(for_alice, policy, NOTE_CHECKS).quorum_reached

    with pytest.raises(NotCosigned) as refused:
        cosigned(second, shown, policy)
    assert refused.value.fault is (WitnessFault.OTHER_ROOT if size == 9 else WitnessFault.INCONSISTENT)

    # Bob's reader has the log's own signature and nothing more: it does not pass.
    assert not check_checkpoint(shown.note, policy, NOTE_CHECKS).quorum_reached
    # And the witness holds both, signed by the log: the operator can't deny having said the second.
    (kept,) = (tmp_path / "w" / "evidence").iterdir()
    assert kept.name.startswith("fork-" if size == 9 else "unproven-")
    assert shown.note in kept.read_bytes()
    # The history that Alice was shown goes on.
    assert witness.add_checkpoint(request(leaves(12), 9))
