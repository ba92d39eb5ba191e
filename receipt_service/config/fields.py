"""The kinds of values that settings have: addresses, lists of words, seconds."""

import re
from typing import Annotated, Final
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_settings import NoDecode

_HOST = re.compile(r"[a-zA-Z0-9.\-\[\]:]+")
LOCAL_HOSTS: Final = frozenset({"127.0.0.1", "localhost", "::1"})


def _origin(value: str) -> str:
    """Accept an absolute http(s) address without query or fragment; drop the final slash."""
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.netloc or parts.query or parts.fragment or parts.username:
        raise ValueError("an absolute http(s) address without user, query or fragment")
    if not _HOST.fullmatch(parts.netloc):
        raise ValueError("a host in plain ASCII (use the xn-- form)")
    return value.rstrip("/")


def _split(value: object) -> object:
    """Make a list of the words between commas."""
    return [word.strip() for word in value.split(",") if word.strip()] if isinstance(value, str) else value


Url = Annotated[str, AfterValidator(_origin)]
Words = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]
Seconds = Annotated[float, Field(gt=0, le=3600)]
