"""A folder with a receipt and its keys, the command, and a service that answers what it is told."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from click.testing import CliRunner

from receipt_service.cli.verify import verify
from tests.support.receipts import (
    sample_receipt,
    sample_trust_root,
)

RECEIPT = sample_receipt()


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    (tmp_path / "trust.json").write_bytes(sample_trust_root().to_json())
    (tmp_path / "r.sd-jwt").write_text(RECEIPT.compact)
    return tmp_path


def run(place, *arguments, stdin=None, trusted=True):
    options = ["--trust-root", str(place / "trust.json")] if trusted else []
    return CliRunner().invoke(verify, [*map(str, arguments), *options], input=stdin)


def verdict_of(result):
    return json.loads(result.stdout)


@pytest.fixture
def service():
    """A service that answers from a dictionary of paths: bytes, or a status."""
    answers = {}
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            answer = answers.get(self.path, 404)
            self.send_response(answer if isinstance(answer, int) else 200)
            if isinstance(answer, int) and answer in {301, 302}:
                self.send_header("Location", "/elsewhere")
            self.end_headers()
            if isinstance(answer, bytes):
                self.wfile.write(answer)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    often = 0.02  # seconds: how often it looks whether to end; the library's half a second is paid by every test
    thread = threading.Thread(target=server.serve_forever, args=(often,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", answers, asked
    server.shutdown()
    thread.join()
    server.server_close()
