"""What an operator sees and does: numbers, channels, states and codes, and never whose messages they are."""

import asyncio
import json
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from receipt_service.delivery import heartbeat
from receipt_service.delivery.operations import dead_letters, delivery_status, replay, replay_all
from receipt_service.domain.identifiers import MessageId
from receipt_service.domain.message import Configuration, MessageState
from receipt_service.domain.recipient import Channel
from receipt_service.errors import NotFound
from tests.support.deliveries import NOON, OutboxUnderTest


def two_dead_letters(post_office: OutboxUnderTest) -> list[MessageId]:
    messages = [post_office.post(), post_office.post(channel=Channel.EMAIL, to="a@exemple.fr")]
    post_office.provider.script = [Configuration("20003"), Configuration("535")]
    post_office.drain()
    return messages


def test_dead_letters_are_listed_with_code_and_age_and_nothing_else(post_office: OutboxUnderTest):
    messages = two_dead_letters(post_office)
    post_office.clock.move(hours=2)

    found = dead_letters(post_office.engine, now=post_office.clock.now)

    assert [(letter.id, letter.channel, letter.age) for letter in found] == [
        (messages[0], Channel.SMS, timedelta(hours=2)),
        (messages[1], Channel.EMAIL, timedelta(hours=2)),
    ]
    assert {letter.code for letter in found} == {"20003", "535"}
    assert [letter.expires_in for letter in found] == [timedelta(hours=22), timedelta(hours=70)]
    assert "3363998" not in repr(found)


def test_replay_sends_again_and_repeating_it_changes_nothing(post_office: OutboxUnderTest):
    messages = two_dead_letters(post_office)

    first = replay(post_office.engine, messages, now=post_office.clock.now)
    second = replay(post_office.engine, messages, now=post_office.clock.now)
    post_office.drain()
    third = replay(post_office.engine, messages, now=post_office.clock.now)

    assert set(first.queued) == set(messages)
    assert (second.queued, {state for _, state in second.left_alone}) == ((), {MessageState.QUEUED})
    assert {state for _, state in third.left_alone} == {MessageState.ACCEPTED}
    assert len(post_office.provider.taken) == 2


def test_replay_of_all_takes_those_whose_window_is_open(post_office: OutboxUnderTest):
    sms, mail = two_dead_letters(post_office)
    post_office.clock.move(hours=25)

    assert replay_all(post_office.engine, now=post_office.clock.now) == 1
    assert replay_all(post_office.engine, now=post_office.clock.now) == 0
    assert (post_office.state(sms), post_office.state(mail)) == (MessageState.DEAD_LETTER, MessageState.QUEUED)


def test_unknown_number_changes_nothing(post_office: OutboxUnderTest):
    messages = two_dead_letters(post_office)

    with pytest.raises(NotFound):
        replay(post_office.engine, [messages[0], MessageId(1)], now=post_office.clock.now)
    assert post_office.state(messages[0]) is MessageState.DEAD_LETTER


def test_status_counts_states_and_what_is_not_yet_erased(post_office: OutboxUnderTest):
    post_office.post(to="+33639980009")
    post_office.drain()
    two_dead_letters(post_office)
    post_office.post()

    found = delivery_status(post_office.engine)

    assert found.by_state == {
        MessageState.ACCEPTED: 1,
        MessageState.DEAD_LETTER: 2,
        MessageState.QUEUED: 1,
    }
    assert found.not_yet_redacted == 1
    assert found.next_due_at == post_office.clock.now


def run(url: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from receipt_service.cli.main import main; main()", "delivery", *arguments],
        env={"RECEIPT_DATABASE_URL": url, "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_commands_say_the_same_without_identity(post_office: OutboxUnderTest, database_url: str):
    sms, mail = two_dead_letters(post_office)

    listed = run(database_url, "dead-letters", "--json")
    assert {json.loads(line)["id"] for line in listed.stdout.splitlines()} == {str(sms), str(mail)}
    assert {json.loads(line)["code"] for line in listed.stdout.splitlines()} == {"20003", "535"}
    assert json.loads(run(database_url, "status", "--json").stdout)["messages"] == {"dead_letter": 2}
    assert "2 dead letter(s)" in run(database_url, "dead-letters").stdout
    assert "exemple" not in listed.stdout + listed.stderr


def test_replay_command_needs_to_be_told_what_and_is_idempotent(post_office: OutboxUnderTest, database_url: str):
    """The windows of these messages are over by the real clock, so nothing is queued and everything is explained."""
    post_office.clock.move(days=-30)
    sms, _ = two_dead_letters(post_office)

    assert run(database_url, "replay").returncode == 2
    assert run(database_url, "replay", "--all", str(sms)).returncode == 2
    assert run(database_url, "replay", "12345").returncode == 1
    for _ in range(2):
        told = run(database_url, "replay", str(sms))
        assert told.returncode == 0
        assert told.stdout == f"{sms}: left alone, dead_letter\n0 message(s) queued\n"


def test_command_without_a_database_says_so_in_one_line(tmp_path: Path):
    told = run(f"sqlite:///{tmp_path}/none.db", "status")

    assert told.returncode == 2
    assert "receipt-service migrate" in told.stderr
    assert "Traceback" not in told.stderr


def test_heartbeat_tells_a_living_worker_from_a_dead_one(tmp_path: Path):
    assert not heartbeat.is_alive(tmp_path, NOON)
    heartbeat.beat(tmp_path, NOON)

    assert heartbeat.last_beat(tmp_path) == NOON
    assert heartbeat.is_alive(tmp_path, NOON + timedelta(seconds=29))
    assert not heartbeat.is_alive(tmp_path, NOON + timedelta(seconds=30))


@pytest.mark.parametrize("content", [b"", b"garbage", b"2026-11-23T12:00:00", b"\xff\xfe"])
def test_unreadable_heartbeat_is_none(tmp_path: Path, content: bytes):
    (tmp_path / heartbeat.NAME).write_bytes(content)

    assert heartbeat.last_beat(tmp_path) is None


def test_running_worker_leaves_its_sign_of_life(post_office: OutboxUnderTest):
    async def work() -> None:
        stop = asyncio.Event()
        worker = post_office.worker(heartbeat_folder=post_office.public)
        task = asyncio.create_task(worker.run(stop))
        while heartbeat.last_beat(post_office.public) is None:  # noqa: ASYNC110 - a file gives no sign
            await asyncio.sleep(0.02)
        stop.set()
        await task

    post_office.keys()
    asyncio.run(asyncio.wait_for(work(), 20))

    assert heartbeat.last_beat(post_office.public) == NOON
