"""A witness over real HTTP, and two processes of one witness at the same time."""

import re
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager
from hashlib import sha256
from http.client import HTTPConnection
from pathlib import Path

import pytest

from receipt_service.tlog.add_checkpoint import SIZE_TYPE
from receipt_service.witness import server
from receipt_service.witness.server import BODY_BYTES, build_server
from tests.support.servers import serving
from tests.support.witnesses import LOG, NAME, ORIGIN, a_witness, checkpoint_of, leaves, request, signed, times_of

ROOT = Path(__file__).parents[2]
ORIGIN_HASH = sha256(ORIGIN.encode()).hexdigest()


def call(address, method, path, body=None):
    host = address.removeprefix("http://")
    connection = HTTPConnection(host, timeout=20)
    try:
        connection.request(method, path, body)
        with connection.getresponse() as response:
            return response.status, response.headers["Content-Type"], response.read()
    finally:
        connection.close()


def post(address, body):
    return call(address, "POST", "/add-checkpoint", body)


@pytest.fixture
def witness(tmp_path):
    return a_witness(tmp_path / "w")


@pytest.fixture
def address(witness):
    with serving(build_server(witness)) as url:
        yield url


def test_every_answer_of_the_protocol(witness, address):
    seven, fork = leaves(7), leaves(9, "b", leaves(3))
    plain = "text/plain; charset=utf-8"

    status, kind, lines = post(address, request(seven, 0))
    assert (status, kind) == (200, plain)
    assert times_of(lines, seven, witness._cosigner.verifiers)[0] > 1_700_000_000
    assert post(address, request(leaves(9), 0)) == (409, SIZE_TYPE, b"7\n")
    assert post(address, request(leaves(7, "b"), 7)) == (409, SIZE_TYPE, b"7\n")
    assert post(address, request(fork, 7))[:2] == (422, plain)
    assert post(address, b"old 1\n\nnothing")[:2] == (400, plain)
    assert post(address, request(seven, 8))[:2] == (400, plain)
    assert post(address, request(seven, 7, note=signed(seven, (LOG,), "log.example/other")))[:2] == (404, plain)
    bent = signed(seven, (LOG,)).replace(b"\n7\n", b"\n8\n")
    assert post(address, request(seven, 7, note=bent))[:2] == (403, plain)
    assert post(address, request(leaves(9), 7))[0] == 200


def test_it_takes_the_submission_by_post_alone(address):
    assert call(address, "GET", "/add-checkpoint")[0] == 405
    assert call(address, "POST", "/", b"")[0] == 405
    assert call(address, "POST", "/elsewhere", b"")[0] in {404, 405}


def test_a_connection_is_kept_for_many_requests(address):
    connection = HTTPConnection(address.removeprefix("http://"), timeout=20)
    ports = set()
    for size in range(1, 6):
        connection.request("POST", "/add-checkpoint", request(leaves(size), size - 1))
        ports.add(connection.sock.getsockname())
        with connection.getresponse() as response:
            assert response.status == 200
            response.read()
    connection.close()
    assert len(ports) == 1


def test_a_body_that_is_too_long_is_refused_before_its_end(address):
    host, _, port = address.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=20) as raw:
        head = f"POST /add-checkpoint HTTP/1.1\r\nHost: x\r\nContent-Length: {BODY_BYTES * 4}\r\n\r\n"
        raw.sendall(head.encode() + b"o" * (BODY_BYTES + 1))
        assert raw.recv(4096).startswith(b"HTTP/1.1 413 ")


def test_a_body_that_does_not_end_is_given_up(address, monkeypatch):
    monkeypatch.setattr(server, "BODY_SECONDS", 0.2)
    host, _, port = address.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=20) as raw:
        raw.sendall(b"POST /add-checkpoint HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nold")
        assert raw.recv(4096).startswith(b"HTTP/1.1 408 ")


def test_what_anybody_may_read(witness, address):
    assert call(address, "GET", f"/{ORIGIN_HASH}/checkpoint")[0] == 404
    assert b"nothing cosigned yet" in call(address, "GET", "/")[2]
    _, _, lines = post(address, request(leaves(7), 0))
    assert post(address, request(leaves(7, "b"), 7))[0] == 409

    status, kind, page = call(address, "GET", "/")
    text = page.decode()
    assert (status, kind) == (200, "text/plain; charset=utf-8")
    assert text.startswith(f"witness {NAME}\n")
    assert all(f"key {vkey}\n" in text for vkey in witness.vkeys)
    assert f"log {ORIGIN}\n  size 7, root " in text
    assert re.search(r"cosigned 20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ", text)
    assert "1 checkpoint(s) refused that show two trees" in text
    status, _, note = call(address, "GET", f"/{ORIGIN_HASH}/checkpoint")
    assert status == 200
    assert note.startswith(checkpoint_of(leaves(7)).text.encode())
    assert note.endswith(lines)


def test_a_witness_that_lost_its_memory_cosigns_nothing(tmp_path, address, capfd):
    assert post(address, request(leaves(7), 0))[0] == 200
    for record in (tmp_path / "w" / "seen").iterdir():
        record.unlink()

    for body in (request(leaves(7), 0), request(leaves(9), 7)):
        assert post(address, body)[0] == 503
    assert call(address, "GET", "/")[0] == 503
    assert call(address, "GET", f"/{ORIGIN_HASH}/checkpoint")[0] == 503
    assert "witness.out_of_order" in capfd.readouterr().err


@contextmanager
def process(folder):
    command = [sys.executable, "-m", "receipt_service", "witness", "serve", "--folder", str(folder), "--port", "0"]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE) as running:
        line = running.stderr.readline().decode()
        port = re.search(r'"port":(\d+)', line)[1]
        yield f"http://127.0.0.1:{port}"
        running.terminate()
        assert running.wait(20) == 0


def test_two_processes_and_many_threads_cosign_one_of_many_forks(tmp_path):
    a_witness(tmp_path / "w", keys=(LOG,))
    tree: list[bytes] = []
    with process(tmp_path / "w") as first, process(tmp_path / "w") as second:
        for turn in range(12):
            forks = [leaves(len(tree) + 3, f"{turn} {number}", tree) for number in range(6)]
            bodies = [request(fork, len(tree), note=signed(fork, (LOG,))) for fork in forks]
            answers: list[int] = [0] * len(forks)
            gate = threading.Barrier(len(forks))

            def race(number, bodies=bodies, answers=answers, gate=gate):
                gate.wait()
                answers[number] = post((first, second)[number % 2], bodies[number])[0]

            racers = [threading.Thread(target=race, args=(number,)) for number in range(len(forks))]
            for racer in racers:
                racer.start()
            for racer in racers:
                racer.join()
            assert sorted(answers) == [200, 409, 409, 409, 409, 409]
            tree = forks[answers.index(200)]
    assert len(tree) == 36
