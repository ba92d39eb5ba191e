"""``/v1/officer-statistics``: the officer view, for a supervisor's own units; every reading is on record."""

from typing import Any, Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from receipt_service.statistics.officers import PURPOSES, Purpose
from receipt_service.web import problems
from receipt_service.web.access import DirectRoute, Route
from receipt_service.web.authentication import Caller, Role
from receipt_service.web.example_files import example
from receipt_service.web.officer_answers import officer_statistics_response
from receipt_service.web.openapi import json_content
from receipt_service.web.query import query_parameters
from receipt_service.web.refusals import Refused
from receipt_service.web.services import services_of

router = APIRouter(route_class=DirectRoute)

_PARAMETERS: Final[tuple[dict[str, Any], ...]] = (
    {
        "name": "unit",
        "in": "query",
        "required": False,
        "description": "Code of your own unit or of one below it, itself and all below it; your own when left out.",
        "schema": {"type": "string", "pattern": "^[A-Z0-9][A-Z0-9._-]{0,39}$"},
        "example": "PN-75-10",
    },
    {
        "name": "period",
        "in": "query",
        "required": True,
        "description": "A month (2026-10) or a quarter (2026-Q3) that is over.",
        "schema": {"type": "string", "pattern": "^[0-9]{4}-(0[1-9]|1[0-2]|Q[1-4])$"},
        "example": "2026-Q3",
    },
    {
        "name": "purpose",
        "in": "query",
        "required": True,
        "description": "Why you look: " + "; ".join(f"`{code}`: {text['en']}" for code, text in PURPOSES.items()) + ".",
        "schema": {"type": "string", "enum": [purpose.value for purpose in Purpose]},
        "example": "regular_review",
    },
)
_NAMES: Final = frozenset(parameter["name"] for parameter in _PARAMETERS)


def _purpose(given: str) -> Purpose:
    try:
        return Purpose(given)
    except ValueError:
        raise Refused(problems.PURPOSE_REQUIRED, allowed=[purpose.value for purpose in Purpose]) from None


async def read_officer_statistics(request: Request, caller: Caller) -> Response:
    """Put the reading on record and answer it."""
    services = services_of(request)
    given = query_parameters(request, _NAMES)
    reader = await services.officer(caller.subject)
    found = await services.officer_figures.read(
        reader=reader,
        unit=given.get("unit", reader.service.code),
        period=given.get("period", ""),
        purpose=_purpose(given.get("purpose", "")),
        now=services.clock(),
    )
    return officer_statistics_response(found)


Route(
    method="GET",
    path="/v1/officer-statistics",
    name="readOfficerStatistics",
    tag="officers",
    summary="Officers' checks beside their colleagues'",
    description="For supervisors, about their own unit and those below it. True counts of each officer with enough "
    "checks, beside what colleagues' shares would have given on the same legal bases in the same units; what lies "
    "beyond chance, honest differences and the number of officers looked at is put as a question. In the order of "
    "officers' numbers: nothing is ranked, nothing is decided. Every reading is kept on record for three years: who, "
    "when, which unit and period, for which purpose.",
    roles=(Role.SUPERVISOR,),
    parameters=_PARAMETERS,
    answers={
        200: {
            "description": "The officers, in the order of their numbers.",
            "content": json_content("OfficerStatisticsOut", {"quarter": example("officer-statistics")}),
        }
    },
    problems=(
        problems.OFFICER_UNKNOWN,
        problems.OUTSIDE_OWN_UNITS,
        problems.INVALID_PARAMETER,
        problems.PURPOSE_REQUIRED,
        problems.PERIOD_NOT_CLOSED,
        problems.UNIT_TOO_LARGE,
        problems.INTERNAL_ERROR,
        problems.UNAVAILABLE,
    ),
).add(router, read_officer_statistics)
