"""Reading a JSON body strictly (RFC 8259, I-JSON RFC 7493): one meaning or none.

Two parsers that disagree about duplicate keys, ``NaN`` or half a surrogate pair would let a request
mean one thing here and another at the next reader, so all of that is refused before any schema.
"""

import re
from typing import Any, Final

import orjson
from starlette.requests import ClientDisconnect, Request

from receipt_service.web.problems import MALFORMED_REQUEST, UNSUPPORTED_MEDIA_TYPE
from receipt_service.web.refusals import Refused

MAX_DEPTH: Final = 16
"""The deepest accepted nesting; our own bodies need five levels."""

_JSON: Final = b"application/json"


def require_json(content_type: bytes | None, content_encoding: bytes | None) -> None:
    """Refuse a body that is not declared as plain UTF-8 JSON (415)."""
    if content_encoding is not None and content_encoding.strip().lower() not in {b"", b"identity"}:
        raise Refused(UNSUPPORTED_MEDIA_TYPE)
    if content_type == _JSON:
        return
    media, *parameters = (content_type or b"").lower().split(b";")
    if media.strip() != _JSON:
        raise Refused(UNSUPPORTED_MEDIA_TYPE)
    for parameter in parameters:
        name, _, value = parameter.partition(b"=")
        if name.strip() == b"charset" and value.strip().strip(b'"') not in {b"utf-8", b"utf8"}:
            raise Refused(UNSUPPORTED_MEDIA_TYPE)


async def read_body(request: Request) -> bytes:
    """Take the body off the connection, nearly always in one piece. Raises ``ClientDisconnect``."""
    pieces: list[bytes] = []
    while True:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        pieces.append(message.get("body", b""))
        if not message.get("more_body", False):
            return pieces[0] if len(pieces) == 1 else b"".join(pieces)


_STRING: Final = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)


def _extent(value: Any) -> tuple[int, int]:
    """Measure nesting and count members without recursion: the value was chosen by a stranger."""
    depth, members, level = 0, 0, [value]
    while level:
        inner: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                members += len(item)
                inner.extend(item.values())
            elif isinstance(item, list):
                inner.extend(item)
        depth += 1
        level = inner
    return depth, members


def read_object(body: bytes) -> dict[str, Any]:
    """Return the JSON object that the body holds.

    Raises ``Refused`` (400) for anything else: bad UTF-8, a byte order mark, trailing text, duplicate
    keys at any depth, NaN or Infinity, numbers beyond a double, lone surrogates, nesting beyond 16.
    """
    try:
        value = orjson.loads(body)
    except ValueError:
        # ``from None``: a decoder's error quotes the document.
        raise Refused(MALFORMED_REQUEST) from None
    if not isinstance(value, dict):
        raise Refused(MALFORMED_REQUEST)
    if body.count(b"{") + body.count(b"[") <= MAX_DEPTH and orjson.dumps(value) == body:
        return value  # the form that most programs write, in which no member can stand twice
    depth, members = _extent(value)
    # In a valid text each member has one colon outside strings, so a member that was overwritten shows as one more.
    if depth > MAX_DEPTH or _STRING.sub(b"", body).count(b":") != members:
        raise Refused(MALFORMED_REQUEST)
    return value
