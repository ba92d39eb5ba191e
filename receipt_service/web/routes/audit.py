"""``/v1/audit``: auditors match receipts and audit periods; who did so is for data-protection officers to read."""

from datetime import date, timedelta
from typing import Any, Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from receipt_service.audit.period import AuditPeriod
from receipt_service.web import problems
from receipt_service.web.access import DirectRoute, Route
from receipt_service.web.audit_answers import readings_response
from receipt_service.web.audit_requests import AuditMatchIn, AuditPeriodIn, read_json
from receipt_service.web.authentication import Caller, Role
from receipt_service.web.example_files import example
from receipt_service.web.openapi import json_content
from receipt_service.web.query import query_parameters
from receipt_service.web.refusals import Refused
from receipt_service.web.responses import json_response
from receipt_service.web.services import services_of

router = APIRouter(route_class=DirectRoute)

_MOST_MATCHES: Final = 16
_MOST_PERIODS: Final = 1
_LONGEST_LIST: Final = 1096
_DAYS: Final[tuple[dict[str, Any], ...]] = (
    {
        "name": "days",
        "in": "query",
        "required": False,
        "description": "How far back; 30 when left out.",
        "schema": {"type": "integer", "minimum": 1, "maximum": _LONGEST_LIST},
        "example": 30,
    },
)
_REFUSALS: Final = (
    problems.MALFORMED_REQUEST,
    problems.REQUEST_TIMEOUT,
    problems.BODY_TOO_LARGE,
    problems.UNSUPPORTED_MEDIA_TYPE,
    problems.INVALID_CHECK,
    problems.AUDIT_REASON_REQUIRED,
    problems.INTERNAL_ERROR,
    problems.UNAVAILABLE,
    problems.OVERLOADED,
)


async def match_receipt(request: Request, caller: Caller) -> Response:
    """Put the reading on record, match, and answer."""
    services = services_of(request)
    given = await read_json(request, AuditMatchIn)
    reason = given.reason()
    services.hands.matches.take(_MOST_MATCHES)
    try:
        found = await services.audits.match(caller.subject, given.presented, reason, services.clock())
    finally:
        services.hands.matches.release()
    return json_response(found.to_json())


async def audit_days(request: Request, caller: Caller) -> Response:
    """Put the reading on record, audit, and answer."""
    services = services_of(request)
    given = await read_json(request, AuditPeriodIn)
    reason = given.reason()
    period = AuditPeriod(date.fromisoformat(given.first), date.fromisoformat(given.last))
    services.hands.periods.take(_MOST_PERIODS)
    try:
        found = await services.audits.period(caller.subject, period, reason, services.clock())
    finally:
        services.hands.periods.release()
    return json_response(found.to_json())


async def list_readings(request: Request, caller: Caller) -> Response:  # noqa: ARG001 - the role is what counts
    """Answer the audits on record."""
    services = services_of(request)
    days = query_parameters(request, {"days"}).get("days", "30")
    if not (days.isascii() and days.isdigit() and len(days) < 5 and 1 <= int(days) <= _LONGEST_LIST):  # noqa: PLR2004
        raise Refused(problems.INVALID_PARAMETER)
    return readings_response(await services.audits.readings(services.clock() - timedelta(days=int(days))))


Route(
    method="POST",
    path="/v1/audit/matches",
    name="matchReceipt",
    tag="audit",
    summary="A receipt held against its stub and the log",
    description="Verifies what is presented, finds its stub by the exact bytes of the leaf, compares every group "
    "that is shown, and proves the leaf's place in the log. An identity that is shown is neither kept nor answered. "
    "What was matched, by whom, when and why is kept on record for three years.",
    roles=(Role.AUDITOR,),
    body={"required": True, "content": json_content("AuditMatchIn", {"receipt": example("audit-match-request")})},
    answers={
        200: {
            "description": "What was found; a forged receipt is an answer too.",
            "content": json_content("AuditMatchOut", {"logged": example("audit-match")}),
        }
    },
    problems=_REFUSALS,
).add(router, match_receipt)

Route(
    method="POST",
    path="/v1/audit/periods",
    name="auditPeriod",
    tag="audit",
    summary="Log, stub-book and daily closings of some days held against each other",
    description="Every entry signed by a known key and under the signed root, every stub its leaf, every stub in the "
    "log in time, checks by unit and day against the daily closings. One at a time, and no more than a process can do "
    "while it answers: for longer periods there is `receipt-service audit period`. Kept on record like a match.",
    roles=(Role.AUDITOR,),
    body={"required": True, "content": json_content("AuditPeriodIn", {"days": example("audit-period-request")})},
    answers={
        200: {
            "description": "What was found.",
            "content": json_content("AuditPeriodOut", {"whole": example("audit-period")}),
        }
    },
    problems=(*_REFUSALS, problems.AUDIT_PERIOD_REFUSED),
).add(router, audit_days)

Route(
    method="GET",
    path="/v1/audit/readings",
    name="listAuditReadings",
    tag="audit",
    summary="Who audited what, when and why",
    description="For the data-protection officer. Each audit through the API or a command beside the database, kept "
    "for three years and then forgotten.",
    roles=(Role.DPO,),
    parameters=_DAYS,
    answers={
        200: {
            "description": "The audits, the oldest first.",
            "content": json_content("AuditReadingsOut", {"readings": example("audit-readings")}),
        }
    },
    problems=(problems.INVALID_PARAMETER, problems.INTERNAL_ERROR, problems.UNAVAILABLE),
).add(router, list_readings)
