"""Bytes that are signed or hashed: base64url and JSON, each in one form only.

Writing gives the one form this service produces: base64url without padding (RFC 4648 §5, RFC 7515
§2) and compact UTF-8 JSON with members in the order given. Reading is strict, because whatever two
readers may understand differently is a way to show two people two receipts under one signature:
padding, trailing bits, duplicate members, ``NaN``, numbers a browser would round and lone
surrogates are all refused. Reading does not ask for *our* JSON form (RFC 9901 §4.2.1 leaves it to
the issuer); the digests bind the exact bytes anyway.
"""

import json
from typing import Any, Final, NoReturn

import orjson
import pybase64

from receipt_service.errors import MalformedReceipt

LARGEST_INTEGER: Final = 2**53 - 1
"""Beyond it JavaScript rounds (RFC 7493 §2.2), so no number beyond it is the same for all readers."""

_URL_LETTERS: Final = b"-_"
_PADDING: Final = ("", "", "==", "=")
_LAST = ("", "", "AQgw", "AEIMQUYcgkosw048")
"""Letters whose four, or two, last bits are zero: those bits carry nothing (RFC 4648 §3.5)."""
_PLAIN_TYPES = orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_SUBCLASS


class MalformedEncoding(MalformedReceipt):
    """Text that is not base64url in its one canonical form."""


class MalformedJson(MalformedReceipt):
    """Bytes that are not JSON, or that two readers could read differently."""


def base64url(data: bytes) -> str:
    """Encode without padding (RFC 7515 §2)."""
    return pybase64.b64encode_as_string(data, _URL_LETTERS).rstrip("=")


def from_base64url(text: str) -> bytes:
    """Decode the canonical form only; refuse padding, other letters and non-zero trailing bits.

    Raises ``MalformedEncoding``. The text itself stays out of the message: it may hold an identity.
    """
    if "+" in text or "/" in text or "=" in text:  # the library takes these beside base64url's own letters
        raise MalformedEncoding("not base64url")
    spare = len(text) % 4
    try:
        data = pybase64.b64decode(text + _PADDING[spare], _URL_LETTERS, validate=True)
    except ValueError as error:
        raise MalformedEncoding("not base64url") from error
    if spare and text[-1] not in _LAST[spare]:
        raise MalformedEncoding("not base64url in its canonical form")
    return data


def to_json(value: Any) -> bytes:
    """Write compact UTF-8 JSON with the members in the order of the mapping.

    Only JSON's own types are taken; a date or an enumeration is formatted by whoever knows its
    form. Raises ``MalformedJson`` for anything else, and for text that UTF-8 cannot carry.
    """
    try:
        return orjson.dumps(value, option=_PLAIN_TYPES)
    except orjson.JSONEncodeError as error:
        raise MalformedJson("a value has no JSON form") from error


def from_json(data: bytes) -> Any:
    """Read JSON that every reader understands alike.

    Raises ``MalformedJson`` for invalid UTF-8, a member named twice at any depth, ``NaN`` and
    infinities, integers beyond ``LARGEST_INTEGER``, lone surrogates, and nesting too deep to read.
    """
    try:
        value = orjson.loads(data)
        if orjson.dumps(value, option=orjson.OPT_STRICT_INTEGER) == data:
            return value  # our own form, in which nothing of all that can be written
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):
        pass  # the slow reader says why not, or that another form is sound
    try:
        value = _STRICT.decode(data.decode("utf-8"))
        if b"\\u" in data:  # an escape may spell half of a surrogate pair, which is no character
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError) as error:
        raise MalformedJson("not JSON that every reader understands alike") from error
    return value


def _members_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise MalformedJson("a JSON object names a member twice")
    return members


def _bounded_integer(digits: str) -> int:
    if len(digits) > len(str(LARGEST_INTEGER)) + 1 or abs(value := int(digits)) > LARGEST_INTEGER:
        raise MalformedJson("a JSON number is beyond what every reader keeps exactly")
    return value


def _finite_number(digits: str) -> float:
    value = float(digits)
    if value in (float("inf"), float("-inf")):
        raise MalformedJson("a JSON number is beyond what every reader keeps exactly")
    return value


def _no_constant(_name: str) -> NoReturn:
    raise MalformedJson("NaN and infinities are not JSON")


_STRICT = json.JSONDecoder(
    object_pairs_hook=_members_once,
    parse_int=_bounded_integer,
    parse_float=_finite_number,
    parse_constant=_no_constant,
)
