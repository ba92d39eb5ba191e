"""What follows from an outcome: examples of each kind. The invariants are in tests/property."""

from datetime import UTC, datetime, timedelta

import pytest

from receipt_service.domain.message import (
    Accepted,
    Configuration,
    MessageState,
    Outcome,
    Permanent,
    Transient,
    Unknown,
)
from receipt_service.domain.retry import CEILINGS, DeadLetter, LookUp, Retry, Settled, Step, backoff, next_step

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
END = NOW + timedelta(hours=24)


def decide(outcome: Outcome, *, attempts: int = 1, jitter: float = 0.5, end: datetime = END) -> Step:
    return next_step(outcome, attempts=attempts, now=NOW, window_end=end, jitter=jitter)


@pytest.mark.parametrize(
    ("outcome", "step"),
    [
        (Accepted("SM1"), Settled(MessageState.ACCEPTED)),
        (Permanent("21614"), Settled(MessageState.UNDELIVERABLE, "21614")),
        (Configuration("20003"), DeadLetter("20003")),
        (Unknown("timeout"), LookUp(NOW + timedelta(seconds=120), "timeout")),
        (Transient("429", timedelta(seconds=40)), Retry(NOW + timedelta(seconds=40), "429")),
    ],
)
def test_each_outcome_has_its_step(outcome: Outcome, step: Step):
    assert decide(outcome) == step


def test_first_failure_is_tried_again_at_once():
    assert decide(Transient("x"), attempts=1, jitter=0.99) == Retry(NOW, "x")


@pytest.mark.parametrize(
    ("attempts", "seconds"), [(2, 30), (3, 120), (4, 300), (5, 900), (6, 1800), (7, 3600), (99, 3600)]
)
def test_ceiling_grows_to_an_hour_and_stays(attempts: int, seconds: int):
    assert backoff(attempts, 0.5) == timedelta(seconds=seconds / 2)
    assert backoff(attempts, 0) == timedelta(0)


def test_provider_s_wish_is_the_least_wait_and_the_jitter_comes_on_top():
    step = decide(Transient("429", timedelta(minutes=10)), attempts=4, jitter=0.5)

    assert step == Retry(NOW + timedelta(minutes=10) + CEILINGS[3] / 2, "429")


def test_wish_beyond_the_window_ends_it():
    assert decide(Transient("429", timedelta(days=9))) == Settled(MessageState.EXPIRED, "429")
    assert decide(Transient("429", timedelta.max)) == Settled(MessageState.EXPIRED, "429")


def test_unforeseen_refusal_is_left_to_an_operator_after_a_few_tries():
    assert isinstance(decide(Transient("29999", most=3), attempts=2), Retry)
    assert decide(Transient("29999", most=3), attempts=3) == DeadLetter("29999")


def test_lost_answer_is_looked_up_at_the_latest_when_the_window_ends():
    end = NOW + timedelta(seconds=30)

    assert decide(Unknown("timeout"), end=end) == LookUp(end, "timeout")
    assert decide(Unknown("timeout"), end=NOW - timedelta(seconds=1)) == LookUp(NOW, "timeout")


def test_configuration_fault_after_the_window_can_only_expire():
    assert decide(Configuration("20003"), end=NOW) == Settled(MessageState.EXPIRED, "20003")


@pytest.mark.parametrize(("attempts", "jitter"), [(0, 0.5), (-1, 0.5), (1, 1.0), (1, -0.1)])
def test_impossible_arguments_are_refused(attempts: int, jitter: float):
    with pytest.raises(ValueError, match="attempts begin at 1"):
        backoff(attempts, jitter)
