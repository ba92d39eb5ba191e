"""``serve`` and ``api`` as processes: start, issue, verify by the command, end, be killed, begin again."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from urllib.error import HTTPError
from uuid import uuid4

import pytest

from receipt_service.demo.service_processes import free_port
from tests.support.checks_of_now import check_body
from tests.support.running_api import running_api

EMBEDDED = {
    "RECEIPT_CHANNELS": "email",
    "RECEIPT_SMTP_HOST": "127.0.0.1",
    "RECEIPT_SMTP_SECURITY": "none",
    "RECEIPT_EMAIL_SENDER": "recepisse@recepisse.example",
}
BODY = {"recipient": {"email": "camille@example.org", "on_screen": True}}


def register(api, body=None, key=None):
    headers = {"Authorization": f"Bearer {api.token()}", "Idempotency-Key": f'"{key or uuid4()}"'}
    return api.call("POST", "/v1/checks", body or check_body(**BODY), **headers)


def process_of(api, name):
    return api.processes._running[name]


def command(*arguments, **environment):
    return subprocess.run(
        [sys.executable, "-m", "receipt_service", *arguments],
        env={"PATH": "/usr/bin:/bin", **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def embedded(folder):
    return running_api(folder, "serve", **EMBEDDED, RECEIPT_SMTP_PORT=str(free_port()))


@pytest.fixture(scope="module")
def serving(tmp_path_factory):
    """One for all tests that only ask it; whoever ends it starts another."""
    with embedded(tmp_path_factory.mktemp("serving")) as api:
        yield api


def test_a_check_is_issued_verified_and_waits_for_its_mail_server(serving, tmp_path):
    status, body = register(serving)
    issued = json.loads(body)
    _, metadata = serving.call("GET", "/.well-known/jwt-vc-issuer")
    (tmp_path / "receipt.sd-jwt").write_text(issued["receipt"])
    (tmp_path / "issuer.json").write_bytes(metadata)

    verdict = command(
        "verify", str(tmp_path / "receipt.sd-jwt"), "--trust-root", str(tmp_path / "issuer.json"), "--json"
    )

    assert status == 201
    assert (verdict.returncode, json.loads(verdict.stdout)["status"]) == (0, "passed"), verdict.stderr
    state = {}
    end = time.monotonic() + 20
    while time.monotonic() < end and not (state.get("email", {}).get("code") and state["email"]["state"] == "queued"):
        _, answer = serving.call(
            "GET", f"/v1/checks/{issued['receipt_number']}", Authorization=f"Bearer {serving.token()}"
        )
        state = {message["channel"]: message for message in json.loads(answer)["messages"]}
        time.sleep(0.2)
    assert state["email"]["state"] == "queued"
    assert state["email"]["code"]
    assert state["screen"]["state"] == "handed_over"


def test_it_ends_in_order_and_says_nothing_of_what_it_did(tmp_path):
    with embedded(tmp_path) as api:
        _, body = register(api)
        process = process_of(api, "serve")

        process.send_signal(signal.SIGTERM)

        assert process.wait(30) == 0
    log = (tmp_path / "logs" / "serve.log").read_text()
    events = [json.loads(line) for line in log.splitlines()]
    assert [event["event"] for event in events if event["event"].startswith("api_")] == ["api_started", "api_stopped"]
    for needle in ("Lef", "Camille", "639980001", "example.org", json.loads(body)["receipt_number"]):
        assert needle not in log


def test_it_leaves_no_core_and_lets_nobody_look_into_its_memory(serving):
    limits = Path(f"/proc/{process_of(serving, 'serve').pid}/limits").read_text()

    core = next(line.split() for line in limits.splitlines() if line.startswith("Max core file size"))
    assert core[4:6] == ["0", "0"]


def test_a_killed_process_begins_again_where_it_was(tmp_path):
    key, body = str(uuid4()), check_body(**BODY)
    with embedded(tmp_path) as api:
        _, first = register(api, body, key)
        process_of(api, "serve").kill()
        api.processes.stop("serve")
        port = api.url.rpartition(":")[2]
        api.processes.start("serve", "--port", port)
        api.processes.wait_until_ready(f"{api.url}/readyz")

        _, again = register(api, body, key)

    assert again == first


def test_two_processes_answer_on_one_port(tmp_path):
    issuer = {"RECEIPT_OIDC_ISSUER": "http://127.0.0.1:1", "RECEIPT_OIDC_AUDIENCE": "receipt-service"}
    port = free_port()
    settings = {
        "RECEIPT_DEMO": "true",
        "RECEIPT_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "RECEIPT_DATA_FOLDER": str(tmp_path),
        **issuer,
    }
    for prepared in (("migrate",), ("keys", "generate")):
        assert command(*prepared, **settings).returncode == 0
    process = subprocess.Popen(
        [sys.executable, "-m", "receipt_service", "api", "--workers", "2", "--port", str(port)],
        env={"PATH": "/usr/bin:/bin", **settings},
        stderr=subprocess.PIPE,
    )
    try:
        started = [json.loads(process.stderr.readline()) for _ in range(3)]
    finally:
        process.terminate()
        process.wait(30)
        process.stderr.close()

    assert [event["event"] for event in started] == ["listening", "api_started", "api_started"]


@pytest.mark.parametrize(
    ("arguments", "settings", "named"),
    [
        (("api",), {}, "RECEIPT_PUBLIC_URL"),
        (("worker",), {"RECEIPT_PUBLIC_URL": "https://a.example"}, "RECEIPT_TWILIO_AUTH_TOKEN"),
        (("serve",), {"RECEIPT_PUBLIC_ULR": "https://a.example"}, "did you mean RECEIPT_PUBLIC_URL"),
        (("migrate",), {"RECEIPT_DATABASE_URL": "mysql://secret@host/db"}, "database"),
        (("directory", "import", "-"), {"RECEIPT_NONSENSE": "x"}, "RECEIPT_NONSENSE"),
    ],
)
def test_wrong_settings_stop_a_process_with_one_line(tmp_path, arguments, settings, named):
    done = command(*arguments, RECEIPT_DATA_FOLDER=str(tmp_path), **settings)

    assert done.returncode == 2
    assert named in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert "secret" not in done.stderr


def test_a_process_without_database_or_key_does_not_start(tmp_path):
    settings = {
        "RECEIPT_DEMO": "true",
        "RECEIPT_PUBLIC_URL": "http://127.0.0.1:1",
        "RECEIPT_DATA_FOLDER": str(tmp_path),
    }

    first = command("api", **settings)
    assert command("migrate", **settings).returncode == 0
    second = command("api", **settings)

    assert (first.returncode, second.returncode) == (2, 2)
    assert "run `receipt-service migrate`" in first.stderr
    assert "keyring.json" in second.stderr


def test_a_directory_with_faults_is_refused_line_by_line(tmp_path):
    settings = {"RECEIPT_DATA_FOLDER": str(tmp_path)}
    command("migrate", **settings)
    (tmp_path / "bad.csv").write_text("kind;number;rank;quality;unit\nofficer;12;PN-NOPE;OPJ;X\n")

    done = command("directory", "import", str(tmp_path / "bad.csv"), **settings)

    assert done.returncode == 1
    assert "line 2, rank:" in done.stderr
    assert "nothing was imported" in done.stderr


def test_no_token_of_the_demonstration_outside_it(tmp_path):
    settings = {
        "RECEIPT_PUBLIC_URL": "https://recepisse.example",
        "RECEIPT_DATA_FOLDER": str(tmp_path),
    }

    done = command("api", **settings)

    assert done.returncode == 2
    assert "RECEIPT_OIDC_ISSUER" in done.stderr


def test_a_refusal_over_the_wire_is_a_problem(serving):
    with pytest.raises(HTTPError) as raised:
        serving.call("POST", "/v1/checks", {})

    with raised.value as answer:
        assert answer.code == 401
        assert json.loads(answer.read())["type"].endswith("unauthenticated")


def test_an_address_that_is_taken_is_said_to_be(serving, tmp_path):
    settings = dict(serving.processes.settings)

    done = command("serve", "--port", serving.url.rpartition(":")[2], **settings)

    assert done.returncode == 2
    assert "cannot listen on 127.0.0.1" in done.stderr.splitlines()[-1]


def test_what_keeps_the_worker_from_starting_is_said(tmp_path):
    settings = {
        "RECEIPT_DEMO": "true",
        "RECEIPT_PUBLIC_URL": "http://127.0.0.1:1",
        "RECEIPT_DATA_FOLDER": str(tmp_path),
        **EMBEDDED,
        "RECEIPT_SMTP_SECURITY": "starttls",
        "RECEIPT_SMTP_CA_FILE": str(tmp_path / "absent.pem"),
    }
    assert command("keys", "generate", **settings).returncode == 0

    done = command("serve", "--port", str(free_port()), **settings)

    assert done.returncode == 2
    assert "CA file" in done.stderr.splitlines()[-1]
