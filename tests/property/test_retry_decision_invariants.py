"""What holds for every outcome, at every moment, with every roll of the dice."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from receipt_service.domain.message import (
    ALLOWED_MOVES,
    Accepted,
    Configuration,
    MessageState,
    Permanent,
    Transient,
    Unknown,
)
from receipt_service.domain.retry import CEILINGS, DeadLetter, LookUp, Retry, Settled, backoff, next_step

codes = st.text("0123456789", min_size=1, max_size=5)
waits = st.none() | st.timedeltas(min_value=timedelta(0))
transients = st.builds(Transient, codes, waits, st.none() | st.integers(1, 5))
outcomes = st.one_of(
    st.builds(Accepted, st.none() | codes),
    st.builds(Permanent, codes),
    st.builds(Configuration, codes),
    st.builds(Unknown, codes),
    transients,
)
moments = st.datetimes(datetime(2026, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
windows = st.timedeltas(timedelta(days=-1), timedelta(hours=72))
jitters = st.floats(0, 1, exclude_max=True)
attempts = st.integers(1, 500)


@given(outcomes, attempts, moments, windows, jitters)
def test_no_step_lies_beyond_the_window_or_in_the_past(outcome, attempts, now, window, jitter):
    end = now + window
    step = next_step(outcome, attempts=attempts, now=now, window_end=end, jitter=jitter)

    match step:
        case Retry(at, _):
            assert now <= at < end
        case LookUp(at, _):
            assert now <= at <= max(end, now)
        case DeadLetter(_):
            assert now < end
        case Settled(state, _):
            assert state in ALLOWED_MOVES[MessageState.SENDING]


@given(transients, attempts, moments, windows, jitters)
def test_wish_of_the_provider_is_honoured(outcome, attempts, now, window, jitter):
    step = next_step(outcome, attempts=attempts, now=now, window_end=now + window, jitter=jitter)

    if isinstance(step, Retry) and outcome.retry_after is not None:
        assert step.at - now >= outcome.retry_after


@given(st.builds(Permanent, codes), attempts, moments, windows, jitters)
def test_permanent_is_never_tried_again(outcome, attempts, now, window, jitter):
    step = next_step(outcome, attempts=attempts, now=now, window_end=now + window, jitter=jitter)

    assert step == Settled(MessageState.UNDELIVERABLE, outcome.code)


@given(outcomes, attempts, moments, windows, jitters)
def test_only_surely_unsent_messages_go_back_to_the_queue(outcome, attempts, now, window, jitter):
    step = next_step(outcome, attempts=attempts, now=now, window_end=now + window, jitter=jitter)

    assert not isinstance(step, Retry) or isinstance(outcome, Transient)


@given(attempts, jitters)
def test_wait_is_never_negative_and_below_its_ceiling_which_never_falls(attempts, jitter):
    wait = backoff(attempts, jitter)

    assert timedelta(0) <= wait <= CEILINGS[-1]
    assert wait <= backoff(attempts + 1, jitter)
    assert list(CEILINGS) == sorted(CEILINGS)


@given(st.lists(jitters, min_size=200, max_size=200))
def test_message_that_always_fails_stops_within_its_window(rolls):
    now = datetime(2026, 11, 23, tzinfo=UTC)
    end = now + timedelta(hours=24)

    for number, roll in enumerate(rolls, start=1):
        step = next_step(Transient("x"), attempts=number, now=now, window_end=end, jitter=max(roll, 0.2))
        if isinstance(step, Settled):
            break
        assert isinstance(step, Retry)
        now = step.at
    assert step == Settled(MessageState.EXPIRED, "x")
