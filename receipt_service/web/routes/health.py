"""``/healthz``: the process answers. ``/readyz``: everything that issuing a receipt needs is there."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from receipt_service.web import problems
from receipt_service.web.access import PUBLIC, DirectRoute, Route
from receipt_service.web.openapi import json_content
from receipt_service.web.refusals import Refused
from receipt_service.web.responses import json_response
from receipt_service.web.services import services_of

router = APIRouter(route_class=DirectRoute)


async def read_health(request: Request) -> Response:  # noqa: ARG001 - every handler takes the request
    """Answer that the process runs; asks nothing else, so a slow database does not get it restarted."""
    return json_response({"status": "ok"})


async def read_readiness(request: Request) -> Response:
    """Answer whether this process should be sent checks."""
    services = services_of(request)
    checks = dict(await services.readiness())
    if not all(checks.values()):
        raise Refused(problems.UNAVAILABLE, checks=checks)
    return json_response({"status": "ready", "checks": checks})


Route(
    method="GET",
    path="/healthz",
    name="readHealth",
    tag="operation",
    summary="The process answers",
    description="For a supervisor of processes: restart what does not answer.",
    roles=PUBLIC,
    answers={200: {"description": "It does.", "content": json_content("HealthOut", {"ok": {"status": "ok"}})}},
).add(router, read_health)

Route(
    method="GET",
    path="/readyz",
    name="readReadiness",
    tag="operation",
    summary="Checks can be registered",
    description="For a load balancer: database and its schema, signing key, replay key, sealing key of the hour, "
    "token issuer's keys, and the worker where it runs in the same process.",
    roles=PUBLIC,
    answers={
        200: {
            "description": "They can.",
            "content": json_content(
                "ReadyOut", {"ready": {"status": "ready", "checks": {"database": True, "signing_key": True}}}
            ),
        }
    },
    problems=(problems.UNAVAILABLE,),
).add(router, read_readiness)
