"""``receipt-service openapi``: the API's document, and the JSON Schemas that come out of it."""

import json
from pathlib import Path
from typing import Any, Final

import click

from receipt_service.web.app import openapi_document

_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_PUBLISHED: Final = {
    "audit-match": "AuditMatchOut",
    "audit-period": "AuditPeriodOut",
    "check-request": "CheckRequestIn",
    "check-state": "CheckStateOut",
    "problem": "Problem",
}
"""Which components are published as schemas of their own, as ``schemas/NAME.v1.schema.json``."""


def published_schema(name: str) -> dict[str, Any]:
    """Return one of the API's bodies as a self-contained JSON Schema (2020-12)."""
    components = openapi_document()["components"]["schemas"]
    text = json.dumps(components).replace("#/components/schemas/", "#/$defs/")
    definitions: dict[str, Any] = json.loads(text)
    root = definitions.pop(_PUBLISHED[name])
    used = _reachable(root, definitions)
    schema = {"$schema": _DIALECT, "$id": f"urn:fr:recepisse:schema:{name}:1", **root}
    return {**schema, "$defs": {key: definitions[key] for key in sorted(used)}} if used else schema


def _reachable(root: dict[str, Any], definitions: dict[str, Any]) -> set[str]:
    """Collect the names of the definitions that a schema refers to, directly or not."""
    found: set[str] = set()
    waiting = [root]
    while waiting:
        text = json.dumps(waiting.pop())
        for name, definition in definitions.items():
            if name not in found and f'"#/$defs/{name}"' in text:
                found.add(name)
                waiting.append(definition)
    return found


def written(document: dict[str, Any]) -> str:
    """Write a document the way it stands in ``schemas/``."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def published_files() -> dict[str, str]:
    """Return every file of ``schemas/`` that comes out of the API, by its name."""
    schemas = {f"{name}.v1.schema.json": written(published_schema(name)) for name in _PUBLISHED}
    return {"openapi.json": written(openapi_document()), **schemas}


@click.command()
@click.option("--write", type=click.Path(file_okay=False, path_type=Path), help="Write it and the JSON Schemas here.")
def openapi(write: Path | None) -> None:
    """Print the OpenAPI document of the API; `schemas/openapi.json` is this."""
    if write is None:
        click.echo(written(openapi_document()), nl=False)
        return
    for name, content in published_files().items():
        (write / name).write_text(content, encoding="utf-8")
