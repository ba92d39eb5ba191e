"""``/v1/stubs``: the receipt without the identity, for whoever has its number."""

from typing import Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from receipt_service.web import problems
from receipt_service.web.access import PUBLIC, DirectRoute, Route
from receipt_service.web.example_files import example
from receipt_service.web.openapi import json_content
from receipt_service.web.responses import json_response, stub_content
from receipt_service.web.routes.checks import NUMBER_PARAMETER, number_in_path
from receipt_service.web.services import services_of

router = APIRouter(route_class=DirectRoute)

_CACHE: Final = "private, max-age=60"
"""A stub's characters never change; whether it still stands does. ``private``: its address is a capability."""


async def read_stub(request: Request) -> Response:
    """Answer the stub of a receipt number."""
    services = services_of(request)
    number = number_in_path(request)
    report = await services.reads.stub(number)
    return json_response(stub_content(number, report), headers={"Cache-Control": _CACHE})


Route(
    method="GET",
    path="/v1/stubs/{receipt_number}",
    name="readStub",
    tag="stubs",
    summary="The receipt without the identity",
    description="The receipt number is unguessable (128 bits) and is itself the permission to read. The answer holds "
    "the signed leaf and four of the five disclosures; the fifth is the holder's alone, and completes the receipt. It "
    "also says whether a newer receipt took its place, or it was cancelled: the number of the newer one is given to "
    "whoever has the number of the old one.",
    roles=PUBLIC,
    parameters=(NUMBER_PARAMETER,),
    answers={
        200: {"description": "The stub.", "content": json_content("StubOut", {"stub": example("stub")})},
    },
    problems=(problems.NOT_FOUND, problems.STUB_ERASED, problems.INTERNAL_ERROR, problems.UNAVAILABLE),
).add(router, read_stub)
