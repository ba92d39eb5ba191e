"""An outbox with messages in it, a clock that can be moved, and a channel that does as it is told."""

import asyncio
import contextlib
import itertools
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text

from receipt_service.crypto.sealing import Sealer
from receipt_service.delivery.channel import (
    Absent,
    Capabilities,
    Dispatch,
    Found,
    LookUpAnswer,
    Reached,
    RedactAnswer,
    Redacted,
    SmsContent,
    StatusAnswer,
)
from receipt_service.delivery.worker.epochs import EpochKeys
from receipt_service.delivery.worker.faults import NO_FAULT
from receipt_service.delivery.worker.loop import Worker
from receipt_service.delivery.worker.pace import Outlet, Pace
from receipt_service.domain.envelope import Envelope, sealing_info
from receipt_service.domain.epoch import epoch_of, public_name
from receipt_service.domain.identifiers import MessageId, StubId, row_id
from receipt_service.domain.message import WINDOWS, Accepted, MessageState, Outcome, born_as
from receipt_service.domain.recipient import Channel
from receipt_service.storage import attempts, outbox
from receipt_service.storage.attempts import Attempt
from receipt_service.storage.engine import reading
from receipt_service.storage.issuances import NewIssuance, NewMessage, Register

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


class Crash(BaseException):
    """Ends a worker where a kill would: nothing of it is caught on the way."""


@dataclass
class MovableClock:
    """A clock that stands still until it is moved."""

    now: datetime = NOON

    def __call__(self) -> datetime:
        return self.now

    def move(self, **by: float) -> None:
        self.now += timedelta(**by)


@dataclass
class Provider:
    """What a provider has taken, and how it will behave: a script of answers, then ``Accepted``."""

    script: list[Outcome | Exception | tuple[str, Outcome]] = field(default_factory=list)
    taken: list[tuple[str, str, str]] = field(default_factory=list)
    """(ref, recipient, text) of every message that it took."""
    calls: int = 0
    redacted: set[str] = field(default_factory=set)
    look_up_answer: LookUpAnswer | None = None
    status_answer: StatusAnswer = field(default_factory=Reached)
    redact_answer: RedactAnswer = field(default_factory=Redacted)

    def take(self, dispatch: Dispatch[SmsContent]) -> str:
        ref = f"SM{len(self.taken) + 1:032x}"
        self.taken.append((ref, dispatch.to, dispatch.content.text))
        return ref

    def texts_to(self, recipient: str) -> list[str]:
        return [text for _, to, text in self.taken if to == recipient]


@dataclass
class ScriptedChannel:
    """A channel in memory. A script entry ``("takes", outcome)`` takes the message and then answers ``outcome``."""

    provider_state: Provider = field(default_factory=Provider)
    capabilities: Capabilities = field(
        default_factory=lambda: Capabilities(looks_up=True, follows_up=True, redacts=True)
    )
    provider: str = "scripted"
    pause: Callable[[], Awaitable[None]] | None = None

    async def send(self, dispatch: Dispatch[SmsContent]) -> Outcome:
        state = self.provider_state
        state.calls += 1
        if self.pause is not None:
            await self.pause()
        entry = state.script.pop(0) if state.script else None
        if isinstance(entry, Exception):
            raise entry
        if isinstance(entry, tuple):
            ref = state.take(dispatch)
            outcome = entry[1]
            return Accepted(ref) if isinstance(outcome, Accepted) else outcome
        if entry is None or isinstance(entry, Accepted):
            return Accepted(state.take(dispatch))
        return entry

    async def look_up(self, dispatch: Dispatch[SmsContent]) -> LookUpAnswer:
        state = self.provider_state
        if state.look_up_answer is not None:
            return state.look_up_answer
        refs = tuple(ref for ref, to, text in state.taken if (to, text) == (dispatch.to, dispatch.content.text))
        return Found(refs) if refs and self.capabilities.looks_up else Absent()

    async def status(self, ref: str) -> StatusAnswer:
        assert ref in {taken for taken, _, _ in self.provider_state.taken}
        return self.provider_state.status_answer

    async def redact(self, ref: str) -> RedactAnswer:
        if isinstance(self.provider_state.redact_answer, Redacted):
            self.provider_state.redacted.add(ref)
        return self.provider_state.redact_answer

    async def aclose(self) -> None:
        return None


def render_text(envelope: Envelope) -> SmsContent:
    return SmsContent(f"{envelope.receipt} {envelope.seed.hex()}")


@dataclass
class OutboxUnderTest:
    """One database, one pair of key folders, one clock."""

    engine: Engine
    folder: Path
    clock: MovableClock = field(default_factory=MovableClock)
    provider: Provider = field(default_factory=Provider)
    after: Callable[[str], None] = NO_FAULT
    pace: Pace = field(default_factory=lambda: Pace(poll=timedelta(seconds=0.02)))
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    @property
    def private(self) -> Path:
        return self.folder / "epochs"

    @property
    def public(self) -> Path:
        return self.folder / "sealing"

    def keys(self) -> EpochKeys:
        return EpochKeys(self.private, self.public, after=self.after)

    def post(
        self,
        *,
        to: str = "+33639980001",
        channel: Channel = Channel.SMS,
        languages: tuple[str, ...] = ("fr",),
        envelope: bytes | None = None,
    ) -> MessageId:
        """Register a check with one message, as issuance does, sealed to the public key of the hour."""
        now, number = self.clock(), next(self._numbers)
        if not (self.public / public_name(epoch_of(now))).exists():
            self.keys().prepare(now)
        identifier = row_id(now, number)
        epoch = epoch_of(now)
        content = Envelope(to=to, receipt=f"receipt-{number}", seed=bytes(16), languages=languages).encode()
        sealer = Sealer((self.public / public_name(epoch)).read_bytes(), epoch)
        sealed = sealer.seal(content, sealing_info(MessageId(identifier), epoch, channel))
        waits = channel in WINDOWS
        message = NewMessage(
            id=MessageId(identifier),
            channel=channel.value,
            state=born_as(channel).value,
            epoch=epoch if waits else None,
            envelope=(envelope or sealed) if waits else None,
            due_at=now if waits else None,
            expires_at=now + WINDOWS[channel] if waits else None,
        )
        register = Register(self.engine)
        assert register([self._issuance(identifier, number, now, message)]) == [True]
        register.close()
        return MessageId(identifier)

    def _issuance(self, identifier: int, number: int, now: datetime, message: NewMessage) -> NewIssuance:
        return NewIssuance(
            stub_id=StubId(identifier),
            receipt_number=f"{number:026}",
            leaf="{}\n{}\n",
            disclosures="[]\n[]\n[]\n[]",
            officer_number="1234567",
            unit_code="UNIT",
            checked_at=now,
            committed_at=now,
            messages=(message,),
            lookup=number.to_bytes(16, "big"),
            fingerprint=bytes(16),
            replay_period=1,
        )

    def worker(self, *, channels: dict[Channel, Any] | None = None, **options: Any) -> Worker:
        given = channels or {channel: ScriptedChannel(self.provider) for channel in (Channel.SMS, Channel.EMAIL)}
        outlets = {channel: Outlet(one, options.pop("render", render_text)) for channel, one in given.items()}
        settings = {"pace": self.pace, "clock": self.clock, "jitter": lambda: 0.5, "after": self.after}
        return Worker(self.engine, self.keys(), outlets, **{**settings, **options})

    def drain(self, **options: Any) -> int:
        """Run a worker until nothing is due, and end it properly."""

        async def run() -> int:
            worker = self.worker(**options)
            try:
                return await worker.drain()
            finally:
                await worker.aclose()

        return asyncio.run(run())

    def crash_at(self, point: str) -> bool:
        """Run a worker that dies at ``point``; say whether it got there. The next worker is a new one."""
        reached = False

        def after(name: str) -> None:
            nonlocal reached
            if name == point:
                reached = True
                raise Crash

        async def run() -> None:
            worker = self.worker(after=after)
            try:
                await worker.drain()
            finally:
                for task in worker._in_flight:
                    task.cancel()
                await worker.aclose()

        with contextlib.suppress(Crash):
            asyncio.run(run())
        return reached

    def message(self, message_id: MessageId) -> outbox.Message:
        with reading(self.engine) as connection:
            found = outbox.find(connection, message_id)
        assert found is not None
        return found

    def state(self, message_id: MessageId) -> MessageState:
        return self.message(message_id).state

    def attempts(self, message_id: MessageId) -> list[Attempt]:
        with reading(self.engine) as connection:
            return attempts.of_message(connection, message_id)

    def envelope_of(self, message_id: MessageId) -> bytes | None:
        with reading(self.engine) as connection:
            query = text("SELECT ciphertext FROM envelope WHERE message_id = :id").bindparams(id=message_id)
            return connection.execute(query).scalar_one_or_none()


@pytest.fixture
def post_office(engine: Engine, tmp_path: Path) -> OutboxUnderTest:
    """An outbox on each database, with a movable clock and a scripted provider."""
    return OutboxUnderTest(engine, tmp_path / "keys")
