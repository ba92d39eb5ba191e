"""Folding, again and again beside other work, so that statistics are seconds behind the stubs and not more."""

import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Final

from sqlalchemy import Engine

from receipt_service.statistics.rollup import Rollup
from receipt_service.storage.engine import is_sqlite
from receipt_service.telemetry import logger

PAUSE: Final = timedelta(seconds=1)
PAUSE_AFTER_FAULT: Final = timedelta(seconds=5)
TELL_EVERY: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class FoldingPace:
    """How many rows at once, and how long to pause when the queue is empty."""

    at_once: int = 4000
    at_most: int = 4000
    """Rows at once while more keep waiting: twice as many each time, since they share cells and cost less together."""
    pause: timedelta = PAUSE
    breath: timedelta = timedelta(0)
    """Pause between two full folds, in which other writers come to their turn."""


def pace_of(engine: Engine, pause: timedelta = PAUSE) -> FoldingPace:
    """Give the pace for a database. On SQLite nobody registers a check while cells are written, so that is kept short.

    A thousand rows hold the lock for a third of a second; that happens only where 250 a second are not enough.
    """
    if is_sqlite(engine):
        return FoldingPace(at_once=250, at_most=1000, pause=pause, breath=timedelta(milliseconds=20))
    return FoldingPace(pause=pause)


class Folding:
    """A thread that folds until it is told to stop."""

    def __init__(
        self,
        rollup: Rollup,
        pace: FoldingPace,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._rollup, self._pace, self._clock = rollup, pace, clock
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self.run, name="folding", daemon=True)
        self._folded, self._told_at = 0, monotonic()

    def start(self) -> None:
        """Begin in a thread of its own."""
        self._thread.start()

    def stop(self) -> None:
        """Finish the fold in hand and end; from any thread, and from a signal's handler."""
        self._stop.set()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join()

    def run(self) -> None:
        """Fold until ``stop``. A round that fails is told and tried again: the database may be away."""
        at_once = self._pace.at_once
        while not self._stop.is_set():
            try:
                rows = self._rollup.fold(at_once).rows if self._rollup.has_work() else 0
            except Exception as error:  # noqa: BLE001 - its words may quote what was read
                logger().error("statistics.not_folded", exc_info=error)
                self._stop.wait(PAUSE_AFTER_FAULT.total_seconds())
                continue
            self._folded += rows
            self._tell()
            full = rows == at_once
            at_once = min(2 * at_once, self._pace.at_most) if full else self._pace.at_once
            self._stop.wait((self._pace.breath if full else self._pace.pause).total_seconds())

    def _tell(self) -> None:
        """Every minute in which something was folded: how much, and how far behind."""
        if self._folded and monotonic() - self._told_at >= TELL_EVERY.total_seconds():
            with suppress(Exception):
                logger().info("statistics.folded", count=self._folded, lag_seconds=self._rollup.lag(self._clock()))
            self._folded, self._told_at = 0, monotonic()
