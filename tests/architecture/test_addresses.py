"""Paths and queries end up in logs of proxies and browsers: identities travel in bodies and fragments alone."""

from receipt_service.web.app import openapi_document


def test_no_address_asks_for_an_identity():
    asked = {
        parameter["name"]
        for operations in openapi_document()["paths"].values()
        for operation in operations.values()
        for parameter in operation.get("parameters", [])
        if parameter["in"] in {"path", "query"}
    }

    statistics = {"area", "by", "format", "period", "purpose", "unit"}
    assert asked == {"receipt_number", "version", "leaf_hash", "days"} | statistics
