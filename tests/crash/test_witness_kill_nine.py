"""Kill -9 while a witness answers: whatever it has given away, it has recorded, and a fork is refused afterwards."""

import signal
from hashlib import sha256

import pytest

from receipt_service.bootstrap.witness_folder import load_witness
from receipt_service.witness.protocol import Refused
from tests.support.dying import nursery
from tests.support.witness_crash import POINTS
from tests.support.witnesses import LOG, ORIGIN, a_witness, leaves, request, signed

NOT_RECORDED = {
    "before the record is read",
    "before anything is signed",
    "signed, not recorded",
    "half of the record written aside",
    "record written aside, not in place",
}
RECORDED = {"record in place, not durable", "recorded, not answered"}
ANSWERED = {"answered"}
HONEST = leaves(9)
FORK = leaves(9, "fork", leaves(5))


@pytest.fixture(scope="module")
def answer_and_die():
    with nursery("tests.support.witness_crash") as ask:
        yield ask


def send(witness, tree, old_size):
    return witness.add_checkpoint(request(tree, old_size, note=signed(tree, (LOG,))))


def test_every_point_is_one_of_three_kinds():
    assert set(POINTS) == NOT_RECORDED | RECORDED | ANSWERED
    assert len(POINTS) == len(NOT_RECORDED) + len(RECORDED) + len(ANSWERED)


@pytest.mark.parametrize("point", POINTS)
def test_no_kill_lets_two_histories_be_cosigned(point, tmp_path, answer_and_die):
    folder, given = tmp_path / "w", tmp_path / "answer"
    send(a_witness(folder, keys=(LOG,)), leaves(7), 0)

    assert answer_and_die(str(folder), point, 9, str(given)) == -signal.SIGKILL

    assert given.exists() == (point in ANSWERED)
    witness = load_witness(folder)
    (log,) = witness.followed()
    assert log.checkpoint.size == (7 if point in NOT_RECORDED else 9)
    for old_size in (0, 5, 7, 9):  # the fork leaves the history at 5, before all that was cosigned
        with pytest.raises(Refused) as refused:
            send(witness, FORK, old_size)
        assert refused.value.status in {409, 422}
    if point not in NOT_RECORDED:
        assert witness.latest(sha256(ORIGIN.encode()).hexdigest()) is not None
    assert send(witness, HONEST, log.checkpoint.size)  # and the honest log goes on
    assert send(witness, leaves(12), 9)


@pytest.mark.parametrize("point", POINTS)
def test_after_a_kill_one_of_two_continuations_is_cosigned_and_never_both(point, tmp_path, answer_and_die):
    """Both continue what was cosigned before: where nothing was recorded the witness is free, once."""
    folder, given = tmp_path / "w", tmp_path / "answer"
    send(a_witness(folder, keys=(LOG,)), leaves(7), 0)
    answer_and_die(str(folder), point, 9, str(given))
    other = leaves(9, "other", leaves(7))

    witness = load_witness(folder)
    cosigned = [HONEST] if given.exists() else []
    for tree in (other, HONEST):
        try:
            send(witness, tree, witness.followed()[0].checkpoint.size)
        except Refused:
            continue
        cosigned.append(tree)

    assert all(tree == cosigned[0] for tree in cosigned)
    assert cosigned[0] == (other if point in NOT_RECORDED else HONEST)
