"""The worker: takes messages from the outbox, sends them side by side, and does the upkeep, until it is told to stop.

Two loops on one event loop. The sending loop writes down finished attempts and leases new messages in one commit; the
upkeep loop mends lapsed leases, looks up lost answers, follows accepted messages, redacts, expires and tends the
epoch keys. A turn that fails is tried again after a pause: a worker doesn't end because its database was away.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import SystemRandom
from typing import Any

from sqlalchemy import Engine

from receipt_service.delivery.heartbeat import EVERY, beat
from receipt_service.delivery.worker.epochs import EpochKeys
from receipt_service.delivery.worker.faults import NO_FAULT, After
from receipt_service.delivery.worker.follow_up import FollowUp
from receipt_service.delivery.worker.lease import Job, lease_jobs
from receipt_service.delivery.worker.pace import Outlet, Pace
from receipt_service.delivery.worker.recovery import Recovery
from receipt_service.delivery.worker.sending import Sender
from receipt_service.delivery.worker.settle import REFUSALS, Answer, settle_each, settle_one
from receipt_service.delivery.worker.shredding import Shredder
from receipt_service.delivery.worker.threads import DatabaseThread
from receipt_service.domain.recipient import Channel
from receipt_service.storage import outbox
from receipt_service.storage.engine import reading, writing
from receipt_service.telemetry import logger

RENDERING_THREADS = 2
GATHERING_SECONDS = 0.005
"""After a first answer, how long others may join it in the same commit."""
PAUSE_AFTER_FAULT = timedelta(seconds=1)


_chance = SystemRandom().random


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(slots=True)
class Totals:
    """What this worker did since it started."""

    attempts: int = 0
    by_outcome: dict[str, int] = field(default_factory=dict)
    last_turn_at: datetime | None = None

    def count(self, answer: Answer) -> None:
        """Count one answer under its type's name."""
        self.attempts += 1
        name = type(answer.outcome).__name__.lower()
        self.by_outcome[name] = self.by_outcome.get(name, 0) + 1


class Worker:
    """One worker. Build it anywhere, run it on one event loop; it closes its channels when it ends."""

    def __init__(
        self,
        engine: Engine,
        keys: EpochKeys,
        outlets: Mapping[Channel, Outlet[Any]],
        *,
        pace: Pace | None = None,
        clock: Callable[[], datetime] = _utc_now,
        jitter: Callable[[], float] = _chance,
        after: After = NO_FAULT,
        heartbeat_folder: Path | None = None,
    ) -> None:
        """``outlets`` are the channels it serves; messages of others are left alone."""
        self.totals = Totals()
        self._engine, self._keys, self._outlets = engine, keys, outlets
        self._pace = pace or Pace()
        self._clock, self._jitter, self._after = clock, jitter, after
        self._heartbeat_folder = heartbeat_folder
        self._database = DatabaseThread()
        self._threads = ThreadPoolExecutor(RENDERING_THREADS, thread_name_prefix="delivery-rendering")
        self._sender = Sender(keys, outlets, self._threads, clock, self._pace, after)
        self._recovery = Recovery(engine, self._database, self._sender)
        self._follow_up = FollowUp(engine, self._database, self._sender)
        self._shredder = Shredder(engine, keys, after)
        self._in_flight: set[asyncio.Task[Answer]] = set()
        self._answers: list[Answer] = []
        self._woken = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._keys_tended_at: datetime | None = None
        self._beaten_at: datetime | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Work until ``stop`` is set; then take no more, finish what is in hand and write it down.

        A worker that is killed instead leaves leases that lapse, and attempts that ``Recovery`` looks up.
        """
        self._loop = asyncio.get_running_loop()
        watch = asyncio.create_task(self._wake_at(stop))
        upkeep = asyncio.create_task(self._repeat_upkeep(stop))
        try:
            while not stop.is_set():
                await self._guarded(self._send_turn)
                await self._pause()
        finally:
            watch.cancel()
            await self._finish(upkeep)

    async def drain(self) -> int:
        """Send all that is due now, do the upkeep once for all of it, and return how many attempts were made."""
        before = self.totals.attempts
        await self._database.run(self._shredder.tend_keys, self._clock())
        await self._follow_up_all()
        while await self._send_turn() or self._in_flight or self._answers:
            if self._in_flight:
                await asyncio.wait(self._in_flight)
        await self._follow_up_all()
        await self._database.run(self._shredder.expire, self._clock())
        await self._database.run(self._shredder.tend_keys, self._clock())
        return self.totals.attempts - before

    def wake(self) -> None:
        """Tell an idle worker that there is something to do; may be called from any thread."""
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop has ended
                self._loop.call_soon_threadsafe(self._woken.set)

    async def aclose(self) -> None:
        """Close channels and threads. ``run`` does it by itself."""
        for outlet in self._outlets.values():
            await outlet.channel.aclose()
        self._threads.shutdown(wait=True, cancel_futures=True)
        self._database.close()

    async def _send_turn(self) -> bool:
        """Write down what is finished, lease what is free to be sent; returns whether there was either."""
        answers, self._answers = self._answers, []
        free = self._pace.concurrency - len(self._in_flight)
        try:
            jobs = await self._database.run(self._exchange, answers, free)
        except BaseException:
            self._answers = answers + self._answers
            raise
        for job in jobs:
            task = asyncio.create_task(self._sender.attempt(job))
            self._in_flight.add(task)
            task.add_done_callback(self._collect)
        self.totals.last_turn_at = self._clock()
        return bool(jobs or answers)

    def _exchange(self, answers: list[Answer], free: int) -> list[Job]:
        """Settle and lease in one commit; refused answers are settled one by one, and the leasing waits a turn."""
        now = self._clock()
        try:
            with writing(self._engine) as connection:
                for answer in answers:
                    settle_one(connection, answer, now=now, pace=self._pace, jitter=self._jitter())
                jobs = lease_jobs(connection, self._outlets, now=now, pace=self._pace, limit=free) if free else []
        except REFUSALS:
            if not answers:
                raise
            settle_each(self._engine, answers, now=now, pace=self._pace, jitter=self._jitter)
            jobs = []
        if answers:
            self._after("settled")
        if jobs:
            self._after("leased")
        return jobs

    def _collect(self, task: asyncio.Task[Answer]) -> None:
        self._in_flight.discard(task)
        self._woken.set()
        if not task.cancelled() and task.exception() is None:
            self._answers.append(task.result())
            self.totals.count(task.result())

    async def _pause(self) -> None:
        """Wait for an answer, a call to wake, the next due message, or the poll; not at all while there is work."""
        if self._answers:
            await asyncio.sleep(GATHERING_SECONDS)
            return
        wait = self._pace.poll.total_seconds()
        if not self._in_flight:
            with contextlib.suppress(Exception):
                wait = min(wait, await self._database.run(self._seconds_until_due))
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._woken.wait(), wait)
        self._woken.clear()

    def _seconds_until_due(self) -> float:
        with reading(self._engine) as connection:
            due = outbox.next_due(connection)
        return self._pace.poll.total_seconds() if due is None else max((due - self._clock()).total_seconds(), 0.01)

    async def _repeat_upkeep(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            busy = await self._guarded(self._upkeep_turn)
            if not busy:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), self._pace.upkeep_every.total_seconds())

    async def _upkeep_turn(self) -> bool:
        now = self._clock()
        if self._heartbeat_folder is not None and (self._beaten_at is None or now - self._beaten_at >= EVERY):
            await self._database.run(beat, self._heartbeat_folder, now)
            self._beaten_at = now
        if self._keys_tended_at is None or now - self._keys_tended_at >= self._pace.keys_every:
            await self._database.run(self._shredder.tend_keys, now)
            self._keys_tended_at = now
        done = await self._recovery.turn() + await self._follow_up.turn()
        await self._database.run(self._shredder.expire, now)
        return done >= self._pace.upkeep_batch

    async def _follow_up_all(self) -> None:
        while await self._recovery.turn() + await self._follow_up.turn():
            pass

    async def _guarded(self, turn: Callable[[], Awaitable[bool]]) -> bool:
        """Make a turn; a fault is told and followed by a pause, never by the worker's end."""
        try:
            return await turn()
        except Exception as error:  # noqa: BLE001 - the database may be away; its words may quote what was sent
            logger().error("delivery.turn_failed", exc_info=error)
            await asyncio.sleep(PAUSE_AFTER_FAULT.total_seconds())
            return False

    async def _wake_at(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self._woken.set()

    async def _finish(self, upkeep: asyncio.Task[None]) -> None:
        if self._in_flight:
            await asyncio.wait(self._in_flight, timeout=self._pace.call_limit.total_seconds())
        done, _ = await asyncio.wait({upkeep}, timeout=self._pace.call_limit.total_seconds())
        if not done:
            upkeep.cancel()
        if self._answers:
            await self._guarded(self._write_down)
        await self.aclose()

    async def _write_down(self) -> bool:
        answers, self._answers = self._answers, []
        await self._database.run(self._exchange, answers, 0)
        return True
