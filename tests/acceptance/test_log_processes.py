"""Two API processes and two would-be sequencers on PostgreSQL: one tree, whoever is killed."""

import contextlib
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from receipt_service.bootstrap.log_keys import load_log_keys, make_log_keys
from receipt_service.storage.engine import open_engine
from receipt_service.tlog.hash_reader import HashReader
from receipt_service.tlog.merkle import verify_consistency
from receipt_service.transparency.log_folder import CHECKPOINT
from tests.support.logs import ORIGIN, KeptLog, register

pytestmark = [pytest.mark.needs_postgres, pytest.mark.slow]

ROUNDS = 5
WRITERS = 2


@pytest.fixture
def log(postgres_url, tmp_path):
    make_log_keys(tmp_path / "keys", ORIGIN)
    engine = open_engine(postgres_url)
    yield KeptLog(engine, tmp_path / "keys", tmp_path / "log", load_log_keys(tmp_path / "keys"))
    engine.dispose()


class Sequencers:
    """Processes of `receipt-service log run`, each in a slot; a killed one is started again."""

    def __init__(self, url, log, logs):
        self._environment = {
            "PATH": "/usr/bin:/bin",
            "RECEIPT_DATABASE_URL": url.replace("postgresql://", "postgresql+psycopg://", 1),
            "RECEIPT_LOG_KEYS_FOLDER": str(log.keys),
            "RECEIPT_LOG_FOLDER": str(log.root),
            "RECEIPT_LOG_PAUSE_SECONDS": "0.05",
        }
        self._logs = logs
        self.running = [self._start(slot) for slot in range(2)]

    def _start(self, slot):
        with (self._logs / f"log-{slot}.log").open("ab") as events:
            return subprocess.Popen(
                [sys.executable, "-m", "receipt_service", "log", "run"],
                env=self._environment,
                stdout=events,
                stderr=events,
            )

    def kill(self, slot):
        self.running[slot].send_signal(signal.SIGKILL)
        self.running[slot].wait(10)
        self.running[slot] = self._start(slot)

    def stop(self):
        for process in self.running:
            process.terminate()
        for process in self.running:
            assert process.wait(20) in {0, -signal.SIGTERM}  # one may still have been starting


def published(log):
    return log.checkpoint().checkpoint if log.folder.read(CHECKPOINT) is not None else None


def test_one_tree_whoever_is_killed(postgres_url, log, tmp_path):
    sequencers = Sequencers(postgres_url, log, tmp_path)
    stop, seen = threading.Event(), []

    def write():
        """An API process, as far as the log goes: it commits checks until it is told to stop."""
        engine = open_engine(postgres_url)
        leaves = []
        while not stop.is_set():
            leaves += register(engine, 7)
            time.sleep(0.02)
        engine.dispose()
        return leaves

    with ThreadPoolExecutor(WRITERS) as pool, contextlib.ExitStack() as at_end:
        at_end.callback(stop.set)
        writers = [pool.submit(write) for _ in range(WRITERS)]
        for number in range(ROUNDS):
            before = published(log)
            wait_for(lambda before=before: published(log) is not None and published(log) != before)
            seen.append(published(log))
            sequencers.kill(number % 2)
        stop.set()
        leaves = [leaf for writer in writers for leaf in writer.result(20)]
        wait_for(lambda: published(log).size == len(leaves))
    sequencers.stop()

    assert sorted(log.entries()) == sorted(leaves)
    assert log.places() == list(range(len(leaves)))
    last = published(log)
    hashes = HashReader(last.size, log.folder.read_tile)
    for earlier in seen:
        verify_consistency(earlier.size, earlier.root, last.size, last.root, hashes.consistency_proof(earlier.size))
    assert len({checkpoint.size for checkpoint in seen}) > ROUNDS // 2


def wait_for(condition):
    end = time.monotonic() + 60
    while time.monotonic() < end:
        if condition():
            return
        time.sleep(0.05)
    pytest.fail("it did not come to that within a minute")
