"""The SMS channel against a server that speaks Twilio's HTTP, or misbehaves: one request, one verdict, no leak."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import pytest

from receipt_service.delivery.channel import (
    Absent,
    Dispatch,
    Failed,
    Found,
    Gone,
    Pending,
    Reached,
    Redacted,
    SmsContent,
    Unanswered,
)
from receipt_service.delivery.channels.sms_twilio import TwilioSettings, TwilioSms, classify
from receipt_service.demo.twilio_stand_in import Account, create_stand_in
from receipt_service.demo.twilio_store import MessageStore
from receipt_service.domain.message import Accepted, Configuration, Permanent, Transient, Unknown
from receipt_service.errors import ConfigurationError
from tests.support.servers import listening, serving

T = TypeVar("T")
ACCOUNT = Account("AC" + "0123456789abcdef" * 2, "not-a-real-token")
TEXT = "Controle d'identite du 23/11/2026 https://recepisse.example/r#0123456789ABCDEFGHJKMNPQRS.c2VlZA.RQ"


class Clock:
    def __init__(self) -> None:
        self.now = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(clock: Clock) -> MessageStore:
    return MessageStore(clock=clock)


@pytest.fixture
def base_url(store: MessageStore) -> Iterator[str]:
    with serving(create_stand_in(ACCOUNT, store, slow_seconds=0.1)) as url:
        yield url


def settings(base_url: str | None = None, /, **changes: Any) -> TwilioSettings:
    given = {
        "account_sid": ACCOUNT.sid,
        "secret": ACCOUNT.auth_token,
        "sender": "RECEPISSE",
        "base_url": base_url,
        "limit_seconds": 1.0,
    }
    return TwilioSettings(**{**given, **changes})


def dispatch(to: str = "+33639980001", text: str = TEXT, created_at: datetime | None = None) -> Dispatch[SmsContent]:
    return Dispatch(
        message_id="7",
        to=to,
        content=SmsContent(text),
        created_at=created_at or datetime.now(UTC),
        validity=timedelta(hours=24),
    )


def using(base_url: str, use: Callable[[TwilioSms], Awaitable[T]], **changes: Any) -> T:
    async def run() -> T:
        channel = TwilioSms(settings(base_url, **changes))
        try:
            return await use(channel)
        finally:
            await channel.aclose()

    return asyncio.run(run())


def test_accepted_message_is_on_the_phone_with_sender_and_text(base_url: str, store: MessageStore):
    outcome = using(base_url, lambda channel: channel.send(dispatch()))

    (record,) = store.records.values()
    assert outcome == Accepted(record.sid)
    assert (record.to, record.sender, record.body) == ("+33639980001", "RECEPISSE", TEXT)


@pytest.mark.parametrize(
    ("number", "outcome"),
    [
        ("+33639989001", Permanent("21211")),
        ("+33639989002", Permanent("21614")),
        ("+33639989003", Permanent("21610")),
        ("+33639989004", Configuration("21612")),
        ("+33639989005", Transient("429", retry_after=timedelta(seconds=1))),
        ("+33639989006", Unknown("20500")),
        ("+33639989007", Unknown("disconnected")),
        ("+33639989008", Unknown("timeout")),
        ("+33639989013", Unknown("20500")),
        ("+33639989014", Unknown("timeout")),
        ("+33639989015", Transient("29999", most=3)),
    ],
)
def test_each_way_of_failing_is_one_request_and_its_own_outcome(
    base_url: str, store: MessageStore, number: str, outcome: object
):
    assert using(base_url, lambda channel: channel.send(dispatch(number))) == outcome
    assert store.requests["CreateMessage"] == 1


def test_wrong_credentials_are_a_matter_of_configuration(base_url: str):
    outcome = using(base_url, lambda channel: channel.send(dispatch()), secret="wrong")

    assert outcome == Configuration("20003")


def test_slow_answer_within_the_limit_is_accepted(base_url: str):
    assert isinstance(using(base_url, lambda channel: channel.send(dispatch("+33639989009"))), Accepted)


@pytest.mark.timeout(8)  # far from the limit, and below what it is where none is given
def test_hanging_server_is_left_at_the_limit():
    posts = 0

    async def hang(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        nonlocal posts
        posts += (await reader.readline()).startswith(b"POST")
        await reader.read(-1)

    with listening(hang) as port:
        outcome = using(f"http://127.0.0.1:{port}", lambda channel: channel.send(dispatch()), limit_seconds=0.5)

    assert outcome == Unknown("timeout")
    assert posts == 1


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (b"HTTP/1.1 500 X\r\nContent-Length: 0\r\n\r\n", Unknown("500")),
        (b"HTTP/1.1 503 X\r\nRetry-After: 5\r\nContent-Length: 0\r\n\r\n", Unknown("503")),
        (b"HTTP/1.1 429 X\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n", Transient("429", timedelta(seconds=7))),
        (b"HTTP/1.1 429 X\r\nRetry-After: soon\r\nContent-Length: 0\r\n\r\n", Transient("429")),
        (b"HTTP/1.1 307 X\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n", Configuration("307")),
        (b"HTTP/1.1 201 Created\r\nContent-Length: 9\r\n\r\nnot json!", Unknown("unreadable")),
        (b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\n[]", Unknown("unreadable")),
        (b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\n{}", Unknown("unreadable")),
        (b"HTTP/1.1 201 Created\r\nContent-Length: 1000\r\n\r\n{", Unknown("disconnected")),
        (b"HTTP/1.1 201 Created\r\nContent-Length: 1\r\n\r\n\xff", Unknown("disconnected")),
        (b"\x00\x01 no HTTP at all\r\n\r\n", Unknown("disconnected")),
        (b"", Unknown("disconnected")),
        (b"HTTP/1.1 403 X\r\nContent-Length: 6\r\n\r\n<html>", Configuration("403")),
        (b'HTTP/1.1 400 X\r\nContent-Length: 16\r\n\r\n{"code":"21211"}', Transient("400", most=3)),
    ],
)
def test_strange_answers_are_classified_after_exactly_one_post(answer: bytes, outcome: object):
    posts = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal posts
        head = await reader.readuntil(b"\r\n\r\n")
        posts += head.startswith(b"POST")
        length = int(next(line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length"))[15:])
        await reader.readexactly(length)
        writer.write(answer)
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    with listening(serve) as port:
        assert using(f"http://127.0.0.1:{port}", lambda channel: channel.send(dispatch())) == outcome
    assert posts == 1


def test_refused_connection_was_surely_not_sent():
    async def nobody(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        return None

    with listening(nobody) as port:
        pass

    assert using(f"http://127.0.0.1:{port}", lambda channel: channel.send(dispatch())) == Transient("unreachable")


def test_lost_message_is_found_by_its_exact_text(base_url: str, store: MessageStore):
    async def use(channel: TwilioSms) -> object:
        await channel.send(dispatch("+33639989007", "another text"))
        assert await channel.send(dispatch("+33639989007", TEXT)) == Unknown("disconnected")
        return await channel.look_up(dispatch("+33639989007", TEXT))

    found = using(base_url, use)

    assert found == Found((next(record.sid for record in store.records.values() if record.body == TEXT),))


def test_message_that_still_waits_at_the_provider_is_found(base_url: str, store: MessageStore):
    """It has no DateSent yet: a search by that date would call it absent, and a second SMS would go out."""

    async def use(channel: TwilioSms) -> object:
        await channel.send(dispatch("+33639989007"))
        return await channel.look_up(dispatch("+33639989007"))

    found = using(base_url, use)

    assert store.status(next(iter(store.records.values()))) == "queued"
    assert isinstance(found, Found)


def test_look_up_goes_through_all_pages(base_url: str, store: MessageStore):
    async def use(channel: TwilioSms) -> object:
        await channel.send(dispatch())
        for number in range(230):
            await channel.send(dispatch(text=f"later text {number}"))
        return await channel.look_up(dispatch())

    found = using(base_url, use)

    assert isinstance(found, Found)
    assert store.requests["ListMessage"] == 3


def test_absent_message_and_a_silent_provider_are_told_apart(base_url: str):
    assert using(base_url, lambda channel: channel.look_up(dispatch())) == Absent()
    assert using("http://127.0.0.1:9", lambda channel: channel.look_up(dispatch())) == Unanswered("unreachable")
    assert using(base_url, lambda channel: channel.look_up(dispatch()), secret="wrong") == Unanswered("401")


def test_message_is_followed_to_its_end_then_emptied(base_url: str, store: MessageStore, clock: Clock):
    async def use(channel: TwilioSms) -> list[object]:
        accepted = await channel.send(dispatch())
        assert isinstance(accepted, Accepted)
        ref = str(accepted.ref)
        seen: list[object] = [await channel.status(ref), await channel.redact(ref)]
        clock.now += timedelta(seconds=5)
        seen += [await channel.status(ref), await channel.redact(ref), await channel.redact(ref)]
        return seen

    assert using(base_url, use) == [Pending(), Unanswered("20009"), Reached(), Redacted(), Redacted()]
    (record,) = store.records.values()
    assert record.body == ""
    assert store.phone[0].text == TEXT


def test_failure_after_acceptance_keeps_its_code(base_url: str, clock: Clock):
    async def use(channel: TwilioSms) -> object:
        accepted = await channel.send(dispatch("+33639989010"))
        assert isinstance(accepted, Accepted)
        clock.now += timedelta(seconds=5)
        return await channel.status(str(accepted.ref))

    assert using(base_url, use) == Failed("30005")


def test_message_deleted_at_the_provider_is_gone(base_url: str):
    ref = "SM" + "0" * 32

    assert using(base_url, lambda channel: channel.status(ref)) == Gone()
    assert using(base_url, lambda channel: channel.redact(ref)) == Gone()


def test_no_log_names_recipient_or_text(base_url: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture):
    async def use(channel: TwilioSms) -> None:
        for number in ("+33639980001", "+33639989001", "+33639989005", "+33639989007", "+33639989008"):
            await channel.send(dispatch(number))
            await channel.look_up(dispatch(number))

    with caplog.at_level(logging.DEBUG):
        using(base_url, use)

    ours = [record.getMessage() for record in caplog.records if not record.name.startswith("uvicorn")]
    written = "".join([*ours, *capfd.readouterr()])
    assert not any(part in written for part in ("3363998", "%2B33", "recepisse.example", "Controle"))


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"sender": "POLICE INFO"}, "letters"),
        ({"base_url": "http://api.twilio.com"}, "https"),
        ({"secret": ""}, "empty"),
        ({"account_sid": "SK12"}, "AC"),
        ({"base_url": "https://api.twilio.com", "region": "ie1"}, "region"),
        ({"limit_seconds": 0}, "positive"),
    ],
)
def test_unsafe_settings_stop_the_start(changes: dict[str, Any], why: str):
    with pytest.raises(ConfigurationError, match=why):
        TwilioSms(settings(**changes))


def test_region_and_edge_choose_the_host():
    async def host() -> str:
        channel = TwilioSms(settings(region="ie1", edge="dublin"))
        return str(channel._client.get_hostname(channel._client.api.base_url))

    assert asyncio.run(host()) == "https://api.dublin.ie1.twilio.com"


@pytest.mark.parametrize("status", [400, 404, 409, 422, 500, 503])
@pytest.mark.parametrize("code", [None, 1, "text", 999_999_999_999])
def test_every_code_has_a_class_and_a_short_name(status: int, code: object):
    outcome = classify(status, code)

    assert len(outcome.code) <= 16
    assert outcome.code.isdigit()
