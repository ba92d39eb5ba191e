"""Await many calls with a bound on how many run at once."""

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any, TypeVar

T = TypeVar("T")


async def gathered(calls: Sequence[Coroutine[Any, Any, T]], bound: int) -> list[T]:
    """Await all ``calls``, at most ``bound`` at a time; the results come in their order."""
    slots = asyncio.Semaphore(bound)

    async def one(call: Coroutine[Any, Any, T]) -> T:
        async with slots:
            return await call

    return list(await asyncio.gather(*(one(call) for call in calls)))
