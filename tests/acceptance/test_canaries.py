"""Identity stays nowhere: 500 people of markers go through the service, and every byte that it wrote is searched.

On both databases, with the commands an operator types, events at DEBUG, one SIGKILL of each process in the middle,
telephones and mailboxes that refuse. Twice: while the worker is away (sealed only) and once all messages are final
(nothing). docs/proofs.md says what is searched and what is not.
"""

import asyncio
import json
import os
import re
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4
from zoneinfo import ZoneInfo

import aiohttp
import pytest

from receipt_service.bootstrap.database import migrate
from receipt_service.crypto.opening import CannotOpen, Opener
from receipt_service.demo.api_client import ApiClient
from receipt_service.demo.received import link_in, read_link
from receipt_service.demo.service_processes import ProcessFailed, ServiceProcesses
from receipt_service.demo.twilio_store import Behaviour, Manner
from receipt_service.domain.envelope import Envelope, sealing_info
from receipt_service.domain.recipient import Channel
from receipt_service.errors import Unavailable
from tests.support.aftermath import UNREDACTED, UNSETTLED
from tests.support.canaries import IDENTITIES, Canary, Finding, MarkerSearch, hostile_requests, plant
from tests.support.crashing import OFFICER, CrashStage, crash_stage, wait_for
from tests.support.databases import BOTH, running_postgres

CANARIES = [Canary(number) for number in range(IDENTITIES)]
HOSTILE = CANARIES[-60:]
"""These come in requests that are refused; all the others get a receipt."""
ACCEPTED = CANARIES[:-60]
CORRECTED = ACCEPTED[::40]
CANCELLED = ACCEPTED[1]
MANNERS = {
    2: Manner(Behaviour.REFUSES, 21211),
    3: Manner(Behaviour.REFUSES, 21614),
    5: Manner(Behaviour.LIMITS_ONCE, 20429),
    6: Manner(Behaviour.BREAKS_ONCE, 20500),
    7: Manner(Behaviour.DROPS_AFTER_TAKING_ONCE),
    8: Manner(Behaviour.FAILS_LATER, 30005),
}
KNOWN_FILES = re.compile(
    r"data/(receipts\.sqlite3(-wal|-shm)?|mail/[a-z-]+\.(pem|key)|mail/[a-z-]+"
    r"|keys/issuer/[\w.\-]+|keys/sealing/([\dT-]+Z\.pub|worker\.heartbeat)|keys/epochs/[\dT-]+Z\.(key|destroyed)"
    r"|keys/replay/(lookup|replay-[\dT-]+Z)\.key|keys/statistics/record\.key|keys/session/session\.key"
    r"|keys/log/(ed25519\.seed|ml-dsa-44\.seed|origin|last-signed)|log/(checkpoint(\.[a-z]+)?|policy|tile/[a-z0-9./]+))"
    r"|logs/(api|worker|log|keys|audit)\.log|answers/\d{4}\.txt"
)


@dataclass
class Watched:
    """One installation: all it may write is below ``root``, and ``server`` where it has one."""

    root: Path
    stage: CrashStage
    processes: ServiceProcesses
    search: MarkerSearch
    folders: tuple[Path, ...]
    answers: int = 0
    received: dict[int, bytes] = field(default_factory=dict)

    def searched(self) -> Finding:
        return self.search.run(*self.folders)

    def start(self, role: str) -> None:
        address = ("--host", "127.0.0.1", "--port", str(self.stage.port))
        self.processes.start(role, *{"api": address, "log": ("run",)}.get(role, ()))
        if role == "api":
            self.processes.wait_until_ready(f"{self.stage.url}/readyz")

    def kill(self, role: str) -> None:
        self.processes._running[role].kill()
        self.processes.stop(role)

    def keep(self, status: int, headers: object, content: bytes) -> None:
        """Keep an answer where the search looks."""
        (self.root / "answers" / f"{self.answers:04}.txt").write_bytes(f"{status} {headers}\n".encode() + content)
        self.answers += 1


@pytest.fixture(scope="module")
def search(tmp_path_factory) -> MarkerSearch:
    markers = (marker for canary in CANARIES for marker in canary.markers())
    return MarkerSearch(markers, tmp_path_factory.mktemp("forms") / "forms")


@pytest.fixture
def watched(request, tmp_path, monkeypatch, search) -> Iterator[Watched]:
    root = tmp_path / "watched"
    for name in ("data", "tmp", "home", "answers"):
        (root / name).mkdir(parents=True)
    for variable, folder in {"TMPDIR": "tmp", "HOME": "home", "XDG_CACHE_HOME": "home"}.items():
        monkeypatch.setenv(variable, str(root / folder))
    with database(request.param, root / "data") as (url, server):
        migrate(url)
        with crash_stage(root / "data", url) as stage:
            settings = {**stage.settings, "RECEIPT_LOG_LEVEL": "DEBUG"}
            monkeypatch.chdir(root / "home")
            with ServiceProcesses(settings, root / "logs") as processes:
                yield Watched(root, stage, processes, search, (root, *server))


@contextmanager
def database(engine: str, folder: Path) -> Iterator[tuple[str, tuple[Path, ...]]]:
    if engine == "sqlite":
        yield f"sqlite:///{folder / 'receipts.sqlite3'}", ()
        return
    with running_postgres() as server:
        yield server.create("receipts"), (server.socket,)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("watched", BOTH, indirect=True)
def test_no_identity_is_left_anywhere(watched, tmp_path, capsys):
    for canary in ACCEPTED:
        if canary.number % 11 in MANNERS:
            watched.stage.phones.manners[canary.sms] = MANNERS[canary.number % 11]

    watched.processes.run("keys", "log", "recepisse.example/log")
    watched.start("log")
    watched.start("api")
    submit_all(watched)
    correct_some(watched)
    refuse_all(watched)
    before = watched.searched()
    sealed = envelopes_open_with_the_epoch_key_alone(watched)
    deliver_all(watched)
    audit_some(watched)
    after = watched.searched()
    assert_no_core(watched)
    watched.processes.stop()
    stopped = watched.searched()

    assert (before.hits, after.hits, stopped.hits) == ((), (), ())
    assert strange_files(watched) == []
    assert watched.stage.sql("SELECT message_id FROM envelope") == []
    assert_search_finds_what_people_received(watched, tmp_path)
    with capsys.disabled():
        print(  # noqa: T201 - the figures of docs/proofs.md
            f"\n{watched.stage.engine.dialect.name}: {len(ACCEPTED)} receipts, {watched.answers} answers kept, "
            f"{sealed} envelopes sealed, {watched.search.forms:,} forms; searched {before.bytes_read:,}, "
            f"{after.bytes_read:,} and {stopped.bytes_read:,} bytes in {len(after.files)} files"
        )


def submit_all(watched: Watched) -> None:
    """Register every accepted canary; the API is killed in the middle, and the clients see to it."""

    async def everyone() -> None:
        queue, half_way = iter(ACCEPTED), asyncio.Event()
        async with watched.stage.client() as client:

            async def one() -> None:
                for canary in queue:
                    watched.received[canary.number] = await answered(client, canary)
                    if len(watched.received) >= len(ACCEPTED) // 2:
                        half_way.set()

            clients = [asyncio.create_task(one()) for _ in range(8)]
            await half_way.wait()
            await asyncio.to_thread(watched.kill, "api")
            await asyncio.to_thread(watched.start, "api")
            await asyncio.to_thread(watched.kill, "log")
            await asyncio.to_thread(watched.start, "log")
            await asyncio.gather(*clients)

    asyncio.run(everyone())
    assert len(watched.received) == len(ACCEPTED)


async def answered(client: ApiClient, canary: Canary) -> bytes:
    body, key = canary.body(), uuid4()
    while True:
        try:
            answer = await client.submit(body, key, OFFICER)
        except Unavailable:
            continue
        if answer.status == 201:
            return answer.content
        assert answer.status == 401, answer.content


def correct_some(watched: Watched) -> None:
    """Correct a few, with the person again; what names them in the explanation is refused; cancel one."""

    async def amend(session: aiohttp.ClientSession, token: str, canary: Canary, what: str, body: object) -> int:
        number = json.loads(watched.received[canary.number])["receipt_number"]
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": f'"{uuid4()}"'}
        url = f"{watched.stage.url}/v1/checks/{number}/{what}"
        async with session.post(url, json=body, headers=headers) as answer:
            content = await answer.read()
            if answer.status >= 400:
                watched.keep(answer.status, dict(answer.headers), content)
            return answer.status

    async def everything() -> None:
        async with watched.stage.client() as client, aiohttp.ClientSession() as session:
            token = await client.token(OFFICER)
            for canary in CORRECTED:
                check = canary.body(recipient={"on_screen": True})
                for explanation in (canary.family_name, canary.sms, canary.email, f"né le {canary.birth_date}"):
                    named = {"reason": "wrong_time", "explanation": f"Erreur pour {explanation}", "check": check}
                    assert await amend(session, token, canary, "corrections", named) == 422, explanation
                sound = {"reason": "wrong_time", "explanation": "Heure relevée de travers", "check": check}
                assert await amend(session, token, canary, "corrections", sound) == 201
            named = {"reason": "other_ground", "explanation": f"Voir {CANCELLED.email}"}
            assert await amend(session, token, CANCELLED, "cancellation", named) == 422
            assert await amend(session, token, CANCELLED, "cancellation", {"reason": "duplicate"}) == 201

    asyncio.run(everything())
    assert len(watched.stage.sql("SELECT old_stub_id FROM correction")) == len(CORRECTED) + 1


def refuse_all(watched: Watched) -> None:
    """Send what must be refused, and keep every answer; then what anyone may ask, and bytes that are no HTTP."""

    async def everything() -> None:
        async with watched.stage.client() as client, aiohttp.ClientSession() as session:
            token = await client.token(OFFICER)
            for canary in HOSTILE:
                for method, path, changed, content in hostile_requests(canary):
                    headers = {
                        "Authorization": f"Bearer {token}",
                        "Idempotency-Key": f'"{uuid4()}"',
                        "Content-Type": "application/json",
                        "Accept-Language": "en" if canary.number % 2 else "fr",
                        **changed,
                    }
                    url = watched.stage.url + path
                    async with session.request(method, url, data=content or None, headers=headers) as answer:
                        assert answer.status < 500, (answer.status, path.split("?")[0], sorted(changed))
                        assert answer.status >= 400 or path.startswith("/r?"), (answer.status, sorted(changed))
                        watched.keep(answer.status, dict(answer.headers), await answer.read())
            for path in ("/healthz", "/readyz", "/openapi.json", "/v1/catalogue", "/r", "/metrics", "/docs"):
                async with session.get(watched.stage.url + path) as answer:
                    watched.keep(answer.status, dict(answer.headers), await answer.read())

    asyncio.run(everything())
    speak_no_http(watched)


def speak_no_http(watched: Watched) -> None:
    marker = HOSTILE[0].email.encode()
    address = urlsplit(watched.stage.url)
    for sent in (
        marker + b"\r\n\r\n",
        b"GET /" + marker + b" HTTP/9.9\r\n\r\n",
        b"POST / HTTP/1.1\r\n" + marker + b"\r\n\r\n",
    ):
        with socket.create_connection((address.hostname, address.port), timeout=10) as connection:
            connection.sendall(sent)
            connection.shutdown(socket.SHUT_WR)
            watched.keep(0, {}, connection.recv(65_536))


def envelopes_open_with_the_epoch_key_alone(watched: Watched) -> int:
    """Before anything is sent: an envelope for each message, and no key but its hour's opens it, as itself only."""
    rows = watched.stage.sql("SELECT id, epoch, channel, ciphertext FROM envelope JOIN message ON id = message_id")
    keys, reached = watched.stage.epochs, set()
    for row in rows:
        envelope, info = bytes(row.ciphertext), sealing_info(row.id, row.epoch, Channel(row.channel))
        opener = Opener(keys.private_key(row.epoch), row.epoch)
        reached.add(Envelope.decode(opener.open(envelope, info)).to)
        other = next(epoch for epoch in keys.held() if epoch != row.epoch)
        with pytest.raises(CannotOpen):
            Opener(keys.private_key(other), row.epoch).open(envelope, info)
        with pytest.raises(CannotOpen):
            opener.open(envelope, sealing_info(row.id + 1, row.epoch, Channel(row.channel)))
    wanted = {canary.sms for canary in ACCEPTED if canary.channel in {"sms", "both"}}
    wanted |= {canary.email for canary in ACCEPTED if canary.channel in {"email", "both"}}
    assert reached == wanted
    return len(rows)


def deliver_all(watched: Watched) -> None:
    """Let the worker send, kill it in the middle, and wait until every message is final and erased."""
    stage = watched.stage
    watched.start("worker")
    wait_for(lambda: len(stage.phones.records) >= 40 and len(stage.mails.mails) >= 10, 90, "the first messages sent")
    watched.kill("worker")
    watched.start("worker")
    wait_for(lambda: not stage.sql(UNSETTLED), 150, "every message final")
    wait_for(lambda: not stage.sql(UNREDACTED), 60, "every text erased at the provider")
    ends = {row[0] for row in stage.sql("SELECT DISTINCT state FROM message")}
    assert ends == {"delivered", "undeliverable", "accepted", "handed_over", "declined"}
    wait_for(lambda: not stage.sql("SELECT id FROM fold_queue"), 60, "everything counted")
    counted = stage.sql("SELECT sum(n) AS n FROM rollup_cell WHERE area = 'F' AND table_code = 'total'")
    assert [row.n for row in counted] == [len(ACCEPTED) - 1], "one was cancelled"
    entries = len(ACCEPTED) + 2 * len(CORRECTED) + 1  # a correction is a leaf and a record, a cancellation a record
    logged = "SELECT published_size FROM log_tree"
    wait_for(lambda: [row.published_size for row in stage.sql(logged)] == [entries], 60, "everything logged")
    assert not any(record.body for record in stage.phones.records.values())


def audit_some(watched: Watched) -> None:
    """Close the day and audit it; match whole receipts, and what is refused, over HTTP and by the command."""
    why = {"purpose": "contestation", "reference": "2026/1187"}
    day = datetime.now(ZoneInfo("Europe/Paris")).date().isoformat()
    today = datetime.now(UTC).date().isoformat()
    receipts = {each: json.loads(watched.received[each.number])["receipt"] for each in (*ACCEPTED[:20], *CORRECTED)}
    named = CANARIES[3]
    asked: list[tuple[str, dict[str, object], int]] = [
        *(("audit/matches", {"presented": receipt, **why}, 200) for receipt in receipts.values()),
        ("audit/matches", {"presented": receipts[named].replace("~", f"~{named.email}~", 1), **why}, 422),
        ("audit/matches", {"presented": receipts[named].replace("~", "~X", 1), **why}, 200),
        ("audit/matches", {"presented": receipts[named], **why, "reference": named.family_name}, 422),
        ("audit/matches", {"presented": receipts[named], **why, "purpose": named.birth_date}, 422),
        ("closings", {"day": day, "checks": len(ACCEPTED), "unit": named.email}, 422),
        ("closings", {"day": day, "checks": len(ACCEPTED)}, 201),
        ("audit/periods", {"first": today, "last": today, **why}, 200),
        ("audit/periods", {"first": named.sms, "last": today, **why}, 422),
    ]

    async def everything() -> None:
        async with aiohttp.ClientSession() as session:
            form = {"grant_type": "client_credentials", "subject": OFFICER, "roles": "auditor supervisor dpo"}
            async with session.post(f"{watched.stage.url}/demo/oidc/token", data=form) as answer:
                headers = {"Authorization": f"Bearer {(await answer.json())['access_token']}"}
            for path, body, status in asked:
                async with session.post(f"{watched.stage.url}/v1/{path}", json=body, headers=headers) as answer:
                    watched.keep(answer.status, dict(answer.headers), await answer.read())
                    assert answer.status == status, (path, answer.status, sorted(body))

    asyncio.run(everything())
    reason = ("--purpose", why["purpose"], "--reference", why["reference"])
    file = watched.root.parent / "presented.sd-jwt"
    for each in (named, CORRECTED[0]):
        file.write_text(receipts[each])
        assert '"view": "receipt"' in watched.processes.run("audit", "match", str(file), "--json", *reason)
    file.write_text(receipts[named].replace("~", "~X", 1))
    with pytest.raises(ProcessFailed):
        watched.processes.run("audit", "match", str(file), *reason)
    assert json.loads(watched.processes.run("audit", "period", "all", "--json", *reason))["whole"]
    assert len(watched.stage.sql("SELECT id FROM audit_reading")) >= len(receipts) + 5


def assert_no_core(watched: Watched) -> None:
    for process in watched.processes._running.values():
        limits = Path(f"/proc/{process.pid}/limits").read_text()
        core = next(line.split() for line in limits.splitlines() if line.startswith("Max core file size"))
        assert core[4:6] == ["0", "0"]


def strange_files(watched: Watched) -> list[str]:
    """Files that nobody has said the service may write: a temporary file that holds a PDF could hide a name."""
    found = [path.relative_to(watched.root) for path in watched.root.rglob("*") if path.is_file()]
    return [str(path) for path in found if not KNOWN_FILES.fullmatch(str(path))]


def assert_search_finds_what_people_received(watched: Watched, folder: Path) -> None:
    """The same search over telephones, mailboxes and the officers' screens: it must find every one of them."""
    received = folder / "received"
    received.mkdir()
    for number, content in watched.received.items():
        (received / f"answer-{number}").write_bytes(content)
    for index, mail in enumerate(watched.stage.mails.mails):
        (received / f"mail-{index}").write_bytes(mail.raw)
    for index, arrival in enumerate(watched.stage.phones.phone):
        (received / f"text-{index}").write_text(arrival.text)
    assert read_link(link_in(watched.stage.phones.phone[0].text)).person

    finding = watched.search.run(received)

    assert set(finding.hits) == set(finding.files)
    assert len(finding.files) > len(ACCEPTED) + 100
    shutil.rmtree(received)


def test_the_search_can_fail(tmp_path):
    """Each marker, hidden in every way that the claim names, is found; text without a marker is not."""
    canary = CANARIES[137]
    search = MarkerSearch(canary.markers(), tmp_path / "forms")
    planted = plant(tmp_path / "planted", canary)
    (tmp_path / "clean").mkdir()
    (tmp_path / "clean" / "random").write_bytes(os.urandom(1 << 20))
    (tmp_path / "clean" / "other").write_text(" ".join(CANARIES[138].markers()) + datetime.now(UTC).isoformat())

    assert len(search.run(tmp_path / "planted").hits) == planted
    assert search.run(tmp_path / "clean").hits == ()
    (tmp_path / "clean" / canary.email).touch()
    with pytest.raises(AssertionError, match="name of a file"):
        search.run(tmp_path / "clean")
