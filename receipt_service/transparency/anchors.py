"""Keeping anchors: a checkpoint every few minutes, with the signatures that it has."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import Engine

from receipt_service.storage import log_anchors
from receipt_service.storage.engine import reading, writing

KEPT_EVERY: Final = timedelta(minutes=10)


class AnchorKeeper:
    """Keeps a checkpoint where the last one that was kept is older than ``every``."""

    def __init__(
        self, engine: Engine, every: timedelta = KEPT_EVERY, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        """``clock`` gives aware times."""
        self._engine, self._every, self._clock = engine, every, clock
        self._next_at: datetime | None = None
        """When the database need be asked again; ``None`` before it was."""

    def keep(self, size: int, note: bytes) -> bool:
        """Keep a checkpoint if it is time to; say whether it was. Raises what the database raises."""
        now = self._clock()
        if self._next_at is not None and now < self._next_at:
            return False
        with reading(self._engine) as connection:
            last = log_anchors.newest(connection)
        if last is not None and now < last.kept_at + self._every:
            self._next_at = last.kept_at + self._every
            return False
        if last is not None and last.size >= size:  # the log has not grown since
            return False
        with writing(self._engine) as connection:
            log_anchors.keep(connection, size=size, note=note.decode(), now=now)
        self._next_at = now + self._every
        return True
