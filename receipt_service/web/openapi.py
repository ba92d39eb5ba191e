"""The OpenAPI document: FastAPI's, with our schemas, problems and examples put in place of its guesses."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from receipt_service.web.problems import MEDIA_TYPE, TYPE_PREFIX, Problem
from receipt_service.web.refusals import Refused, problem_document

VERSION: Final = "1.0.0"
_REFERENCE: Final = "#/components/schemas/{model}"
_DESCRIPTION: Final = """\
Registers identity checks and gives every person who was checked a signed receipt. The service keeps a
stub of each receipt: everything but the identity.

Every refusal is a problem document (RFC 9457) whose `type` is listed in docs/errors.md, in French or in
English by `Accept-Language`; `errors` names every field at fault and never repeats a value.
"""


def reference(name: str) -> dict[str, str]:
    """Refer to a schema of the components."""
    return {"$ref": _REFERENCE.format(model=name)}


def json_content(name: str, examples: Mapping[str, Any]) -> dict[str, Any]:
    """Describe a JSON body by its schema's name, with examples by name."""
    return {
        "application/json": {
            "schema": reference(name),
            "examples": {key: {"value": value} for key, value in examples.items()},
        }
    }


def problem_answers(problems: Iterable[Problem]) -> dict[int | str, dict[str, Any]]:
    """Describe the refusals of an operation: one entry a status, one example a problem."""
    answers: dict[int | str, dict[str, Any]] = {}
    for problem in sorted(problems, key=lambda p: (p.status, p.slug)):
        answer = answers.setdefault(
            problem.status,
            {
                "description": problem.title["en"],
                "content": {MEDIA_TYPE: {"schema": reference("Problem"), "examples": {}}},
            },
        )
        answer["content"][MEDIA_TYPE]["examples"][problem.slug] = {"value": problem_document(Refused(problem), "en")}
        if problem.headers:
            headers = answer.setdefault("headers", {})
            headers.update({name: {"schema": {"type": "string"}} for name in problem.headers if name != "Connection"})
    return answers


def problem_schema() -> dict[str, Any]:
    """Return the JSON Schema of a problem document."""
    return {
        "title": "Problem",
        "description": "RFC 9457 problem details.",
        "type": "object",
        "required": ["type", "title", "status", "detail"],
        "properties": {
            "type": {"type": "string", "format": "uri", "pattern": f"^{TYPE_PREFIX}[a-z-]+$"},
            "title": {"type": "string"},
            "status": {"type": "integer", "minimum": 400, "maximum": 599},
            "detail": {"type": "string"},
            "instance": {"type": "string", "format": "uri", "description": "Names one internal error in our events."},
            "errors": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["pointer", "rule", "detail"],
                    "properties": {
                        "pointer": {"type": "string", "description": "JSON Pointer (RFC 6901) into the request body."},
                        "rule": {"type": "string", "pattern": "^[A-Za-z0-9_.-]+$"},
                        "detail": {"type": "string"},
                    },
                    "additionalProperties": False,
                },
            },
            "receipt_number": {"type": "string", "pattern": "^[0-7][0-9A-HJKMNP-TV-Z]{25}$"},
            "checks": {"type": "object", "additionalProperties": {"type": "boolean"}},
            "allowed": {
                "type": "array",
                "items": {"type": "string"},
                "description": "Values that would be accepted in place of the one refused.",
            },
        },
    }


def model_schemas(models: Iterable[type[BaseModel]]) -> dict[str, Any]:
    """Return the JSON Schemas of pydantic models and of what they contain, by name."""
    _, definitions = models_json_schema(
        [(model, "validation") for model in models], ref_template=_REFERENCE, by_alias=True
    )
    schemas: dict[str, Any] = definitions.get("$defs", {})
    return schemas


def build_document(app: FastAPI, models: Iterable[type[BaseModel]]) -> dict[str, Any]:
    """Make the document of an application whose routes were added with ``access.Route``."""
    document = get_openapi(
        title="Receipt service",
        version=VERSION,
        description=_DESCRIPTION,
        routes=app.routes,
        summary="Identity-check receipts",
    )
    document["info"]["license"] = {"name": "EUPL-1.2", "identifier": "EUPL-1.2"}
    components = document.setdefault("components", {})
    components["schemas"] = {**model_schemas(models), "Problem": problem_schema()}
    components["securitySchemes"] = {
        "officerToken": {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "An OpenID Connect access token of the configured issuer, with a role.",
        }
    }
    return document
