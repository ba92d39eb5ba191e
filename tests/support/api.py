"""The API as it runs, in this process: real keys, a real database, the demonstration's token issuer."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import Engine

from receipt_service.bootstrap.application import ApiProcess
from receipt_service.bootstrap.keyring import generate_key
from receipt_service.bootstrap.law import Law, load_law
from receipt_service.config.loading import load
from receipt_service.config.processes import ApiSettings
from receipt_service.delivery.worker.epochs import EpochKeys
from receipt_service.issuance.directory import import_directory
from receipt_service.storage.engine import open_engine
from receipt_service.web.app import create_app
from receipt_service.web.authentication import Role
from tests.support.asgi import Answer, AsgiClient

PUBLIC_URL = "http://127.0.0.1:8000"

DIRECTORY = """\
kind;code;name;parent;force;department;commune;number;rank;quality;unit;subject;active
unit;PN-75;Préfecture de police;;PN;75;;;;;;;
unit;PN-75-10;Commissariat du 10e;PN-75;PN;75;75110;;;;;;
unit;PN-973;DTPN Guyane;;PN;973;;;;;;;
officer;;;;;;;1234567;PN-GARDIEN-DE-LA-PAIX;APJ;PN-75-10;agent-1;
officer;;;;;;;7654321;PN-CAPITAINE;OPJ;PN-75-10;agent-2;
officer;;;;;;;2222222;PN-COMMISSAIRE;OPJ;PN-75;agent-3;
officer;;;;;;;3333333;PN-CAPITAINE;OPJ;PN-973;agent-4;
officer;;;;;;;4444444;PN-MAJOR;OPJ;PN-75-10;agent-5;non
"""
"""agent-1 an APJ who needs an OPJ's order, agent-2 an OPJ of the same unit, agent-3 above them, agent-4
elsewhere, agent-5 no longer active."""


@dataclass
class Api:
    """A running API and what a test does with it."""

    client: AsgiClient
    process: ApiProcess
    engine: Engine

    def token(self, subject: str = "agent-2", *roles: Role, at: datetime | None = None) -> str:
        issuer = self.process.services.demo_issuer
        assert issuer is not None
        return issuer.token(subject, roles or (Role.OFFICER,), at or datetime.now(UTC))

    def headers(self, subject: str = "agent-2", *roles: Role, key: str | None = None) -> dict[str, str]:
        return {
            "authorization": f"Bearer {self.token(subject, *roles)}",
            "idempotency-key": f'"{key or uuid4()}"',
            "accept-language": "en",
        }

    def post(self, body: Any, *, subject: str = "agent-2", key: str | None = None, **headers: str) -> Answer:
        """Register a check."""
        return self.client.request(
            "POST", "/v1/checks", headers={**self.headers(subject, key=key), **headers}, json=body
        )

    def get(self, target: str, subject: str | None = None, *roles: Role) -> Answer:
        headers = {} if subject is None else {"authorization": f"Bearer {self.token(subject, *roles)}"}
        return self.client.request("GET", target, headers={**headers, "accept-language": "en"})

    def count(self, table: str) -> int:
        with self.engine.connect() as connection:
            return int(connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one())  # noqa: S608

    def rows(self) -> dict[str, int]:
        """How much is written; a refused request must not change it."""
        return {table: self.count(table) for table in ("stub", "message", "idempotency", "attempt")}


@pytest.fixture(scope="session")
def law() -> Law:
    return load_law()


def api_settings(folder: Path, database_url: str, **given: Any) -> ApiSettings:
    return load(
        ApiSettings,
        **{"demo": True, "public_url": PUBLIC_URL, "data_folder": folder, "database_url": database_url} | given,
    )


@pytest.fixture
def api(tmp_path: Path, database_url: str, law: Law) -> Iterator[Api]:
    """The API on a database of its own, with a sample directory; once on each engine."""
    now = datetime.now(UTC)
    settings = api_settings(tmp_path, database_url)
    generate_key(settings.issuer_keys, None, now)
    EpochKeys(tmp_path / "keys" / "epochs", settings.sealing_keys).prepare(now)
    engine = open_engine(database_url)
    report = import_directory(engine, DIRECTORY.encode(), catalogue=law.current, territory=law.territory, now=now)
    assert not report.faults
    process = ApiProcess(settings, law, open_engine(database_url))
    with AsgiClient(create_app(process.services)) as client:
        yield Api(client, process, engine)
    engine.dispose()
