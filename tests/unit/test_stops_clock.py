from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import example, given
from hypothesis import strategies as st

from receipt_service.demo.stops.clock import replayed_at

PARIS = ZoneInfo("Europe/Paris")
LONDON = ZoneInfo("Europe/London")
INSTANTS = st.datetimes(datetime(2010, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


def test_the_clock_time_of_london_is_kept():
    friday_night = datetime(2024, 9, 27, 22, 45, tzinfo=UTC)  # 23.45 by London's clocks
    moved = replayed_at(friday_night, before=datetime(2026, 11, 23, 6, 0, tzinfo=UTC), zone=PARIS)
    assert moved.isoformat() == "2026-11-22T23:45:00+01:00"


@given(happened=INSTANTS, before=INSTANTS)
@example(  # a clock time that Paris skipped on 29 March 2026
    happened=datetime(2026, 1, 4, 2, 30, tzinfo=UTC), before=datetime(2026, 3, 30, 12, 0, tzinfo=UTC)
)
@example(  # the replay begins in the hour that Paris has twice
    happened=datetime(2024, 9, 1, 1, 30, tzinfo=UTC), before=datetime(2026, 10, 25, 0, 45, tzinfo=UTC)
)
def test_the_stop_lies_in_the_last_two_days_at_its_own_hour(happened, before):
    moved = replayed_at(happened, before=before, zone=PARIS)
    assert before - timedelta(days=2, hours=1) < moved <= before
    assert moved.utcoffset() == moved.astimezone(UTC).astimezone(PARIS).utcoffset()
    lived = happened.astimezone(LONDON).replace(tzinfo=None)
    skipped = (moved.replace(tzinfo=None) - lived) % timedelta(days=1)
    assert skipped in {timedelta(0), timedelta(hours=1)}
    if skipped:
        assert moved.month == 3
