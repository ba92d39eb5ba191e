"""Who may call what: every operation says so, and what needs no token is listed here, with the reason."""

from itertools import chain

import pytest
from fastapi.routing import APIRoute

from receipt_service.web.app import API_ROUTERS, openapi_document
from receipt_service.web.authentication import Role

WITHOUT_TOKEN = {
    "/v1/stubs/{receipt_number}": "the receipt number is itself the capability",
    "/v1/catalogue": "the law is public",
    "/.well-known/jwt-vc-issuer": "verifiers need the issuer's public keys",
    "/healthz": "for the supervisor of processes; says yes or no",
    "/readyz": "for the supervisor of processes; says yes or no",
}
ROUTES = [
    route for route in chain.from_iterable(router.routes for router in API_ROUTERS) if isinstance(route, APIRoute)
]


def named(route: APIRoute) -> str:
    return f"{min(route.methods)} {route.path}"


def test_there_are_routes():
    assert len(ROUTES) > len(WITHOUT_TOKEN)


@pytest.mark.parametrize("route", ROUTES, ids=named)
def test_operation_is_guarded_or_listed(route):
    roles = route.endpoint.roles

    assert roles or route.path in WITHOUT_TOKEN
    assert set(roles) <= set(Role)


def test_the_list_has_no_stranger():
    public = {route.path for route in ROUTES if not route.endpoint.roles}

    assert public == set(WITHOUT_TOKEN)


@pytest.mark.parametrize("route", ROUTES, ids=named)
def test_document_says_the_same(route):
    for method in route.methods:
        operation = openapi_document()["paths"][route.path][method.lower()]

        assert bool(operation["security"]) == bool(route.endpoint.roles)


def test_checks_are_for_officers_alone():
    issuing = next(route for route in ROUTES if route.path == "/v1/checks" and "POST" in route.methods)

    assert issuing.endpoint.roles == (Role.OFFICER,)


@pytest.mark.parametrize("route", ROUTES, ids=named)
def test_no_address_asks_for_an_identity(route):
    """Paths and queries end up in logs of proxies and browsers; identities travel in bodies and fragments."""
    parameters = openapi_document()["paths"][route.path]
    names = {
        parameter["name"]
        for operation in parameters.values()
        for parameter in operation.get("parameters", [])
        if parameter["in"] in {"path", "query"}
    }

    assert names <= {"receipt_number", "version"}
