"""Bad input: Schemathesis makes requests out of the OpenAPI document and holds every answer against it."""

import os
import subprocess
import sys
from pathlib import Path

from receipt_service.web.app import openapi_document
from tests.support.running_api import running_api

ROOT = Path(__file__).parents[2]
EXAMPLES = {"fast": 8, "ci": 60}
SEED = "20261123"


def test_no_request_gets_an_answer_that_the_document_does_not_promise(tmp_path):
    examples = EXAMPLES.get(os.environ.get("HYPOTHESIS_PROFILE", "fast"), 8)
    with running_api(tmp_path, "api") as api:
        arguments = [
            *("--config-file", ROOT / "tests" / "acceptance" / "schemathesis.toml"),
            *("run", f"{api.url}/openapi.json", "--checks", "all", "--no-color", "--warnings", "off"),
            *("--header", f"Authorization: Bearer {api.token(roles='officer supervisor auditor dpo')}"),
            *("--max-examples", str(examples), "--seed", SEED, "--continue-on-failure"),
            *("--suppress-health-check", "all"),
        ]
        done = subprocess.run(
            [Path(sys.executable).with_name("schemathesis"), *map(str, arguments)],
            cwd=tmp_path,
            env={**os.environ, "SCHEMATHESIS_HOOKS": "tests.support.schemathesis_hooks", "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
        )
        events = (tmp_path / "logs" / "api.log").read_text()

    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    operations = sum(len(operations) for operations in openapi_document()["paths"].values())
    assert f"{operations} selected / {operations} total" in done.stdout
    assert "internal_error" not in events
