"""The stage of the crash test: neighbours that never die, clients that never give up, and processes that keep dying."""

import json
import os
import random
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from aiosmtpd.smtp import SMTP, Envelope, Session
from sqlalchemy import Engine

from receipt_service.bootstrap.keyring import Keyring, generate_key
from receipt_service.bootstrap.law import load_law
from receipt_service.bootstrap.statistics_key import make_statistics_key
from receipt_service.config.loading import load
from receipt_service.config.processes import ApiSettings
from receipt_service.delivery.worker.epochs import EpochKeys
from receipt_service.demo.api_client import ApiClient
from receipt_service.demo.certificates import make_certificate
from receipt_service.demo.mail_sink import Keeper, ReceivedMail, SmtpServerThread
from receipt_service.demo.service_processes import free_port
from receipt_service.demo.stage import EMAIL_SENDER, SENDER
from receipt_service.demo.threaded_server import ThreadedServer
from receipt_service.demo.twilio_stand_in import Account, create_stand_in
from receipt_service.demo.twilio_store import Manner, MessageStore, Record
from receipt_service.issuance.directory import import_directory
from receipt_service.storage.engine import open_engine
from tests.support.api import DIRECTORY

OFFICER = "agent-2"
ROOT = Path(__file__).parents[2]
PATIENCE_SECONDS = 8.0
"""How long a process may take to its point; then it is killed wherever it is, and the point tried again."""


class Assassin:
    """Kills a process from outside, in the moment in which a neighbour has taken its message and not yet answered."""

    def __init__(self) -> None:
        self.victim: int | None = None

    def strike(self) -> None:
        victim, self.victim = self.victim, None
        if victim is not None:
            with suppress(ProcessLookupError):
                os.kill(victim, signal.SIGKILL)


class Phones(MessageStore):
    """The SMS provider's memory."""

    assassin = Assassin()

    def take(self, *, to: str, sender: str, body: str, manner: Manner) -> Record:
        record = super().take(to=to, sender=sender, body=body, manner=manner)
        self.assassin.strike()
        return record


class Mailboxes(Keeper):
    """A mail server's handler that puts some off for ever and knows nothing of others; it quotes them, as many do."""

    async def handle_RCPT(self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _o: Any) -> str:  # noqa: N802
        if address.startswith("later"):
            return f"450 4.2.0 <{address}> greylisted"
        if address.startswith("nobody"):
            return f"550 5.1.1 <{address}> no such user"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 ok"


@dataclass(frozen=True)
class Submission:
    """A check as its client sent it, and the answer it got."""

    key: UUID
    body: dict[str, Any]
    content: bytes

    @property
    def answer(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.content)
        return found

    @property
    def recipient(self) -> dict[str, Any]:
        chosen: dict[str, Any] = self.body["recipient"]
        return chosen

    @property
    def sleeps(self) -> bool:
        return "later" in self.recipient.get("email", "")


@dataclass
class CrashStage:
    """Everything around the processes that die."""

    folder: Path
    engine: Engine
    settings: dict[str, str]
    phones: Phones
    mails: Mailboxes
    keyring: Keyring
    sms_assassin: Assassin = field(default_factory=Assassin)
    mail_assassin: Assassin = field(default_factory=Assassin)
    spoiled: threading.Event = field(default_factory=threading.Event)
    """Set by the first answer that no crash explains: there is no point in going on."""

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    @property
    def url(self) -> str:
        return self.settings["RECEIPT_PUBLIC_URL"]

    @property
    def epochs(self) -> EpochKeys:
        return EpochKeys(self.folder / "keys" / "epochs", self.folder / "keys" / "sealing")

    def sql(self, statement: str) -> list[Any]:
        with self.engine.connect() as connection:
            return list(connection.exec_driver_sql(statement))

    def client(self) -> ApiClient:
        return ApiClient(self.url, token_url=f"{self.url}/demo/oidc/token")


@contextmanager
def crash_stage(folder: Path, database_url: str) -> Iterator[CrashStage]:
    """Keys, directory, SMS provider, mail server; no process of the service yet."""
    with ExitStack() as stack:
        (folder / "mail").mkdir()
        certificate = make_certificate(folder / "mail")
        phones, account = Phones(), Account(f"AC{secrets.token_hex(16)}", secrets.token_hex(16))
        provider = stack.enter_context(ThreadedServer(create_stand_in(account, phones), free_port()))
        mails = Mailboxes()
        mail_server = stack.enter_context(SmtpServerThread(mails, certificate))
        settings = {
            "RECEIPT_DEMO": "true",
            "RECEIPT_DATA_FOLDER": str(folder),
            "RECEIPT_DATABASE_URL": database_url,
            "RECEIPT_PUBLIC_URL": f"http://127.0.0.1:{free_port()}",
            "RECEIPT_SMS_SENDER": SENDER,
            "RECEIPT_TWILIO_URL": provider.url,
            "RECEIPT_TWILIO_ACCOUNT_SID": account.sid,
            "RECEIPT_TWILIO_AUTH_TOKEN": account.auth_token,
            "RECEIPT_TWILIO_TIMEOUT_SECONDS": "4",
            "RECEIPT_SMTP_HOST": "localhost",
            "RECEIPT_SMTP_PORT": str(mail_server.port),
            "RECEIPT_SMTP_CA_FILE": str(certificate.ca_file),
            "RECEIPT_SMTP_TIMEOUT_SECONDS": "4",
            "RECEIPT_EMAIL_SENDER": EMAIL_SENDER,
            "RECEIPT_LEASE_SECONDS": "8",
            "RECEIPT_UNKNOWN_GRACE_SECONDS": "2",
            "RECEIPT_WORKER_CONCURRENCY": "6",
            "RECEIPT_WORKER_POLL_SECONDS": "0.2",
        }
        api_settings = load(
            ApiSettings,
            demo=True,
            data_folder=folder,
            database_url=database_url,
            public_url=settings["RECEIPT_PUBLIC_URL"],
        )
        engine = _populated(api_settings)
        stack.callback(engine.dispose)
        keyring = Keyring.load(api_settings.issuer_keys, None, datetime.now(UTC))
        made = CrashStage(folder, engine, settings, phones, mails, keyring)
        phones.assassin = made.sms_assassin
        mails.on_mail = lambda _: made.mail_assassin.strike()
        yield made


def _populated(settings: ApiSettings) -> Engine:
    now, law = datetime.now(UTC), load_law()
    generate_key(settings.issuer_keys, None, now)
    make_statistics_key(settings.data_folder / "keys" / "statistics")
    EpochKeys(settings.data_folder / "keys" / "epochs", settings.sealing_keys).prepare(now)
    engine = open_engine(settings.database)
    report = import_directory(engine, DIRECTORY.encode(), catalogue=law.current, territory=law.territory, now=now)
    assert not report.faults
    return engine


class Lives:
    """One role's processes, one after the other; counts how they end."""

    def __init__(self, role: str, stage: CrashStage) -> None:
        self.role, self.stage = role, stage
        self.deaths: Counter[str] = Counter()
        self.other_ends: list[int] = []
        self.pid = 0
        self._nursery = subprocess.Popen(
            [sys.executable, "-m", "tests.support.crash_nursery"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def _order(self, **order: Any) -> Any:
        assert self._nursery.stdin is not None
        assert self._nursery.stdout is not None
        self._nursery.stdin.write(json.dumps(order) + "\n")
        self._nursery.stdin.flush()
        return json.loads(self._nursery.stdout.readline())

    def start(self, point: str | None = None, *, nth: int = 1, hours: int = 0) -> None:
        log = str(self.stage.folder / f"{self.role}.log")
        places = {"role": self.role, "port": self.stage.port, "log": log, "settings": self.stage.settings}
        self.pid = self._order(do="start", point=point, nth=nth, hours=hours, **places)

    def stay(self, hours: int = 0) -> None:
        """Start a process that nothing kills, and wait until it is at work; again where its database was away."""
        log = self.stage.folder / f"{self.role}.log"
        read = log.stat().st_size
        self.start(hours=hours)
        end = time.monotonic() + 60
        while f'"{self.role}_started"'.encode() not in log.read_bytes()[read:]:
            assert time.monotonic() < end, f"{self.role}: not at work within a minute"
            code = self.wait(0.1)
            if code is not None:
                self.other_ends.append(code)
                self.start(hours=hours)

    def wait(self, seconds: float) -> int | None:
        return self._order(do="wait", seconds=seconds)  # type: ignore[no-any-return]

    def end(self, number: int = signal.SIGTERM) -> int:
        self._order(do="signal", number=number)
        code: int | None = self.wait(60)
        assert code is not None, f"{self.role}: alive a minute after signal {number}"
        return code

    def live_until(self, point: str, *, nth: int = 1, hours: int = 0, patience: float = PATIENCE_SECONDS) -> bool:
        """Start a process that dies at ``point``; say whether it got there. It is dead in any case."""
        assassin = {"sms_taken": self.stage.sms_assassin, "mail_taken": self.stage.mail_assassin}.get(point)
        self.start(None if assassin or point == "anywhere" else point, nth=nth, hours=hours)
        if assassin:
            assassin.victim = self.pid
        code = self.wait(random.uniform(0.1, 0.9) if point == "anywhere" else patience)
        if assassin:
            assassin.victim = None
        reached = code == -signal.SIGKILL
        if code is None:
            code = self.end(signal.SIGKILL)
            reached = point == "anywhere"
        if code == -signal.SIGKILL:
            self.deaths[point if reached else "anywhere"] += 1
        else:
            self.other_ends.append(code)
        return reached

    def run(self, plan: list[str], seed: int) -> list[str]:
        """Live and die through a plan of points; return those that were never reached."""
        choice, missed = random.Random(seed), []
        for point in plan:
            if self.stage.spoiled.is_set():
                break
            nth, end = choice.randint(1, 3), time.monotonic() + 10 * PATIENCE_SECONDS
            while not self.live_until(point, nth=nth):  # not reached in time, or refused while its database recovers
                nth = 1
                if time.monotonic() > end:
                    missed.append(point)
                    break
                time.sleep(0.05)
        return missed

    def close(self) -> None:
        self._nursery.kill()
        self._nursery.wait()
        for pipe in (self._nursery.stdin, self._nursery.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()


def received_by(mails: list[ReceivedMail]) -> dict[str, list[ReceivedMail]]:
    """Sort mails by the address that got them."""
    found: dict[str, list[ReceivedMail]] = {}
    for mail in mails:
        for address in mail.recipients:
            found.setdefault(address, []).append(mail)
    return found


def comes_true(condition: Callable[[], bool], seconds: float) -> bool:
    """Ask until it is so, or the time is over."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.1)
    return True


def wait_for(condition: Callable[[], bool], seconds: float, what: str) -> None:
    """Ask until it is so."""
    assert comes_true(condition, seconds), f"not within {seconds:.0f} s: {what}"
