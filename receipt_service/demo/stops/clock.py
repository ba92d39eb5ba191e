"""When an old stop happens again: in the last seven days, on the same weekday, at the same time by the clock.

The service refuses a check that is registered too long after the event, and rightly so; the replay does
not ask it to look away. It moves every stop by whole weeks into the seven days before the replay begins.
London's wall clock becomes the wall clock of the place, so that night checks stay night checks.
"""

from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

_LONDON: Final = ZoneInfo("Europe/London")
_WEEK: Final = timedelta(days=7)


def replayed_at(happened: datetime, *, before: datetime, zone: ZoneInfo) -> datetime:
    """Give the instant, with the offset of ``zone``, at which the replay lets the stop happen.

    Always in the week (give or take a change of the clocks) that ends with ``before``. Weekday and clock
    time are those of London, except in the hour that the zone skips in spring.
    """
    wall = happened.astimezone(_LONDON).replace(tzinfo=None)
    end = before.astimezone(zone).replace(tzinfo=None)
    weeks = (end - wall) // _WEEK
    moved = _in_zone(wall + weeks * _WEEK, zone)
    if moved > before:
        moved = _in_zone(wall + (weeks - 1) * _WEEK, zone)
    return moved


def _in_zone(wall: datetime, zone: ZoneInfo) -> datetime:
    """Read a clock time in the zone; one that the zone skips becomes the existing time an hour on."""
    return wall.replace(tzinfo=zone).astimezone(UTC).astimezone(zone)
