"""The bar "real input": all 27,395 stops of the shared data, through the whole path."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

DATA = Path(__file__).parents[3] / "shared" / "data" / "met_stops_2024-09_2025-04.csv.gz"
pytestmark = [pytest.mark.needs_shared, pytest.mark.slow, pytest.mark.timeout(2400)]


@pytest.mark.skipif(not DATA.exists(), reason="../shared/data is not beside this project")
def test_every_valid_stop_is_issued_delivered_and_verified(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "receipt_service", "demo", "--stops", str(DATA), "--folder", "demo", "--json"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=2300,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    tally = json.loads(done.stdout)
    assert tally["rows"] == 27_395
    assert tally["refused"] == {"no_place": 336, "no_legal_basis": 7}
    assert tally["unreadable"] == {}
    assert tally["issued"] + tally["replayed"] == 27_395 - 343
    assert tally["replayed"] == 684
    assert tally["verified"] == tally["expected"]
    assert tally["sms"]["outside_gsm7"] == 0
    assert max(map(int, tally["sms"]["segments"])) <= 4
