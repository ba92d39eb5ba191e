"""One ``receipt-service demo --serve`` for every test that only asks it, as its user starts and ends it."""

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from receipt_service.demo.service_processes import free_port

COMMAND = Path(sys.executable).with_name("receipt-service")
STARTED_SECONDS = 150


@dataclass(frozen=True)
class StayingDemo:
    """A demonstration that has told its story: the address of its API, and the story."""

    api: str
    story: str


def told(process: subprocess.Popen[bytes], log: Path) -> str:
    """Wait for the last line, and give all of them."""
    end = time.monotonic() + STARTED_SECONDS
    while ". It stays" not in log.read_text():
        assert process.poll() is None, log.read_text()[-2000:]
        assert time.monotonic() < end, log.read_text()[-2000:]
        time.sleep(0.1)
    return log.read_text()


@pytest.fixture(scope="session")
def staying_demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StayingDemo]:
    """At the end comes Ctrl-C, and nothing may be left behind."""
    home, port = tmp_path_factory.mktemp("staying"), free_port()
    with (home / "log").open("wb") as log:
        process = subprocess.Popen(
            [COMMAND, "demo", "--serve", "--folder", "demo", "--port", str(port)], cwd=home, stdout=log, stderr=log
        )
    try:
        yield StayingDemo(f"http://127.0.0.1:{port}", told(process, home / "log"))
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", port)) != 0
    finally:
        process.terminate()  # it then stops its own processes; SIGKILL would leave them
        process.wait(60)
