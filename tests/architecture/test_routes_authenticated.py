"""Every route says who may call it, through the one wrapper that also checks it; the public ones are listed here."""

from fastapi import FastAPI
from starlette.routing import BaseRoute

from receipt_service.web.app import API_ROUTERS
from receipt_service.web.authentication import Role
from receipt_service.web.pages import pages_router
from receipt_service.web.routes.demo_tokens import demo_router
from receipt_service.web.routes.log import log_router
from receipt_service.web.routes.open_data import open_data_router

PUBLIC = {
    ("GET", "/v1/stubs/{receipt_number}"): "its address is the capability",
    ("GET", "/v1/catalogue"): "the law is public",
    ("GET", "/v1/log/proofs/{leaf_hash}"): "the log is public, and a leaf says nothing of its check",
    ("GET", "/.well-known/jwt-vc-issuer"): "keys are public",
    ("GET", "/healthz"): "says nothing",
    ("GET", "/readyz"): "says nothing about checks",
}
OFFICERS = {
    ("POST", "/v1/checks"): (Role.OFFICER,),
    ("GET", "/v1/checks/{receipt_number}"): (Role.OFFICER, Role.SUPERVISOR),
    ("POST", "/v1/checks/{receipt_number}/corrections"): (Role.OFFICER, Role.SUPERVISOR),
    ("POST", "/v1/checks/{receipt_number}/cancellation"): (Role.OFFICER, Role.SUPERVISOR),
    ("POST", "/v1/receipts/pdf"): (Role.OFFICER,),
    ("GET", "/v1/statistics"): (Role.SUPERVISOR,),
    ("GET", "/v1/statistics/checks"): (Role.SUPERVISOR,),
    ("GET", "/v1/statistics/indicators"): (Role.SUPERVISOR,),
    ("GET", "/v1/officer-statistics"): (Role.SUPERVISOR,),
    ("POST", "/v1/closings"): (Role.SUPERVISOR,),
    ("POST", "/v1/audit/matches"): (Role.AUDITOR,),
    ("POST", "/v1/audit/periods"): (Role.AUDITOR,),
    ("GET", "/v1/audit/readings"): (Role.DPO,),
}


def routes(*routers) -> list[BaseRoute]:
    return [route for router in routers for route in router.routes]


def test_every_route_of_the_api_declares_its_roles():
    declared = {
        (method, route.path): route.endpoint.roles for route in routes(*API_ROUTERS) for method in route.methods
    }

    assert declared == {**dict.fromkeys(PUBLIC, ()), **OFFICERS}


def test_the_document_says_the_same():
    app = FastAPI()
    for router in API_ROUTERS:
        app.include_router(router)

    secured = {
        (method.upper(), path): bool(operation["security"])
        for path, operations in app.openapi()["paths"].items()
        for method, operation in operations.items()
    }

    assert secured == {**dict.fromkeys(PUBLIC, False), **dict.fromkeys(OFFICERS, True)}


def test_pages_and_the_demonstrations_tokens_are_public_on_purpose():
    for route in routes(pages_router(), open_data_router(), log_router(), demo_router()):
        assert route.endpoint.roles == ()
        assert not route.include_in_schema
