"""Releases and answers at the size of France: a year in the rollup, all periods released, all kinds of question asked.

    python -m tests.bench.answers_scale                       a million facts
    python -m tests.bench.answers_scale --facts 47000000      a year of France

Questions go through ``Answers.ask``, as those of the API and of the pages do, while checks are registered and folded
beside. The same question over raw facts stands beside it: one table of a sample of facts, read as a whole.
"""

import argparse
import asyncio
import json
import random
import secrets
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import numpy as np
from sqlalchemy import Connection, Engine, text

from receipt_service.bootstrap.database import migrate
from receipt_service.bootstrap.memory import settle
from receipt_service.bootstrap.release import build_method
from receipt_service.config.parts import ReleaseSettings
from receipt_service.domain.check import Officer, Service
from receipt_service.domain.directory import UnitEntry
from receipt_service.statistics.answers import Answer, Answers
from receipt_service.statistics.fact_columns import FactColumns
from receipt_service.statistics.frozen import LINES_KEPT
from receipt_service.statistics.indicator_cells import cells_of
from receipt_service.statistics.lattice import AreaLevel, Dimension
from receipt_service.statistics.questions import Question, question_of
from receipt_service.statistics.releasing.release import closes_at, due, release
from receipt_service.storage import directory, releases, rollup
from receipt_service.storage.engine import is_sqlite, open_engine, reading, writing
from tests.bench.france_facts import Ground, facts, lay_ground
from tests.bench.rollup_scale import SpreadForms, live, peak_mebibytes, stream_year
from tests.support import stub_facts
from tests.support.databases import running_postgres

YEAR_OVER = closes_at("2026")
SAMPLE = 1_000_000
RATE = 100
"""Checks a second while questions are asked."""
AREA_KINDS = {"F": "France", "D": "a département", "U": "a unit"}
KINDS = {
    "a unit's total": ("U", "2026-10", ()),
    "a unit's bases": ("U", "2026-10", ("basis",)),
    "a unit's bases and outcomes, year": ("U", "2026", ("basis", "outcome")),
    "a unit by units below, year": ("U", "2026", ("unit", "outcome")),
    "a unit by month and hour": ("U", "2026", ("month", "hour_band")),
    "a département's measures, quarter": ("D", "2026-Q3", ("measure",)),
    "a département by commune, year": ("D", "2026", ("commune", "basis")),
    "a commune's hours, year": ("C", "2026", ("hour_band",)),
    "France by département, year": ("F", "2026", ("department", "outcome")),
    "France's operations, year": ("F", "2026", ("operation",)),
}
"""By name: kind of area, period, divisions."""


def lay_units(engine: Engine, ground: Ground) -> None:
    """Write the ground's units into the directory, each seated in the département that its code names."""
    with writing(engine) as connection:
        entries = [
            UnitEntry(
                code=code,
                name=code,
                parent_code=up,
                force="PN",
                department=code.split("-")[1] if code.startswith("DEP-") else None,
                commune=None,
            )
            for code, up in ground.tree.parents.items()
        ]
        directory.save(connection, entries, [])
        rollup.save_tree(connection, ground.tree.parents, directory.count_import(connection, datetime.now(UTC)))


def release_year(engine: Engine) -> list[dict[str, Any]]:
    """Release the months, quarters and the year; seconds and cells of each."""
    told = []
    settle()  # as the command does
    with tempfile.TemporaryDirectory() as folder:
        method = build_method(ReleaseSettings(data_folder=Path(folder)))
    for period in due(engine, YEAR_OVER):
        began = time.perf_counter()
        made = release(engine, period, method=method, now=YEAR_OVER, clock=lambda: datetime.now(UTC))
        seconds = round(time.perf_counter() - began, 1)
        told.append({"period": period, "seconds": seconds, "areas": made.areas, "figures": made.cells, "M": made.leak})
        click.echo(json.dumps(told[-1]), err=True)
    return told


def reader() -> Officer:
    """A supervisor of the unit that stands above all."""
    return Officer(
        number="1000000", rank="PN-COMMISSAIRE", quality="OPJ", service=Service(code="FR", name="FR", force="PN")
    )


def questions(engine: Engine, number: int) -> Iterator[tuple[str, Question]]:
    """Draw questions of each kind, about areas of which something is shown."""
    chance = random.Random(4)
    with reading(engine) as connection:
        shown = sorted(releases.areas_like(connection, "2026", ""))
    areas = {kind: [area for area in shown if area.startswith(kind)] for kind in "UDCF"}
    for name, (kind, period, by) in KINDS.items():
        for _ in range(number):
            yield name, question_of(area=chance.choice(areas[kind]), period=period, by=by)


def ask_all(engine: Engine, number: int, *, kept: int = 0) -> dict[str, Any]:
    """Ask, one after the other; milliseconds of all, and of each kind, and of a page of indicators.

    ``kept`` lines of answers are kept by whoever answers; with 0 each question is read from the database anew.
    """
    answers, asker = Answers(engine, lines_kept=kept), reader()
    took: dict[str, list[float]] = {}
    pages: dict[str, list[float]] = {}
    lines = 0

    async def ask() -> None:
        nonlocal lines
        for name, question in questions(engine, number):
            began = time.perf_counter()
            lines += len((await answers.ask(question, asker)).lines)
            took.setdefault(name, []).append((time.perf_counter() - began) * 1e3)
        for kind, area in areas_by_chance(engine, max(number // 4, 1)):
            began = time.perf_counter()
            await indicators(answers, asker, area, "2026")
            pages.setdefault(kind, []).append((time.perf_counter() - began) * 1e3)

    settle()  # as a server does
    with asyncio.Runner() as runner:
        runner.run(ask())
    return {**_told([each for times in took.values() for each in times]), "lines": lines} | {
        "p95_ms_by_kind": {name: _percentile(times, 95) for name, times in took.items()},
        "indicators_p95_ms": {kind: _percentile(times, 95) for kind, times in pages.items()},
    }


def areas_by_chance(engine: Engine, number: int) -> Iterator[tuple[str, str]]:
    """Draw areas that have a page of indicators, a number of each kind."""
    chance = random.Random(5)
    with reading(engine) as connection:
        shown = sorted(releases.areas_like(connection, "2026", ""))
    for kind in "FDU":
        for _ in range(number):
            yield AREA_KINDS[kind], chance.choice([area for area in shown if area.startswith(kind)])


async def indicators(answers: Answers, asker: Officer, area: str, period: str) -> None:
    """Ask what a page of indicators asks."""

    async def ask(area: str, period: str, by: Sequence[str]) -> Answer:
        return await answers.ask(question_of(area=area, period=period, by=by), asker)

    offer = await answers.offer(asker)
    await cells_of(ask, area, period, offer=offer, requisition_bases=frozenset(), noise_variance=10.0)


def _told(times: Sequence[float]) -> dict[str, Any]:
    return {
        "questions": len(times),
        "p50_ms": _percentile(times, 50),
        "p95_ms": _percentile(times, 95),
        "max_ms": _percentile(times, 100),
    }


def _percentile(times: Sequence[float], share: int) -> float:
    return round(float(np.percentile(times, share)), 1)


def ask_beside_folding(engine: Engine, ground: Ground, number: int, seconds: float) -> dict[str, Any]:
    """The same while checks are registered and folded in the same process."""
    told: dict[str, Any] = {}

    def register() -> None:
        told["folding"] = live(engine, stub_facts.rollup(engine), SpreadForms(ground), (RATE, seconds), folding=True)

    beside = threading.Thread(target=register)
    began = time.perf_counter()
    beside.start()
    told |= ask_all(engine, number)
    told["asked_s"] = round(time.perf_counter() - began, 1)
    beside.join()
    return told


def scan(engine: Engine, ground: Ground, number: int) -> dict[str, Any]:
    """Ask bases and outcomes of a tenth of the units over raw facts: a table of them without any help but its order."""
    chance = np.random.default_rng(9)
    with writing(engine) as connection:
        connection.execute(text("CREATE TABLE raw_fact (unit INTEGER, basis INTEGER, outcome INTEGER, hour INTEGER)"))
        for start in range(0, number, 100_000):
            _write_raw(connection, facts(ground, 0, min(100_000, number - start), chance))
    query = text("SELECT basis, outcome, count(*) FROM raw_fact WHERE unit < 300 GROUP BY basis, outcome")
    took = []
    for _ in range(5):
        with reading(engine) as connection:
            began = time.perf_counter()
            connection.execute(query).all()
            took.append((time.perf_counter() - began) * 1e3)
    with writing(engine) as connection:
        connection.execute(text("DROP TABLE raw_fact"))
    return {"facts": number, "scan_ms": round(sorted(took)[2], 1)}


def _write_raw(connection: Connection, some: FactColumns) -> None:
    outcomes = np.zeros(len(some.months), np.int64)
    several = some.several[Dimension.OUTCOME]
    outcomes[several.rows] = several.values
    hours = some.single[Dimension.HOUR_BAND]
    columns = np.column_stack((some.areas[AreaLevel.UNIT], some.single[Dimension.BASIS], outcomes, hours))
    if is_sqlite(connection):
        connection.exec_driver_sql("INSERT INTO raw_fact VALUES (?, ?, ?, ?)", [tuple(row) for row in columns.tolist()])
        return
    driver = connection.connection.driver_connection
    assert driver is not None
    with driver.cursor() as copying, copying.copy("COPY raw_fact FROM STDIN") as copy:
        for row in columns.tolist():
            copy.write_row(row)


def measure(
    url: str, ground: Ground, *, number: int, asked: int, seconds: float, scanned: int = SAMPLE
) -> dict[str, Any]:
    """Measure one database. ``scanned``: of how many facts at most the table of raw facts is."""
    migrate(url)
    engine = open_engine(url)
    name = "SQLite" if is_sqlite(engine) else "PostgreSQL"
    told: dict[str, Any] = {"database": name, "year": stream_year(engine, ground, number)}
    click.echo(json.dumps(told), err=True)
    lay_units(engine, ground)
    told["releases"] = release_year(engine)
    told["peak_mib"] = peak_mebibytes()
    click.echo(json.dumps(told), err=True)
    told["alone"] = ask_all(engine, asked)
    told["again"] = ask_all(engine, asked, kept=LINES_KEPT)
    told["beside_folding"] = ask_beside_folding(engine, ground, asked, seconds)
    told["scan"] = scan(engine, ground, min(number, scanned))
    engine.dispose()
    return told


def measure_answers(server: Any, folder: Path, *, number: int, asked: int, seconds: float) -> list[dict[str, Any]]:
    """Measure both databases."""
    ground = lay_ground()
    urls = (f"sqlite:///{folder / f'answers-{secrets.token_hex(3)}.db'}", server.create("answers"))
    return [measure(url, ground, number=number, asked=asked, seconds=seconds) for url in urls]


def main() -> None:
    """Measure and print one JSON object for each database."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--facts", type=int, default=1_000_000, help="facts of one year, drawn")
    parser.add_argument("--asked", type=int, default=40, help="questions of each kind")
    parser.add_argument("--seconds", type=float, default=10, help="how long checks are registered beside")
    parser.add_argument("--scanned", type=int, default=SAMPLE, help="facts of the full scan, at most")
    parser.add_argument("--only", choices=["sqlite", "postgresql"])
    parser.add_argument("--folder", type=Path, help="keep the SQLite file here")
    arguments = parser.parse_args()
    ground = lay_ground()
    options = {"number": arguments.facts, "asked": arguments.asked, "seconds": arguments.seconds}
    options |= {"scanned": arguments.scanned}
    with ExitStack() as stack:
        folder = arguments.folder or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-answers-")))
        if arguments.only != "postgresql":
            url = f"sqlite:///{folder / f'answers-{secrets.token_hex(3)}.db'}"
            json.dump(measure(url, ground, **options), sys.stdout, indent=2)
        if arguments.only != "sqlite":
            server = stack.enter_context(running_postgres(shared_buffers="1GB", max_wal_size="8GB"))
            json.dump(measure(server.create("answers"), ground, **options), sys.stdout, indent=2)


if __name__ == "__main__":
    main()
