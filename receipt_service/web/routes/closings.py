"""``/v1/closings``: a supervisor closes a day of a unit, once and for ever."""

from datetime import date

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from receipt_service.web import problems
from receipt_service.web.access import DirectRoute, Route
from receipt_service.web.audit_answers import closing_response
from receipt_service.web.audit_requests import DailyClosingIn, read_json
from receipt_service.web.authentication import Caller, Role
from receipt_service.web.example_files import example
from receipt_service.web.openapi import json_content
from receipt_service.web.services import services_of

router = APIRouter(route_class=DirectRoute)


async def close_day(request: Request, caller: Caller) -> Response:
    """Close a day, and answer the record of it."""
    services = services_of(request)
    given = await read_json(request, DailyClosingIn)
    closing = await services.closings.close(
        closer=await services.officer(caller.subject),
        unit=given.unit,
        day=date.fromisoformat(given.day),
        checks=given.checks,
        now=services.clock(),
    )
    return closing_response(closing)


Route(
    method="POST",
    path="/v1/closings",
    name="closeDay",
    tag="closings",
    summary="Close a day of a unit",
    description="For supervisors, about their own unit or one below it: how many checks its officers counted. Beside "
    "it the service writes how many are in the book at that moment, signs both, and the record enters the public log, "
    "where its facts are concealed. Once for each unit and day, and never changed. Checks that are registered later, "
    "offline ones for instance, are told as such by the audit.",
    roles=(Role.SUPERVISOR,),
    body={"required": True, "content": json_content("DailyClosingIn", {"day": example("closing-request")})},
    answers={
        201: {
            "description": "Closed.",
            "content": json_content("DailyClosingOut", {"closed": example("closing")}),
        }
    },
    problems=(
        problems.MALFORMED_REQUEST,
        problems.OFFICER_UNKNOWN,
        problems.OUTSIDE_OWN_UNITS,
        problems.REQUEST_TIMEOUT,
        problems.DAY_ALREADY_CLOSED,
        problems.BODY_TOO_LARGE,
        problems.UNSUPPORTED_MEDIA_TYPE,
        problems.INVALID_CHECK,
        problems.DAY_NOT_CLOSABLE,
        problems.INTERNAL_ERROR,
        problems.UNAVAILABLE,
    ),
).add(router, close_day)
