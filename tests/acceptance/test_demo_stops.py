"""The replay of stops, on the sample beside the schemas: real rows, and rows with every fault there is."""

import gzip
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "schemas" / "examples" / "stops-sample.csv"
pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


def replay(path, *arguments, home):
    return subprocess.run(
        [sys.executable, "-m", "receipt_service", "demo", "--stops", str(path), "--folder", "demo", *arguments],
        capture_output=True,
        text=True,
        cwd=home,
        timeout=170,
        check=False,
    )


def test_every_row_ends_as_it_must(tmp_path):
    done = replay(SAMPLE, "--json", home=tmp_path)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]
    tally = json.loads(done.stdout)
    assert (tally["rows"], tally["issued"], tally["replayed"]) == (61, 49, 1)
    assert tally["refused"] == {"no_place": 2, "no_legal_basis": 2, "unknown_outcome": 1}
    assert tally["unreadable"] == {"bad_datetime": 2, "bad_coordinates": 2, "malformed_row": 2}
    assert tally["verified"] == tally["expected"]
    assert set(tally["expected"]) == {"sms", "email", "on_screen", "on_paper", "declined"}
    assert tally["sms"]["outside_gsm7"] == 0
    assert tally["sms"]["median_segments"] == 3
    assert max(map(int, tally["sms"]["segments"])) <= 4
    assert tally["failures"] == {}


def test_the_report_is_readable_and_the_archive_is_too(tmp_path):
    packed = tmp_path / "stops.csv.gz"
    packed.write_bytes(gzip.compress(SAMPLE.read_bytes()))
    done = replay(packed, "--limit", "12", home=tmp_path)
    assert done.returncode == 0, done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert "12 rows" in done.stdout
    assert "Every valid row was issued" in done.stdout


def test_it_can_issue_alone(tmp_path):
    done = replay(SAMPLE, "--issue-only", "--limit", "12", "--json", home=tmp_path)
    assert done.returncode == 0, done.stderr
    tally = json.loads(done.stdout)
    assert tally["issued"] + sum(tally["refused"].values()) == 12
    assert tally["verified"] == {}


@pytest.mark.parametrize("content", [b"", b"not,a,table,of,stops\n1,2,3,4,5\n", b"\x1f\x8b\x08\x00broken"])
def test_a_file_that_holds_no_stops_is_refused_before_anything_starts(tmp_path, content):
    path = tmp_path / "stops.csv"
    path.write_bytes(content)
    done = replay(path, home=tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith("receipt-service: ")
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "demo").exists()
