"""A log and its witnesses over real HTTP: enough of them, too few, a liar, one that saw another history, a slow one."""

import socket
import threading
import time
from contextlib import suppress
from datetime import timedelta

import pytest

from receipt_service.errors import ConfigurationError
from receipt_service.tlog.add_checkpoint import parse_request
from receipt_service.tlog.note import parse_note
from receipt_service.tlog.policy import parse_policy
from receipt_service.tlog.trust import check_checkpoint
from receipt_service.transparency.log_folder import CHECKPOINT, WITNESSED
from receipt_service.transparency.witness_requests import WitnessFault
from receipt_service.transparency.witnessing import WitnessPace, WitnessRounds
from receipt_service.verify.note_checks import NOTE_CHECKS
from tests.support.witness_stage import NAMES, answering, events, faults
from tests.support.witnesses import LOG, LOG_PQ, checkpoint_of, leaves, request, signed, until


def test_what_is_published_is_cosigned_by_all(stage):
    stage.serve(*NAMES)
    rounds = stage.rounds()
    for size in (1, 2, 300, 301):
        rounds.published(stage.log.publish(size))
        until(lambda size=size: stage.witnessed_size() == size)
    everyone = [f"{name}-{kind}" for name in sorted(NAMES) for kind in ("ed", "pq")]
    until(lambda: stage.cosigners() == everyone and stage.cosigners(CHECKPOINT) == everyone)

    assert stage.read().quorum_reached
    assert stage.read().log_keys == (LOG.key, LOG_PQ.key)
    assert stage.read(CHECKPOINT).checkpoint == checkpoint_of(stage.log.tree)
    status = rounds.status()
    assert (status.published_size, status.witnessed_size, status.too_few) == (301, 301, False)
    assert [one.cosigned_size for one in status.witnesses] == [301, 301, 301]
    until(lambda: [size for size, _ in stage.anchors] == [1, 2, 300, 301])
    assert check_checkpoint(stage.anchors[-1][1], stage.the_policy, NOTE_CHECKS).quorum_reached


def test_two_of_three_are_enough_when_one_is_down(stage, capfd):
    stage.serve("one", "two")
    rounds = stage.rounds()
    for size in (5, 9):
        rounds.published(stage.log.publish(size))
        until(lambda size=size: stage.witnessed_size() == size)

    until(lambda: faults(rounds) == {"one": None, "two": None, "three": WitnessFault.UNREACHABLE})
    assert stage.cosigners() == ["one-ed", "one-pq", "two-ed", "two-pq"]
    assert not rounds.status().too_few
    told = [event for event in events(capfd) if event["event"] == "log.witness_fault"]
    assert [(event["witness"], event["reason"]) for event in told] == [("three-ed", "unreachable")]


def test_too_few_witnesses_stop_nothing_are_told_and_mended(stage, capfd):
    stage.serve("one")
    rounds = stage.rounds()
    for size in (5, 9, 12):
        rounds.published(stage.log.publish(size))
        until(lambda size=size: rounds.status().published_size == size and rounds.status().too_few)

    assert stage.log.folder.read(WITNESSED) is None
    assert stage.read(CHECKPOINT).checkpoint.size == 12
    assert stage.anchors == []
    told = [event for event in events(capfd) if event["event"] == "log.too_few_witnesses"]
    assert [event["count"] for event in told] == [2]  # once a minute, whatever the number of rounds

    two = stage.witnesses["two"]
    answering(stage.at_end, lambda sent: (200, "text/plain", two.add_checkpoint(sent)), stage.urls["two"])
    until(lambda: stage.witnessed_size() == 12)  # the same checkpoint, asked again
    until(lambda: not rounds.status().too_few)
    until(lambda: [size for size, _ in stage.anchors] == [12])


def test_a_log_that_was_put_back_is_told_that_its_witnesses_are_ahead(stage):
    for witness in stage.witnesses.values():
        witness.add_checkpoint(request(leaves(9), 0))
    stage.serve(*NAMES)
    rounds = stage.rounds()
    rounds.published(stage.log.publish(5))

    until(lambda: rounds.status().too_few)
    assert set(faults(rounds).values()) == {WitnessFault.AHEAD}
    assert stage.log.folder.read(WITNESSED) is None


def test_a_witness_that_knows_another_size_is_asked_once_more_with_the_right_proof(stage):
    stage.witnesses["one"].add_checkpoint(request(leaves(3), 0))
    stage.witnesses["two"].add_checkpoint(request(leaves(290), 0))
    stage.serve(*NAMES)
    rounds = stage.rounds("3 one two three")
    rounds.published(stage.log.publish(700))

    until(lambda: stage.witnessed_size() == 700)
    assert set(faults(rounds).values()) == {None}


def test_the_newest_is_asked_about_and_what_is_in_between_is_left_out(stage):
    gate, sizes = threading.Event(), []

    def answer(sent):
        sizes.append(int(parse_note(parse_request(sent).note).text.split("\n")[1]))
        gate.wait(10)
        return 200, "text/plain", stage.witnesses["three"].add_checkpoint(sent)

    stage.serve("one", "two")
    stage.urls["three"] = answering(stage.at_end, answer)
    rounds = stage.rounds("3 one two three")
    for size in range(1, 21):
        rounds.published(stage.log.publish(size))
    until(lambda: rounds.status().published_size == 20)
    gate.set()

    until(lambda: stage.witnessed_size() == 20)
    assert sizes[-1] == 20
    assert len(sizes) <= 3


def test_a_slow_witness_delays_nothing_that_the_others_are_enough_for(stage):
    """One request is under way to it, whatever is published meanwhile; and it is hung up on in the end."""
    asked, over = [], threading.Event()

    def answer(sent):
        asked.append(sent)
        over.wait(20)
        return 200, "text/plain", b""

    stage.serve("one", "two")
    stage.urls["three"] = answering(stage.at_end, answer)
    rounds = stage.rounds(pace=WitnessPace(timedelta(seconds=2), timedelta(seconds=0.1)))
    begun = time.monotonic()
    for size in range(1, 11):
        rounds.published(stage.log.publish(size))
        until(lambda size=size: stage.witnessed_size() == size)
    assert time.monotonic() - begun < 2
    assert len(asked) == 1
    until(lambda: faults(rounds)["three"] is WitnessFault.TIMED_OUT)
    over.set()


def test_a_witness_that_answers_drop_by_drop_is_hung_up_on(stage):
    def drip(connection):
        with connection, suppress(OSError):
            connection.recv(65536)
            for letter in b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 10_000:
                connection.sendall(bytes([letter]))
                time.sleep(0.05)

    listener = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=lambda: drip(listener.accept()[0]), daemon=True).start()
    stage.at_end.callback(listener.close)
    stage.serve("one", "two")
    stage.urls["three"] = f"http://127.0.0.1:{listener.getsockname()[1]}"
    rounds = stage.rounds(pace=WitnessPace(timedelta(seconds=0.5), timedelta(seconds=30)))
    rounds.published(stage.log.publish(5))

    until(lambda: faults(rounds)["three"] is WitnessFault.TIMED_OUT)
    assert stage.witnessed_size() == 5


def test_a_restart_goes_on_with_what_lies_in_the_folder(stage):
    stage.log.publish(5)
    stage.serve("one")
    first = stage.rounds()
    until(lambda: first.status().too_few)
    first.stop()
    assert not first.is_alive

    stage.serve("two", "three")
    second = stage.rounds()
    until(lambda: stage.witnessed_size() == 5)
    assert second.status().published_size == 5


def test_cosignatures_that_the_folder_holds_are_kept_with_their_times(stage):
    stage.log.publish(5)
    stage.serve(*NAMES)
    first = stage.rounds("3 one two three")
    until(lambda: stage.witnessed_size() == 5 and len(stage.anchors) == 1)
    first.stop()
    before = stage.log.folder.read(WITNESSED)
    time.sleep(1.1)  # times count in seconds

    second = stage.rounds("3 one two three")
    until(lambda: len(stage.anchors) == 2)
    assert stage.read().earliest_time == check_checkpoint(before, stage.the_policy, NOTE_CHECKS).earliest_time
    assert [one.cosigned_at for one in second.status().witnesses] == [None] * 3  # nobody was asked


def test_cosignatures_never_replace_a_newer_checkpoint(stage):
    """The publisher may be quicker than the witnesses: what is gathered then goes to ``checkpoint.witnessed`` alone."""
    gate = threading.Event()

    def answer(sent):
        gate.wait(10)
        return 200, "text/plain", stage.witnesses["two"].add_checkpoint(sent)

    stage.serve("one")
    stage.urls["two"] = answering(stage.at_end, answer)
    rounds = stage.rounds()
    rounds.published(stage.log.publish(5))
    until(lambda: faults(rounds)["three"] is not None)
    stage.log.publish(9)  # of which the rounds have not heard yet
    gate.set()

    until(lambda: stage.witnessed_size() == 5)
    assert stage.read(CHECKPOINT).checkpoint.size == 9
    assert stage.read(CHECKPOINT).cosignatures == ()


def test_a_newer_witnessed_checkpoint_is_never_replaced_by_an_older_one(stage):
    """Two processes may be asking, for a moment, after another one was elected."""
    gate = threading.Event()

    def answer(sent):
        gate.wait(10)
        return 200, "text/plain", stage.witnesses["two"].add_checkpoint(sent)

    stage.serve("one")
    stage.urls["two"] = answering(stage.at_end, answer)
    rounds = stage.rounds()
    rounds.published(stage.log.publish(5))
    until(lambda: faults(rounds)["three"] is not None)
    newer = signed(leaves(9))
    stage.log.folder.write_checkpoint(WITNESSED, newer)
    gate.set()

    until(lambda: faults(rounds)["two"] is None and rounds.status().witnessed_size >= 5)
    assert stage.log.folder.read(WITNESSED) == newer


def test_publisher_and_cosignatures_race_and_the_newest_stays(stage):
    stage.serve(*NAMES)
    rounds = stage.rounds()
    for size in range(1, 121):
        rounds.published(stage.log.publish(size))
        assert stage.read(CHECKPOINT).checkpoint.size == size
        assert stage.witnessed_size() <= size
    until(lambda: stage.witnessed_size() == 120)
    assert stage.read(CHECKPOINT).checkpoint.size == 120


def test_without_a_quorum_anchors_are_kept_without_cosignatures(stage):
    stage.the_policy = parse_policy(f"log {LOG.vkey}\nlog {LOG_PQ.vkey}\nquorum none\n".encode())
    rounds = WitnessRounds(stage.log.folder, stage.the_policy, lambda size, note: stage.anchors.append((size, note)))
    rounds.start()
    stage.at_end.callback(rounds.stop)
    made = stage.log.publish(5)
    rounds.published(made)

    until(lambda: stage.anchors)
    assert stage.anchors == [(5, made.note)]
    assert stage.witnessed_size() == 5
    assert not rounds.status().too_few


def test_an_anchor_that_cannot_be_kept_stops_nothing(stage, capfd):
    def away(_size, _note):
        raise OSError("the database is away")

    stage.serve(*NAMES)
    rounds = stage.rounds(keep_anchor=away)
    for size in (5, 9):
        rounds.published(stage.log.publish(size))
        until(lambda size=size: stage.witnessed_size() == size)
    until(lambda: "log.not_witnessed" in capfd.readouterr().err)
    assert rounds.is_alive


def test_a_quorum_that_asking_can_never_reach_is_refused(stage):
    for name in NAMES:
        stage.urls[name] = ""
    with pytest.raises(ConfigurationError, match="too few for its quorum"):
        WitnessRounds(stage.log.folder, stage.policy(), lambda *_: None)


@pytest.mark.parametrize("url", ["ftp://w", "witness.example", "https://", "https://u@w", "http://w?x", "http://w:x"])
def test_an_address_that_is_none_is_refused(stage, url):
    stage.urls["one"] = url
    with pytest.raises(ConfigurationError, match="address of a witness"):
        WitnessRounds(stage.log.folder, stage.policy(), lambda *_: None)
