"""Keeping the transparency log: how fast what waits gets its place and is published, and how long a check waits.

The first registers checks, then lets the product's own runner work off the queue, alone. The second registers a steady
stream beside the runner and takes the time from each commit to the checkpoint that covers it. Run it as

    python -m tests.bench.log_keeping --entries 200000
"""

import argparse
import json
import statistics
import tempfile
import threading
import time
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path

from sqlalchemy import Engine

from receipt_service.bootstrap.database import migrate
from receipt_service.storage.engine import is_sqlite, open_engine
from receipt_service.storage.issuances import Register
from receipt_service.storage.stubs import pack_leaf
from receipt_service.transparency import sequencing
from receipt_service.transparency.publishing import Published
from receipt_service.transparency.running import ON_POSTGRESQL, ON_SQLITE, LogPace, LogRunner
from tests.support.databases import PostgresServer, running_postgres
from tests.support.issuances import an_issuance
from tests.support.logs import a_leaf, open_log

PER_SECOND = 500
BATCH = 20
PAUSE = timedelta(seconds=0.4)
"""The setting's default."""


@dataclass(frozen=True)
class LogResult:
    """Entries per second, and seconds from commit to checkpoint."""

    database: str
    entries: int
    sequenced_per_second: float
    kept_per_second: float
    """Sequenced and published, tiles, signatures and all on the disk."""
    per_second: int
    p50_seconds: float
    p99_seconds: float


def _fill(engine: Engine, count: int) -> None:
    register = Register(engine)
    for start in range(0, count, 1000):
        register([an_issuance(leaf=pack_leaf(a_leaf())) for _ in range(min(1000, count - start))])
    register.close()


def _pace(engine: Engine) -> LogPace:
    return LogPace(at_once=ON_SQLITE if is_sqlite(engine) else ON_POSTGRESQL, pause=PAUSE)


def _work_off(url: str, base: Path, count: int) -> tuple[float, float]:
    """Give entries per second: sequenced alone, and sequenced and published."""
    engine = open_engine(url)
    pace = _pace(engine)
    _fill(engine, count)
    began = time.perf_counter()
    while sequencing.sequence(engine, pace.at_once):
        pass
    sequenced = count / (time.perf_counter() - began)
    open_log(engine, base).publisher().publish()
    _fill(engine, count)
    runner = LogRunner(engine, open_log(engine, base).publisher(), pace)
    began = time.perf_counter()
    assert runner.round() == count
    kept = count / (time.perf_counter() - began)
    engine.dispose()
    return sequenced, kept


def _waiting_times(url: str, base: Path, seconds: float) -> list[float]:
    """Register ``PER_SECOND`` checks a second beside the runner; give each one's seconds from commit to checkpoint."""
    engine = open_engine(url)
    published: list[tuple[int, float]] = []

    def note(made: Published) -> None:
        published.append((made.size, time.perf_counter()))

    runner = LogRunner(engine, open_log(engine, base).publisher(), _pace(engine), published=note)
    runner.start()
    register = Register(engine)
    committed: list[float] = []
    began = time.perf_counter()
    for number in range(int(seconds * PER_SECOND / BATCH)):
        issuances = [an_issuance(leaf=pack_leaf(a_leaf())) for _ in range(BATCH)]
        time.sleep(max(0.0, began + number * BATCH / PER_SECOND - time.perf_counter()))
        register(issuances)
        committed += [time.perf_counter()] * BATCH
    register.close()
    while not published or published[-1][0] < len(committed):
        threading.Event().wait(0.05)
    runner.stop()
    engine.dispose()
    waits, steps = [], iter(published)
    size, at = next(steps)
    for number, moment in enumerate(committed):  # the queue is worked off in the order of commits
        while size <= number:
            size, at = next(steps)
        waits.append(at - moment)
    return waits


def measure_log(server: PostgresServer, folder: Path, *, entries: int, seconds: float) -> list[LogResult]:
    """Measure both databases."""
    results = []
    for name in ("SQLite", "PostgreSQL"):
        urls = []
        for part in ("bulk", "stream"):
            base = folder / f"log-{name}-{part}"
            base.mkdir()
            url = f"sqlite:///{base / 'receipts.db'}" if name == "SQLite" else server.create(f"bench_log_{part}")
            migrate(url)
            urls.append((url, base))
        sequenced, kept = _work_off(*urls[0], entries)
        waits = _waiting_times(*urls[1], seconds)
        p99 = statistics.quantiles(waits, n=100)[98]
        results.append(LogResult(name, entries, sequenced, kept, PER_SECOND, statistics.median(waits), p99))
    return results


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=100_000)
    parser.add_argument("--seconds", type=float, default=15.0)
    arguments = parser.parse_args()
    with ExitStack() as stack:
        server = stack.enter_context(running_postgres())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-log-")))
        for result in measure_log(server, folder, entries=arguments.entries, seconds=arguments.seconds):
            print(json.dumps(asdict(result)))


if __name__ == "__main__":
    main()
