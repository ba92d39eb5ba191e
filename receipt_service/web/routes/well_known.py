"""``/.well-known/jwt-vc-issuer``: who signs, with which keys; old keys stay, with their validity."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from receipt_service.web import problems
from receipt_service.web.access import PUBLIC, DirectRoute, Route
from receipt_service.web.example_files import example
from receipt_service.web.openapi import json_content
from receipt_service.web.responses import json_response
from receipt_service.web.services import services_of

router = APIRouter(route_class=DirectRoute)


async def read_issuer(request: Request) -> Response:
    """Answer the issuer's metadata."""
    services = services_of(request)
    content = {"issuer": services.public_url, "jwks": services.jwks()}
    return json_response(content, headers={"Cache-Control": "public, max-age=300"})


Route(
    method="GET",
    path="/.well-known/jwt-vc-issuer",
    name="readIssuer",
    tag="verification",
    summary="The issuer's public keys",
    description="JWT VC Issuer Metadata (SD-JWT VC §5). `nbf` and `exp` of a key are the period in which it signs; a "
    "receipt stays valid after it. Saved to a file it is the trust root of `receipt-service verify`.",
    roles=PUBLIC,
    answers={
        200: {
            "description": "Issuer and keys.",
            "content": json_content("IssuerMetadataOut", {"one key": example("issuer")}),
        }
    },
    problems=(problems.INTERNAL_ERROR,),
).add(router, read_issuer)
