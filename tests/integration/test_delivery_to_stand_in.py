"""The worker, the real SMS channel and the stand-in, over HTTP: every misbehaviour, and no text twice on any phone."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from receipt_service.delivery.channels.sms_twilio import TwilioSettings, TwilioSms
from receipt_service.delivery.worker.pace import Pace
from receipt_service.demo.twilio_stand_in import Account, create_stand_in
from receipt_service.demo.twilio_store import MessageStore
from receipt_service.domain.message import MessageState
from receipt_service.domain.recipient import Channel
from tests.support.deliveries import MovableClock, OutboxUnderTest
from tests.support.servers import serving

ACCOUNT = Account("AC" + "0" * 32, "not-a-real-token")
ENDS = {
    "+33639980001": MessageState.DELIVERED,
    "+33639989001": MessageState.UNDELIVERABLE,
    "+33639989002": MessageState.UNDELIVERABLE,
    "+33639989003": MessageState.UNDELIVERABLE,
    "+33639989004": MessageState.DEAD_LETTER,
    "+33639989005": MessageState.DELIVERED,
    "+33639989006": MessageState.DELIVERED,
    "+33639989007": MessageState.DELIVERED,
    "+33639989008": MessageState.DELIVERED,
    "+33639989009": MessageState.DELIVERED,
    "+33639989010": MessageState.UNDELIVERABLE,
    "+33639989011": MessageState.UNDELIVERABLE,
    "+33639989013": MessageState.DELIVERED,
    "+33639989014": MessageState.DELIVERED,
    "+33639989015": MessageState.DEAD_LETTER,
}
REACHED = {number for number, state in ENDS.items() if state is MessageState.DELIVERED}


class RealClock(MovableClock):
    """The machine's clock, behind the interface of the one that tests move."""

    def __call__(self) -> datetime:
        return datetime.now(UTC)


@pytest.fixture
def store() -> MessageStore:
    return MessageStore(delivery_time=timedelta(seconds=0.2))


@pytest.fixture
def base_url(store: MessageStore) -> Iterator[str]:
    with serving(create_stand_in(ACCOUNT, store, slow_seconds=0.1)) as url:
        yield url


def test_every_number_ends_as_it_should_and_no_text_arrives_twice(
    engine: Engine, tmp_path: Path, store: MessageStore, base_url: str
):
    pace = Pace(
        poll=timedelta(seconds=0.05),
        call_limit=timedelta(seconds=2),
        lease=timedelta(seconds=20),
        grace=timedelta(seconds=0.5),
        follow_after=timedelta(seconds=0.3),
        upkeep_every=timedelta(seconds=0.1),
        look_again=timedelta(seconds=1),
    )
    office = OutboxUnderTest(engine, tmp_path / "keys", RealClock(), pace=pace)
    messages = {number: office.post(to=number) for number in ENDS}

    def ended() -> bool:
        over = all(office.state(messages[number]) is end for number, end in ENDS.items())
        return over and all(
            attempt.provider_ref is None for one in messages.values() for attempt in office.attempts(one)
        )

    async def work() -> None:
        settings = TwilioSettings(
            account_sid=ACCOUNT.sid,
            secret=ACCOUNT.auth_token,
            sender="RECEPISSE",
            base_url=base_url,
            limit_seconds=1.5,
        )
        soon = 0.05  # of the half minute after a second failure
        worker = office.worker(channels={Channel.SMS: TwilioSms(settings)}, jitter=lambda: soon)
        stop = asyncio.Event()
        task = asyncio.create_task(worker.run(stop))
        end = time.monotonic() + 60
        while not await asyncio.to_thread(ended) and time.monotonic() < end:  # noqa: ASYNC110 - the state is in the database
            await asyncio.sleep(0.2)
        stop.set()
        await task

    asyncio.run(work())

    assert {number: office.state(message) for number, message in messages.items()} == ENDS
    assert Counter(arrival.to for arrival in store.phone) == dict.fromkeys(REACHED, 1)
    assert {record.body for record in store.records.values()} == {""}
    assert all(office.envelope_of(messages[number]) is None for number in REACHED)
