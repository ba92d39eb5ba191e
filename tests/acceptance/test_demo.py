"""The demonstration as its user starts it: the installed command, in a process of its own."""

import json
import re
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import closing
from uuid import uuid4

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


def run(*arguments, folder, cwd):
    return subprocess.run(
        [sys.executable, "-m", "receipt_service", "demo", "--folder", str(folder), *arguments],
        capture_output=True,
        text=True,
        cwd=cwd,
        timeout=150,
        check=False,
    )


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    home = tmp_path_factory.mktemp("demo")
    return home, run(folder=home / "demo", cwd=home)


def test_every_receipt_arrives_and_verifies_and_every_refusal_is_one(told):
    _, done = told
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]
    assert "8 checks registered, 6 refused; 14 verdicts passed" in " ".join(done.stdout.split())
    assert "As it must be" in done.stdout
    assert done.stderr == ""


def test_the_story_fits_a_terminal(told):
    _, done = told
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_the_story_shows_each_part(told):
    _, done = told
    story = " ".join(done.stdout.split())
    for shown in (
        "Idempotency-Replayed: true",
        "/legal_bases/0/code",
        "/reason_text",
        "/legal_bases/0/requisition/ends_at",
        "/place/public_place",
        "Récépissé de controle d'identité",
        "STARTTLS",
        '"when_where"',
        "0 left",
        "passed: five groups",
        "passed: four groups, no identity",
    ):
        assert shown in story, shown


def test_the_files_lie_where_it_says(told):
    home, _ = told
    received = home / "demo" / "received"
    assert len(list(received.glob("mail-*.eml"))) == 3
    assert all(path.read_bytes().startswith(b"%PDF-") for path in received.glob("*.pdf"))
    assert len(list(received.glob("*.pdf"))) == 5
    assert len(list(received.glob("mail-*.sd-jwt"))) == 3
    assert len(list(received.glob("*.tlog-proof"))) == len(list(received.glob("[0-9A-Z]*.sd-jwt"))) == 1
    assert (received / "phone.txt").read_text("utf-8").count("/r#") == 3
    trust_root = json.loads((home / "demo" / "trust-root.json").read_text())
    assert len(trust_root["issuers"]) == 1


def test_nothing_sealed_and_no_identity_is_left_in_the_database(told):
    home, _ = told
    file = home / "demo" / "service" / "receipts.sqlite3"
    with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)) as database:
        stubs, messages = (
            database.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608 - two names of ours
            for table in ("stub", "message")
        )
        sealed = database.execute("SELECT count(*) FROM envelope").fetchone()[0]
    assert (stubs, messages, sealed) == (8, 11, 0)
    assert "Quéméneur".encode() not in file.read_bytes()


def test_a_second_demonstration_replaces_the_first_and_tells_it_as_json(told):
    home, _ = told
    (home / "demo" / "received" / "old").touch()
    done = run("--json", folder=home / "demo", cwd=home)
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    assert summary | {"files": []} == {
        "succeeded": True,
        "issued": 8,
        "refused": 6,
        "arrived": 13,
        "passed": 14,
        "identity_hits": 0,
        "failures": [],
        "files": [],
    }
    assert not (home / "demo" / "received" / "old").exists()


def test_somebody_elses_folder_is_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    done = run(folder=tmp_path, cwd=tmp_path)
    assert done.returncode == 2
    assert "no demonstration made" in done.stderr
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


@pytest.mark.parametrize(
    "arguments", [("--limit", "3"), ("--issue-only",), ("--seed", "1"), ("--serve", "--stops", __file__)]
)
def test_options_that_do_not_go_together_are_wrong_usage(arguments, tmp_path):
    done = run(*arguments, folder=tmp_path / "demo", cwd=tmp_path)
    assert done.returncode == 2
    assert "Usage" in done.stderr
    assert not (tmp_path / "demo").exists()


def get(url):
    with urllib.request.urlopen(url, timeout=10) as answer:
        return answer.read()


def test_it_stays_with_its_page(staying_demo):
    found = re.search(r"page +(http://127\.0\.0\.1:\d+)/", staying_demo.story)
    assert found, staying_demo.story[-2000:]
    page, base = found[1], staying_demo.api
    home = get(page).decode()
    assert f"{base}/v1/checks" in home
    assert "<script" not in home
    assert not re.search(r'(src|href)="(?!http://127\.0\.0\.1|/)', home)
    assert get(f"{page}/phone").decode().count("/r#") >= 3
    assert get(f"{page}/mailbox/0/recepisse.pdf").startswith(b"%PDF-")
    assert get(f"{page}/mailbox/0/receipt.sd-jwt").count(b"~") == 6
    assert b"Message-ID" in get(f"{page}/mailbox/0/mail.eml")
    with pytest.raises(urllib.error.HTTPError, match="404") as refused:
        get(f"{page}/mailbox/99")
    refused.value.close()
    _try_the_commands(page, base)


def _try_the_commands(page, base):
    """Do what the page's commands do; a mail and a text come."""
    form = b"grant_type=client_credentials&subject=" + re.findall(rb"subject=([\w-]+)", get(page))[0]
    with urllib.request.urlopen(f"{base}/demo/oidc/token", form, timeout=10) as answer:
        token = json.load(answer)["access_token"]
    request = urllib.request.Request(
        f"{base}/v1/checks",
        get(f"{page}/check-request.json"),
        {
            "Authorization": f"Bearer {token}",
            "Idempotency-Key": f'"{uuid4()}"',
            "Content-Type": "application/json",
        },
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        number = json.load(answer)["receipt_number"]
    end = time.monotonic() + 30
    while time.monotonic() < end and number not in get(f"{page}/phone").decode():
        time.sleep(0.2)
    assert number in get(f"{page}/phone").decode()
