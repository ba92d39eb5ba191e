"""Rule R2: a prosecutor's requisition is complete, signed before its period, short enough, and valid here and now."""

from __future__ import annotations

from calendar import monthrange
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from receipt_service.domain.check_request import MAX_REQUISITION_COMMUNES, MAX_REQUISITION_OFFENCES
from receipt_service.domain.rules_case import instant

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from receipt_service.domain.catalogue_entries import LegalBasis, RequisitionRule
    from receipt_service.domain.check import Requisition
    from receipt_service.domain.rules_case import Case

_TEXTS: Final = ("reference", "court", "places")


def check_requisitions(case: Case) -> None:
    """Hold every requisition against its basis, the time and the place of the check."""
    for index, use, entry in case.known:
        if entry.requisition is None or use.requisition is None:
            continue
        pointer = f"/legal_bases/{index}/requisition"
        _check_complete(case, pointer, use.requisition)
        _check_period(case, pointer, use.requisition, entry)
        _check_place(case, pointer, use.requisition)
        _check_offences(case, pointer, use.requisition, entry)


def _check_complete(case: Case, pointer: str, requisition: Requisition) -> None:
    """Nothing that the law asks of a requisition is empty, and no list is boundless."""
    for name in _TEXTS:
        if not getattr(requisition, name).strip():
            case.refuse(f"{pointer}/{name}", "requisition.incomplete")
    for name, values, limit in (
        ("offences", requisition.offences, MAX_REQUISITION_OFFENCES),
        ("communes", requisition.communes, MAX_REQUISITION_COMMUNES),
    ):
        if not values:
            case.refuse(f"{pointer}/{name}", "requisition.incomplete")
        elif len(values) > limit:
            case.refuse(f"{pointer}/{name}", "requisition.too_many", limit=limit)


def _check_period(case: Case, pointer: str, requisition: Requisition, entry: LegalBasis) -> None:
    """Signed, then begun; no longer than the law allows; the check lies inside."""
    moments = {name: instant(getattr(requisition, name)) for name in ("signed_at", "starts_at", "ends_at")}
    for name, moment in moments.items():
        if moment is None:
            case.refuse(f"{pointer}/{name}", "time.not_aware")
    signed, starts, ends = moments["signed_at"], moments["starts_at"], moments["ends_at"]
    if signed is not None and starts is not None and signed > starts:
        case.refuse(f"{pointer}/signed_at", "requisition.signed_after_start")
    if starts is not None and ends is not None:
        if ends <= starts:
            case.refuse(f"{pointer}/ends_at", "requisition.period_reversed")
        elif entry.requisition is not None:
            _check_length(case, pointer, starts, ends, entry)
    if requisition.renewed and entry.requisition is not None and not entry.requisition.renewable:
        case.refuse(f"{pointer}/renewed", "requisition.not_renewable", article=entry.article)
    _check_in_force(case, pointer, starts, ends)


def _check_in_force(case: Case, pointer: str, starts: datetime | None, ends: datetime | None) -> None:
    """Place the check inside the period."""
    if case.checked_at is None:
        return
    if starts is not None and case.checked_at < starts:
        case.refuse(f"{pointer}/starts_at", "requisition.not_yet_valid")
    if ends is not None and case.checked_at > ends:
        case.refuse(f"{pointer}/ends_at", "requisition.expired")


def _check_length(case: Case, pointer: str, starts: datetime, ends: datetime, entry: LegalBasis) -> None:
    """24 h (78-2-2, mining code), one month (78-2-1), none (al. 7)."""
    rule = entry.requisition
    if rule is None or ends <= _latest_end(rule, starts, case.zone):
        return
    limits = ("{} mois", "{} month") if rule.max_months else ("{} heures", "{} hours")
    amount = rule.max_months or rule.max_hours
    case.refuse(
        f"{pointer}/ends_at",
        "requisition.too_long",
        article=entry.article,
        limit_fr=limits[0].format(amount),
        limit_en=limits[1].format(amount),
    )


def _latest_end(rule: RequisitionRule, starts: datetime, zone: ZoneInfo | None) -> datetime:
    """Return the last instant that a period beginning at ``starts`` may reach: real hours, calendar months."""
    if rule.max_hours is not None:
        return starts + timedelta(hours=rule.max_hours)
    if rule.max_months is None:
        return datetime.max.replace(tzinfo=UTC)
    local = starts.astimezone(zone or UTC)
    years, month = divmod(local.month - 1 + rule.max_months, 12)
    year, month = local.year + years, month + 1
    day = min(local.day, monthrange(year, month)[1])
    return local.replace(year=year, month=month, day=day).astimezone(UTC)


def _check_place(case: Case, pointer: str, requisition: Requisition) -> None:
    """Look for the check's commune, or the city of which it is an arrondissement, among those listed."""
    for index, code in enumerate(requisition.communes[:MAX_REQUISITION_COMMUNES]):
        if not case.territory.has(code):
            case.refuse(f"{pointer}/communes/{index}", "requisition.commune_unknown")
    if (
        case.commune is not None
        and requisition.communes
        and not case.territory.covers(requisition.communes, case.commune)
    ):
        case.refuse(f"{pointer}/communes", "requisition.place")


def _check_offences(case: Case, pointer: str, requisition: Requisition, entry: LegalBasis) -> None:
    """Offences of the closed list, where the law closes it; never an empty one."""
    accepted = entry.requisition.offences if entry.requisition is not None else None
    for index, offence in enumerate(requisition.offences[:MAX_REQUISITION_OFFENCES]):
        if not offence.strip():
            case.refuse(f"{pointer}/offences/{index}", "requisition.incomplete")
        elif accepted is not None and " ".join(offence.split()) not in accepted:
            case.refuse(f"{pointer}/offences/{index}", "requisition.offence", article=entry.article)
