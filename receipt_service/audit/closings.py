"""Daily closings: a unit declares how many checks it made on a day, and the log will not let it say otherwise later.

Whoever deletes a stub afterwards is found by it, without any stub or person being named in public.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Any, Final

from sqlalchemy import Engine

from receipt_service.audit.book_walk import begin_of
from receipt_service.domain.canonical import from_base64url, from_json
from receipt_service.domain.check import Officer
from receipt_service.domain.identifiers import row_id
from receipt_service.domain.log_entry import EntryKind
from receipt_service.domain.log_record import FACTS, LogRecord, SignRecord
from receipt_service.errors import DayAlreadyClosed, DayNotClosable, MalformedReceipt, OutsideOwnUnits
from receipt_service.storage import daily_closings, directory, log_queue
from receipt_service.storage.daily_closings import StoredClosing
from receipt_service.storage.engine import writing

OLDEST: Final = timedelta(days=366)
MOST_CHECKS: Final = 100_000
"""More than any unit makes in a day."""
_PARTS: Final = 3
_ONE_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class ClosingFacts:
    """What the record of a closing conceals from the public."""

    unit: str
    day: date
    checks: int
    """As the unit's officers counted them."""
    registered: int
    """As many as the book held of that unit and day when it was closed."""
    closed_by: str
    """An officer's number."""

    def to_json(self) -> dict[str, Any]:
        """Write the facts in the order of ``docs/log-records.md``."""
        return {
            "unit": self.unit,
            "day": self.day.isoformat(),
            "checks": self.checks,
            "registered": self.registered,
            "closed_by": self.closed_by,
        }


@dataclass(frozen=True, slots=True)
class Closing:
    """A day that was closed."""

    facts: ClosingFacts
    closed_at: datetime
    record: LogRecord


def read_facts(disclosure: str) -> ClosingFacts:
    """Read the disclosure of a closing's record. Raises ``MalformedReceipt``."""
    parts = from_json(from_base64url(disclosure))
    try:
        if len(parts) != _PARTS or parts[1] != FACTS:
            raise MalformedReceipt("not the disclosure of a record")
        facts = parts[2]
        read = ClosingFacts(
            facts["unit"],
            date.fromisoformat(facts["day"]),
            facts["checks"],
            facts["registered"],
            facts["closed_by"],
        )
    except (LookupError, TypeError, ValueError) as error:
        raise MalformedReceipt("not the facts of a closing") from error
    if facts != read.to_json() or type(read.checks) is not int or type(read.registered) is not int:
        raise MalformedReceipt("not the facts of a closing")
    return read


class Closings:
    """Closes days, each in one transaction and off the event loop."""

    def __init__(self, engine: Engine, sign: SignRecord, zone_of: Callable[[str | None], tzinfo]) -> None:
        """``zone_of`` gives the clock of a département; of ``None``, Paris'."""
        self._engine, self._sign, self._zone_of = engine, sign, zone_of

    async def close(self, *, closer: Officer, unit: str | None, day: date, checks: int, now: datetime) -> Closing:
        """Close a day of a unit, the closer's own when none is named.

        Raises ``OutsideOwnUnits`` unless the unit is the closer's own or below it, ``DayNotClosable`` for a day that
        has not begun there or is older than a year, and ``DayAlreadyClosed``.
        """
        return await asyncio.to_thread(self._close, closer, unit or closer.service.code, day, checks, now)

    def _close(self, closer: Officer, unit: str, day: date, checks: int, now: datetime) -> Closing:
        with writing(self._engine) as connection:
            daily_closings.one_at_a_time(connection)
            entry = directory.units(connection).get(unit)
            if entry is None or not directory.is_within(connection, unit=unit, top=closer.service.code):
                raise OutsideOwnUnits("the unit is neither the closer's nor below it")
            zone = self._zone_of(entry.department)
            today = now.astimezone(zone).date()
            if not today - OLDEST <= day <= today:
                raise DayNotClosable("the day has not begun, or is too long ago")
            if daily_closings.find(connection, unit, day) is not None:
                raise DayAlreadyClosed("the day of this unit is closed")
            start, end = begin_of(day, zone), begin_of(day + _ONE_DAY, zone)
            registered = daily_closings.count_checks(connection, unit, first_id=row_id(start, 0), start=start, end=end)
            facts = ClosingFacts(unit, day, checks, registered, closer.number)
            record = self._sign(EntryKind.DAILY_CLOSING, facts.to_json(), now)
            if record.disclosure is None:
                raise MalformedReceipt("a closing's facts are concealed")
            daily_closings.add(connection, StoredClosing(unit, day, now, record.text, record.disclosure))
            log_queue.ask(connection, record.kind, record.text)
        return Closing(facts, now.astimezone(UTC), record)
