"""Every answer that C2SP tlog-witness gives to add-checkpoint, and requests in one form only."""

from base64 import b64encode

import pytest

from receipt_service.tlog.add_checkpoint import (
    AddCheckpoint,
    MalformedRequest,
    format_request,
    format_size,
    parse_request,
    parse_size,
)
from receipt_service.tlog.checkpoint import Checkpoint
from receipt_service.tlog.merkle import EMPTY_ROOT
from receipt_service.tlog.note import SignatureType
from receipt_service.verify.note_checks import NOTE_CHECKS
from receipt_service.witness.protocol import Refused, read_submission, require_growth
from tests.support.log_keys import LogKey
from tests.support.witnesses import LOG, LOG_PQ, ORIGIN, STRANGER, checkpoint_of, leaves, request, signed

LOGS = {ORIGIN: [LOG.key, LOG_PQ.key]}
NOTHING = Checkpoint(ORIGIN, 0, EMPTY_ROOT)
NODE = b64encode(bytes(32))
SEVEN, FORK = leaves(7), leaves(7, "b", leaves(3))


def read(body, logs=None):
    return read_submission(body, LOGS if logs is None else logs, NOTE_CHECKS)


def decide(body, last):
    require_growth(read(body), last)


def status_of(call, *arguments):
    with pytest.raises(Refused) as refused:
        call(*arguments)
    return refused.value.status, refused.value.last_size


def test_a_request_is_written_as_it_is_read():
    asked = AddCheckpoint(3, (bytes(32), b"\xff" * 32), b"note\n")

    assert format_request(asked) == b"old 3\n" + NODE + b"\n" + b64encode(b"\xff" * 32) + b"\n\nnote\n"
    assert parse_request(format_request(asked)) == asked


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"old",
        b"old ",
        b"old  3",
        b"old 03",
        b"old -1",
        b"old +3",
        b"old 3 ",
        b" old 3",
        b"Old 3",
        b"old 3\r",
        b"old \xd9\xa3",
        b"old 9223372036854775808",
        b"size 3",
        b"old 3\n" + NODE[:-1],
        b"old 3\n" + NODE + b" ",
        b"old 3\n" + b64encode(bytes(31)),
        b"old 3\n" + NODE[:-2] + b"B=",
        b"old 3\nold 4",
        b"old 3" + (b"\n" + NODE) * 64,
    ],
)
def test_a_request_in_another_form_is_refused(head):
    with pytest.raises(MalformedRequest):
        parse_request(head + b"\n\n" + signed(SEVEN))
    assert status_of(read, head + b"\n\n" + signed(SEVEN)) == (400, None)


def test_sixty_three_lines_of_proof_are_read():
    assert len(parse_request(b"old 3" + (b"\n" + NODE) * 63 + b"\n\n").proof) == 63


@pytest.mark.parametrize("note", [b"", b"\n", signed(SEVEN)[:-1], signed(SEVEN).replace(b"\n7\n", b"\n07\n")])
def test_a_checkpoint_in_another_form_is_refused(note):
    assert status_of(read, b"old 0\n\n" + note) == (400, None)


@pytest.mark.parametrize("body", [b"7", b"7\n\n", b"07\n", b"\n", b"-7\n", b"7 \n", b"\xff\n", b""])
def test_a_size_has_one_form(body):
    assert parse_size(format_size(7)) == 7
    with pytest.raises(MalformedRequest):
        parse_size(body)


def test_an_unknown_origin_is_404_whoever_signed():
    other = "log.example/other"
    keys = (LogKey(other, SignatureType.ED25519),)

    assert status_of(read, request(SEVEN, 0, note=signed(SEVEN, keys, other))) == (404, None)
    assert status_of(read, request(SEVEN, 0), {}) == (404, None)


def test_no_signature_of_a_trusted_key_is_403():
    assert status_of(read, request(SEVEN, 0, note=signed(SEVEN, (STRANGER,)))) == (403, None)


@pytest.mark.parametrize("key", [LOG, LOG_PQ], ids=["ed25519", "ml-dsa"])
def test_a_trusted_key_over_another_tree_is_403(key):
    lines = signed(FORK, (key,)).partition(b"\n\n")[2]
    note = signed(SEVEN, (LOG_PQ if key is LOG else LOG,)) + lines

    assert status_of(read, request(SEVEN, 0, note=note)) == (403, None)


def test_one_trusted_signature_is_enough_and_unknown_ones_are_left_out():
    submission = read(request(SEVEN, 0, note=signed(SEVEN, (STRANGER, LOG_PQ))))

    assert [(one.key_name, one.key_id) for one in submission.note.signatures] == [(ORIGIN, LOG_PQ.key.key_id)]


def test_a_key_that_signed_many_times_is_kept_once():
    """Else a log could fill the note so that no cosignature has room."""
    note = signed(SEVEN, (LOG_PQ,) * 64)

    assert len(read(request(SEVEN, 0, note=note)).note.signatures) == 1


def test_an_old_size_beyond_the_new_one_is_400():
    assert status_of(read, request(SEVEN, 8)) == (400, None)


@pytest.mark.parametrize("old_size", [0, 2, 4, 7])
def test_another_old_size_than_the_last_one_is_409_with_the_last_one(old_size):
    assert status_of(decide, request(SEVEN, old_size), checkpoint_of(SEVEN[:3])) == (409, 3)


def test_a_smaller_tree_is_409_however_it_is_asked():
    assert status_of(decide, request(SEVEN[:3], 3), checkpoint_of(SEVEN)) == (409, 7)


@pytest.mark.parametrize("old_size", [0, 5, 7])
def test_another_root_of_the_same_size_is_409_and_is_evidence(old_size):
    with pytest.raises(Refused) as refused:
        decide(request(FORK, old_size), checkpoint_of(SEVEN))

    assert (refused.value.status, refused.value.last_size, refused.value.evidence) == (409, 7, "fork")


@pytest.mark.parametrize("proof", [None, [], [bytes(32)], [bytes(32)] * 63])
def test_a_proof_that_does_not_hold_is_422_and_may_be_evidence(proof):
    with pytest.raises(Refused) as refused:
        decide(request(FORK, 5, proof), checkpoint_of(SEVEN[:5]))

    assert (refused.value.status, refused.value.last_size, refused.value.evidence) == (422, None, "unproven")


def test_the_proof_from_nothing_is_empty():
    assert status_of(decide, request(SEVEN, 0, [bytes(32)]), NOTHING) == (422, None)
    decide(request(SEVEN, 0, []), NOTHING)


def test_the_proof_of_the_same_tree_is_empty():
    assert status_of(decide, request(SEVEN, 7, [bytes(32)]), checkpoint_of(SEVEN)) == (422, None)
    decide(request(SEVEN, 7, []), checkpoint_of(SEVEN))


@pytest.mark.parametrize(("old_size", "size"), [(old, new) for new in range(1, 18) for old in range(1, new + 1)])
def test_growth_is_accepted_and_a_spare_node_is_not(old_size, size):
    tree = leaves(size)
    decide(request(tree, old_size), checkpoint_of(tree[:old_size]))
    asked = parse_request(request(tree, old_size))
    assert status_of(decide, request(tree, old_size, [*asked.proof, bytes(32)]), checkpoint_of(tree[:old_size])) == (
        422,
        None,
    )


def test_an_empty_tree_can_be_cosigned():
    assert read(request([], 0)).checkpoint == NOTHING
    assert decide(request([], 0), NOTHING) is None  # a refusal is raised
