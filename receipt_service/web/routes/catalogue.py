"""``/v1/catalogue``: the legal bases, their rules and their texts, as the exact bytes that receipts commit to."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from receipt_service.errors import NotFound
from receipt_service.web import problems
from receipt_service.web.access import PUBLIC, DirectRoute, Route
from receipt_service.web.openapi import json_content
from receipt_service.web.services import services_of

router = APIRouter(route_class=DirectRoute)


async def read_catalogue(request: Request) -> Response:
    """Answer the present catalogue, or the version asked for."""
    services = services_of(request)
    version = request.query_params.get("version")
    file = services.catalogues.get(services.current_catalogue if version is None else version)
    if file is None:
        raise NotFound("no such version")
    tag = f'"{file.sha256}"'
    # A version never changes; which one is present does.
    cache = "public, no-cache" if version is None else "public, max-age=31536000, immutable"
    headers = {"ETag": tag, "Cache-Control": cache, "Content-Location": f"/v1/catalogue?version={file.version}"}
    if _has(request.headers.get("if-none-match", ""), tag):
        return Response(None, 304, headers)
    return Response(file.document, 200, headers, "application/json")


def _has(if_none_match: str, tag: str) -> bool:
    """Compare entity tags weakly (RFC 9110 §13.1.2)."""
    return if_none_match.strip() == "*" or tag in [
        candidate.strip().removeprefix("W/") for candidate in if_none_match.split(",")
    ]


Route(
    method="GET",
    path="/v1/catalogue",
    name="readCatalogue",
    tag="catalogue",
    summary="The legal-basis catalogue",
    description="Codes, conditions, required facts, possible consequences and remedies, with French and English texts. "
    "A receipt names the version and the SHA-256 of these bytes, so `?version=` gives the texts as they were.",
    roles=PUBLIC,
    parameters=(
        {
            "name": "version",
            "in": "query",
            "required": False,
            "description": "Unset: the present one.",
            "schema": {"type": "string", "pattern": "^[0-9A-Za-z.-]{1,20}$"},
        },
        {
            "name": "If-None-Match",
            "in": "header",
            "required": False,
            "description": "Entity tag of the copy you have.",
            "schema": {"type": "string"},
        },
    ),
    answers={
        200: {
            "description": "The catalogue; the entity tag is the base64url SHA-256 of the body.",
            "headers": {"ETag": {"schema": {"type": "string"}}},
            "content": json_content("CatalogueOut", {"shortened": {"version": "2026.1", "languages": ["fr", "en"]}}),
        },
        304: {"description": "You have it."},
    },
    problems=(problems.NOT_FOUND, problems.INTERNAL_ERROR),
).add(router, read_catalogue)
