"""The API as a process of its own, started with the command that an operator types."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import orjson

from receipt_service.delivery.worker.epochs import EpochKeys
from receipt_service.demo.service_processes import ServiceProcesses, free_port
from tests.support.api import DIRECTORY


@dataclass
class RunningApi:
    """A listening API in demonstration mode, with its own folder and the sample directory."""

    url: str
    folder: Path
    processes: ServiceProcesses

    def token(self, subject: str = "agent-2", roles: str = "officer") -> str:
        form = urlencode({"subject": subject, "roles": roles}).encode()
        with urlopen(f"{self.url}/demo/oidc/token", form, timeout=10) as answer:
            return str(orjson.loads(answer.read())["access_token"])

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, bytes]:
        data = None if body is None else orjson.dumps(body)
        given = {
            "Content-Type": "application/json",
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        request = Request(self.url + path, data, given, method=method)
        with urlopen(request, timeout=20) as answer:
            return answer.status, answer.read()


@contextmanager
def running_api(folder: Path, *command: str, **settings: str) -> Iterator[RunningApi]:
    """Prepare database, keys and directory, start the command, and stop it at the end."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    data = folder / "data"
    given = {"RECEIPT_DEMO": "true", "RECEIPT_PUBLIC_URL": url, "RECEIPT_DATA_FOLDER": str(data), **settings}
    (folder / "directory.csv").write_text(DIRECTORY)
    with ServiceProcesses(given, folder / "logs") as processes:
        processes.run("migrate")
        processes.run("keys", "generate")
        processes.run("directory", "import", str(folder / "directory.csv"))
        if command[0] == "api":
            EpochKeys(data / "keys" / "epochs", data / "keys" / "sealing").prepare(datetime.now(UTC))
        processes.start(*command, "--port", str(port))
        processes.wait_until_ready(f"{url}/readyz")
        yield RunningApi(url, folder, processes)
