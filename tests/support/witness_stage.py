"""A log with three witnesses, each of which may be a real one or a program that answers as it is told."""

import json
import threading
from contextlib import ExitStack
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from receipt_service.demo.service_processes import free_port
from receipt_service.tlog.policy import parse_policy
from receipt_service.tlog.trust import check_checkpoint
from receipt_service.transparency.log_folder import WITNESSED
from receipt_service.transparency.witnessing import WitnessPace, WitnessRounds
from receipt_service.verify.note_checks import NOTE_CHECKS
from receipt_service.witness.server import build_server
from tests.support.servers import serving
from tests.support.witnesses import LOG, LOG_PQ, FileLog, a_witness

PACE = WitnessPace(timedelta(seconds=5), timedelta(seconds=0.1))
NAMES = ("one", "two", "three")


class Stage:
    """A log with three witnesses, each of which may be a real one or a program that answers as it is told."""

    def __init__(self, path, at_end):
        self.path, self.at_end = path, at_end
        self.log = FileLog(path / "log")
        self.witnesses = {name: a_witness(path / name, f"witness.example/{name}") for name in NAMES}
        self.urls = {}
        self.anchors = []

    def serve(self, *names):
        for name in names:
            self.urls[name] = self.at_end.enter_context(serving(build_server(self.witnesses[name]))) + "/"

    def policy(self, quorum="2 one two three"):
        lines = [f"log {LOG.vkey}", f"log {LOG_PQ.vkey}"]
        for name in NAMES:
            url = self.urls.setdefault(name, f"http://127.0.0.1:{free_port()}")
            keys = zip(("ed", "pq"), self.witnesses[name].vkeys, strict=True)
            lines += [f"witness {name}-{kind} {vkey} {url}" for kind, vkey in keys]
            lines.append(f"group {name} all {name}-ed {name}-pq")
        lines += ["quorum none"] if quorum == "none" else [f"group enough {quorum}", "quorum enough"]
        return parse_policy("\n".join(lines).encode())

    def rounds(self, quorum="2 one two three", pace=PACE, **options):
        self.the_policy = self.policy(quorum)
        keep = options.pop("keep_anchor", lambda size, note: self.anchors.append((size, note)))
        rounds = WitnessRounds(self.log.folder, self.the_policy, keep, pace, **options)
        rounds.start()
        self.at_end.callback(rounds.stop)
        return rounds

    def read(self, name=WITNESSED):
        note = self.log.folder.read(name)
        return None if note is None else check_checkpoint(note, self.the_policy, NOTE_CHECKS)

    def witnessed_size(self):
        found = self.read()
        return 0 if found is None else found.checkpoint.size

    def cosigners(self, name=WITNESSED):
        return sorted(given.witness.name for given in self.read(name).cosignatures)


@pytest.fixture
def stage(tmp_path):
    with ExitStack() as at_end:
        yield Stage(tmp_path, at_end)


def answering(at_end, answer, url="http://127.0.0.1:0"):
    """A server that answers each request with the status, type and body that ``answer`` gives; returns its address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            status, kind, body = answer(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", int(url.rpartition(":")[2])), Handler)
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # whoever asked has gone
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    at_end.callback(server.server_close)
    at_end.callback(server.shutdown)
    return f"http://127.0.0.1:{server.server_address[1]}"


def faults(rounds):
    return {status.names[0].partition("-")[0]: status.fault for status in rounds.status().witnesses}


def events(capfd):
    return [json.loads(line) for line in capfd.readouterr().err.splitlines()]
