"""When an old stop happens again: in the last two days, at the same time by the clock.

The service refuses a check that is registered more than 72 hours after the event, and rightly so; the
replay does not ask it to look away. It moves every stop by whole days into the 48 hours before the replay
begins, which leaves a day for the replay itself. London's wall clock becomes the wall clock of the place, so
that night checks stay night checks; the day of the week is lost.
"""

from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

_LONDON: Final = ZoneInfo("Europe/London")
SPAN: Final = timedelta(days=2)


def replayed_at(happened: datetime, *, before: datetime, zone: ZoneInfo) -> datetime:
    """Give the instant, with the offset of ``zone``, at which the replay lets the stop happen.

    Always in the 48 hours (give or take a change of the clocks) that end with ``before``. The clock time is
    that of London, except in the hour that the zone skips in spring.
    """
    wall = happened.astimezone(_LONDON).replace(tzinfo=None)
    end = before.astimezone(zone).replace(tzinfo=None)
    spans = (end - wall) // SPAN
    moved = _in_zone(wall + spans * SPAN, zone)
    if moved > before:
        moved = _in_zone(wall + (spans - 1) * SPAN, zone)
    return moved


def _in_zone(wall: datetime, zone: ZoneInfo) -> datetime:
    """Read a clock time in the zone; one that the zone skips becomes the existing time an hour on."""
    return wall.replace(tzinfo=zone).astimezone(UTC).astimezone(zone)
