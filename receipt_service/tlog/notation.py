"""Numbers, hashes and key names as the log's texts write them, each in one form only.

What two readers could spell differently under one meaning would be two texts under one signature: leading zeroes,
base64 with loose padding or spare bits, other digits than ASCII's are all refused.
"""

import re
from base64 import b64decode, b64encode
from typing import Final

from receipt_service.errors import ReceiptServiceError

HASH_BYTES: Final = 32
LARGEST_NUMBER: Final = 2**63 - 1
"""Largest size, index or time (tlog-cosignature bounds times so; Go's readers hold sizes in an int64)."""

_DECIMAL = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)


class MalformedLogText(ReceiptServiceError):
    """A note, checkpoint, proof, policy, tile or path is not in the one form that we accept."""


def read_number(digits: str) -> int:
    """Read an ASCII decimal without leading zeroes, at most ``LARGEST_NUMBER``. Raises ``MalformedLogText``."""
    if not _DECIMAL.fullmatch(digits) or (number := int(digits)) > LARGEST_NUMBER:
        raise MalformedLogText("not a decimal number without leading zeroes, below 2^63")
    return number


def base64(data: bytes) -> str:
    """Write standard base64 with padding (RFC 4648 §4)."""
    return b64encode(data).decode("ascii")


def from_base64(text: str) -> bytes:
    """Read the canonical form of standard base64 only. Raises ``MalformedLogText``."""
    try:
        data = b64decode(text, validate=True)
    except ValueError as error:
        raise MalformedLogText("not base64") from error
    if base64(data) != text:  # the library ignores the spare bits of the last letter
        raise MalformedLogText("not base64 in its canonical form")
    return data


def read_hash(text: str) -> bytes:
    """Read a SHA-256 hash in base64. Raises ``MalformedLogText``."""
    data = from_base64(text)
    if len(data) != HASH_BYTES:
        raise MalformedLogText(f"a hash has {HASH_BYTES} bytes")
    return data


def check_line(text: str) -> None:
    """Refuse what cannot stand on a line of a signed note: nothing at all, control characters, half a surrogate pair.

    Raises ``MalformedLogText`` (signed-note, Format).
    """
    if not text or any(letter < " " for letter in text):
        raise MalformedLogText("a line is empty or has a control character")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise MalformedLogText("a line is not UTF-8") from error


def check_key_name(name: str) -> None:
    """Refuse a name that no key may have: with a space of any kind or a plus sign (signed-note, Format).

    Raises ``MalformedLogText``.
    """
    check_line(name)
    if "+" in name or any(letter.isspace() for letter in name):
        raise MalformedLogText("a key name has no space and no plus sign")
