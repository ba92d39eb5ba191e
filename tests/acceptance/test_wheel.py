"""``pip install .`` gives the command, with everything it reads beside it."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
UV = ROOT / ".venv" / "bin" / "uv"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run([UV, "build", "--quiet", "--wheel", "--out-dir", folder], check=True, cwd=ROOT, capture_output=True)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """The wheel unpacked as pip does it, without our tree on the path; dependencies are those of this environment."""
    folder = tmp_path_factory.mktemp("installed")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def run(installed: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    code = "from receipt_service.cli.main import main; main()"
    first = f"import sys; sys.path.insert(0, {str(installed)!r}); {code}"
    return subprocess.run(
        [sys.executable, "-I", "-c", first, *arguments],
        capture_output=True,
        text=True,
        cwd=installed,
        timeout=60,
        check=False,
    )


def test_wheel_holds_every_file_that_the_package_has(wheel):
    package = ROOT / "receipt_service"
    wanted = {
        str(path.relative_to(ROOT)) for path in package.rglob("*") if path.is_file() and "__pycache__" not in path.parts
    }

    assert wanted - set(zipfile.ZipFile(wheel).namelist()) == set()


def test_wheel_holds_the_schemas(wheel):
    wanted = {
        f"receipt_service/_schemas/{path.relative_to(ROOT / 'schemas')}" for path in (ROOT / "schemas").rglob("*.json")
    }

    assert wanted - set(zipfile.ZipFile(wheel).namelist()) == set()


def test_wheel_names_licence_and_command(wheel):
    archive = zipfile.ZipFile(wheel)
    names = {name.partition(".dist-info/")[2]: name for name in archive.namelist() if ".dist-info/" in name}

    assert "License-Expression: EUPL-1.2" in archive.read(names["METADATA"]).decode()
    assert "receipt-service = receipt_service.cli.main:main" in archive.read(names["entry_points.txt"]).decode()
    assert archive.read(names["licenses/LICENSE"]) == (ROOT / "LICENSE").read_bytes()


def test_installed_command_runs_without_the_repository(installed):
    done = run(installed, "--help")

    assert done.returncode == 0
    assert done.stdout.startswith("Usage: receipt-service")


def test_installed_command_finds_its_schemas(installed, tmp_path):
    """The OpenAPI document and a migration need packaged files."""
    document = run(installed, "openapi")

    assert document.returncode == 0, document.stderr
    assert '"openapi"' in document.stdout
