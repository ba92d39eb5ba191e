"""``receipt-service statistics publish`` and ``verify-publication``, as people run them."""

import json
import os
import re
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from receipt_service.bootstrap.keyring import generate_key, read_keys
from receipt_service.cli.main import receipt_service
from receipt_service.errors import ReceiptServiceError
from receipt_service.verify.trust_root import TrustRoot
from tests.support.publishing import ISSUER, QUARTER, fill_rollup

ROOT = Path(__file__).parents[2]
COMMAND = Path(sys.executable).parent / "receipt-service"


@pytest.fixture
def installation(engine, database_url, tmp_path, monkeypatch):
    """A data folder with keys, a filled rollup, the settings in the environment, and the keys that verifiers trust."""
    fill_rollup(engine)
    keys = tmp_path / "keys" / "issuer"
    generate_key(keys, None, datetime.now(UTC))
    jwks = {"keys": [key.jwk for key in read_keys(keys)]}
    (tmp_path / "trust.json").write_bytes(TrustRoot().with_issuer(ISSUER, jwks).to_json())
    for name, value in {
        "RECEIPT_DATA_FOLDER": str(tmp_path),
        "RECEIPT_DATABASE_URL": database_url,
        "RECEIPT_PUBLIC_URL": ISSUER,
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
    }.items():
        monkeypatch.setenv(name, value)
    return tmp_path


def run(*arguments):
    return CliRunner().invoke(receipt_service, ["statistics", *map(str, arguments)])


def verify(folder, *options):
    return run("verify-publication", folder, *options)


def test_a_quarter_is_published_once_and_verified_by_whoever_has_the_keys(installation):
    """The real command, in processes of its own."""
    published = subprocess.run(
        [COMMAND, "statistics", "publish", QUARTER], capture_output=True, text=True, check=True, env=os.environ
    )
    folder = installation / "open-data" / QUARTER
    assert f"{QUARTER} published in {folder}" in published.stdout
    again = subprocess.run(
        [COMMAND, "statistics", "publish", QUARTER], capture_output=True, text=True, check=False, env=os.environ
    )
    assert again.returncode == 1
    assert "is frozen: its privacy budget is spent" in again.stderr

    copy = shutil.copytree(folder, installation / "copy")
    trusted = ["--trust-root", str(installation / "trust.json")]
    result = verify(copy, *trusted)
    assert result.exit_code == 0, result.output
    assert re.search(rf"^period +{QUARTER}$", result.output, re.MULTILINE)
    as_json = json.loads(verify(copy, *trusted, "--json").stdout)
    assert (as_json["status"], as_json["issuer"], as_json["period"]) == ("passed", ISSUER, QUARTER)
    assert verify(copy).exit_code == 3
    (copy / f"identity-checks-{QUARTER}.csv").write_text("other")
    tampered = verify(copy, *trusted, "--json")
    assert tampered.exit_code == 1
    assert json.loads(tampered.stdout)["reason"] == "file_altered"


def test_the_files_gone_it_is_still_not_made_again(installation):
    assert run("publish", QUARTER).exit_code == 0
    shutil.rmtree(installation / "open-data")
    refused = run("publish", QUARTER)

    assert isinstance(refused.exception, ReceiptServiceError)
    assert "put back a copy" in str(refused.exception)


def test_an_open_quarter_is_refused_before_anything_is_read(installation, monkeypatch):
    monkeypatch.setenv("RECEIPT_DATABASE_URL", "postgresql://nobody@/nothing?host=/nowhere")
    refused = run("publish", "2099-Q4")

    assert "can be published from 2100-01-08 on" in str(refused.exception)


@pytest.mark.parametrize("what", ["link", "folder", "nothing", "large"])
def test_a_folder_with_more_or_less_in_it_is_not_the_published_one(installation, what):
    run("publish", QUARTER)
    folder = installation / "open-data" / QUARTER
    match what:
        case "link":
            (folder / "method.en.md").rename(installation / "elsewhere.md")
            (folder / "method.en.md").symlink_to(installation / "elsewhere.md")
        case "folder":
            (folder / "more").mkdir()
        case "nothing":
            shutil.rmtree(folder)
            folder.mkdir()
        case "large":
            (folder / "manifest.jws").write_bytes(b"a" * (1 << 20))
    result = verify(folder, "--trust-root", installation / "trust.json", "--json")

    assert result.exit_code == 1
    expected = {
        "link": "file_altered",
        "folder": "file_unlisted",
        "nothing": "manifest_missing",
        "large": "manifest_malformed",
    }
    assert json.loads(result.stdout)["reason"] == expected[what]


def python_of_the_guide():
    guide = (ROOT / "docs" / "open-data.md").read_text()
    (code,) = re.findall(r"^```python\n(.*?)^```$", guide, re.MULTILINE | re.DOTALL)
    return code


def test_the_way_by_hand_of_the_guide_works(installation):
    run("publish", QUARTER)
    folder = installation / "open-data" / QUARTER
    keys = read_keys(installation / "keys" / "issuer")
    metadata = {"issuer": ISSUER, "jwks": {"keys": [key.jwk for key in keys]}}
    (folder.parent / "keys.json").write_text(json.dumps(metadata))
    code = python_of_the_guide()

    good = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=False)
    assert good.returncode == 0, good.stderr
    assert good.stdout.split()[-1] == "verified"
    (folder / "method.en.md").write_text("other")
    assert subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, check=False).returncode != 0
