"""A sign of life that other processes can see: the worker's file in the folder it shares with the API.

Its time is in the file, not taken from the file system, whose clock may be another machine's.
"""

import os
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

NAME = "worker.heartbeat"
EVERY = timedelta(seconds=5)
LATE = timedelta(seconds=30)
"""A worker whose last sign is older than this counts as gone."""


def beat(folder: Path, now: datetime) -> None:
    """Leave a sign of life. Several workers may share the file: one that lives is enough."""
    temporary = folder / f".{NAME}.{os.getpid()}"
    temporary.write_text(now.isoformat(timespec="seconds") + "\n", encoding="ascii")
    temporary.chmod(0o644)
    temporary.replace(folder / NAME)


def last_beat(folder: Path) -> datetime | None:
    """Return the time of the last sign of life, or None when there never was one that can be read."""
    with suppress(OSError, ValueError):
        moment = datetime.fromisoformat((folder / NAME).read_text(encoding="ascii").strip())
        return moment if moment.tzinfo is not None else None
    return None


def is_alive(folder: Path, now: datetime) -> bool:
    """Say whether a worker gave a sign of life lately."""
    last = last_beat(folder)
    return last is not None and now - last < LATE
