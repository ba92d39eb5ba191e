"""Keeping anchors: a checkpoint every few minutes, with the signatures that it has.

The newest one also lies in the log's folder: receipts name it, and its signatures, kept for good, say when it stood.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import Engine

from receipt_service.storage import log_anchors
from receipt_service.storage.engine import reading, writing
from receipt_service.transparency.log_folder import ANCHOR, LogFolder, size_of

KEPT_EVERY: Final = timedelta(minutes=10)


class AnchorKeeper:
    """Keeps a checkpoint where the last one that was kept is older than ``every``, and publishes it."""

    def __init__(
        self,
        engine: Engine,
        folder: LogFolder,
        every: timedelta = KEPT_EVERY,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """``folder`` is the log's; ``clock`` gives aware times."""
        self._engine, self._folder, self._every, self._clock = engine, folder, every, clock
        self._next_at: datetime | None = None
        """When the database need be asked again; ``None`` before it was."""

    def keep(self, size: int, note: bytes) -> bool:
        """Keep a checkpoint if it is time to; say whether it was. Raises what the database raises, and ``OSError``.

        The folder follows the database: nothing is named in a receipt that is not kept. Whenever the database is
        asked, at the start too, the file is put right where a crash has kept it behind.
        """
        now = self._clock()
        if self._next_at is not None and now < self._next_at:
            return False
        with reading(self._engine) as connection:
            last = log_anchors.newest(connection)
        if last is not None:
            self._publish(last.size, last.note.encode())
            if now < last.kept_at + self._every:
                self._next_at = last.kept_at + self._every
                return False
            if last.size >= size:  # the log has not grown since
                return False
        with writing(self._engine) as connection:
            log_anchors.keep(connection, size=size, note=note.decode(), now=now)
        self._publish(size, note)
        self._next_at = now + self._every
        return True

    def _publish(self, size: int, note: bytes) -> None:
        self._folder.replace_checkpoint(ANCHOR, note, lambda there: size_of(there) < size)
