"""The examples of the OpenAPI document: real requests and answers, kept as files beside this module."""

from functools import cache
from importlib.resources import files
from typing import Any

import orjson


@cache
def example(name: str) -> Any:
    """Return the example of that name."""
    return orjson.loads((files("receipt_service.web") / "examples" / f"{name}.json").read_bytes())
