"""``/v1/checks/NUMBER/corrections`` and ``/cancellation``: nothing is overwritten, a newer word is added."""

from typing import Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from receipt_service.issuance.submission import Cancellation, Correction, Submission
from receipt_service.web import problems
from receipt_service.web.access import DirectRoute, Route
from receipt_service.web.authentication import Caller, Role
from receipt_service.web.correction_requests import read_cancellation, read_correction
from receipt_service.web.example_files import example
from receipt_service.web.openapi import json_content
from receipt_service.web.responses import cancelled_response, issued_response
from receipt_service.web.routes.checks import (
    KEY_PARAMETER,
    NUMBER_PARAMETER,
    body_and_key,
    number_in_path,
    require_offered,
)
from receipt_service.web.services import services_of

router = APIRouter(route_class=DirectRoute)

_ROLES: Final = (Role.OFFICER, Role.SUPERVISOR)
_PROBLEMS: Final = (
    problems.MALFORMED_REQUEST,
    problems.IDEMPOTENCY_KEY_MISSING,
    problems.IDEMPOTENCY_KEY_INVALID,
    problems.OFFICER_UNKNOWN,
    problems.CORRECTION_WINDOW_CLOSED,
    problems.NOT_FOUND,
    problems.REQUEST_TIMEOUT,
    problems.IDEMPOTENCY_IN_PROGRESS,
    problems.REPLAY_WINDOW_CLOSED,
    problems.ALREADY_AMENDED,
    problems.STUB_ERASED,
    problems.BODY_TOO_LARGE,
    problems.UNSUPPORTED_MEDIA_TYPE,
    problems.INVALID_CHECK,
    problems.IDEMPOTENCY_CONFLICT,
    problems.INTERNAL_ERROR,
    problems.UNAVAILABLE,
    problems.OVERLOADED,
)
_REPLAYED: Final = {
    "schema": {"type": "string", "const": "true"},
    "description": "Present when an earlier request with this key had done it.",
}


async def correct_check(request: Request, caller: Caller) -> Response:
    """Replace a receipt and answer with the new one."""
    services = services_of(request)
    number = number_in_path(request)
    body, key = await body_and_key(request)
    now = services.clock()
    given, check, person, recipient = read_correction(body, now)
    require_offered(services, sms=recipient.sms is not None, email=recipient.email is not None, within="/check")
    hand = services.hands.checks
    hand.take(services.issuance_queue_limit)
    try:
        issued = await services.correct(
            Correction(
                submission=Submission(
                    subject=caller.subject, idempotency_key=key, request=check, person=person, recipient=recipient
                ),
                receipt_number=number,
                reason=given.reason,
                explanation=given.explanation,
                supervises=Role.SUPERVISOR in caller.roles,
            ),
            now,
        )
    finally:
        hand.release()
    return issued_response(issued, recipient, services)


async def cancel_check(request: Request, caller: Caller) -> Response:
    """Cancel a receipt."""
    services = services_of(request)
    number = number_in_path(request)
    body, key = await body_and_key(request)
    given = read_cancellation(body)
    cancelled = await services.cancel(
        Cancellation(
            subject=caller.subject,
            idempotency_key=key,
            receipt_number=number,
            reason=given.reason,
            explanation=given.explanation,
            supervises=Role.SUPERVISOR in caller.roles,
        ),
        services.clock(),
    )
    return cancelled_response(cancelled, services)


Route(
    method="POST",
    path="/v1/checks/{receipt_number}/corrections",
    name="correctCheck",
    tag="checks",
    summary="Correct a check: a new receipt that replaces this one",
    description="Gives the whole check again, under the rules of `POST /v1/checks`, and why. The new receipt names the "
    "one that it replaces; the old one stays, verifies, and says that it is replaced. For the officer of the check "
    "within a limited time, and for supervisors of its unit or of one above it. The person and where the receipt goes "
    "are given anew where the person is still there: the service has kept neither.",
    roles=_ROLES,
    parameters=(NUMBER_PARAMETER, KEY_PARAMETER),
    body={"required": True, "content": json_content("CorrectionIn", {"place": example("correction-request")})},
    answers={
        201: {
            "description": "Corrected: the new receipt, to show or print.",
            "headers": {
                "Location": {"schema": {"type": "string"}, "description": "Where the new check's state is."},
                "Idempotency-Replayed": _REPLAYED,
            },
            "content": json_content("IssuedOut", {"corrected": example("check-issued")}),
        }
    },
    problems=_PROBLEMS,
).add(router, correct_check)

Route(
    method="POST",
    path="/v1/checks/{receipt_number}/cancellation",
    name="cancelCheck",
    tag="checks",
    summary="Cancel a check: its receipt stands no more",
    description="For what was recorded twice or never took place. The receipt stays, verifies, and says that it is "
    "cancelled; statistics no longer count the check. Who may is as for a correction.",
    roles=_ROLES,
    parameters=(NUMBER_PARAMETER, KEY_PARAMETER),
    body={"required": True, "content": json_content("CancellationIn", {"duplicate": example("cancellation-request")})},
    answers={
        201: {
            "description": "Cancelled.",
            "headers": {
                "Location": {"schema": {"type": "string"}, "description": "Where the check's state is."},
                "Idempotency-Replayed": _REPLAYED,
            },
            "content": json_content("CancelledOut", {"cancelled": example("check-cancelled")}),
        }
    },
    problems=_PROBLEMS,
).add(router, cancel_check)
