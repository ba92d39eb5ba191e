"""Delivery to local servers: a real worker process empties an outbox that real requests have filled.

The worker is stopped (SIGSTOP) while the outbox fills and goes on (SIGCONT) when the clock starts. Stand-in and mail
sink have a process each, on the same two cores: they are the provider's cost and are counted against us.
"""

import asyncio
import os
import signal
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit
from urllib.request import urlopen

import orjson
from sqlalchemy import Engine

from receipt_service.demo.stage import Stage, open_stage
from receipt_service.storage.engine import open_engine, reading
from tests.bench.ground import Target, body, officer_subject, requests_to
from tests.bench.load import run_load
from tests.bench.neighbours import neighbours
from tests.support.databases import PostgresServer

CONNECTIONS = 16
PATIENCE_SECONDS = 120
SHARES: dict[str, Callable[[int], dict[str, Any]]] = {}
"""Name of a mix to what its n-th check changes in the body."""


def _sms(number: int) -> dict[str, Any]:
    return {"recipient": {"sms": f"+336399800{number % 100:02d}"}, "second_language": None}


def _mail(number: int) -> dict[str, Any]:
    return {"recipient": {"email": f"personne.{number}@example.org"}, "second_language": None}


def _mail_in_two_languages(number: int) -> dict[str, Any]:
    return _mail(number) | {"second_language": "en"}


SHARES["SMS alone"] = _sms
SHARES["3 SMS to 1 mail with PDF"] = lambda number: _sms(number) if number % 4 else _mail(number)
SHARES["mails alone, French"] = _mail
SHARES["mails alone, French and English"] = _mail_in_two_languages


@dataclass(frozen=True)
class DeliveryResult:
    """One mix on one database."""

    database: str
    mix: str
    messages: int
    seconds: float

    @property
    def rate(self) -> float:
        """Messages a second, from the worker's start to the last one settled."""
        return self.messages / self.seconds


@contextmanager
def _staged(folder: Path, more: dict[str, str]) -> Iterator[Stage]:
    """Open the stage; its own stand-in and mail sink stay idle."""
    with (
        neighbours(folder) as found,
        open_stage(
            folder / "stage", processes=("worker", "api"), save_mails=False, more_settings=more | found
        ) as stage,
    ):
        yield stage


def _target(stage: Stage) -> Target:
    form = urlencode({"subject": officer_subject(), "roles": "officer"}).encode()
    with urlopen(f"{stage.base_url}/demo/oidc/token", data=form, timeout=5) as answer:
        token = orjson.loads(answer.read())["access_token"]
    port = urlsplit(stage.base_url).port
    assert port is not None
    return Target("service", port, {"Content-Type": "application/json", "Authorization": f"Bearer {token}"})


def _unsettled(engine: Engine) -> int:
    with reading(engine) as connection:
        return int(
            connection.exec_driver_sql(
                "SELECT count(*) FROM message WHERE state IN ('queued', 'sending', 'unknown')"
            ).scalar_one()
        )


def _hold(worker: int, engine: Engine) -> None:
    """Stop the worker, but not while it has SQLite's only write lock."""
    for _ in range(PATIENCE_SECONDS):
        os.kill(worker, signal.SIGSTOP)
        if engine.dialect.name != "sqlite" or _is_writable(engine):
            return
        os.kill(worker, signal.SIGCONT)
        time.sleep(0.05)
    raise TimeoutError("the worker never lets go of the database")


def _is_writable(engine: Engine) -> bool:
    connection = sqlite3.connect(str(engine.url.database), timeout=0.1, isolation_level=None)
    try:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("ROLLBACK")
    except sqlite3.OperationalError:
        return False
    finally:
        connection.close()
    return True


def _deliver(stage: Stage, engine: Engine, mix: str, count: int) -> float:
    worker = stage.processes.pid("worker")
    _hold(worker, engine)
    now = datetime.now(UTC)
    bodies = (body(number, now) | SHARES[mix](number) for number in range(count))
    requests = iter(requests_to(_target(stage), count, bodies))
    filled = asyncio.run(run_load(_target(stage).port, requests, connections=CONNECTIONS, seconds=PATIENCE_SECONDS))
    if filled.statuses != {201: count} or _unsettled(engine) != count:
        raise RuntimeError(f"the outbox was not filled: {filled.statuses}")
    began = time.perf_counter()
    os.kill(worker, signal.SIGCONT)
    while _unsettled(engine):
        if time.perf_counter() - began > PATIENCE_SECONDS:
            raise TimeoutError("messages are left")
        time.sleep(0.05)  # each look costs the worker's cores a millisecond
    return time.perf_counter() - began


def measure_delivery(
    server: PostgresServer | None, *, messages: int, say: Callable[[str], None]
) -> list[DeliveryResult]:
    """Deliver each mix in turn on one kind of database. ``server`` None means SQLite."""
    database = "PostgreSQL" if server else "SQLite"
    more = {"RECEIPT_LOG_LEVEL": "WARNING"}
    if server:
        more["RECEIPT_DATABASE_URL"] = server.create("bench_delivery").replace("postgresql://", "postgresql+psycopg://")
    results = []
    with tempfile.TemporaryDirectory(prefix="bench-") as name, _staged(Path(name), more) as stage:
        engine = open_engine(more.get("RECEIPT_DATABASE_URL", f"sqlite:///{stage.database}"))
        for mix in SHARES:
            _deliver(stage, engine, mix, 40)  # warm the fonts, the connections, the compiled paths
            result = DeliveryResult(database, mix, messages, _deliver(stage, engine, mix, messages))
            say(f"  {database}, {mix}: {result.rate:.0f}/s")
            results.append(result)
        engine.dispose()
    return results
