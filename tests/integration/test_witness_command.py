"""``receipt-service witness``, as somebody else than the log's operator runs it."""

import json
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from receipt_service.bootstrap.witness_folder import load_cosigner, load_witness
from receipt_service.cli.main import main
from receipt_service.cli.witness import witness
from receipt_service.errors import ConfigurationError
from receipt_service.tlog.note import SignatureType
from receipt_service.tlog.policy import parse_policy, quorum_reached
from tests.support.log_keys import LogKey
from tests.support.witnesses import LOG, LOG_PQ, NAME, ORIGIN, STRANGER, leaves, request

ROOT = Path(__file__).parents[2]


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "w"


def run(folder, *arguments):
    return CliRunner().invoke(witness, [*arguments, "--folder", str(folder)])


def test_init_makes_keys_and_lines_that_a_policy_takes(folder):
    result = run(folder, "init", "--name", NAME, "--url", "https://witness.example/submit")

    assert result.exit_code == 0, result.output
    keys = load_cosigner(folder).verifiers
    assert result.output.splitlines()[:2] == [key.vkey for key in keys]
    policy = parse_policy((result.output.partition("#")[2].partition("\n")[2] + f"quorum {NAME}\n").encode())
    assert tuple(one.key for one in policy.witnesses) == keys
    assert {one.url for one in policy.witnesses} == {"https://witness.example/submit"}
    names = [one.name for one in policy.witnesses]
    assert quorum_reached(policy, set(names))
    assert not any(quorum_reached(policy, {name}) for name in names)
    for path in folder.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path


def test_init_never_replaces_a_witness(folder):
    run(folder, "init", "--name", NAME)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}

    again = run(folder, "init", "--name", "witness.example/w2")

    assert isinstance(again.exception, ConfigurationError)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


@pytest.mark.parametrize(
    "options", [("--name", "a b"), ("--name", "a", "--url", "https://w/ x"), ("--name", "é" * 128)]
)
def test_init_refuses_what_a_policy_could_not_hold(folder, options):
    assert isinstance(run(folder, "init", *options).exception, ConfigurationError)
    assert not (folder / "name").exists()


def test_logs_are_added_once_and_what_was_seen_stays(folder):
    run(folder, "init", "--name", NAME)
    first = run(folder, "add-log", LOG.vkey)
    assert first.output == f"follows {ORIGIN} by its key {LOG.key.key_id.hex()}\n"
    load_witness(folder).add_checkpoint(request(leaves(7), 0))

    assert run(folder, "add-log", LOG.vkey).output.startswith("nothing new")
    assert run(folder, "add-log", LOG_PQ.vkey).exit_code == 0

    (log,) = json.loads(run(folder, "status", "--json").output)["logs"]
    assert (log["origin"], log["size"]) == (ORIGIN, 7)
    assert log["cosigned_at"].startswith("20")
    assert f"log {ORIGIN}\n  size 7" in run(folder, "status").output


def test_a_log_that_was_never_seen_is_shown_so(folder):
    run(folder, "init", "--name", NAME)
    run(folder, "add-log", LOG.vkey)

    found = json.loads(run(folder, "status", "--json").output)

    assert (found["name"], found["forks"]) == (NAME, 0)
    assert found["keys"] == list(load_witness(folder).vkeys)
    assert [(log["size"], log["cosigned_at"]) for log in found["logs"]] == [(0, None)]


def test_a_key_that_is_no_logs_is_refused_and_nothing_is_added(folder):
    run(folder, "init", "--name", NAME)
    own = load_cosigner(folder).verifiers[1].vkey
    long = LogKey("x" * 256, SignatureType.ED25519).vkey
    for bad in (STRANGER.vkey, LOG.vkey[:-2], "nonsense", own, long):
        assert isinstance(run(folder, "add-log", LOG.vkey, bad).exception, ConfigurationError)
    assert json.loads(run(folder, "status", "--json").output)["logs"] == []


def test_seeds_that_others_may_read_are_refused(folder):
    run(folder, "init", "--name", NAME)
    (folder / "ed25519.seed").chmod(0o640)
    assert "others may use" in str(run(folder, "status").exception)


def test_without_a_witness_the_command_says_what_to_do(folder, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["witness", "status", "--folder", str(folder)])
    assert ended.value.code == 2
    assert "receipt-service witness init" in capsys.readouterr().err


def test_a_witness_needs_nothing_of_the_service():
    """A third party installs what it imports, and no more."""
    heavy = "sqlalchemy sqlmodel fastapi pydantic twilio typst numpy receipt_service.domain receipt_service.storage"
    code = f"import sys, receipt_service.cli.witness; print(sorted(set({heavy.split()!r}) & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=ROOT)
    assert found.stdout == "[]\n"
