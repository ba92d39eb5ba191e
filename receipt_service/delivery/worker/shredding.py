"""Shred: expire what can't be sent any more, and destroy the keys of hours that no message needs."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine

from receipt_service.delivery.worker.epochs import EpochKeys
from receipt_service.delivery.worker.faults import After
from receipt_service.domain import epoch as epochs
from receipt_service.domain.message import LONGEST_WINDOW
from receipt_service.storage import attempts, envelopes, outbox
from receipt_service.storage.engine import reading, writing
from receipt_service.telemetry import logger


@dataclass(frozen=True, slots=True)
class Shredder:
    """Works on what is over; every step may be repeated, and by several workers at once."""

    engine: Engine
    keys: EpochKeys
    after: After

    def expire(self, now: datetime) -> int:
        """Let what is past its window expire, which shreds its envelope; returns how many messages expired."""
        with writing(self.engine) as connection:
            attempts.close_of_expiring(connection, now=now)
            expired = outbox.expire(connection, now=now)
        if expired:
            logger().warning("delivery.messages_expired", count=expired)
            self.after("expired")
        return expired

    def tend_keys(self, now: datetime) -> int:
        """Destroy keys that are over and not needed, make those of the hours ahead; returns how many were destroyed.

        A key is needed while an unsettled message is sealed to it, but never longer than the longest window: what
        is left then has expired, or will before anyone can open it.
        """
        destroyed = 0
        for epoch in self.keys.held():
            if epochs.is_over(epoch, now) and (self._window_over(epoch, now) or not self._needed(epoch)):
                self.keys.destroy(epoch)
                destroyed += 1
                logger().info("delivery.epoch_key_destroyed", epoch=epoch)
        self.keys.prepare(now)
        self.keys.prune(now)
        return destroyed

    def _needed(self, epoch: str) -> bool:
        with reading(self.engine) as connection:
            return envelopes.epoch_is_needed(connection, epoch)

    def _window_over(self, epoch: str, now: datetime) -> bool:
        return epochs.is_over(epoch, now - LONGEST_WINDOW)
