"""The bar "real input": all 27,395 stops of the shared data, through the whole path, and an audit of all of it."""

import json
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from receipt_service.audit.entries import EntryVerifier
from receipt_service.audit.monitor_memory import FolderMemory
from receipt_service.audit.monitoring import Monitor, Watch
from receipt_service.demo.service_processes import ServiceProcesses
from receipt_service.tlog.policy import parse_policy
from receipt_service.transparency.log_folder import POLICY, LogFolder
from receipt_service.verify.note_checks import NOTE_CHECKS
from receipt_service.verify.trust_root import TrustRoot
from tests.support.crashing import wait_for

DATA = Path(__file__).parents[3] / "shared" / "data" / "met_stops_2024-09_2025-04.csv.gz"
pytestmark = [pytest.mark.needs_shared, pytest.mark.slow, pytest.mark.timeout(2400)]


@pytest.mark.skipif(not DATA.exists(), reason="../shared/data is not beside this project")
def test_every_valid_stop_is_issued_delivered_verified_and_audited(tmp_path, capsys):
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

    entries, seconds = audited(tmp_path / "demo", tally["issued"])
    mirrored(tmp_path / "demo", tally["issued"])
    with capsys.disabled():
        print(f"\naudit of {entries:,}: {seconds:.1f} s, {entries / seconds:,.0f}/s")  # noqa: T201 - for docs/proofs.md


def audited(folder: Path, issued: int) -> tuple[int, float]:
    """Keep the log of what was replayed, and audit all of it: every leaf has its stub, and nothing is found."""
    (issuer,) = TrustRoot.from_json((folder / "trust-root.json").read_bytes()).issuers
    settings = {
        "RECEIPT_DEMO": "true",
        "RECEIPT_DATA_FOLDER": str(folder / "service"),
        "RECEIPT_PUBLIC_URL": issuer,
    }
    why = ("--purpose", "regular_control", "--reference", "2026/1")
    with ServiceProcesses(settings, folder / "logs") as processes:
        processes.start("log", "run")
        wait_for(lambda: json.loads(processes.run("log", "status", "--json"))["published"] == issued, 120, "all logged")
        began = time.perf_counter()
        found = json.loads(processes.run("audit", "period", "all", "--json", *why))
        seconds = time.perf_counter() - began
    assert (found["entries"], found["stubs"], found["log_size"]) == (issued, issued, issued)
    assert (found["whole"], found["counts"]) == (True, {})
    return issued, seconds


def mirrored(folder: Path, issued: int) -> None:
    """Follow that log from outside: all of it is mirrored, and nothing is found."""
    log, mirror = LogFolder(folder / "service" / "log"), folder / "mirror"
    verifier = EntryVerifier(TrustRoot.from_json((folder / "trust-root.json").read_bytes()))
    watch = Watch(parse_policy(log.read(POLICY)), NOTE_CHECKS, verifier, timedelta(hours=24))
    look = Monitor(log.read, LogFolder(mirror), FolderMemory(mirror), watch).look(datetime.now(UTC))
    assert (look.size, look.new_entries, look.findings.counts) == (issued, issued, {})
