"""Folding and rebuilding on both databases: once each, whoever dies or comes in between."""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from datetime import timedelta

import orjson
import pytest
from click.testing import CliRunner
from sqlalchemy.exc import IntegrityError

from receipt_service.bootstrap.statistics_key import make_statistics_key
from receipt_service.cli.statistics import statistics
from receipt_service.domain.message import MessageState
from receipt_service.domain.recipient import Channel
from receipt_service.errors import ConfigurationError, MalformedReceipt, Unavailable
from receipt_service.statistics import rollup as module
from receipt_service.statistics.folding import Folding, FoldingPace
from receipt_service.statistics.record_keys import RecordKeys
from receipt_service.statistics.rollup import Rollup, status_of
from receipt_service.storage import attempts, fold_queue, outbox, rollup
from receipt_service.storage.attempts import AttemptOutcome
from receipt_service.storage.engine import is_sqlite, open_engine, reading, writing
from receipt_service.storage.rollup import CellRow
from tests.support import stub_facts
from tests.support.issuances import NOW, an_issuance, store

UNITS = {"N": None, "N1": "N", "N2": "N"}


def register(engine, number, seed=1):
    chance = random.Random(seed)
    batch = [stub_facts.a_stub_by_chance(chance, chance.choice(list(UNITS)), NOW) for _ in range(number)]
    store(engine, *batch)
    return batch


def totals(engine):
    with reading(engine) as connection:
        cells, _ = rollup.all_rows(connection)
    return {cell.area: cell.n for cell in cells if cell.table_code == "total" and cell.month == 202611}


def is_as_rebuilt(engine):
    with reading(engine) as connection:
        found = rollup.all_rows(connection)
    stub_facts.rollup(engine).rebuild()
    with reading(engine) as connection:
        return found == rollup.all_rows(connection)


def test_a_check_is_counted_where_it_took_place_and_by_whom(engine):
    stub_facts.place_units(engine, UNITS)
    stub = stub_facts.a_stub(Channel.PAPER, unit="N1")
    store(engine, stub)
    folding = stub_facts.rollup(engine)

    assert folding.fold(10).rows == 1
    assert totals(engine) == {"F": 1, "D75": 1, "C75110": 1, "UN1": 1, "UN": 1}
    with reading(engine) as connection:
        cells = list(rollup.cells(connection, months=[202611], areas=["UN"], tables=["delivery"]))
        officers = rollup.officer_cells(connection, months=[202611], units=["N1"])
    assert cells == [CellRow(202611, "UN", "delivery", "printed", "", 1, stub_facts.KEYS.of(stub.receipt_number))]
    assert {(row.officer_number, row.family, row.outcome, row.n) for row in officers} == {
        ("1234567", "identity_check", "", 1),
        ("1234567", "identity_check", "LIBRE", 1),
    }
    assert folding.fold(10).rows == 0


def test_a_withdrawn_stub_leaves_no_trace_and_is_withdrawn_once(engine):
    batch = register(engine, 3)
    folding = stub_facts.rollup(engine)
    folding.fold(100)
    with writing(engine) as connection:
        fold_queue.withdraw(connection, batch[0].stub_id, now=NOW)
    with pytest.raises(IntegrityError), writing(engine) as connection:
        fold_queue.withdraw(connection, batch[0].stub_id, now=NOW)
    folding.fold(100)

    with reading(engine) as connection:
        assert sum(cell.n for cell in rollup.all_rows(connection)[0] if cell[1:3] == ("F", "total")) == 2
    assert is_as_rebuilt(engine)


def test_taking_from_what_is_not_there_is_refused_and_changes_nothing(engine):
    with pytest.raises(ValueError, match="rebuild"), writing(engine) as connection:
        rollup.add_cells(connection, [CellRow(202611, "F", "total", "", "", -1, 3)])
    kept = CellRow(202611, "F", "total", "", "", 1, 3)
    with writing(engine) as connection:
        rollup.add_cells(connection, [kept])
    with pytest.raises(IntegrityError), writing(engine) as connection:
        rollup.add_cells(connection, [kept._replace(n=-2)])
    with reading(engine) as connection:
        assert rollup.all_rows(connection) == ({kept}, set())


def settle(engine, state, outcome, *, at=NOW, due_at=None):
    with writing(engine) as connection:
        (leased,) = outbox.lease(connection, now=at, until=at + timedelta(minutes=1), limit=1)
        begun = attempts.begin(connection, [leased.id], lease=leased.leased_until, provider="p", now=at)
        assert attempts.finish(connection, begun[leased.id], outcome, now=at, code="c")
        assert outbox.settle(connection, leased.id, state, now=at, lease=leased.leased_until, due_at=due_at, code="c")
    return leased.id


def deliveries(engine):
    stub_facts.rollup(engine).fold(100)
    with reading(engine) as connection:
        tables = ["delivery", "delivery_delay"]
        return {row.a: row.n for row in rollup.cells(connection, months=[202611], areas=["F"], tables=tables)}


def test_a_message_is_counted_where_it_rests_and_leaves_it_when_it_is_replayed(engine):
    store(engine, stub_facts.a_stub(Channel.SMS))
    assert deliveries(engine) == {}
    message = settle(engine, MessageState.DEAD_LETTER, AttemptOutcome.CONFIGURATION)
    assert deliveries(engine) == {"not_delivered": 1}
    with writing(engine) as connection:
        assert outbox.replay(connection, message, now=NOW)
    assert deliveries(engine) == {}
    settle(engine, MessageState.ACCEPTED, AttemptOutcome.ACCEPTED, due_at=NOW)
    assert deliveries(engine) == {"sent": 1}
    later = NOW + timedelta(seconds=42)
    with writing(engine) as connection:
        assert outbox.settle(connection, message, MessageState.DELIVERED, now=later, expected=MessageState.ACCEPTED)
    assert deliveries(engine) == {"delivered": 1, "15-60": 1}
    assert is_as_rebuilt(engine)
    assert deliveries(engine) == {"delivered": 1, "15-60": 1}


def test_sums_of_units_follow_the_directory_there_and_back(engine):
    store(engine, *(stub_facts.a_stub(Channel.PAPER, unit=unit) for unit in ("N", "N1", "N2", "N2")))
    folding = stub_facts.rollup(engine)

    def units():
        folding.fold(100)
        assert is_as_rebuilt(engine)
        return {area: n for area, n in totals(engine).items() if area[0] in "UL"}

    alone = {"UN": 1, "UN1": 1, "UN2": 2}
    assert units() == alone
    stub_facts.place_units(engine, {"N": None, "N1": "N", "N2": "N1"})
    assert units() == {"LN": 1, "UN": 4, "LN1": 1, "UN1": 3, "UN2": 2}
    stub_facts.place_units(engine, {"TOP": None, "N": None, "N1": "TOP", "N2": "N1"})
    assert units() == {"UN": 1, "LN1": 1, "UN1": 3, "UN2": 2, "UTOP": 3}
    stub_facts.place_units(engine, {"TOP": None, "N": None, "N1": None, "N2": None})
    assert units() == alone


def test_a_stub_that_cannot_be_read_stays_in_the_queue(engine):
    store(engine, an_issuance(Channel.SMS))

    with pytest.raises(MalformedReceipt):
        stub_facts.rollup(engine).fold(10)
    assert status_of(engine, NOW).waiting == 1


def test_another_key_is_refused(engine):
    register(engine, 2)
    stub_facts.rollup(engine).fold(10)
    other = Rollup(engine, stub_facts.reader(), RecordKeys(bytes(32)))

    with pytest.raises(ConfigurationError, match="another than"):
        other.fold(10)
    with pytest.raises(ConfigurationError, match="another than"):
        other.rebuild()


def test_several_processes_fold_each_thing_once(engine):
    stub_facts.place_units(engine, UNITS)
    register(engine, 60)
    failures = []

    def fold():
        own = open_engine(engine.url.render_as_string(hide_password=False), pool_size=1)
        try:
            folding = stub_facts.rollup(own)
            while folding.has_work():
                folding.fold(5)
        except Exception as error:  # noqa: BLE001 - told below
            failures.append(error)
        finally:
            own.dispose()

    threads = [threading.Thread(target=fold) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []
    assert status_of(engine, NOW).waiting == 0
    assert is_as_rebuilt(engine)


DIE = """
import os, signal, sys
from receipt_service.storage.engine import open_engine
from receipt_service.storage import rollup
from receipt_service.statistics import rollup as use
from tests.support import stub_facts

where, url, lives = sys.argv[1], sys.argv[2], int(sys.argv[3])
def die(*given, **named):
    global lives
    lives -= 1
    if lives < 0:
        os.kill(os.getpid(), signal.SIGKILL)
def before(module, name):
    real = getattr(module, name)
    def dying(*given, **named):
        die()
        return real(*given, **named)
    setattr(module, name, dying)
if where == "cells": before(use.rollup, "add_cells")
if where == "officers": before(use.rollup, "add_officers")
if where == "commit": before(use.rollup, "note_folded")
engine = open_engine(url)
folding = stub_facts.rollup(engine)
while folding.fold(7).rows:
    if where == "folded": die()
if where == "rebuild":
    before(use.rollup, "save_tree")
    folding.rebuild()
"""


@pytest.mark.parametrize("where", ["cells", "officers", "commit", "folded", "rebuild"])
def test_a_process_killed_at_any_point_neither_loses_nor_doubles(engine, where):
    stub_facts.place_units(engine, UNITS)
    register(engine, 40)
    url = engine.url.render_as_string(hide_password=False)
    lives = "0" if where == "rebuild" else "2"

    died = subprocess.run([sys.executable, "-c", DIE, where, url, lives], check=False, timeout=60)
    assert died.returncode == -signal.SIGKILL
    with writing(engine) as connection:
        rollup.note_rebuilding(connection, None)  # instead of waiting for a minute
    folding = stub_facts.rollup(engine)
    deadline = time.monotonic() + 30
    while status_of(engine, NOW).waiting and time.monotonic() < deadline:
        folding.fold(100)  # PostgreSQL may take a moment to notice that the other one is gone

    with reading(engine) as connection:
        assert sum(cell.n for cell in rollup.all_rows(connection)[0] if cell[1:3] == ("F", "total")) == 40
    assert is_as_rebuilt(engine)


def test_checks_are_registered_while_a_rebuild_reads_and_are_folded_afterwards(engine, monkeypatch):
    stub_facts.place_units(engine, UNITS)
    register(engine, 20)
    folding = stub_facts.rollup(engine)
    folding.fold(10)
    monkeypatch.setattr(module, "STUBS_AT_ONCE", 5)
    monkeypatch.setattr(module, "_RENEW_SECONDS", 0)
    seen = []

    def meanwhile(_stubs):
        seen.append(stub_facts.rollup(engine).fold(100).rows)
        register(engine, 1, seed=100 + len(seen))

    assert folding.rebuild(meanwhile).stubs == 20
    assert seen == [0] * 4, "nobody folds while it reads"
    with reading(engine) as connection:
        assert sum(cell.n for cell in rollup.all_rows(connection)[0] if cell[1:3] == ("F", "total")) == 20
    assert folding.fold(100).rows == 4
    assert is_as_rebuilt(engine)


def test_a_rebuild_that_was_overtaken_on_sqlite_gives_up(sqlite_url, monkeypatch):
    engine = open_engine(sqlite_url)
    register(engine, 20)
    now = [NOW]
    folding = stub_facts.rollup(engine, clock=lambda: now[0])
    monkeypatch.setattr(module, "STUBS_AT_ONCE", 5)

    def oversleep(_stubs):
        now[0] += timedelta(minutes=2)
        folding.fold(3)

    with pytest.raises(Unavailable, match="overtaken"):
        folding.rebuild(oversleep)
    while folding.fold(100).rows:
        pass
    assert is_as_rebuilt(engine)
    engine.dispose()


def test_two_rebuilds_at_once_are_refused_on_sqlite(sqlite_url, monkeypatch):
    engine = open_engine(sqlite_url)
    register(engine, 2)

    def again(_stubs):
        with pytest.raises(Unavailable, match="another process"):
            stub_facts.rollup(engine).rebuild()

    assert stub_facts.rollup(engine).rebuild(again).stubs == 2
    engine.dispose()


def test_folding_goes_on_beside_and_survives_a_fault(engine, monkeypatch):
    monkeypatch.setattr("receipt_service.statistics.folding.PAUSE_AFTER_FAULT", timedelta(0))
    folding = stub_facts.rollup(engine)
    real, faults = folding.fold, [ConnectionError("away")]

    def fold(limit):
        if faults:
            raise faults.pop()
        return real(limit)

    monkeypatch.setattr(folding, "fold", fold)
    register(engine, 5)
    beside = Folding(folding, FoldingPace(at_once=2, at_most=5, pause=timedelta(milliseconds=10)))
    beside.start()
    deadline = time.monotonic() + 30
    while status_of(engine, NOW).waiting and time.monotonic() < deadline:
        time.sleep(0.01)
    beside.stop()

    assert status_of(engine, NOW).waiting == 0
    assert folding.lag(NOW) == 0
    assert is_as_rebuilt(engine)


def test_the_lag_is_the_age_of_the_stub_that_waits_longest(engine):
    store(engine, stub_facts.a_stub(Channel.SMS, at=NOW))

    assert stub_facts.rollup(engine).lag(NOW + timedelta(seconds=7)) == 7


def test_operators_see_the_queue_and_rebuild(database_url, tmp_path, monkeypatch):
    monkeypatch.setenv("RECEIPT_DATABASE_URL", database_url)
    monkeypatch.setenv("RECEIPT_DATA_FOLDER", str(tmp_path))
    engine = open_engine(database_url)
    register(engine, 3)

    def call(*words):
        return CliRunner().invoke(statistics, words)

    before = orjson.loads(call("status", "--json").stdout)
    assert (before["waiting"], before["cells"], before["folded_at"], before["rebuilding"]) == (3, 0, None, False)
    assert before["lag_seconds"] > 0
    refused = call("rebuild", "--json")
    assert isinstance(refused.exception, ConfigurationError), "without the key"
    make_statistics_key(tmp_path / "keys" / "statistics")
    done = call("rebuild", "--json")
    assert orjson.loads(done.stdout.splitlines()[-1])["stubs"] == 3
    assert "3 stubs" in call("rebuild").stdout
    after = call("status").stdout
    assert "never" not in after
    assert orjson.loads(call("status", "--json").stdout)["waiting"] == 0
    engine.dispose()


def test_the_command_folds_until_it_is_told_to_stop(database_url, tmp_path):
    make_statistics_key(tmp_path / "keys" / "statistics")
    engine = open_engine(database_url)
    register(engine, 3)
    environment = {
        "PATH": os.environ["PATH"],
        "RECEIPT_DATABASE_URL": database_url,
        "RECEIPT_DATA_FOLDER": str(tmp_path),
    }
    command = [sys.executable, "-m", "receipt_service", "statistics", "fold"]
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE) as process:
        deadline = time.monotonic() + 30
        while status_of(engine, NOW).waiting and time.monotonic() < deadline:
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        _, told = process.communicate(timeout=30)

    assert status_of(engine, NOW).waiting == 0
    assert process.returncode == 0
    assert [orjson.loads(line)["event"] for line in told.splitlines()] == ["statistics_started", "statistics_stopped"]
    assert is_sqlite(engine) or database_url.startswith("postgresql")
    engine.dispose()
