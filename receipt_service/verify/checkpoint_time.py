"""When a checkpoint was seen, and on whose word."""

from datetime import UTC, datetime
from typing import Final

from receipt_service.tlog.trust import CheckedCheckpoint
from receipt_service.verify.log_standing import Clock, Told

_LAST_SECOND: Final = 253_402_300_799
"""Of the year 9999: a time that ``datetime`` can hold."""


def first_seen(checked: CheckedCheckpoint) -> Told | None:
    """Take the first time that a witness gives, else the log's own; ``None`` where no signature has one."""
    timed = [(each.time, each.witness.name) for each in checked.cosignatures if each.time is not None]
    if timed:
        time, name = min(timed)
        return _told(time, Clock.WITNESS, name)
    return None if checked.log_time is None else _told(checked.log_time, Clock.LOG, checked.checkpoint.origin)


def _told(time: int, by: Clock, name: str) -> Told | None:
    return Told(datetime.fromtimestamp(time, UTC), by, name) if time <= _LAST_SECOND else None
