"""Made-up worlds for attacks on the statistics: many small ones side by side in one database, released and served.

A world is a unit with a few groups of checks, alike within a group. In each, one more check either took place or did
not: that is what an attacker is to find out from answers of the API.
"""

import random
import shutil
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from receipt_service.bootstrap.application import ApiProcess
from receipt_service.bootstrap.keyring import generate_key
from receipt_service.delivery.worker.epochs import EpochKeys
from receipt_service.domain.directory import OfficerEntry, UnitEntry
from receipt_service.statistics.facts import Fact, cells_of
from receipt_service.statistics.lattice import RECORD_KEY_MODULUS
from receipt_service.statistics.releasing.release import Released, release
from receipt_service.statistics.units import UnitTree
from receipt_service.storage import directory, rollup
from receipt_service.storage.engine import open_engine, writing
from receipt_service.storage.rollup import CellRow
from receipt_service.web.app import create_app
from receipt_service.web.authentication import Role
from tests.support.api import Api, api_settings
from tests.support.asgi import Answer, AsgiClient
from tests.support.population import IMPORTED, METHOD, population

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
QUARTER = ("2026-07", "2026-08", "2026-09", "2026-Q3")
PLAIN = replace(
    population(0, 1)[0].fact,
    month=202607,
    basis="CPP-78-2-AL2",
    selection="behaviour",
    outcomes=(),
    reasons=(),
    measures=(),
    operations=(),
    deliveries=(),
    delays=(),
    marks=(),
    channels=(),
)
"""A check with as little to count as there can be."""


@dataclass(frozen=True)
class Group:
    """Checks that are alike in all that is counted."""

    fact: Fact
    size: int


def fill(engine: Engine, units: Mapping[str, tuple[str | None, str | None]], groups: Iterable[Group]) -> None:
    """Write units (parent and département of each), and the rollup of groups; record keys are drawn."""
    chance = random.Random(5)
    tree = UnitTree({code: up for code, (up, _) in units.items()})
    sums: dict[tuple[str, str, int, str, str], list[int]] = defaultdict(lambda: [0, 0])
    for group in groups:
        keys = sum(chance.randrange(RECORD_KEY_MODULUS) for _ in range(group.size))
        for table, area, a, b in cells_of(group.fact, tree) if group.size else ():
            cell = sums[table, area, group.fact.month, a, b]
            cell[0] += group.size
            cell[1] += keys
    rows = [
        CellRow(month, area, table, a, b, n, k % RECORD_KEY_MODULUS)
        for (table, area, month, a, b), (n, k) in sums.items()
    ]
    with writing(engine) as connection:
        entries = [
            UnitEntry(code=code, name=code, parent_code=up, force="PN", department=seat, commune=None)
            for code, (up, seat) in units.items()
        ]
        directory.save(connection, entries, [])
        rollup.save_tree(connection, tree.parents, directory.count_import(connection, IMPORTED))
        rollup.add_cells(connection, rows)


def officer(unit: str, number: int, subject: str) -> OfficerEntry:
    """An officer of a unit, known to the token issuer as ``subject``."""
    return OfficerEntry(
        number=f"{number}", rank="PN-COMMISSAIRE", quality="OPJ", unit_code=unit, subject=subject, active=True
    )


def release_all(engine: Engine, periods: Iterable[str] = QUARTER, method: Any = METHOD) -> dict[str, Released]:
    return {period: release(engine, period, method=method, now=NOW, clock=lambda: NOW) for period in periods}


class Served:
    """The API over a filled and released database, asked by supervisors alone."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self._tokens: dict[str, dict[str, str]] = {}

    def get(self, query: str, subject: str = "top", **headers: str) -> Answer:
        if subject not in self._tokens:
            token = self.api.token(subject, Role.SUPERVISOR)
            self._tokens[subject] = {"authorization": f"Bearer {token}", "accept-language": "en"}
        target = f"/v1/statistics/checks?{query}"
        return self.api.client.request("GET", target, headers={**self._tokens[subject], **headers})

    def figures(self, query: str) -> dict[tuple[str, ...], int]:
        """The shown numbers of a question, by the values of its divisions."""
        answer = self.get(query)
        assert answer.status == 200, answer.body
        return {tuple(line["values"].values()): line["checks"] for line in answer.json["figures"]}


@pytest.fixture(scope="session")
def api_keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with the keys that the API wants."""
    folder = tmp_path_factory.mktemp("api-keys")
    settings = api_settings(folder, f"sqlite:///{folder / 'unused.db'}")
    generate_key(settings.issuer_keys, None, NOW)
    EpochKeys(folder / "keys" / "epochs", settings.sealing_keys).prepare(NOW)
    return folder


@contextmanager
def serving(folder: Path, engine: Engine, keys: Path, law: Any) -> Iterator[Served]:
    """Serve a database; ``keys`` is a data folder whose keys are there already."""
    if not (folder / "keys").exists():
        shutil.copytree(keys / "keys", folder / "keys")
    url = engine.url.render_as_string(hide_password=False)
    process = ApiProcess(api_settings(folder, url), law, open_engine(url))
    with AsgiClient(create_app(process.services)) as client:
        yield Served(Api(client, process, engine))
