"""Open, render, send: what happens to one message between its lease and its settling. Nothing is written here."""

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from receipt_service.delivery.channel import Dispatch
from receipt_service.delivery.worker.epochs import EpochKeys, KeyDestroyed, KeyMissing
from receipt_service.delivery.worker.faults import After
from receipt_service.delivery.worker.lease import Job
from receipt_service.delivery.worker.opening import Unopenable, open_leased
from receipt_service.delivery.worker.pace import Outlet, Pace
from receipt_service.delivery.worker.settle import Answer, KeyGone
from receipt_service.domain.message import Configuration, Outcome, Transient, Unknown
from receipt_service.domain.recipient import Channel
from receipt_service.storage.outbox import Leased
from receipt_service.telemetry import logger


@dataclass(frozen=True, slots=True)
class Sender:
    """What it takes to send: the keys, the ways out, and threads in which to open and render."""

    keys: EpochKeys
    outlets: Mapping[Channel, Outlet[Any]]
    threads: Executor
    clock: Callable[[], datetime]
    pace: Pace
    after: After

    async def attempt(self, job: Job) -> Answer:
        """Make the recorded attempt. Whatever goes wrong, an answer comes back; a fault of ours is never "not sent"."""
        outlet = self.outlets[job.leased.channel]
        outcome = await self._attempt(job.leased, outlet)
        self.after("answered")
        return Answer(job, outcome, outlet.channel.capabilities.follows_up)

    async def prepare(self, leased: Leased) -> Dispatch[Any] | Configuration | KeyGone:
        """Open and render; a message with which that fails is told by a code and nothing else."""
        loop = asyncio.get_running_loop()
        try:
            if not self.outlets[leased.channel].in_thread:
                return self._prepare(leased)
            return await loop.run_in_executor(self.threads, self._prepare, leased)
        except KeyDestroyed:
            return KeyGone()
        except KeyMissing:
            return self._spoiled(leased, "key_missing")
        except Unopenable:
            return self._spoiled(leased, "unopenable")
        except Exception as error:  # noqa: BLE001 - one message must not stop the others, whatever it is made of
            return self._spoiled(leased, "unrenderable", error)

    async def _attempt(self, leased: Leased, outlet: Outlet[Any]) -> Outcome | KeyGone:
        dispatch = await self.prepare(leased)
        if not isinstance(dispatch, Dispatch):
            return dispatch
        if self.clock() + self.pace.call_limit > leased.leased_until:
            return Transient("late")
        try:
            outcome: Outcome = await outlet.channel.send(dispatch)
        except Exception as error:  # noqa: BLE001 - a channel's fault says nothing about what the provider did
            self._spoiled(leased, "channel_fault", error)
            return Unknown("channel_fault")
        return outcome

    def _prepare(self, leased: Leased) -> Dispatch[Any]:
        envelope = open_leased(self.keys, leased)
        content = self.outlets[leased.channel].render(envelope)
        return Dispatch(
            message_id=str(leased.id),
            to=envelope.to,
            content=content,
            created_at=leased.created_at,
            validity=leased.expires_at - self.clock(),
        )

    def _spoiled(self, leased: Leased, code: str, error: Exception | None = None) -> Configuration:
        logger().error("delivery.message_spoiled", message=str(leased.id), code=code, exc_info=error)
        return Configuration(code)
