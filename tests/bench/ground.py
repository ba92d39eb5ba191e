"""The ground that the rungs stand on: fresh databases, keys, the two servers as processes, and one body for both."""

import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import orjson

from receipt_service.bootstrap.resources import schema_path
from receipt_service.delivery.worker.epochs import EpochKeys
from receipt_service.demo.service_processes import ServiceProcesses, free_port
from tests.bench.load import encode_request

READY_SECONDS = 30
OFFICER = "pn-paris-001"


@dataclass(frozen=True)
class Target:
    """A server under load: where it listens, and the headers that its clients send."""

    name: str
    port: int
    headers: dict[str, str]


def wait_for(url: str) -> None:
    """Return when ``url`` answers 200; raise after ``READY_SECONDS``."""
    end = time.monotonic() + READY_SECONDS
    while time.monotonic() < end:
        try:
            with urllib.request.urlopen(url, timeout=2) as answer:
                if answer.status == 200:
                    return
        except urllib.error.HTTPError as error:
            if error.code in {404, 405}:
                return
            time.sleep(0.05)
        except OSError:
            time.sleep(0.05)
    raise TimeoutError(f"{url} did not answer")


@contextmanager
def bare_server(folder: Path, postgres_url: str | None) -> Iterator[Target]:
    """The bare rung on the same kind of database."""
    port = free_port()
    place = ["--postgresql", postgres_url] if postgres_url else ["--sqlite", str(folder / "bare.sqlite3")]
    command = [sys.executable, "-m", "tests.bench.bare_rung", "--port", str(port), *place]
    process = subprocess.Popen(command, env=os.environ | {"PYTHONPATH": "."})
    try:
        wait_for(f"http://127.0.0.1:{port}/nothing")
        yield Target("bare rung", port, {"Content-Type": "application/json"})
    finally:
        process.terminate()
        process.wait(20)


def service_settings(folder: Path, port: int, postgres_url: str | None) -> dict[str, str]:
    """Settings of an API with everything on; the demonstration's tokens stand in for a provider's."""
    settings = {
        "RECEIPT_DEMO": "true",
        "RECEIPT_DATA_FOLDER": str(folder / "service"),
        "RECEIPT_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "RECEIPT_LOG_LEVEL": "WARNING",
    }
    if postgres_url:
        settings["RECEIPT_DATABASE_URL"] = postgres_url.replace("postgresql://", "postgresql+psycopg://", 1)
    return settings


@contextmanager
def service(folder: Path, postgres_url: str | None) -> Iterator[Target]:
    """The API of the service, migrated, with keys, a directory and a token; no worker beside it."""
    port = free_port()
    with ServiceProcesses(service_settings(folder, port, postgres_url), folder / "logs") as processes:
        processes.run("migrate")
        processes.run("keys", "generate")
        processes.run("directory", "import", str(schema_path("examples", "directory.csv")))
        keys = folder / "service" / "keys"
        EpochKeys(keys / "epochs", keys / "sealing").prepare(datetime.now(UTC))
        processes.start("api", "--host", "127.0.0.1", "--port", str(port))
        base = f"http://127.0.0.1:{port}"
        wait_for(f"{base}/healthz")
        form = urlencode({"subject": officer_subject(), "roles": "officer"}).encode()
        with urllib.request.urlopen(f"{base}/demo/oidc/token", data=form, timeout=5) as answer:
            token = orjson.loads(answer.read())["access_token"]
        yield Target("service", port, {"Content-Type": "application/json", "Authorization": f"Bearer {token}"})


def officer_subject() -> str:
    """An OPJ of the sample directory, so that a body needs no second officer."""
    lines = schema_path("examples", "directory.csv").read_text(encoding="utf-8").splitlines()
    header = lines[0].split(",")
    for line in lines[1:]:
        row = dict(zip(header, line.split(","), strict=False))
        if row.get("quality") == "OPJ" and row.get("force", "") in {"", "PN"}:
            return row["subject"]
    raise LookupError("the sample directory has no OPJ")


def body(number: int, now: datetime) -> dict[str, Any]:
    """A typical check with one SMS to seal; ``number`` tells it from the others."""
    return {
        "legal_bases": [{"code": "CPP-78-2-AL2", "offence_class": "delit", "offence": "vol à l'étalage"}],
        "reasons": ["SORTIE_LIEU"],
        "reason_text": "Sort du magasin en courant, un article non payé à la main",
        "selection": "behaviour",
        "checked_at": (now - timedelta(minutes=3)).isoformat(timespec="seconds"),
        "place": {"public_place": "Parvis de la gare du Nord", "commune": "75110"},
        "measures": ["PALPATION"],
        "outcomes": ["LIBRE"],
        "person": {
            "identity": "established",
            "family_name": "Lefèvre",
            "given_names": "Camille Zoé",
            "birth_date": "1990-05-17",
            "birth_place": "Lyon",
            "established_by": "identity_card",
        },
        "recipient": {"sms": f"+3363998{number % 10000:04d}"},
        "second_language": "en",
    }


def requests_to(target: Target, count: int, bodies: Iterable[dict[str, Any]] | None = None) -> list[bytes]:
    """Prepare ``count`` different requests, each with an Idempotency-Key of its own."""
    now = datetime.now(UTC)
    return [
        encode_request(
            "POST",
            "/v1/checks",
            f"127.0.0.1:{target.port}",
            target.headers | {"Idempotency-Key": f'"{uuid4()}"'},
            orjson.dumps(content),
        )
        for content in bodies or (body(number, now) for number in range(count))
    ]
