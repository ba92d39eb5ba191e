"""The service as its own processes: the commands that an operator types, with a folder and settings of their own.

Nothing is called from inside: what the demonstration shows is what was installed.
"""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Self

from receipt_service.errors import ReceiptServiceError

_READY_SECONDS: Final = 40.0
_STOP_SECONDS: Final = 20.0
_LOOPBACK: Final = "127.0.0.1"


class ProcessFailed(ReceiptServiceError):
    """A command of the service ended with an error; its log says why."""


def free_port() -> int:
    """Find a port on this machine that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((_LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass(slots=True)
class ServiceProcesses:
    """Runs commands of ``receipt-service`` with the same settings, their output in ``logs``."""

    settings: Mapping[str, str]
    """``RECEIPT_*`` variables; those of the surrounding shell are not passed on."""
    logs: Path
    _running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    _logs_open: dict[str, IO[bytes]] = field(default_factory=dict)

    def __enter__(self) -> Self:
        """Make the folder of the logs."""
        self.logs.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop what still runs."""
        self.stop()

    def run(self, *arguments: str) -> str:
        """Run a command to its end and give its output. Raises ``ProcessFailed``."""
        done = subprocess.run(  # noqa: S603 - our own program
            self._command(arguments), env=self._environment(), capture_output=True, check=False, text=True
        )
        name = arguments[0]
        (self.logs / f"{name}.log").write_text(done.stdout + done.stderr, encoding="utf-8")
        if done.returncode:
            raise ProcessFailed(f"receipt-service {name}: exit code {done.returncode}, see {self.logs / name}.log")
        return done.stdout

    def start(self, *arguments: str) -> None:
        """Start a command that stays."""
        name = arguments[0]
        log = (self.logs / f"{name}.log").open("ab")
        self._logs_open[name] = log
        self._running[name] = subprocess.Popen(  # noqa: S603 - our own program
            self._command(arguments),
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )

    def pid(self, name: str) -> int:
        """Give the process number of a command that stays."""
        return self._running[name].pid

    def wait_until_ready(self, url: str) -> None:
        """Ask until the service answers 200. Raises ``ProcessFailed`` when it ends or takes too long."""
        end = time.monotonic() + _READY_SECONDS
        while time.monotonic() < end:
            self.check()
            try:
                with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 - an address of ours
                    if answer.status == 200:  # noqa: PLR2004 - HTTP OK
                        return
            except (urllib.error.URLError, OSError):
                time.sleep(0.05)
        raise ProcessFailed(f"the service is not ready after {_READY_SECONDS:.0f} s, see {self.logs}")

    def check(self) -> None:
        """Raise ``ProcessFailed`` when a process that should stay has ended."""
        for name, process in self._running.items():
            if process.poll() is not None:
                raise ProcessFailed(
                    f"receipt-service {name} ended with {process.returncode}, see {self.logs}/{name}.log"
                )

    def stop(self, *names: str) -> None:
        """Ask those processes, or all, to end; wait, and kill what does not."""
        leaving = {name: self._running.pop(name) for name in names or tuple(self._running)}
        for process in leaving.values():
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        end = time.monotonic() + _STOP_SECONDS
        for process in leaving.values():
            try:
                process.wait(max(0.1, end - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        for name in leaving:
            self._logs_open.pop(name).close()

    def _command(self, arguments: Sequence[str]) -> list[str]:
        return [sys.executable, "-m", "receipt_service", *arguments]

    def _environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("RECEIPT_")}
        return {**kept, **self.settings}
