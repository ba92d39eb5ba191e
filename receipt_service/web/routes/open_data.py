"""``/open-data/``: the published quarters, a plain page and the files themselves. For everybody, without a token.

A file never changes once it is published, so whoever has it need not ask again. Its path is looked up among the names
that a manifest gives; what the address says is never joined to a path unseen.
"""

import json
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any, Final

from fastapi import APIRouter
from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from starlette.requests import Request
from starlette.responses import Response

from receipt_service.domain.signed_manifest import MANIFEST, SIGNED_MANIFEST
from receipt_service.errors import NotFound
from receipt_service.web.access import DirectRoute
from receipt_service.web.pages import HEADERS
from receipt_service.web.services import PublishedQuarter, services_of

_TYPES: Final = {
    "csv": "text/csv; charset=utf-8; header=present",
    "parquet": "application/vnd.apache.parquet",
    "json": "application/json",
    "md": "text/markdown; charset=utf-8",
    "jws": "application/jose",
}
_FILE_HEADERS: Final[Mapping[str, str]] = {
    "Cache-Control": "public, max-age=31536000, immutable",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Access-Control-Allow-Origin": "*",
}
"""Open data: other sites may load them."""
_FRENCH, _ENGLISH = "fr", "en"
LANGUAGES: Final[Mapping[str, str]] = {_FRENCH: "Français", _ENGLISH: "English"}
"""The first is the law's, and everybody's who asks for none that we have."""


def open_data_router() -> APIRouter:
    """Return the router of the pages and the files."""
    router = APIRouter(include_in_schema=False, route_class=DirectRoute)
    for path, endpoint in (
        ("/open-data", _index),
        ("/open-data/", _index),
        ("/open-data/fr/", _french),
        ("/open-data/en/", _english),
        ("/open-data/{period}/{name}", _file),
    ):
        endpoint.roles = ()  # type: ignore[attr-defined]  # public, for tests/architecture
        router.add_api_route(path, endpoint, methods=["GET"], response_class=Response)
    return router


async def _index(request: Request) -> Response:
    """Answer the page in the first language that the reader asks for and that we have; in French otherwise."""
    asked = (part.split(";")[0].strip()[:2].lower() for part in request.headers.get("accept-language", "").split(","))
    return await _page(request, next((language for language in asked if language in LANGUAGES), _FRENCH), vary=True)


async def _french(request: Request) -> Response:
    return await _page(request, _FRENCH, vary=False)


async def _english(request: Request) -> Response:
    return await _page(request, _ENGLISH, vary=False)


async def _page(request: Request, language: str, *, vary: bool) -> Response:
    say = texts(language)
    quarters = [_described(quarter, say) for quarter in await services_of(request).open_data.quarters()]
    text = _template().render(language=language, names=LANGUAGES, say=say, quarters=quarters)
    headers = {**HEADERS, "Content-Language": language, **({"Vary": "Accept-Language"} if vary else {})}
    return Response(text.encode(), headers=headers, media_type="text/html; charset=utf-8")


async def _file(request: Request) -> Response:
    """Answer one file, or 304 to whoever has it."""
    found = await services_of(request).open_data.file(request.path_params["period"], request.path_params["name"])
    if found is None:
        raise NotFound("no such file of open data")
    tag = f'"{found.sha256}"'
    headers = {**_FILE_HEADERS, "ETag": tag}
    known = {each.strip().removeprefix("W/") for each in request.headers.get("if-none-match", "").split(",")}
    if tag in known or "*" in known:
        return Response(status_code=304, headers=headers)
    return Response(found.content, headers=headers, media_type=_TYPES[found.name.rpartition(".")[2]])


@cache
def texts(language: str) -> Mapping[str, str]:
    """Read the words of the page."""
    content = (resources.files("receipt_service.web") / "texts" / f"open-data.{language}.json").read_bytes()
    words: dict[str, str] = json.loads(content)
    return words


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("receipt_service.web", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    return environment.get_template("open-data.html")


def _described(quarter: PublishedQuarter, say: Mapping[str, str]) -> dict[str, Any]:
    year, number = quarter.period.split("-Q")
    listed = [(name, f"{size:,}".replace(",", say["thousands"])) for name, size in quarter.files]
    return {
        "period": quarter.period,
        "title": say["quarter"].format(quarter=number, year=year),
        "published": say["published"].format(date=quarter.published_at.date().isoformat()),
        "files": [
            {"name": name, "content": _content(name, say), "size": size}
            for name, size in (*listed, (MANIFEST, ""), (SIGNED_MANIFEST, ""))
        ],
    }


def _content(name: str, say: Mapping[str, str]) -> str:
    """Say what a file is, by its name or by its ending."""
    return say.get(name) or say.get(name.rpartition(".")[2], "")
