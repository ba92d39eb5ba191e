"""``/r``: the verification page. Plain files of our own, and headers that let it do nothing else.

The server renders no receipt: it hands out the same bytes to everybody, and what is in the link's
fragment never reaches it. All files are read once, when the router is made.
"""

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from importlib import resources
from typing import Final

from fastapi import APIRouter
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import Response

from receipt_service.delivery.rendering.labels import FOLDER, FRENCH, labels, languages
from receipt_service.errors import NotFound
from receipt_service.web.access import DirectRoute

CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
"""Nothing from elsewhere, no inline script or style, no HTML out of a string, in nobody's frame."""

HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": (
        "accelerometer=(), camera=(), clipboard-read=(), display-capture=(), geolocation=(), gyroscope=(), "
        "microphone=(), midi=(), payment=(), publickey-credentials-get=(), screen-wake-lock=(), serial=(), usb=()"
    ),
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-cache",
}
"""``no-cache``: kept, and asked for again with its entity tag, so that a mended page is a mended page everywhere."""

_TYPES: Final = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "json": "application/json",
    "html": "text/html; charset=utf-8",
}


def pages_router() -> APIRouter:
    """Return the router of the page, its static files and its texts."""
    router = APIRouter(include_in_schema=False, route_class=DirectRoute)
    router.add_api_route("/r", _answer("page.html", page()), methods=["GET"], response_class=Response)
    for folder, files in (("static", static_files()), ("texts", text_files())):
        endpoint = _one_of({name: _answer(name, content) for name, content in files.items()})
        router.add_api_route(f"/r/{folder}/{{name}}", endpoint, methods=["GET"], response_class=Response)
    return router


def page() -> bytes:
    """Write the page, in French until its script knows better."""
    environment = Environment(
        loader=PackageLoader("receipt_service.web", "templates"), autoescape=True, undefined=StrictUndefined
    )
    names = " / ".join(labels(language)("page.language") for language in languages())
    template = environment.get_template("verify.html")
    return template.render(say=labels(FRENCH), languages=languages(), all_languages=names).encode()


def static_files() -> dict[str, bytes]:
    """Read the style sheet and the scripts."""
    folder = resources.files("receipt_service.web") / "static"
    return {entry.name: entry.read_bytes() for entry in folder.iterdir() if entry.name.endswith((".css", ".js"))}


def text_files() -> dict[str, bytes]:
    """Read the words of each language: those of the mail and the PDF."""
    return {f"{language}.json": (FOLDER / f"{language}.json").read_bytes() for language in languages()}


Endpoint = Callable[[Request], Awaitable[Response]]


def _answer(name: str, content: bytes) -> Endpoint:
    tag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    headers = {**HEADERS, "ETag": tag}
    media_type = _TYPES[name.rpartition(".")[2]]

    async def endpoint(request: Request) -> Response:
        known = {each.strip().removeprefix("W/") for each in request.headers.get("if-none-match", "").split(",")}
        if tag in known or "*" in known:
            return Response(status_code=304, headers=headers)
        return Response(content, headers=headers, media_type=media_type)

    endpoint.roles = ()  # type: ignore[attr-defined]  # public, for tests/architecture
    return endpoint


def _one_of(endpoints: Mapping[str, Endpoint]) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        found = endpoints.get(request.path_params["name"])
        if found is None:
            raise NotFound("no such file of the page")
        return await found(request)

    endpoint.roles = ()  # type: ignore[attr-defined]  # public, for tests/architecture
    return endpoint
