"""A full audit: every entry under the root and signed, every stub the leaf's, every stub in its place.

Seconds are those of the processor: the bar is for one core, whatever else the machine does. Run it as

    python -m tests.bench.log_auditing --leaves 30000
"""

import argparse
import tempfile
import time
from datetime import timedelta
from pathlib import Path

from receipt_service.bootstrap.database import migrate
from receipt_service.bootstrap.memory import settle
from tests.support.audited_log import BEGIN, AuditedLog, stubs_over_days

DAYS = 4


def measure_audit(folder: Path, *, leaves: int, rounds: int = 3) -> float:
    """Give entries per second and core, the best of some rounds, on SQLite."""
    folder.mkdir(parents=True, exist_ok=True)
    url, now = f"sqlite:///{folder / 'receipts.db'}", BEGIN + timedelta(days=DAYS)
    migrate(url)
    log = AuditedLog(url, folder, now)
    log.register(stubs_over_days(leaves, DAYS))
    log.publish()
    settle()
    best = 0.0
    for _ in range(rounds):
        began = time.process_time()
        result = log.audit(now=now)
        best = max(best, leaves / (time.process_time() - began))
        assert (result.findings.counts, result.entries, result.stubs) == ({}, leaves, leaves)
    log.close()
    return best


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--leaves", type=int, default=30_000)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-audit-") as folder:
        print(f"{measure_audit(Path(folder), leaves=arguments.leaves):,.0f} entries/s per core")


if __name__ == "__main__":
    main()
