"""What a witness may answer a log, and what the log makes of it: lies, refusals, and another history."""

import time

import pytest

from receipt_service.tlog.add_checkpoint import SIZE_TYPE, parse_request
from receipt_service.tlog.note import SignatureType
from receipt_service.tlog.trust import check_checkpoint
from receipt_service.transparency.log_folder import WITNESSED
from receipt_service.transparency.witness_requests import FUTURE_SECONDS, WitnessFault
from receipt_service.verify.note_checks import NOTE_CHECKS
from tests.support.log_keys import LogKey
from tests.support.witness_stage import NAMES, answering, events, faults
from tests.support.witnesses import checkpoint_of, leaves, request, until


def lies(stage, name):
    """Ways for a witness to answer 200 with what is no cosignature of the checkpoint asked about."""
    witness, other = stage.witnesses[name], leaves(5, "other")
    keys = witness._cosigner

    def lines(checkpoint, stamp, cosigner=keys):
        return "".join([one.line for one in cosigner.cosign(checkpoint, stamp)]).encode()

    true, now = checkpoint_of(leaves(5)), int(time.time())
    stranger = LogKey("witness.example/stranger", SignatureType.COSIGNATURE_ED25519)
    good = lines(true, now)
    return {
        "another tree": (lines(checkpoint_of(other), now), WitnessFault.BAD_COSIGNATURE),
        "one good and one bad": (
            good.splitlines(keepends=True)[0] + lines(checkpoint_of(other), now).splitlines(keepends=True)[1],
            WitnessFault.BAD_COSIGNATURE,
        ),
        "no time": (lines(true, 0), WitnessFault.BAD_COSIGNATURE),
        "the future": (lines(true, now + FUTURE_SECONDS + 100), WitnessFault.BAD_COSIGNATURE),
        "an unknown key": (stranger.sign(true, now).line.encode(), WitnessFault.NO_COSIGNATURE),
        "another witness's": (lines(true, now, stage.witnesses["one"]._cosigner), WitnessFault.NO_COSIGNATURE),
        "nothing": (b"", WitnessFault.MALFORMED),
        "no signature": (b"thank you\n", WitnessFault.MALFORMED),
        "bytes": (b"\xff" * 10, WitnessFault.MALFORMED),
        "too much": (b"x" * (1 << 20), WitnessFault.MALFORMED),
    }


LIES = ["another tree", "one good and one bad", "no time", "the future", "an unknown key", "another witness's"]
NOISE = ["nothing", "no signature", "bytes", "too much"]


@pytest.mark.parametrize("lie", [*LIES, *NOISE])
def test_a_witness_that_lies_is_not_believed_and_does_not_spoil_the_checkpoint(stage, lie):
    stage.serve("one", "two")
    body, fault = lies(stage, "three")[lie]
    stage.urls["three"] = answering(stage.at_end, lambda _: (200, "text/plain", body))
    rounds = stage.rounds()
    rounds.published(stage.log.publish(5))

    until(lambda: stage.witnessed_size() == 5 and faults(rounds)["three"] is not None)
    assert faults(rounds) == {"one": None, "two": None, "three": fault}
    assert stage.cosigners() == ["one-ed", "one-pq", "two-ed", "two-pq"]
    # A reader whose clock is right refuses nothing of it.
    check_checkpoint(stage.log.folder.read(WITNESSED), stage.the_policy, NOTE_CHECKS, int(time.time()) + 1)


def test_one_that_is_down_and_one_that_lies_are_too_few(stage):
    stage.serve("one")
    body, fault = lies(stage, "three")["another tree"]
    stage.urls["three"] = answering(stage.at_end, lambda _: (200, "text/plain", body))
    rounds = stage.rounds()
    rounds.published(stage.log.publish(5))

    until(lambda: rounds.status().too_few)
    assert faults(rounds) == {"one": None, "two": WitnessFault.UNREACHABLE, "three": fault}
    assert stage.log.folder.read(WITNESSED) is None


@pytest.mark.parametrize(
    ("status", "kind", "body", "fault"),
    [
        (400, "text/plain", b"", WitnessFault.REFUSED),
        (403, "text/plain", b"", WitnessFault.REFUSED),
        (404, "text/plain", b"", WitnessFault.REFUSED),
        (500, "text/plain", b"", WitnessFault.OUT_OF_ORDER),
        (503, "text/plain", b"", WitnessFault.OUT_OF_ORDER),
        (302, "text/plain", b"", WitnessFault.OUT_OF_ORDER),
        (422, "text/plain", b"", WitnessFault.INCONSISTENT),
        (409, SIZE_TYPE, b"9\n", WitnessFault.AHEAD),
        (409, SIZE_TYPE, b"5\n", WitnessFault.OVERTAKEN),
        (409, SIZE_TYPE, b"0\n", WitnessFault.MALFORMED),
        (409, SIZE_TYPE, b"09\n", WitnessFault.MALFORMED),
        (409, "text/plain", b"5\n", WitnessFault.OVERTAKEN),
    ],
)
def test_every_refusal_has_a_name(stage, status, kind, body, fault):
    asked = []

    def answer(sent):
        asked.append(parse_request(sent).old_size)
        return status, kind, body

    stage.serve("one", "two")
    stage.urls["three"] = answering(stage.at_end, answer)
    rounds = stage.rounds()
    rounds.published(stage.log.publish(5))
    until(lambda: faults(rounds)["three"] is not None)

    expected = WitnessFault.OTHER_ROOT if (kind, body) == (SIZE_TYPE, b"5\n") else fault
    assert faults(rounds)["three"] is expected
    assert asked == ([0, 5] if (kind, body) == (SIZE_TYPE, b"5\n") else [0])
    until(lambda: stage.witnessed_size() == 5)


@pytest.mark.parametrize(
    ("history", "fault"),
    [(leaves(5, "b", leaves(2)), WitnessFault.OTHER_ROOT), (leaves(4, "b", leaves(2)), WitnessFault.INCONSISTENT)],
)
def test_a_witness_that_saw_another_history_says_so_and_it_is_told_as_grave(stage, capfd, history, fault):
    stage.witnesses["three"].add_checkpoint(request(history, 0))
    stage.serve(*NAMES)
    rounds = stage.rounds()
    rounds.published(stage.log.publish(5))

    until(lambda: stage.witnessed_size() == 5 and faults(rounds)["three"] is not None)
    assert faults(rounds) == {"one": None, "two": None, "three": fault}
    told = [event for event in events(capfd) if event["event"] == "log.witness_contradicts"]
    assert [(event["level"], event["witness"], event["reason"]) for event in told] == [("error", "three-ed", fault)]
