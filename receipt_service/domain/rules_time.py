"""Rules R3, R10 and the clock: when a check happened, how long an operation, a hold and a retention may last."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from receipt_service.domain.rules_case import instant

if TYPE_CHECKING:
    from datetime import datetime

    from receipt_service.domain.catalogue_entries import Duration, LegalBasis, Outcome
    from receipt_service.domain.check import BasisUse
    from receipt_service.domain.rules_case import Case

CLOCK_SKEW: Final = timedelta(minutes=5)
"""How far ahead an officer's clock may be."""
OFFLINE_HOURS: Final = 72
"""How long a check may wait on a device without network; the replay window is as long."""
_LIMIT_WITHOUT_HOLDING: Final = "VERIF"


def check_times(case: Case) -> None:
    """Every time of the check: aware, not ahead, not too old, in order."""
    now = case.now
    checked = case.checked_at
    if checked is None:
        rule = "time.not_aware" if case.request.checked_at.tzinfo is None else "time.out_of_range"
        case.refuse("/checked_at", rule)
    elif checked > now + CLOCK_SKEW:
        case.refuse("/checked_at", "time.future")
    elif case.replaces is not None and checked > case.replaces.recorded_at + CLOCK_SKEW:
        case.refuse("/checked_at", "time.after_recorded")
    elif checked < (now if case.replaces is None else case.replaces.checked_at) - timedelta(hours=OFFLINE_HOURS):
        case.refuse("/checked_at", "time.too_old", hours=OFFLINE_HOURS)
    if case.request.ended_at is not None:
        _check_end(case, case.request.ended_at)


def check_device_clock(case: Case) -> None:
    """Hold the device's clock against the check and the server: it records after the beginning, not in the future."""
    given = case.request.recorded_by_device_at
    if given is None:
        return
    recorded = instant(given)
    if recorded is None:
        rule = "time.not_aware" if given.tzinfo is None else "time.out_of_range"
        case.refuse("/recorded_by_device_at", rule)
    elif recorded > case.now + CLOCK_SKEW:
        case.refuse("/recorded_by_device_at", "time.device_ahead", minutes=CLOCK_SKEW // timedelta(minutes=1))
    elif case.checked_at is not None and recorded < case.checked_at - CLOCK_SKEW:
        case.refuse("/recorded_by_device_at", "time.device_before_check")


def _check_end(case: Case, ended_at: datetime) -> None:
    """R10: the check ends after it began, not in the future, and no later than the law lets a person be held."""
    ended = instant(ended_at)
    if ended is None:
        case.refuse("/ended_at", "time.not_aware" if ended_at.tzinfo is None else "time.out_of_range")
        return
    if ended > case.now + CLOCK_SKEW:
        case.refuse("/ended_at", "time.future")
    if case.checked_at is None:
        return
    if ended < case.checked_at:
        case.refuse("/ended_at", "time.ended_before_start")
        return
    held = _longest_hold(case)
    if held is not None and ended - case.checked_at > timedelta(minutes=held[1].max_minutes):
        outcome, limit = held
        labels = {f"label_{language}": outcome.label[language] for language in ("fr", "en")}
        case.refuse("/ended_at", "time.held_too_long", minutes=limit.max_minutes, **labels)


def _longest_hold(case: Case) -> tuple[Outcome, Duration] | None:
    """Return the outcome that allows the longest time, with its limit here; ``None`` when one has no limit of ours.

    A check that ends with nobody held may not outlast an identity verification: beyond, the person was
    held and the outcome has to say so.
    """
    outcomes = [case.catalogue.outcomes[code] for code in case.request.outcomes if code in case.catalogue.outcomes]
    holding = [outcome for outcome in outcomes if outcome.holds] or [case.catalogue.outcomes[_LIMIT_WITHOUT_HOLDING]]
    if any(not outcome.durations for outcome in holding):
        return None
    department = case.commune.department if case.commune is not None else None
    limits = [(outcome, _limit_in(outcome, department)) for outcome in holding]
    return max(limits, key=lambda pair: pair[1].max_minutes)


def _limit_in(outcome: Outcome, department: str | None) -> Duration:
    """Return the limit that holds in a département: its own, else the general one."""
    special = [
        limit for limit in outcome.durations if limit.departments is not None and department in limit.departments
    ]
    general = [limit for limit in outcome.durations if limit.departments is None]
    return (special or general)[0]


def check_operations(case: Case) -> None:
    """R3: at most 12 h (al. 9-10, customs) or 6 h (L.812-2 1°) in one place since the operation began."""
    for index, use, entry in case.known:
        pointer = f"/legal_bases/{index}"
        if use.operation_started_at is not None and "operation_started_at" in entry.fields:
            _check_operation(case, f"{pointer}/operation_started_at", use.operation_started_at, entry)
        if entry.hold_max_minutes is not None:
            _check_hold(case, pointer, use, entry)


def _check_operation(case: Case, pointer: str, started_at: datetime, entry: LegalBasis) -> None:
    started = instant(started_at)
    if started is None:
        case.refuse(pointer, "time.not_aware" if started_at.tzinfo is None else "time.out_of_range")
    elif case.checked_at is None:
        return
    elif started > case.checked_at:
        case.refuse(pointer, "operation.starts_later")
    elif entry.operation_max_hours is not None and case.checked_at - started > timedelta(
        hours=entry.operation_max_hours
    ):
        case.refuse(pointer, "operation.too_long", article=entry.article, hours=entry.operation_max_hours)


def _check_hold(case: Case, pointer: str, use: BasisUse, entry: LegalBasis) -> None:
    """Hold a retention on the spot against its limit (30 min: 78-2-4): both ends, within the check."""
    if use.hold_started_at is None and use.hold_ended_at is None:
        return
    if use.hold_started_at is None or use.hold_ended_at is None:
        missing = "hold_started_at" if use.hold_started_at is None else "hold_ended_at"
        case.refuse(f"{pointer}/{missing}", "hold.incomplete")
        return
    started, ended = instant(use.hold_started_at), instant(use.hold_ended_at)
    if started is None or ended is None:
        case.refuse(f"{pointer}/{'hold_started_at' if started is None else 'hold_ended_at'}", "time.not_aware")
        return
    if ended < started:
        case.refuse(f"{pointer}/hold_ended_at", "hold.reversed")
    elif ended - started > timedelta(minutes=entry.hold_max_minutes or 0):
        case.refuse(f"{pointer}/hold_ended_at", "hold.too_long", article=entry.article, minutes=entry.hold_max_minutes)
    if case.checked_at is not None and started < case.checked_at:
        case.refuse(f"{pointer}/hold_started_at", "hold.outside_check")
    finished = instant(case.request.ended_at) if case.request.ended_at is not None else None
    if ended > (finished or case.now + CLOCK_SKEW):
        case.refuse(f"{pointer}/hold_ended_at", "hold.outside_check")
