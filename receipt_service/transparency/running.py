"""The log, again and again beside other work: sequence what waits, publish it, pause."""

import threading
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import timedelta
from time import monotonic
from typing import Final

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import SQLAlchemyError

from receipt_service.errors import Unavailable
from receipt_service.storage import log_tree
from receipt_service.storage.engine import is_sqlite
from receipt_service.telemetry import logger
from receipt_service.transparency import sequencing
from receipt_service.transparency.publishing import AT_ONCE, Published, Publisher

ON_SQLITE: Final = 1000
"""Entries in one transaction: on SQLite nobody registers a check meanwhile, so it is kept short."""
ON_POSTGRESQL: Final = 8192
PAUSE_AFTER_FAULT: Final = timedelta(seconds=5)
TELL_EVERY: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class LogPace:
    """How many entries in one transaction, and how long to pause when all is published."""

    at_once: int = ON_POSTGRESQL
    pause: timedelta = timedelta(milliseconds=500)


class LogRunner:
    """A thread that keeps the log until it is told to stop. Of many would-be ones, one at a time does."""

    def __init__(
        self,
        engine: Engine,
        publisher: Publisher,
        pace: LogPace,
        *,
        published: Callable[[Published], None] = lambda _: None,
    ) -> None:
        """Tell ``published`` of every tree that was published, in this thread: it must be quick."""
        self._engine, self._publisher, self._pace, self._published = engine, publisher, pace, published
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self.run, name="log", daemon=True)
        self._post: Connection | None = None
        """The connection that holds the office of the sequencer."""
        self._entries, self._told_at = 0, monotonic()

    def start(self) -> None:
        """Begin in a thread of its own."""
        self._thread.start()

    def stop(self) -> None:
        """Finish the round in hand and end; from any thread, and from a signal's handler."""
        self._stop.set()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join()

    @property
    def is_alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    def run(self) -> None:
        """Keep the log until ``stop``. A round that fails is told and tried again: the database may be away."""
        with ExitStack() as at_end:
            at_end.callback(self._step_down)
            while not self._stop.is_set():
                try:
                    if self._is_elected():
                        self.round()
                except Unavailable as error:
                    logger().warning("log.not_published", exc_info=error)
                    self._step_down()
                except Exception as error:  # noqa: BLE001 - whatever it is, the log must be told of and tried again
                    logger().error("log.not_published", exc_info=error)
                    self._step_down()
                    self._stop.wait(PAUSE_AFTER_FAULT.total_seconds())
                    continue
                self._stop.wait(self._pace.pause.total_seconds())

    def round(self) -> int:
        """Sequence and publish all that waits now; return how many entries."""
        entries = 0
        while True:
            sequenced = self._sequence()
            made = self._publisher.publish()
            if made is not None:
                entries += made.entries
                self._published(made)
                self._tell(made)
            if sequenced < AT_ONCE or self._stop.is_set():
                return entries

    def _sequence(self) -> int:
        sequenced = 0
        while sequenced < AT_ONCE and sequencing.has_work(self._engine):
            some = sequencing.sequence(self._engine, self._pace.at_once)
            sequenced += some
            if some < self._pace.at_once:
                break
        return sequenced

    def _is_elected(self) -> bool:
        """Say whether this is the one sequencer. On SQLite there is one process, and one only."""
        if is_sqlite(self._engine):
            return True
        if self._post is not None:
            self._post.execute(text("SELECT 1"))  # raises where the connection is gone, and the office with it
            return True
        post = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        if log_tree.stand_for_election(post):
            self._post = post
            return True
        post.close()
        return False

    def _step_down(self) -> None:
        if self._post is not None:
            with suppress(SQLAlchemyError):
                self._post.invalidate()  # the server lets go of the office with the connection
            self._post.close()
            self._post = None

    def _tell(self, made: Published) -> None:
        """Every minute in which something was published: how much."""
        self._entries += made.entries
        if monotonic() - self._told_at >= TELL_EVERY.total_seconds():
            logger().info("log.published", count=self._entries)
            self._entries, self._told_at = 0, monotonic()
