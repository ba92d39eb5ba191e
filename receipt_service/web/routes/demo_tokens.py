"""The demonstration's token issuer as HTTP: discovery, keys, a token for whoever asks, and a page to sign in."""

from functools import cache
from typing import Final
from urllib.parse import parse_qsl, urlencode

from fastapi import APIRouter
from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from receipt_service.domain.check import Officer
from receipt_service.errors import NotFound, OfficerUnknown
from receipt_service.web import problems
from receipt_service.web.access import PUBLIC, DirectRoute, guarded
from receipt_service.web.authentication import Role
from receipt_service.web.demo_issuer import DEMO_PATH, DEMO_SUPERVISORS, LIFETIME_SECONDS, DemoIssuer
from receipt_service.web.languages import preferred_language
from receipt_service.web.pages import HEADERS
from receipt_service.web.refusals import Refused
from receipt_service.web.responses import json_response
from receipt_service.web.services import services_of

_PAGE_HEADERS: Final = {
    **HEADERS,
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
}


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
    if form.get("grant_type") == "authorization_code":
        tokens = _issuer(request).redeem(form, services.clock())
        return json_response({"error": "invalid_grant"}, status=400) if tokens is None else json_response(tokens)
    words = form.get("roles", "officer").split()
    if not form.get("subject") or not set(words) <= {role.value for role in Role}:
        raise Refused(problems.INVALID_PARAMETER)
    token = _issuer(request).token(form["subject"], [Role(word) for word in words], services.clock())
    return json_response({"access_token": token, "token_type": "Bearer", "expires_in": LIFETIME_SECONDS})


async def authorize(request: Request) -> Response:
    """Let the person choose who to be, and send them back with a code. Raises ``Refused`` for any other client."""
    issuer, services = _issuer(request), services_of(request)
    query = dict(request.query_params)
    asked = issuer.authorization(query)
    if asked is None:
        raise Refused(problems.INVALID_PARAMETER)
    chosen = query.pop("subject", None)
    people = [(subject, officer) for subject in DEMO_SUPERVISORS if (officer := await _known(request, subject))]
    if chosen in {subject for subject, _ in people}:
        code = issuer.code(str(chosen), asked, services.clock())
        answer = urlencode({"code": code, "state": asked.state, "iss": issuer.issuer})
        return RedirectResponse(f"{asked.redirect_uri}?{answer}", 303, {"Cache-Control": "no-store"})
    language = preferred_language(request.headers.get("accept-language"))
    text = _template().render(language=language, people=people, query=query, action=f"{DEMO_PATH}/authorize")
    return Response(text.encode(), headers=_PAGE_HEADERS, media_type="text/html; charset=utf-8")


async def _known(request: Request, subject: str) -> Officer | None:
    try:
        return await services_of(request).officer(subject)
    except OfficerUnknown:
        return None


@cache
def _template() -> Template:
    loader = PackageLoader("receipt_service.web", "templates")
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    return environment.get_template("demo-sign-in.html")


def demo_router() -> APIRouter:
    """Return the routes; the application includes them only when it has a demo issuer."""
    router = APIRouter(include_in_schema=False, route_class=DirectRoute)
    json = ("application/json",)
    discovery = f"{DEMO_PATH}/.well-known/openid-configuration"
    router.add_api_route(discovery, guarded(read_discovery, PUBLIC, json), methods=["GET"])
    router.add_api_route(f"{DEMO_PATH}/jwks", guarded(read_keys, PUBLIC, json), methods=["GET"])
    authorization = guarded(authorize, PUBLIC, ("text/html",))
    router.add_api_route(f"{DEMO_PATH}/authorize", authorization, methods=["GET"], response_class=Response)
    router.add_api_route(f"{DEMO_PATH}/token", guarded(take_token, PUBLIC, json), methods=["POST"])
    return router
