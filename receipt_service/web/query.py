"""The query of an address: each name once, and none that means nothing."""

from collections.abc import Collection
from typing import Final
from urllib.parse import parse_qsl

from starlette.requests import Request

from receipt_service.web.problems import INVALID_PARAMETER
from receipt_service.web.refusals import Refused

_MOST: Final = 20


def query_parameters(request: Request, names: Collection[str]) -> dict[str, str]:
    """Read the query. Raises ``Refused`` (422), with the names that there are, for any other and for one given twice.

    A misspelt parameter that was passed over would give an answer to another question.
    """
    query = request.scope["query_string"].decode("latin-1")
    try:
        pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=_MOST, errors="strict")
    except ValueError:
        raise Refused(INVALID_PARAMETER, allowed=sorted(names)) from None
    given = dict(pairs)
    if len(given) != len(pairs) or not given.keys() <= set(names):
        raise Refused(INVALID_PARAMETER, allowed=sorted(names))
    return given
