"""``/v1/statistics``: released figures of a supervisor's own units, on a fixed lattice."""

from collections.abc import Sequence
from typing import Any, Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from receipt_service.statistics.answers import Answer
from receipt_service.statistics.indicator_cells import cells_of
from receipt_service.statistics.lattice import Dimension
from receipt_service.statistics.questions import InvalidQuestion, Question, Split, question_of
from receipt_service.web import problems
from receipt_service.web.access import DirectRoute, Route, accepts
from receipt_service.web.authentication import Caller, Role
from receipt_service.web.example_files import example
from receipt_service.web.indicator_answers import indicators_response
from receipt_service.web.openapi import json_content
from receipt_service.web.query import query_parameters
from receipt_service.web.refusals import Refused
from receipt_service.web.services import services_of
from receipt_service.web.statistics_answers import MEDIA_TYPES, Format, answer_response, offer_response

router = APIRouter(route_class=DirectRoute)

_DIVISIONS: Final = "|".join([*Dimension, *Split])
_PARAMETERS: Final[tuple[dict[str, Any], ...]] = (
    {
        "name": "period",
        "in": "query",
        "required": True,
        "description": "A released month (2026-10), quarter (2026-Q3) or year (2026).",
        "schema": {"type": "string", "pattern": "^[0-9]{4}(-(0[1-9]|1[0-2]|Q[1-4]))?$"},
        "example": "2026-Q3",
    },
    {
        "name": "area",
        "in": "query",
        "required": False,
        "description": "`U` and the code of your unit or one below it (your own when left out), `D` and a département "
        "or `C` and a commune where one of these is seated, `F` (France) for a unit that nothing stands above.",
        "schema": {"type": "string", "pattern": "^(F|D[0-9AB]{2,3}|C[0-9AB]{5}|U[A-Z0-9][A-Z0-9._-]{0,39})$"},
        "example": "UPN-75",
    },
    {
        "name": "by",
        "in": "query",
        "required": False,
        "description": "At most two divisions, with a comma between them, in any order; `/v1/statistics` names the "
        "combinations that there are. Left out: the total.",
        "schema": {"type": "string", "pattern": f"^(({_DIVISIONS})(,({_DIVISIONS}))?)?$"},
        "example": "basis,outcome",
    },
    {
        "name": "format",
        "in": "query",
        "required": False,
        "description": "Instead of an Accept header.",
        "schema": {"type": "string", "enum": [form.value for form in Format]},
    },
)
_OF_QUESTIONS: Final = (
    problems.OFFICER_UNKNOWN,
    problems.OUTSIDE_OWN_UNITS,
    problems.INVALID_PARAMETER,
    problems.PERIOD_NOT_RELEASED,
    problems.INTERNAL_ERROR,
    problems.UNAVAILABLE,
)
_CSV_EXAMPLE: Final = "area,period,outcome,checks,protection\r\nUPN-75-10,2026-Q3,LIBRE,4218,perturbed\r\n"
_OF_INDICATORS: Final = ("period", "area")
_NAMES: Final = tuple(parameter["name"] for parameter in _PARAMETERS)


async def read_statistics_offer(request: Request, caller: Caller) -> Response:
    """Answer what the caller can ask for."""
    services = services_of(request)
    query_parameters(request, ())
    return offer_response(await services.statistics.offer(await services.officer(caller.subject)))


async def read_statistics(request: Request, caller: Caller) -> Response:
    """Answer a question of the lattice."""
    services = services_of(request)
    given = query_parameters(request, _NAMES)
    reader = await services.officer(caller.subject)
    question = _question(given, reader.service.code)
    form = _format(given.get("format"), request.headers.get("accept"))
    return answer_response(await services.statistics.ask(question, reader), form)


async def read_indicators(request: Request, caller: Caller) -> Response:
    """Answer the indicators of an area and period: what is reckoned from figures that could be asked for one by one."""
    services = services_of(request)
    given = query_parameters(request, _OF_INDICATORS)
    reader = await services.officer(caller.subject)
    area, period = given.get("area", f"U{reader.service.code}"), given.get("period", "")

    async def ask(area: str, period: str, by: Sequence[str]) -> Answer:
        return await services.statistics.ask(_on_lattice(area, period, by), reader)

    cells = await cells_of(
        ask,
        area,
        _on_lattice(area, period, ()).period,
        offer=await services.statistics.offer(reader),
        requisition_bases=services.requisition_bases,
        noise_variance=services.noise_variance,
    )
    return indicators_response(cells)


def _question(given: dict[str, str], unit: str) -> Question:
    by = [name for name in given.get("by", "").split(",") if name]
    return _on_lattice(given.get("area", f"U{unit}"), given.get("period", ""), by)


def _on_lattice(area: str, period: str, by: Sequence[str]) -> Question:
    try:
        return question_of(area=area, period=period, by=by)
    except InvalidQuestion as error:
        raise Refused(problems.INVALID_PARAMETER, error.violations) from None


def _format(named: str | None, accept: str | None) -> Format:
    if named is not None:
        try:
            return Format(named)
        except ValueError:
            raise Refused(problems.INVALID_PARAMETER, allowed=[form.value for form in Format]) from None
    return next((form for form, media in MEDIA_TYPES.items() if accepts(accept or "*/*", (media,))), Format.JSON)


Route(
    method="GET",
    path="/v1/statistics",
    name="readStatisticsOffer",
    tag="statistics",
    summary="What can be asked of the statistics",
    description="The released periods, the areas that are yours to ask for, and by what each can be divided. The "
    "lattice is fixed: free periods, areas or combinations would let anyone find single checks between two answers.",
    roles=(Role.SUPERVISOR,),
    answers={
        200: {
            "description": "The lattice.",
            "content": json_content("StatisticsOfferOut", {"offer": example("statistics-offer")}),
        }
    },
    problems=(
        problems.OFFICER_UNKNOWN,
        problems.INVALID_PARAMETER,
        problems.INTERNAL_ERROR,
        problems.UNAVAILABLE,
    ),
).add(router, read_statistics_offer)

Route(
    method="GET",
    path="/v1/statistics/checks",
    name="readStatistics",
    tag="statistics",
    summary="Numbers of checks, protected",
    description="Checks of an area in a period, divided at most twice. A period is released once, some days after its "
    "end; from then on its figures never change. Noise that belongs to the set of counted checks (cell key method), a "
    "threshold, and distance between figures of which one contains the other keep any answer, and any difference of "
    "two answers, from singling out a check; docs/statistics-method.md says how.",
    roles=(Role.SUPERVISOR,),
    parameters=_PARAMETERS,
    produces=tuple(MEDIA_TYPES.values()),
    answers={
        200: {
            "description": "The figures.",
            "content": {
                **json_content("StatisticsOut", {"outcomes": example("statistics")}),
                "text/csv": {
                    "schema": {"type": "string"},
                    "examples": {"outcomes": {"value": _CSV_EXAMPLE}},
                },
                "application/vnd.apache.parquet": {"schema": {"type": "string", "format": "binary"}},
            },
        }
    },
    problems=_OF_QUESTIONS,
).add(router, read_statistics)

Route(
    method="GET",
    path="/v1/statistics/indicators",
    name="readIndicators",
    tag="statistics",
    summary="Indicators of how checks are carried out",
    description="Shares, rates and measures of concentration, each reckoned from released figures alone, with an "
    "interval that holds chance and noise, and with its definition, formula, source and what it cannot show. A share "
    "is given only of a hundred checks or more; what is not given says why. docs/indicators.md is the sheet.",
    roles=(Role.SUPERVISOR,),
    parameters=tuple(parameter for parameter in _PARAMETERS if parameter["name"] in _OF_INDICATORS),
    answers={
        200: {
            "description": "The indicators, in the order of the sheet.",
            "content": json_content("IndicatorsOut", {"quarter": example("indicators")}),
        }
    },
    problems=_OF_QUESTIONS,
).add(router, read_indicators)
