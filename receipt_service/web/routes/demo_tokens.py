"""The demonstration's token issuer as HTTP: discovery, keys, and a token for whoever asks."""

from urllib.parse import parse_qsl

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from receipt_service.errors import NotFound
from receipt_service.web import problems
from receipt_service.web.access import PUBLIC, DirectRoute, guarded
from receipt_service.web.authentication import Role
from receipt_service.web.demo_issuer import DEMO_PATH, LIFETIME_SECONDS, DemoIssuer
from receipt_service.web.problems import Refused
from receipt_service.web.responses import json_response
from receipt_service.web.services import services_of


def _issuer(request: Request) -> DemoIssuer:
    issuer = services_of(request).demo_issuer
    if issuer is None:
        raise NotFound("not a demonstration")
    return issuer


async def read_discovery(request: Request) -> Response:
    """Answer the provider's metadata."""
    return json_response(_issuer(request).discovery)


async def read_keys(request: Request) -> Response:
    """Answer the provider's public key."""
    return json_response(_issuer(request).jwks)


async def take_token(request: Request) -> Response:
    """Answer a token for the subject and the roles of the form (``subject``, ``roles`` between spaces)."""
    services = services_of(request)
    form = dict(parse_qsl((await request.body()).decode("utf-8", "replace"), max_num_fields=10))
    words = form.get("roles", "officer").split()
    if not form.get("subject") or not set(words) <= {role.value for role in Role}:
        raise Refused(problems.INVALID_PARAMETER)
    token = _issuer(request).token(form["subject"], [Role(word) for word in words], services.clock())
    return json_response({"access_token": token, "token_type": "Bearer", "expires_in": LIFETIME_SECONDS})


def demo_router() -> APIRouter:
    """Return the routes; the application includes them only when it has a demo issuer."""
    router = APIRouter(include_in_schema=False, route_class=DirectRoute)
    json = ("application/json",)
    discovery = f"{DEMO_PATH}/.well-known/openid-configuration"
    router.add_api_route(discovery, guarded(read_discovery, PUBLIC, json), methods=["GET"])
    router.add_api_route(f"{DEMO_PATH}/jwks", guarded(read_keys, PUBLIC, json), methods=["GET"])
    router.add_api_route(f"{DEMO_PATH}/token", guarded(take_token, PUBLIC, json), methods=["POST"])
    return router
