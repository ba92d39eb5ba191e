"""The event loop of a process that is not run by uvicorn: the same one that uvicorn takes.

uvloop answers the network in native code, which is worth a tenth of what delivering costs. Where it does not exist
(Windows, PyPy) Python's own loop does the same work.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from uvicorn.loops.auto import auto_loop_factory

T = TypeVar("T")


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine on a loop of its own, to its end, as ``asyncio.run`` does."""
    with asyncio.Runner(loop_factory=auto_loop_factory(use_subprocess=False)) as runner:
        return runner.run(main)
