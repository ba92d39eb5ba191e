"""Threads for what would stop the event loop: the database's answers, and the drawing of PDFs."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class DatabaseThread:
    """Two threads of their own, so that a long wait for the database can't hold up opening and rendering."""

    def __init__(self) -> None:
        """Make the threads; they start with the first call."""
        self._executor = ThreadPoolExecutor(max_workers=2, thread_name_prefix="delivery-database")

    async def run(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run ``call`` in a thread and await its result. It isn't interrupted when the awaiting is."""
        return await asyncio.get_running_loop().run_in_executor(self._executor, lambda: call(*args, **kwargs))

    def close(self) -> None:
        """Let what runs finish."""
        self._executor.shutdown(wait=True)
