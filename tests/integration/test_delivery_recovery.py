"""Workers that die, stall and race: what is left behind, who mends it, and that nothing goes out twice."""

import asyncio
import threading
from collections import Counter
from datetime import timedelta

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from receipt_service.delivery.channel import SmsContent, Unanswered
from receipt_service.delivery.worker.faults import POINTS
from receipt_service.delivery.worker.pace import Pace
from receipt_service.domain.envelope import Envelope
from receipt_service.domain.identifiers import MessageId
from receipt_service.domain.message import Accepted, MessageState, Transient, Unknown
from receipt_service.domain.recipient import Channel
from receipt_service.storage.attempts import AttemptOutcome
from receipt_service.storage.engine import open_engine
from tests.support.deliveries import OutboxUnderTest, ScriptedChannel, render_text


async def accepted(post_office: OutboxUnderTest, message: MessageId) -> None:
    """Wait for the state in the database, which gives no sign of itself."""
    while await asyncio.to_thread(post_office.state, message) is not MessageState.ACCEPTED:  # noqa: ASYNC110
        await asyncio.sleep(0.02)


def run_to_the_end(post_office: OutboxUnderTest) -> None:
    for _ in range(12):
        post_office.drain()
        post_office.clock.move(seconds=61)


SENDING_POINTS = ["leased", "answered", "settled", "followed", "redacted", "redaction_recorded"]


@pytest.mark.parametrize("point", SENDING_POINTS)
def test_death_at_each_point_loses_nothing_and_sends_once(post_office: OutboxUnderTest, point: str):
    messages = [post_office.post(to=f"+336399800{number:02}") for number in range(5)]

    reached = post_office.crash_at(point)
    while not reached:  # the later points come after the provider's final status
        post_office.clock.move(seconds=30)
        reached = post_office.crash_at(point)
    run_to_the_end(post_office)

    assert {post_office.state(message) for message in messages} == {MessageState.DELIVERED}
    assert Counter(to for _, to, _ in post_office.provider.taken) == {f"+336399800{n:02}": 1 for n in range(5)}
    assert {ref for ref, _, _ in post_office.provider.taken} == post_office.provider.redacted
    assert all(
        attempt.provider_ref is None
        and (attempt.redacted_at is not None or attempt.outcome is not AttemptOutcome.ACCEPTED)
        for message in messages
        for attempt in post_office.attempts(message)
    )


@pytest.mark.parametrize("point", ["recovered", "looked_up"])
def test_death_while_mending_loses_nothing_either(post_office: OutboxUnderTest, point: str):
    message = post_office.post()
    assert post_office.crash_at("answered")
    post_office.clock.move(seconds=61)
    if point == "looked_up":
        post_office.drain()
        post_office.clock.move(seconds=121)

    assert post_office.crash_at(point)
    run_to_the_end(post_office)

    assert post_office.state(message) is MessageState.DELIVERED
    assert len(post_office.provider.taken) == 1


def test_every_point_is_tried_somewhere():
    assert set(POINTS) == {
        *SENDING_POINTS, "recovered", "looked_up", "expired",
        "epoch_key_written", "epoch_published", "epoch_condemned", "epoch_overwritten",
    }  # fmt: off


def test_lapsed_lease_waits_for_the_grace_before_anything_is_asked(post_office: OutboxUnderTest):
    message = post_office.post()
    post_office.crash_at("leased")
    assert post_office.state(message) is MessageState.SENDING

    post_office.clock.move(seconds=61)
    post_office.drain()
    found = post_office.message(message)
    assert (found.state, found.due_at) == (MessageState.UNKNOWN, post_office.clock.now + timedelta(seconds=120))
    assert post_office.provider.calls == 0


def test_provider_that_cannot_be_asked_leaves_the_message_unknown_and_nothing_is_sent(post_office: OutboxUnderTest):
    message = post_office.post()
    post_office.provider.script = [("takes", Unknown("timeout"))]
    post_office.provider.look_up_answer = Unanswered("unreachable")
    post_office.drain()

    for _ in range(10):
        post_office.clock.move(minutes=10)
        post_office.drain()
    assert post_office.state(message) is MessageState.UNKNOWN
    assert post_office.provider.calls == 1

    post_office.provider.look_up_answer = None
    post_office.clock.move(minutes=2)
    post_office.drain()
    assert post_office.state(message) is MessageState.ACCEPTED
    assert post_office.provider.calls == 1


@pytest.fixture
def unknown(post_office: OutboxUnderTest) -> MessageId:
    """A text that the provider took without an answer, and then can't be asked for until its window ends."""
    message = post_office.post()
    post_office.provider.script = [("takes", Unknown("timeout"))]
    post_office.provider.look_up_answer = Unanswered("unreachable")
    post_office.drain()
    post_office.clock.move(hours=24)
    return message


def test_unknown_message_that_is_found_as_its_window_ends_is_followed_and_erased(
    post_office: OutboxUnderTest, unknown: MessageId
):
    post_office.provider.look_up_answer = None
    post_office.drain()
    post_office.clock.move(minutes=2)
    post_office.drain()

    assert post_office.state(unknown) is MessageState.DELIVERED
    assert post_office.envelope_of(unknown) is None
    assert post_office.provider.redacted == {post_office.provider.taken[0][0]}


def test_unknown_message_that_nobody_can_ask_for_expires_with_its_window(
    post_office: OutboxUnderTest, unknown: MessageId
):
    post_office.drain()

    assert post_office.state(unknown) is MessageState.EXPIRED
    assert post_office.envelope_of(unknown) is None
    assert post_office.provider.calls == 1


def test_late_answer_of_a_stalled_worker_counts_when_it_is_an_acceptance(post_office: OutboxUnderTest):
    """The lease lapses during the call; another worker has marked the message unknown when the answer comes."""
    message = post_office.post()

    async def stall() -> None:
        post_office.clock.move(seconds=61)
        await asyncio.to_thread(post_office.drain, channels={Channel.SMS: ScriptedChannel()})
        assert post_office.state(message) is MessageState.UNKNOWN

    post_office.drain(channels={Channel.SMS: ScriptedChannel(post_office.provider, pause=stall)})

    assert post_office.state(message) is MessageState.ACCEPTED
    (attempt,) = post_office.attempts(message)
    assert attempt.provider_ref == post_office.provider.taken[0][0]


def test_late_refusal_of_a_stalled_worker_moves_nothing(post_office: OutboxUnderTest):
    message = post_office.post()
    post_office.provider.script = [Transient("429")]

    async def stall() -> None:
        post_office.clock.move(seconds=61)
        await asyncio.to_thread(post_office.drain, channels={Channel.SMS: ScriptedChannel()})

    post_office.drain(channels={Channel.SMS: ScriptedChannel(post_office.provider, pause=stall)})

    assert post_office.state(message) is MessageState.UNKNOWN
    assert [attempt.outcome for attempt in post_office.attempts(message)] == [AttemptOutcome.TRANSIENT]


def test_lease_with_too_little_left_is_given_back_unused(post_office: OutboxUnderTest):
    message = post_office.post()

    def render(envelope: Envelope) -> SmsContent:
        post_office.clock.move(seconds=31)  # the thread waited long for a processor
        return render_text(envelope)

    async def once() -> None:
        worker = post_office.worker(render=render)
        await worker._send_turn()
        await asyncio.wait(worker._in_flight)
        await worker._send_turn()
        await worker.aclose()

    asyncio.run(once())

    assert post_office.provider.calls == 0
    assert [attempt.code for attempt in post_office.attempts(message)] == ["late", None]


def test_worker_outlives_an_outage_of_its_database(post_office: OutboxUnderTest, monkeypatch: pytest.MonkeyPatch):
    message = post_office.post()
    failures = iter([OperationalError("select", {}, Exception("the database is away"))] * 3)
    monkeypatch.setattr("receipt_service.delivery.worker.loop.PAUSE_AFTER_FAULT", timedelta(seconds=0.01))

    async def run() -> None:
        worker = post_office.worker()
        exchange = worker._exchange

        def failing(*arguments):
            error = next(failures, None)
            if error is not None:
                raise error
            return exchange(*arguments)

        worker._exchange = failing
        stop = asyncio.Event()
        task = asyncio.create_task(worker.run(stop))
        await accepted(post_office, message)
        stop.set()
        await task

    asyncio.run(asyncio.wait_for(run(), 20))
    assert post_office.provider.calls == 1


def test_answers_survive_an_outage_between_sending_and_settling(
    post_office: OutboxUnderTest, monkeypatch: pytest.MonkeyPatch
):
    message = post_office.post()
    monkeypatch.setattr("receipt_service.delivery.worker.loop.PAUSE_AFTER_FAULT", timedelta(seconds=0.01))

    async def run() -> None:
        worker = post_office.worker()
        exchange, refused = worker._exchange, [0]

        def failing(answers, free):
            if answers and refused[0] < 3:
                refused[0] += 1
                raise OperationalError("update", {}, Exception("the database is away"))
            return exchange(answers, free)

        worker._exchange = failing
        stop = asyncio.Event()
        task = asyncio.create_task(worker.run(stop))
        await accepted(post_office, message)
        stop.set()
        await task
        assert refused == [3]

    asyncio.run(asyncio.wait_for(run(), 20))
    assert post_office.provider.calls == 1


def test_stopped_worker_finishes_what_it_has_begun_and_begins_nothing_new(post_office: OutboxUnderTest):
    messages = [post_office.post(to=f"+336399800{number:02}") for number in range(6)]
    post_office.pace = Pace(concurrency=2, poll=timedelta(seconds=0.02))

    async def run() -> None:
        stop = asyncio.Event()

        async def pause() -> None:
            stop.set()
            await asyncio.sleep(0.2)

        worker = post_office.worker(channels={Channel.SMS: ScriptedChannel(post_office.provider, pause=pause)})
        await worker.run(stop)

    asyncio.run(asyncio.wait_for(run(), 20))

    states = Counter(post_office.state(message) for message in messages)
    assert states == {MessageState.ACCEPTED: 2, MessageState.QUEUED: 4}


def test_refused_settling_of_one_answer_does_not_take_the_others_with_it(post_office: OutboxUnderTest, engine: Engine):
    """The code of one outcome is longer than its column on PostgreSQL; on SQLite a rule of ours refuses it."""
    messages = [post_office.post(to=f"+336399800{number:02}") for number in range(1, 6)]
    post_office.provider.script = [Transient("x" * 200), *[Accepted()] * 4]

    post_office.drain()

    # Any of them may be the first to ask the provider, and so the spoiled one.
    states = Counter(post_office.state(message) for message in messages)
    assert states[MessageState.ACCEPTED] >= 4
    assert states.keys() <= {MessageState.SENDING, MessageState.QUEUED, MessageState.ACCEPTED}


def test_four_workers_send_each_message_once(post_office: OutboxUnderTest, database_url: str):
    """On SQLite they take turns, on PostgreSQL they skip each other's locks; on both each message has one sender."""
    count = 120
    post_office.pace = Pace(concurrency=8, poll=timedelta(seconds=0.01))
    messages = [post_office.post(to=f"+3363998{number:04}") for number in range(count)]
    engines = [open_engine(database_url) for _ in range(4)]
    provider = post_office.provider

    async def slowly() -> None:
        await asyncio.sleep(0.002)

    def work(engine: Engine) -> None:
        office = OutboxUnderTest(engine, post_office.folder, post_office.clock, provider, pace=post_office.pace)
        office.drain(channels={Channel.SMS: ScriptedChannel(provider, pause=slowly)})
        engine.dispose()

    threads = [threading.Thread(target=work, args=(engine,)) for engine in engines]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert Counter(to for _, to, _ in provider.taken) == {f"+3363998{number:04}": 1 for number in range(count)}
    assert {post_office.state(message) for message in messages} == {MessageState.ACCEPTED}


def test_attempt_whose_worker_died_is_closed_when_its_message_expires(post_office: OutboxUnderTest):
    message = post_office.post()
    assert post_office.crash_at("leased")
    post_office.clock.move(hours=25)

    post_office.drain()
    post_office.drain()

    assert post_office.state(message) is MessageState.EXPIRED
    (attempt,) = post_office.attempts(message)
    assert (attempt.outcome, attempt.code) == (AttemptOutcome.UNKNOWN, "expired")
