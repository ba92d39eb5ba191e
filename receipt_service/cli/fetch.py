"""The requests that verification ever makes: a stub by its number; an issuer's keys and log policy; the log's proof.

Nothing but the receipt number, and the leaf's hash that the public log has too, leaves this machine: the fragment of
a link is never sent.
"""

import json
from http import HTTPStatus
from typing import Any, Final, NoReturn
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from receipt_service.domain.groups import STUB_GROUPS, Group
from receipt_service.errors import NotFound, Unavailable

LARGEST: Final = 1 << 18
JSON: Final = "application/json"
TEXT: Final = "text/plain"
TIMEOUT_SECONDS: Final = 10.0
_SUCCESSION: Final = ("replaces", "replaced_by", "cancelled", "reason", "erased")
_LOCAL_HOSTS: Final = frozenset({"localhost", "127.0.0.1", "::1"})


class _NoRedirect(HTTPRedirectHandler):
    """An answer from elsewhere is not the answer that was asked for."""

    def redirect_request(self, *_args: Any, **_kwargs: Any) -> None:
        return None


def is_acceptable(url: str) -> bool:
    """Say whether we would ask there: https, or http on this machine."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOCAL_HOSTS)


def fetch(url: str, accept: str = JSON, *, largest: int = LARGEST) -> bytes:
    """Read a document of at most ``largest`` bytes. Raises ``NotFound`` for a 404, ``Unavailable`` for all else."""
    if not is_acceptable(url):
        raise Unavailable("only https is asked (http on this machine)")
    request = Request(url, headers={"Accept": accept, "User-Agent": "receipt-service-verify"})  # noqa: S310
    try:
        with build_opener(_NoRedirect).open(request, timeout=TIMEOUT_SECONDS) as response:
            data: bytes = response.read(largest + 1)
    except HTTPError as error:
        _refused(error)
    except (URLError, OSError, ValueError) as error:
        raise Unavailable(f"no answer from the service ({type(error).__name__})") from error
    if len(data) > largest:
        raise Unavailable("the answer is too long")
    return data


def _refused(error: HTTPError) -> NoReturn:
    with error:
        if error.code == HTTPStatus.NOT_FOUND:
            raise NotFound("the service has no such document") from error
        if error.code == HTTPStatus.GONE:
            raise NotFound("the service has erased it: it was kept as long as it may be") from error
        raise Unavailable(f"the service answered {error.code}") from error


def succession_of(document: bytes) -> dict[str, Any]:
    """Take out of a stub's answer what became of the receipt; nothing out of what says nothing of it."""
    try:
        answer = json.loads(document)
        return {name: answer[name] for name in _SUCCESSION if name in answer}
    except (ValueError, TypeError):
        return {}


def erased_groups(document: bytes) -> frozenset[Group]:
    """Return the groups that the answer says are erased, as far as they are groups of a stub."""
    named = succession_of(document).get("erased")
    return frozenset(group for group in STUB_GROUPS if isinstance(named, list) and group.value in named)


def stub_text(document: bytes) -> str:
    """Take the stub out of the answer of ``/v1/stubs/NUMBER``, or out of a saved stub.

    Raises ``Unavailable`` for something that is neither: a portal's login page, for instance.
    """
    text = document.decode("utf-8", "replace").removesuffix("\n").removesuffix("\r")
    if not text.lstrip().startswith(("{", "<")):
        return text
    try:
        answer = json.loads(text)
        leaf, disclosures = answer["leaf"], answer["disclosures"]
        return "~".join([leaf, *disclosures, ""])
    except (ValueError, KeyError, TypeError) as error:
        raise Unavailable("the answer is not a stub") from error
