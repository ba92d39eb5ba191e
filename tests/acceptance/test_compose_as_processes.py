"""The commands of docker-compose.yml as plain processes, with the file's own environment, on a real PostgreSQL.

Each process gets what its container would get and nothing else: its variables, its secrets, its folders, its database
role with the grants of deploy/postgres. A check then goes through: token, commit, sealed envelope, mail over TLS to
the file's mail sink, verdict.
"""

import json
import os
import secrets
import subprocess
import urllib.error
import urllib.request
import uuid
from datetime import UTC, datetime
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser

import psycopg
import pytest

from receipt_service.demo.service_processes import free_port
from receipt_service.tlog.merkle import leaf_hash
from receipt_service.tlog.policy import parse_policy
from receipt_service.tlog.proof import parse_proof
from receipt_service.tlog.trust import check_logged
from tests.support import checks, compose
from tests.support.compose_stage import BIN, OFFICER, Stage, TokenIssuer, make_database, make_secrets, wait_until
from tests.support.databases import running_postgres
from tests.support.logs import CHECKS

pytestmark = [pytest.mark.needs_postgres, pytest.mark.slow]

ROOT = compose.ROOT
MARKER = "Zéphyrine-" + "".join(secrets.choice("abcdefghij") for _ in range(12)).capitalize()
DIRECTORY = f"""\
kind;code;name;parent;force;department;commune;number;rank;quality;unit;subject;active
unit;PN-75-10;Commissariat du 10e;;PN;75;75110;;;;;;
officer;;;;;;;{OFFICER};PN-BRIGADIER-CHEF;OPJ;PN-75-10;{OFFICER};yes
"""


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    ports = {"api": free_port(), "mail": free_port(), "keycloak": free_port()}
    variables = {
        **compose.example_variables(),
        "RECEIPT_SMTP_HOST": "localhost",
        "RECEIPT_SMTP_PORT": str(ports["mail"]),
    }
    with running_postgres() as server:
        stage = Stage(tmp_path_factory.mktemp("compose"), server, ports, compose.services(variables))
        for volume in {name for service in stage.services.values() for name in service.folders.values()}:
            (stage.folder / "volumes" / volume).mkdir(parents=True, mode=0o700)
        make_secrets(stage)
        make_database(stage)
        with stage.running:
            yield stage


@pytest.fixture(scope="module")
def issuer(stage):
    issuer = TokenIssuer(stage.services["api"].environment["RECEIPT_OIDC_ISSUER"])
    with issuer.serving(stage.ports["keycloak"], stage.secrets):
        yield issuer


@pytest.fixture(scope="module")
def service(stage, issuer):
    """Everything up, in the order that depends_on gives; the address of the API."""
    stage.run("migrate")
    owner = (stage.secrets / "owner_database_url").read_text().strip().replace("+psycopg", "")
    stage.psql(ROOT / "deploy/postgres/grants.sql", owner)
    stage.run("keys", "generate")
    stage.run("keys", "log", LOG)
    csv = stage.folder / "directory.csv"
    csv.write_text(DIRECTORY)
    stage.run("directory", "import", str(csv))
    stage.start("mail-sink")
    stage.start("worker")
    stage.start("statistics")
    stage.start("log")
    stage.start("api")
    wait_until(lambda: stage.is_healthy("worker"))
    wait_until(lambda: stage.is_healthy("api"))
    return f"http://127.0.0.1:{stage.ports['api']}"


LOG = "recepisse.example/log"


def a_check() -> dict[str, object]:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    person = {**checks.body("CPP-78-2-AL2")["person"], "family_name": MARKER}
    recipient = {"email": "zephyrine@recepisse.example", "on_screen": True}
    return {**checks.body("CPP-78-2-AL2"), "checked_at": now, "person": person, "recipient": recipient}


def post_check(base: str, token: str) -> tuple[int, dict]:
    request = urllib.request.Request(
        f"{base}/v1/checks",
        data=json.dumps(a_check()).encode(),
        headers={
            "Authorization": f"Bearer {token}",
            "Idempotency-Key": str(uuid.uuid4()),
            "Content-Type": "application/json",
        },
    )
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


@pytest.fixture(scope="module")
def issued(service, issuer):
    status, answer = post_check(service, issuer.token())
    assert status == 201, answer
    return answer


@pytest.fixture(scope="module")
def mail(stage, issued) -> EmailMessage:
    inbox = stage.folder / "volumes" / "mail" / "mail" / "new"
    wait_until(lambda: inbox.is_dir() and any(inbox.iterdir()))
    with next(inbox.iterdir()).open("rb") as file:
        return BytesParser(policy=policy.default).parse(file)


def test_a_check_goes_through_to_the_mailbox(stage, service, issued, mail, tmp_path):
    receipt = next(part for part in mail.walk() if (part.get_filename() or "").endswith(".sd-jwt"))
    assert receipt.get_content().decode().strip() == issued["receipt"]
    trust_root, file = tmp_path / "trust-root.json", tmp_path / "receipt.sd-jwt"
    with urllib.request.urlopen(f"{service}/.well-known/jwt-vc-issuer", timeout=10) as answer:
        metadata = json.load(answer)
    trust_root.write_text(json.dumps({"version": 1, "issuers": [metadata]}))
    file.write_bytes(receipt.get_content())

    verdict = subprocess.run(
        [BIN / "receipt-service", "verify", "--json", "--trust-root", trust_root, file],
        env={"PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert verdict.returncode == 0, verdict.stdout + verdict.stderr


def test_the_officer_sees_it_delivered(service, issuer, issued):
    request = urllib.request.Request(
        f"{service}/v1/checks/{issued['receipt_number']}", headers={"Authorization": f"Bearer {issuer.token()}"}
    )

    def state() -> dict[str, str]:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return {message["channel"]: message["state"] for message in json.load(answer)["messages"]}

    delivered = {"email": "accepted", "screen": "handed_over"}
    wait_until(lambda: state() == delivered)
    assert state() == delivered


def test_the_check_is_counted_by_a_process_that_may_do_nothing_else(stage, issued):
    def counted():
        with stage.connect("owner") as connection:
            query = "SELECT table_code, a, n FROM rollup_cell WHERE area = 'F' AND table_code IN ('total', 'channel')"
            return sorted(connection.execute(query).fetchall())

    found = [("channel", "email", 1), ("channel", "screen", 1), ("total", "", 1)]
    wait_until(lambda: counted() == found)
    assert counted() == found
    assert json.loads(stage.run("statistics", "rebuild", "--json").splitlines()[-1])["stubs"] == 1
    assert counted() == found


def test_a_quarter_is_published_with_the_role_of_statistics_and_served_by_the_api(stage, service):
    published = stage.run("publish", "2025-Q4")
    assert "2025-Q4 published in" in published
    with urllib.request.urlopen(f"{service}/open-data/2025-Q4/manifest.json", timeout=10) as answer:
        assert json.load(answer)["period"] == "2025-Q4"
    with pytest.raises(AssertionError, match="is frozen"):
        stage.run("publish", "2025-Q4")


def test_supervisors_ask_what_the_role_of_statistics_released(stage, service, issuer):
    stage.run("statistics", "release", "2026-10")
    token = issuer.token(realm_access={"roles": ["supervisor"]})
    request = urllib.request.Request(f"{service}/v1/statistics", headers={"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert [each["period"] for each in json.load(answer)["periods"]] == ["2026-10"]


def test_the_log_is_kept_by_a_process_that_may_do_nothing_else_and_served_by_the_api(stage, service, issued):
    number = issued["receipt_number"]

    def proof():
        with urllib.request.urlopen(f"{service}/v1/stubs/{number}", timeout=10) as answer:
            leaf = json.load(answer)["leaf"]
        try:
            address = f"{service}/v1/log/proofs/{leaf_hash(leaf.encode()).hex()}"
            with urllib.request.urlopen(address, timeout=10) as answer:
                return leaf, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return leaf, None

    wait_until(lambda: proof()[1] is not None)
    leaf, file = proof()
    with urllib.request.urlopen(f"{service}/log/policy", timeout=10) as answer:
        trusted = parse_policy(answer.read())
    checked = check_logged(leaf_hash(leaf.encode()), parse_proof(file), trusted, CHECKS)
    assert checked.checkpoint.origin == LOG
    assert '"waiting": 0' in stage.run("log", "status", "--json")


def test_an_audit_is_answered_and_is_on_record(stage, service, issuer, issued):
    def ask(method, path, role, body=None):
        headers = {
            "Authorization": f"Bearer {issuer.token(realm_access={'roles': [role]})}",
            "Content-Type": "application/json",
        }
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{service}{path}", data, headers, method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    receipt = {"presented": issued["receipt"], "purpose": "contestation", "reference": "2026/1187"}
    wait_until(lambda: ask("POST", "/v1/audit/matches", "auditor", receipt)["outcome"] == "authentic_logged")
    assert ask("POST", "/v1/audit/matches", "auditor", receipt)["outcome"] == "authentic_logged"
    readings = ask("GET", "/v1/audit/readings", "dpo")
    assert MARKER not in json.dumps(readings)
    assert len(readings["readings"]) >= 2


@pytest.mark.parametrize(
    "changed",
    [
        {"aud": "another-service"},
        {"iss": "https://elsewhere.example"},
        {"exp": 1},
        {"realm_access": {"roles": ["supervisor"]}},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_another_token_is_refused(service, issuer, changed):
    status, problem = post_check(service, issuer.token(**changed))

    assert status in {401, 403}
    assert MARKER not in json.dumps(problem)


def test_an_officer_whom_the_directory_does_not_know_is_refused(service, issuer):
    status, _ = post_check(service, issuer.token(officer_number="0000000"))

    assert status == 403


@pytest.mark.parametrize(
    ("role", "statement"),
    [
        ("api", "SELECT ciphertext FROM envelope"),
        ("api", "SELECT message_id FROM envelope"),
        ("api", "DELETE FROM envelope"),
        ("worker", "INSERT INTO envelope VALUES (1, 'e', '')"),
        ("worker", "UPDATE envelope SET ciphertext = ''"),
        ("api", "UPDATE message SET state = 'expired'"),
        ("api", "INSERT INTO officer VALUES ('1')"),
        ("api", "UPDATE stub SET signature = ''"),
        ("api", "UPDATE frame SET head = ''"),
        ("worker", "SELECT * FROM stub"),
        ("worker", "SELECT * FROM frame"),
        ("worker", "SELECT * FROM whole_stub"),
        ("worker", "SELECT * FROM idempotency"),
        ("worker", "INSERT INTO message (id) VALUES (1)"),
        ("worker", "SELECT * FROM officer"),
        ("worker", "CREATE TABLE mine (id int)"),
        ("worker", "SELECT * FROM fold_queue"),
        ("worker", "SELECT * FROM rollup_cell"),
        ("api", "SELECT * FROM rollup_cell"),
        ("api", "SELECT * FROM fold_queue"),
        ("statistics", "SELECT * FROM envelope"),
        ("statistics", "SELECT * FROM idempotency"),
        ("statistics", "SELECT * FROM attempt"),
        ("statistics", "SELECT last_code FROM message"),
        ("statistics", "SELECT * FROM stub"),
        ("statistics", "SELECT * FROM officer"),
        ("statistics", "INSERT INTO stub (id) VALUES (1)"),
        ("statistics", "INSERT INTO fold_queue (stub_id, sign) VALUES (1, 1)"),
        ("statistics", "SELECT * FROM log_entry"),
        ("api", "DELETE FROM log_queue"),
        ("api", "INSERT INTO deletion (id) VALUES (1)"),
        ("api", "UPDATE audit_reading SET reference = ''"),
        ("statistics", "SELECT * FROM audit_reading"),
        ("log", "SELECT * FROM daily_closing"),
        ("api", "INSERT INTO log_entry (entry_index) VALUES (1)"),
        ("api", "UPDATE log_tree SET size = 0"),
        ("worker", "SELECT stub_id FROM log_entry"),
        ("log", "SELECT * FROM stub"),
        ("log", "SELECT * FROM message"),
        ("log", "SELECT * FROM envelope"),
        ("log", "INSERT INTO log_queue (stub_id) VALUES (1)"),
        ("log", "UPDATE log_entry SET leaf_key = 0"),
        ("log", "DELETE FROM log_anchor"),
    ],
)
def test_database_role_stays_in_its_part(stage, issued, role, statement):
    with stage.connect(role) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(statement)


def test_identity_is_in_nothing_that_was_written(stage, issued, mail):
    """Everything but the mailbox: it belongs to the holder."""
    wait_until(lambda: owner_counts_envelopes(stage) == 0)
    needles = [MARKER.encode(), MARKER.encode("utf-16-le"), b"zephyrine@recepisse.example"]
    mailbox = stage.folder / "volumes" / "mail"
    files = [
        path
        for folder in (stage.folder, stage.database.data, stage.database.log.parent)
        for path in folder.rglob("*")
        if path.is_file() and mailbox not in path.parents
    ]

    assert [path for path in files if any(needle in path.read_bytes() for needle in needles)] == []
    assert len(files) > 20


def owner_counts_envelopes(stage: Stage) -> int:
    with stage.connect("owner") as connection:
        return connection.execute("SELECT count(*) FROM envelope").fetchone()[0]


def test_processes_share_no_environment(stage):
    api, worker = (set(stage.environment(name)) for name in ("api", "worker"))

    assert not {name for name in api if name.startswith(("RECEIPT_SMTP", "RECEIPT_TWILIO", "RECEIPT_EPOCH"))}
    assert not {name for name in worker if name.startswith(("RECEIPT_ISSUER", "RECEIPT_REPLAY", "RECEIPT_OIDC"))}
    assert not [name for name in os.environ if name.startswith("RECEIPT_") and name in api]
