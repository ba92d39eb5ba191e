"""SIGKILL at every durable point of DESIGN.md, on both databases, under traffic; then everything is verified.

Real processes of the API and of the worker, clients that repeat until they are answered, an SMS provider that can be
looked up and a mail server that can't. docs/proofs.md says what is counted and why.
"""

import os
import random
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from receipt_service.bootstrap.database import migrate
from receipt_service.delivery.worker.faults import POINTS
from tests.support.aftermath import (
    UNREDACTED,
    UNSETTLED,
    keys_kept_too_long,
    sealed_epochs,
    utc_now,
    verify_everything,
)
from tests.support.crash_traffic import SLEEPERS, Traffic, put_off_sleepers
from tests.support.crashing import CrashStage, Lives, comes_true, crash_stage, wait_for
from tests.support.databases import BOTH, PostgresServer, running_postgres

KILLS_PER_DATABASE = 105
"""Twice this is more than the 200 of the bar."""
ISSUING = (
    "received",
    "sealed",
    "before_commit",
    "during_commit",
    "after_commit",
    "before_answer",
    "after_answer",
)
SENDING = ("leased", "before_send", "sms_taken", "mail_taken", "answered", "settled")
MENDING = ("recovered", "looked_up", "followed", "redacted", "redaction_recorded")
UPKEEP = ("epoch_key_written", "epoch_published", "epoch_condemned", "epoch_overwritten")
API_PLAN = [*ISSUING * 7, *["anywhere"] * 8]
WORKER_PLAN = [*SENDING * 3, *["anywhere"] * 20, *SENDING, *MENDING * 2]
SETTLING_HOURS = range(2, 22, 2)
"""Before the window of an SMS ends."""
SEED = 20_261_123


@contextmanager
def database(engine: str, folder: Path) -> Iterator[tuple[str, Callable[[], None]]]:
    """A database of the test's own, and a way to kill one of its server's processes."""
    if engine == "sqlite":
        url = f"sqlite:///{folder / 'receipts.sqlite3'}"
        migrate(url)
        yield url, lambda: None
        return
    with running_postgres() as server:
        url = server.create("receipts")
        migrate(url)
        yield url, lambda: kill_a_backend(server)


def kill_a_backend(server: PostgresServer) -> None:
    """The postmaster then ends every session and recovers from its log, as after a crash of the whole server."""
    import psycopg  # noqa: PLC0415 - only here

    with psycopg.connect(server.url("postgres")) as connection:
        row = connection.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = 'receipts' ORDER BY random() LIMIT 1"
        ).fetchone()
    if row is not None:
        os.kill(row[0], signal.SIGKILL)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("engine", BOTH)
def test_nothing_is_lost_or_doubled_whatever_is_killed(engine, tmp_path, capsys):
    random.seed(SEED)
    with database(engine, tmp_path) as (url, kill_backend), crash_stage(tmp_path, url) as stage:
        api, worker = Lives("api", stage), Lives("worker", stage)
        try:
            put_off_sleepers(stage.phones)
            with Traffic(stage) as traffic:
                missed = die_under_traffic(api, worker, kill_backend)
            assert traffic.surprises == []
            kill_through_the_hours(worker, stage)
            faults = verify_everything(stage, traffic.submissions)
            assert api.end() == 0
        finally:
            api.close()
            worker.close()

    tell(capsys, engine, api, worker, traffic)
    assert faults == []
    assert missed == []
    assert_bar(api.deaths, worker.deaths)
    assert engine == "postgresql" or api.other_ends + worker.other_ends == []


def die_under_traffic(api: Lives, worker: Lives, kill_backend: Callable[[], None]) -> list[str]:
    """Both roles die through their plans side by side; at the end both live."""
    missed: list[str] = []

    def live(role: Lives, plan: list[str]) -> None:
        half = len(plan) // 2
        missed.extend(role.run(plan[:half], SEED))
        kill_backend()
        missed.extend(role.run(plan[half:], SEED + 1))
        role.stay()

    threads = [threading.Thread(target=live, args=pair) for pair in ((api, API_PLAN), (worker, WORKER_PLAN))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return missed


def kill_through_the_hours(worker: Lives, stage: CrashStage) -> None:
    """Let the worker's clock run on: what was put off settles or expires, keys are destroyed; it dies in between."""
    assert worker.end() == 0
    begun = utc_now()
    settle_hour_by_hour(worker, stage)
    wait_for(lambda: not stage.sql(UNREDACTED), 60, "all texts erased at the provider")
    wait_for(lambda: len(stage.epochs.held()) >= 27, 30, "the keys of the hours ahead")
    assert sealed_epochs(stage) <= set(stage.epochs.held()), "a key that is needed was destroyed"
    assert worker.end() == 0

    assert worker.live_until("expired", hours=25, patience=30)
    for round_, point in enumerate(UPKEEP * 3):
        assert worker.live_until(point, hours=26 + round_, patience=30), point
    assert sealed_epochs(stage) <= set(stage.epochs.held()), "a key that is needed was destroyed"
    assert worker.live_until("expired", hours=74, patience=30)
    worker.stay(hours=75)
    wait_for(lambda: not sealed_epochs(stage), 30, "the last envelopes shredded")
    wait_for(lambda: not keys_kept_too_long(stage, begun + timedelta(hours=75)), 30, "keys of past hours destroyed")
    assert worker.end() == 0


def settle_hour_by_hour(worker: Lives, stage: CrashStage) -> None:
    """Move the worker's clock on until all but the sleepers are settled; leave it running.

    One jump is not enough: whatever is put off after it waits by the clock on the wall, and that can be long. An SMS
    sent in the last second of the traffic is not delivered yet when the worker first asks, and, being two hours old
    by the worker's clock, is asked about again an hour later.
    """
    for hours in SETTLING_HOURS:
        worker.stay(hours=hours)
        if comes_true(lambda: len(stage.sql(UNSETTLED)) == 2 * SLEEPERS, 20):
            return
        assert worker.end() == 0
    raise AssertionError(f"not settled in {SETTLING_HOURS[-1]} hours: {stage.sql(UNSETTLED)}")


def assert_bar(api: Counter[str], worker: Counter[str]) -> None:
    assert set(ISSUING) <= set(api)
    assert {*POINTS, "before_send", "sms_taken", "mail_taken"} <= set(worker)
    assert api.total() + worker.total() >= KILLS_PER_DATABASE


def tell(capsys: pytest.CaptureFixture[str], engine: str, api: Lives, worker: Lives, traffic: Traffic) -> None:
    """Print the figures that docs/proofs.md speaks of."""
    total = api.deaths.total() + worker.deaths.total()
    lines = [f"{engine}: {total} kills, {len(traffic.submissions)} checks, {traffic.repeats} repeats by clients"]
    for lives in (api, worker):
        lines.append(f"  {lives.role}: " + ", ".join(f"{point} {n}" for point, n in sorted(lives.deaths.items())))
        if lives.other_ends:
            lines.append(f"  {lives.role}: {len(lives.other_ends)} starts refused while the database recovered")
    with capsys.disabled():
        print("", *lines, sep="\n")  # noqa: T201 - the figures of docs/proofs.md
