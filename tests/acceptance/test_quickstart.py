"""docs/quickstart.md, command by command, against the service that its first command starts."""

import json
import re
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "quickstart.md").read_text()
START, *REST = re.findall(r"^```sh\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture
def base(staying_demo):
    """What `make serve` starts, with a folder and a port of the test's own."""
    return staying_demo.api


def test_page_begins_with_make_serve():
    assert START.strip() == "make serve"


def test_every_command_of_the_page_works(base, tmp_path):
    script = "set -euo pipefail\n" + "".join(REST).replace("http://127.0.0.1:8000", base)
    (tmp_path / ".venv").symlink_to(ROOT / ".venv")

    done = subprocess.run(
        ["bash", "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "exit code 1" in done.stdout
    answer = json.loads((tmp_path / ".var/try/answer.json").read_text())
    assert {message["channel"] for message in answer["messages"]} == {"sms", "email", "screen"}
    stub = (tmp_path / ".var/try/stub.json").read_text()
    assert "Lefèvre" not in stub
    assert "messages" in json.loads((tmp_path / ".var/try/state.json").read_text())


def test_demonstration_page_is_served(base):
    """The API itself answers at the address that the page assumes."""
    with urllib.request.urlopen(f"{base}/openapi.json", timeout=10) as answer:
        assert json.load(answer)["openapi"].startswith("3.")
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"{base}/v1/nothing", timeout=10)
    refused.value.close()
    assert refused.value.code == 404
