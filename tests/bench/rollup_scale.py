"""The rollup at the size of France: facts streamed through the product's own aggregation into both databases.

    python -m tests.bench.rollup_scale                       a million facts, ten thousand stubs
    python -m tests.bench.rollup_scale --facts 47000000      a year of France

Three measurements on each database: the year in bulk, month by month (drawing the facts is not counted); live folding
of real stubs through the queue while checks are registered at a rate, with the year already there; and a rebuild from
real stubs.
"""

import argparse
import bisect
import itertools
import json
import random
import re
import resource
import secrets
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from sqlalchemy import Engine

from receipt_service.bootstrap.database import migrate
from receipt_service.statistics.aggregation import Aggregation
from receipt_service.statistics.folding import Folding, pace_of
from receipt_service.statistics.lattice import AreaLevel
from receipt_service.statistics.rollup import Rollup, status_of
from receipt_service.storage import rollup
from receipt_service.storage.engine import open_engine, writing
from receipt_service.storage.issuances import NewIssuance, Register
from receipt_service.storage.rollup import CellRow, OfficerRow
from tests.bench.france_facts import Ground, a_year, lay_ground
from tests.bench.stub_book import Forms
from tests.support import stub_facts
from tests.support.databases import running_postgres

BATCH = 1000
PER_COMMIT = 25


class SpreadForms(Forms):
    """Real stubs, spread over the communes, units and officers of the ground."""

    def __init__(self, ground: Ground) -> None:
        super().__init__()
        self._chance = random.Random(3)
        self._communes = ground.book.areas[AreaLevel.COMMUNE].texts
        self._weights = list(itertools.accumulate(ground.commune_weights))
        self._ground = ground

    def issuance(self, at: datetime) -> NewIssuance:
        """One more check, of a commune, unit and officer drawn as the year's are."""
        plain = super().issuance(at)
        commune = bisect.bisect(self._weights, self._chance.random() * self._weights[-1] * 0.999)
        units = self._ground.units_of[self._ground.commune_department[commune]]
        unit = self._ground.book.areas[AreaLevel.UNIT].texts[units[int(self._chance.random() ** 1.7 * len(units))]]
        officer = str(1_000_000 + self._chance.randrange(120_000))
        department = self._ground.book.areas[AreaLevel.DEPARTMENT].texts[self._ground.commune_department[commune]]
        text = plain.disclosures
        for member, value in (("commune", self._communes[commune]), ("department", department)):
            text = re.sub(f'"{member}":"[^"]*"', f'"{member}":"{value}"', text)
        text = re.sub('"service":{"code":"[^"]*"', f'"service":{{"code":"{unit}"', text)
        text = re.sub('"number":"[^"]*","rank"', f'"number":"{officer}","rank"', text)
        return replace(plain, disclosures=text, unit_code=unit, officer_number=officer)


def peak_mebibytes() -> int:
    """Return the most memory that this process has had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


class _Counted(Iterator[CellRow]):
    """Rows that are counted as they pass."""

    def __init__(self, rows: Iterator[CellRow]) -> None:
        self._rows = rows
        self.number = 0

    def __next__(self) -> CellRow:
        row = next(self._rows)
        self.number += 1
        return row


def stream_year(engine: Engine, ground: Ground, facts: int) -> dict[str, Any]:
    """Aggregate and write a year month by month, as a rebuild does; the seconds of either apart."""
    aggregating, storing, cells, done = 0.0, 0.0, 0, 0
    with click.progressbar(length=facts, label="facts", file=sys.stderr, width=40, show_pos=True) as bar:
        for _, parts in a_year(ground, facts):
            counted = Aggregation(ground.book)
            for part in parts:
                began = time.perf_counter()
                counted.add(part)
                aggregating += time.perf_counter() - began
                done += len(part.months)
                bar.update(len(part.months))
            began = time.perf_counter()
            rows, officers = _Counted(map(CellRow._make, counted.cells(ground.tree))), counted.officers()
            with writing(engine) as connection:
                rollup.append(connection, rows, map(OfficerRow._make, officers))
            cells += rows.number
            storing += time.perf_counter() - began
    return {
        "facts": done,
        "aggregating_s": round(aggregating, 1),
        "storing_s": round(storing, 1),
        "facts_per_s": int(done / (aggregating + storing)),
        "facts_per_s_aggregating": int(done / aggregating),
        "rows": cells,
        "peak_mib": peak_mebibytes(),
    }


def in_one_piece(ground: Ground, facts: int) -> dict[str, Any]:
    """Aggregate a year as a rebuild does, months in any order and all at once; its cells are made and not written."""
    counted, done, aggregating = Aggregation(ground.book), 0, 0.0
    with click.progressbar(length=facts, label="facts", file=sys.stderr, width=40, show_pos=True) as bar:
        for _, parts in a_year(ground, facts):
            for part in parts:
                began = time.perf_counter()
                counted.add(part)
                aggregating += time.perf_counter() - began
                done += len(part.months)
                bar.update(len(part.months))
    aggregated = peak_mebibytes()
    began = time.perf_counter()
    cells, officers = sum(1 for _ in counted.cells(ground.tree)), sum(1 for _ in counted.officers())
    return {
        "facts": done,
        "aggregating_s": round(aggregating, 1),
        "aggregated_mib": aggregated,
        "making_rows_s": round(time.perf_counter() - began, 1),
        "cells": cells,
        "officer_cells": officers,
        "peak_mib": peak_mebibytes(),
    }


def live(engine: Engine, counts: Rollup, forms: Forms, pace: tuple[int, float], *, folding: bool) -> dict[str, Any]:
    """Register real stubs at a rate, with folding beside or without; how long commits take, how far folding lags."""
    (rate, seconds), register = pace, Register(engine)
    beside = Folding(counts, pace_of(engine))
    lags: list[float] = []
    commits: list[float] = []
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.25):
            lags.append(counts.lag(datetime.now(UTC)))

    watching = threading.Thread(target=watch)
    if folding:
        beside.start()
        watching.start()
    began = time.perf_counter()
    for number in range(int(rate * seconds / PER_COMMIT)):
        wait = began + number * PER_COMMIT / rate - time.perf_counter()
        if wait > 0:
            time.sleep(wait)
        batch = [forms.issuance(datetime.now(UTC)) for _ in range(PER_COMMIT)]
        at = time.perf_counter()
        register(batch)
        commits.append(time.perf_counter() - at)
    took = time.perf_counter() - began
    over.set()
    if folding:
        watching.join()
        beside.stop()
    register.close()
    commits.sort()
    lags.sort()
    told = {
        "rate": int(len(commits) * PER_COMMIT / took),
        "commit_ms_median": round(commits[len(commits) // 2] * 1e3, 2),
        "commit_ms_p99": round(commits[int(len(commits) * 0.99)] * 1e3, 2),
    }
    if folding and lags:
        told |= {"lag_s_p95": round(lags[int(len(lags) * 0.95)], 2), "lag_s_most": round(lags[-1], 2)}
    return told


def drain(engine: Engine, counts: Rollup) -> dict[str, Any]:
    """Fold all that waits as fast as it goes, in the product's batches."""
    at_once = pace_of(engine).at_most
    waiting = status_of(engine, datetime.now(UTC)).waiting
    began, cells = time.perf_counter(), 0
    while (folded := counts.fold(at_once)).rows:
        cells += folded.cells
    took = time.perf_counter() - began
    return {"rows": waiting, "rows_per_s": int(waiting / took), "cells_per_s": int(cells / took)}


def rebuild(counts: Rollup) -> dict[str, Any]:
    """Rebuild from the stubs."""
    with click.progressbar(length=counts.count_stubs(), label="stubs", file=sys.stderr, width=40) as bar:
        done = counts.rebuild(bar.update)
    return {
        "stubs": done.stubs,
        "seconds": round(done.seconds, 1),
        "stubs_per_s": int(done.stubs / done.seconds),
        "cells": done.cells,
        "peak_mib": peak_mebibytes(),
    }


def measure(url: str, arguments: argparse.Namespace, ground: Ground) -> dict[str, Any]:
    """Measure one database."""
    migrate(url)
    engine = open_engine(url)
    counts = stub_facts.rollup(engine)
    stub_facts.place_units(engine, dict(ground.tree.parents))
    counts.fold(1)  # from here on the sums follow that tree
    told: dict[str, Any] = {"database": engine.dialect.name, "year": stream_year(engine, ground, arguments.facts)}
    _tell(told)
    forms, pace = SpreadForms(ground), (arguments.rate, arguments.seconds)
    told["registering_alone"] = live(engine, counts, forms, pace, folding=False)
    told["catching_up"] = drain(engine, counts)
    told["registering_and_folding"] = live(engine, counts, forms, pace, folding=True)
    _tell(told)
    moved = {**ground.tree.parents, "DEP-75": "ZONE-00", "DEP-13": "ZONE-01"}
    stub_facts.place_units(engine, moved)
    told["two_departments_moved_s"] = _timed(lambda: counts.fold(1))
    register = Register(engine)
    for start in range(0, arguments.stubs, BATCH):
        register([forms.issuance(datetime.now(UTC)) for _ in range(min(BATCH, arguments.stubs - start))])
    register.close()
    told["more_stubs"] = drain(engine, counts)
    told["rebuild"] = rebuild(counts)
    engine.dispose()
    return told


def _timed(action: Callable[[], object]) -> float:
    began = time.perf_counter()
    action()
    return round(time.perf_counter() - began, 2)


def _tell(told: dict[str, Any]) -> None:
    click.echo(json.dumps(told), err=True)


def main() -> None:
    """Measure and print one JSON object for each database."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--facts", type=int, default=1_000_000, help="facts of one year, drawn")
    parser.add_argument("--stubs", type=int, default=10_000, help="real stubs for the rebuild")
    parser.add_argument("--rate", type=int, default=500, help="checks a second while folding")
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--only", choices=["sqlite", "postgresql"])
    parser.add_argument("--folder", type=Path, help="keep the SQLite file here")
    parser.add_argument("--in-one", action="store_true", help="aggregate the year in one piece, write nothing, end")
    arguments = parser.parse_args()
    ground = lay_ground()
    if arguments.in_one:
        print(json.dumps(in_one_piece(ground, arguments.facts), indent=2))
        return
    with ExitStack() as stack:
        folder = arguments.folder or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-rollup-")))
        if arguments.only != "postgresql":
            told = measure(f"sqlite:///{folder / f'rollup-{secrets.token_hex(3)}.db'}", arguments, ground)
            print(json.dumps(told, indent=2))
        if arguments.only != "sqlite":
            server = stack.enter_context(running_postgres(shared_buffers="1GB", max_wal_size="8GB"))
            print(json.dumps(measure(server.create("rollup"), arguments, ground), indent=2))


if __name__ == "__main__":
    main()
