"""The published interface is the code's: documents in step, examples true to their schemas, problems all described."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import jsonschema
import pytest

from receipt_service.cli.openapi import published_files
from receipt_service.domain.link import ReceiptLink
from receipt_service.domain.receipt import Receipt
from receipt_service.domain.stub import Stub
from receipt_service.verify.links import complete, verify_link
from receipt_service.verify.trust_root import TrustRoot
from receipt_service.verify.verifier import Verifier
from receipt_service.web.app import openapi_document
from receipt_service.web.example_files import example
from receipt_service.web.problems import PROBLEMS, TYPE_PREFIX

ROOT = Path(__file__).parents[2]
DOCUMENT = openapi_document()
OPERATIONS = {operation["operationId"]: operation for path in DOCUMENT["paths"].values() for operation in path.values()}
NOT_IN_THE_DOCUMENT = {"method-not-allowed"}
"""Of no operation: the router's own."""


@pytest.mark.parametrize("name", published_files())
def test_the_published_file_is_what_the_code_says(name):
    assert (ROOT / "schemas" / name).read_text() == published_files()[name], "run `make schemas`"


@pytest.mark.parametrize("name", [name for name in published_files() if name.endswith(".schema.json")])
def test_the_published_schemas_are_sound(name):
    jsonschema.Draft202012Validator.check_schema(json.loads(published_files()[name]))


def contents():
    for name, operation in OPERATIONS.items():
        bodies = {"request": operation.get("requestBody", {}), **operation["responses"]}
        for part, body in bodies.items():
            for media, content in body.get("content", {}).items():
                yield pytest.param(name, media, content, id=f"{name}-{part}-{media}")


@pytest.mark.parametrize(("name", "media", "content"), list(contents()))
def test_every_body_has_examples_that_keep_its_schema(name, media, content):
    if media in {"application/pdf", "application/vnd.apache.parquet"}:
        return  # bytes, of which no example would tell a reader anything
    schema = {**content["schema"], "components": DOCUMENT["components"]}
    validator = jsonschema.Draft202012Validator(schema)

    assert content["examples"]
    for given in content["examples"].values():
        validator.validate(given["value"])


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_operation_is_described(name):
    operation = OPERATIONS[name]

    assert operation["summary"]
    assert len(operation["description"]) > 20
    assert operation["tags"]
    assert "422" not in operation["responses"] or "HTTPValidationError" not in json.dumps(operation)


def test_every_problem_belongs_to_an_operation():
    described = set(re.findall(rf"{TYPE_PREFIX}([a-z-]+)\"", json.dumps(DOCUMENT["paths"])))

    assert described == set(PROBLEMS) - NOT_IN_THE_DOCUMENT


def test_the_example_receipt_is_a_real_one():
    issuer, issued, stub = example("issuer"), example("check-issued"), example("stub")
    verifier = Verifier(TrustRoot().with_issuer(issuer["issuer"], issuer["jwks"]))
    link = ReceiptLink.parse_fragment(issued["link"].partition("#")[2])

    verdict, receipt = verify_link(verifier, link, stub["stub"], datetime(2026, 12, 1, tzinfo=UTC))

    assert verdict.passed
    assert receipt.compact == issued["receipt"] == example("receipt-pdf-request")["receipt"]
    assert complete(link, Stub(stub["leaf"], tuple(stub["disclosures"]))) == Receipt.parse(issued["receipt"])
    assert stub["receipt_number"] == issued["receipt_number"] == example("check-state")["receipt_number"]
