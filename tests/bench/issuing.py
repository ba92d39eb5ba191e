"""Issuing over HTTP against the bare rung, turn by turn in one run, so that a noisy machine is noisy for both."""

import asyncio
import statistics
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench.ground import Target, bare_server, requests_to, service
from tests.bench.load import LoadResult, run_load
from tests.support.databases import PostgresServer

CONNECTIONS = 32
ENOUGH_PER_SECOND = 4000


@dataclass
class IssuingResult:
    """Rates of the rounds, in order, and their ratios."""

    database: str
    bare: list[LoadResult] = field(default_factory=list)
    service: list[LoadResult] = field(default_factory=list)

    @property
    def ratio(self) -> float:
        """Median of the rounds' ratios: service over bare rung."""
        return statistics.median(ours.rate / bare.rate for ours, bare in zip(self.service, self.bare, strict=True))


def _round(target: Target, seconds: float) -> LoadResult:
    requests = requests_to(target, int(seconds * ENOUGH_PER_SECOND))
    result = asyncio.run(run_load(target.port, iter(requests), connections=CONNECTIONS, seconds=seconds))
    refused = {status: count for status, count in result.statuses.items() if status != 201}
    if refused:
        raise RuntimeError(f"{target.name} refused requests: {refused}")
    return result


def measure_issuing(
    server: PostgresServer | None, *, rounds: int, seconds: float, say: Callable[[str], None]
) -> IssuingResult:
    """Run both servers on one kind of database, by turns. ``server`` None means SQLite."""
    result = IssuingResult("PostgreSQL" if server else "SQLite")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        urls = (server.create("bench_bare"), server.create("bench_service")) if server else (None, None)
        bare = stack.enter_context(bare_server(folder, urls[0]))
        ours = stack.enter_context(service(folder, urls[1]))
        for target in (bare, ours):
            _round(target, min(seconds, 2))  # warm caches and compiled paths
        for number in range(rounds):
            result.bare.append(_round(bare, seconds))
            result.service.append(_round(ours, seconds))
            say(
                f"  {result.database} {number + 1}/{rounds}: bare {result.bare[-1].rate:6.0f}/s, "
                f"service {result.service[-1].rate:6.0f}/s"
            )
    return result
