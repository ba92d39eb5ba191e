"""Write docs/errors.md, docs/api.md and docs/events.md from the code itself: ``python docs/write_reference.py``."""

import ast
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from receipt_service.domain.rule_texts import RULES
from receipt_service.telemetry import FIELDS
from receipt_service.web.app import openapi_document
from receipt_service.web.problems import PROBLEMS, TYPE_PREFIX, Problem
from receipt_service.web.shape_faults import SHAPE_RULES

FOLDER = Path(__file__).parent

ERRORS = f"""\
# Errors

Written from `receipt_service/web/problems.py`, `receipt_service/web/shape_faults.py` and
`receipt_service/domain/rule_texts.py` by `make schemas`; do not edit.

Every refusal is a problem document (RFC 9457), `application/problem+json`:

```json
{{
  "type": "{TYPE_PREFIX}invalid-check",
  "title": "Check refused",
  "status": 422,
  "detail": "The request breaks one or more rules; `errors` lists them all. Nothing was written.",
  "errors": [
    {{ "pointer": "/person/birth_date", "rule": "date_in_future", "detail": "This date is in the future." }}
  ]
}}
```

- `type` never changes its meaning: decide by it, not by the texts.
- Texts are French, or English when `Accept-Language` prefers it.
- `pointer` is a JSON Pointer (RFC 6901) into the request's body; an unknown member whose name says nothing to us is
  pointed at by what holds it, since its name may be anybody's.
- No problem repeats a value of the request.
- After 409 `idempotency-in-progress`, 500 and 503, repeat the request with the same Idempotency-Key and the same body:
  nothing is registered twice. After the other refusals nothing was written, and the key may be used again.

"""

API = """\
# HTTP API

Written from the OpenAPI document (`schemas/openapi.json`, served at `/openapi.json`) by `make schemas`; do not edit.

## What holds everywhere

- **Tokens.** Officers call with an OpenID Connect access token: `Authorization: Bearer …`. Issuer, audience, algorithm,
  key and times are checked; the `sub` names the officer of the [directory](quickstart.md); the roles come from
  `realm_access.roles` unless [settings](settings.md) say otherwise.
- **Repeating.** `POST /v1/checks` needs an `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header-07): a random
  UUID in double quotes, new for each check and kept until it is answered. Within 72 hours the same key and body get
  the same receipt, byte for byte, with `Idempotency-Replayed: true`. Treat the key as a secret.
- **Bodies.** `application/json` in UTF-8, at most 64 KiB, unknown members refused.
- **Times.** RFC 3339 with an offset, whole seconds.
- **Refusals.** Problem documents, listed in [errors](errors.md).
- **Caching.** Nothing personal is cacheable for others; catalogue versions never change. Of a stub the characters never
  change, but whether it still stands may.
- `HEAD` works wherever `GET` does. There is no cross-origin access.

"""


EVENTS = """\
# Events

Written from the calls of `receipt_service/telemetry.py`'s logger by `make schemas`; do not edit.

Every process writes its events to stderr, one JSON object a line: `at`, `level`, `event`, `process`, and of the fields
below those that belong to it. Nothing else can be written: a field that is not listed, or whose value could be a text,
a telephone number or a receipt number, is dropped, and `dropped` says how many were. An exception is its types
(`exception`) and our own stack frames (`frames`), never its message. Of other libraries only the name and the level
appear (`foreign`), since their texts hold telephone numbers and addresses.

"""


@dataclass(frozen=True, order=True)
class Event:
    """One call of the logger."""

    name: str
    level: str
    fields: tuple[str, ...]
    module: str


def calls(package: Path = FOLDER.parent / "receipt_service") -> Iterator[Event]:
    """Find every call ``logger().LEVEL("name", field=…)`` of the package."""
    for path in sorted(package.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(
                    func=ast.Attribute(
                        value=ast.Call(func=ast.Attribute(attr="logger") | ast.Name(id="logger")), attr=level
                    ),
                    args=[ast.Constant(value=str(name))],
                    keywords=keywords,
                ):
                    fields = tuple(keyword.arg for keyword in keywords if keyword.arg not in {None, "exc_info"})
                    yield Event(name, level, fields, str(path.relative_to(package)))


def events() -> str:
    """Return docs/events.md as it should be."""
    text = EVENTS + "| event | level | fields | written by |\n|---|---|---|---|\n"
    for event in sorted(set(calls())):
        fields = ", ".join(f"`{name}`" for name in event.fields)
        text += f"| `{event.name}` | {event.level} | {fields} | `receipt_service/{event.module}` |\n"
    text += "\n## Fields\n\n| field | meaning |\n|---|---|\n"
    return text + "".join(f"| `{name}` | {meaning} |\n" for name, meaning in sorted(FIELDS.items()))


def problem_row(problem: Problem) -> str:
    """Return one problem's line of the table."""
    return f"| `{problem.slug}` | {problem.status} | {problem.title['en']} | {problem.detail['en']} |\n"


def errors() -> str:
    """Return docs/errors.md as it should be."""
    text = ERRORS + f"## Problems\n\n`type` is `{TYPE_PREFIX}` and the name.\n\n"
    text += "| name | status | title | detail |\n|---|---|---|---|\n"
    text += "".join(problem_row(problem) for problem in sorted(PROBLEMS.values(), key=lambda p: (p.status, p.slug)))
    text += "\n## Rules of form\n\nFound before any law is applied.\n\n| rule | English | French |\n|---|---|---|\n"
    text += "".join(f"| `{rule}` | {en} | {fr} |\n" for rule, (fr, en) in sorted(SHAPE_RULES.items()))
    text += (
        "\n## Rules of the catalogue\n\nHeld by `receipt_service/domain/rules.py`; `{…}` is filled from the catalogue."
    )
    text += "\n\n| rule | English | French |\n|---|---|---|\n"
    return text + "".join(f"| `{rule}` | {texts.en} | {texts.fr} |\n" for rule, texts in sorted(RULES.items()))


def operation(method: str, path: str, described: dict[str, Any]) -> str:
    """Return one operation's section."""
    text = f"## {described['summary']}\n\n`{method.upper()} {path}`"
    text += " · with a token" if described["security"] else " · public"
    text += f"\n\n{described['description']}\n\n"
    for parameter in described.get("parameters", []):
        need = "required" if parameter["required"] else "optional"
        text += f"- `{parameter['name']}` ({parameter['in']}, {need}): {parameter['description']}\n"
    text += "\n" if described.get("parameters") else ""
    for title, body in (("Request", described.get("requestBody")), *described["responses"].items()):
        for media, content in (body or {}).get("content", {}).items():
            if media == "application/json":
                text += f"{title}:\n\n```json\n{shown(next(iter(content['examples'].values()))['value'])}\n```\n\n"
    return text + f"Answers: {', '.join(f'`{status}`' for status in described['responses'])}.\n\n"


def shown(value: Any) -> str:
    """Return an example with its long texts cut."""
    if isinstance(value, dict):
        value = {name: shorter(item) for name, item in value.items()}
    return json.dumps(value, indent=2, ensure_ascii=False)


def shorter(item: Any) -> Any:
    """Cut a text that nobody reads."""
    if isinstance(item, str) and len(item) > 100:  # noqa: PLR2004 - a line
        return item[:60] + "…"
    return [shorter(part) for part in item] if isinstance(item, list) else item


def api() -> str:
    """Return docs/api.md as it should be."""
    paths = openapi_document()["paths"]
    text = "".join(operation(method, path, it) for path, item in paths.items() for method, it in item.items())
    return API + text.rstrip() + "\n"


if __name__ == "__main__":
    (FOLDER / "errors.md").write_text(errors(), encoding="utf-8")
    (FOLDER / "api.md").write_text(api(), encoding="utf-8")
    (FOLDER / "events.md").write_text(events(), encoding="utf-8")
