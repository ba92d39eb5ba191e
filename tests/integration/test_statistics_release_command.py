"""``receipt-service statistics release``, as people and timers run it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from receipt_service.cli.main import receipt_service
from receipt_service.errors import ConfigurationError
from receipt_service.statistics.releasing.release import NotReleasable
from receipt_service.storage import releases
from receipt_service.storage.engine import reading
from tests.support.population import population, store

COMMAND = Path(sys.executable).parent / "receipt-service"


@pytest.fixture
def installation(engine, database_url, tmp_path, monkeypatch):
    store(engine, population(3, 300))
    for name, value in {
        "RECEIPT_DATA_FOLDER": str(tmp_path),
        "RECEIPT_DATABASE_URL": database_url,
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
    }.items():
        monkeypatch.setenv(name, value)
    return engine


def run(*arguments):
    return CliRunner().invoke(receipt_service, ["statistics", "release", *arguments])


def standing(engine):
    with reading(engine) as connection:
        return list(releases.released(connection))


def test_a_period_by_its_name_and_then_all_that_is_due(installation):
    result = run("2026-07")
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("2026-07: ")
    assert standing(installation) == ["2026-07"]
    result = run("--due")
    assert result.exit_code == 0, result.output
    assert [line.split(":")[0] for line in result.stdout.splitlines()] == ["2026-08", "2026-09", "2026-Q3"]
    assert run("--due").stdout == ""


def test_two_commands_at_once_release_each_period_once(installation):
    command = [COMMAND, "statistics", "release", "2026-07"]
    both = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ)
        for _ in range(2)
    ]
    told = [process.communicate() for process in both]
    assert sorted(process.returncode for process in both) == [0, 1], told
    assert sum("figures of" in out for out, _ in told) == 1
    assert sum("is released, or is being released" in err for _, err in told) == 1


@pytest.mark.parametrize("arguments", [(), ("2026-07", "--due"), ("2026-07-01",)])
def test_neither_none_nor_both_nor_what_is_no_period(installation, arguments):
    assert run(*arguments).exit_code == 2
    assert standing(installation) == []


@pytest.mark.parametrize("period", ["2027", "2026-Q3"])
def test_what_may_not_be_released_says_why(installation, period):
    result = run(period)
    assert isinstance(result.exception, NotReleasable)
    assert standing(installation) == []


def test_noise_that_is_too_small_is_refused(installation, monkeypatch):
    monkeypatch.setenv("RECEIPT_STATISTICS_VARIANCE", "1.5")
    assert isinstance(run("2026-07").exception, ConfigurationError)
    assert standing(installation) == []
