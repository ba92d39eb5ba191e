"""The stage of a demonstration: a fresh folder, neighbours of the service, and the service in its own processes.

| below the folder | what |
|---|---|
| ``service/`` | everything the service keeps: database, keys |
| ``logs/`` | what its processes wrote |
| ``received/`` | what people got: mails, PDFs, receipt files |
| ``neighbours/`` | the certificate of the mail server, the witness of the log and its policy |
| ``trust-root.json`` | the issuer's published keys, saved once: all that verification starts from |
"""

import secrets
import shutil
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from receipt_service.bootstrap.resources import schema_path
from receipt_service.demo.certificates import ServerCertificate, make_certificate
from receipt_service.demo.mail_sink import MailSink, ReceivedMail
from receipt_service.demo.service_processes import ServiceProcesses, free_port
from receipt_service.demo.threaded_server import ThreadedServer
from receipt_service.demo.twilio_stand_in import Account, create_stand_in
from receipt_service.demo.twilio_store import MessageStore
from receipt_service.errors import ConfigurationError

SENDER: Final = "RECEPISSE"
EMAIL_SENDER: Final = "recepisse@demonstration.example.org"
_MARK: Final = ".receipt-service-demo"
_POLICY: Final = "neighbours/witnesses.policy"
_WITNESS: Final = "temoin.example"
_NO_MORE: Final[Mapping[str, str]] = {}
_DELIVERY_TIME: Final = timedelta(seconds=0.2)
"""From the stand-in's taking a text to its being on the phone for the provider's records."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A running service with its neighbours."""

    folder: Path
    base_url: str
    processes: ServiceProcesses
    store: MessageStore
    """The provider's records and the phones."""
    mails: deque[ReceivedMail]
    reports: Mapping[str, str] = field(default_factory=dict)
    """What the commands of the set-up said."""

    @property
    def token_url(self) -> str:
        """Where the demonstration's own issuer gives tokens."""
        return f"{self.base_url}/demo/oidc/token"

    @property
    def directory(self) -> Path:
        """The sample directory that is imported."""
        return schema_path("examples", "directory.csv")

    @property
    def trust_root_file(self) -> Path:
        """The issuer's keys, saved at the start."""
        return self.folder / "trust-root.json"

    @property
    def trust_root(self) -> bytes:
        """The same, read."""
        return self.trust_root_file.read_bytes()

    @property
    def service_folder(self) -> Path:
        """Where the service keeps its data."""
        return self.folder / "service"

    @property
    def database(self) -> Path:
        """The service's SQLite file."""
        return self.service_folder / "receipts.sqlite3"

    @property
    def logs(self) -> Path:
        """Where the service's processes wrote to."""
        return self.folder / "logs"

    @property
    def received(self) -> Path:
        """Where things that people got are saved."""
        return self.folder / "received"


def fresh_folder(folder: Path) -> Path:
    """Make an empty folder, in place of an earlier demonstration's but of nothing else's.

    Raises ``ConfigurationError`` when something else is there.
    """
    if folder.exists() and not folder.is_dir():
        raise ConfigurationError(f"{folder} is not a folder")
    if folder.is_dir() and any(folder.iterdir()):
        if not (folder / _MARK).is_file():
            raise ConfigurationError(f"{folder} holds files that no demonstration made; choose another --folder")
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / _MARK).touch()
    for name in ("service", "received", "logs", "neighbours"):
        (folder / name).mkdir(mode=0o700)
    return folder


def prepare_nothing(_stage: Stage) -> str:
    """Leave the database as the set-up made it."""
    return ""


@contextmanager
def open_stage(
    folder: Path,
    *,
    port: int = 0,
    processes: tuple[str, ...] = ("serve",),
    save_mails: bool = True,
    more_settings: Mapping[str, str] = _NO_MORE,
    prepare: Callable[[Stage], str] = prepare_nothing,
) -> Iterator[Stage]:
    """Set up everything and tear it down at the end.

    ``port`` 0 takes a free one; ``processes`` are the commands that stay (``serve``, or ``api`` and
    ``worker``); ``more_settings`` go before the stage's own; ``prepare`` is called when the database stands and
    no process runs yet, and tells what it did.

    Raises ``ConfigurationError``, ``ProcessFailed``, ``Unavailable``.
    """
    folder = fresh_folder(folder).resolve()
    base_url = f"http://127.0.0.1:{port or free_port()}"
    with ExitStack() as stack:
        certificate = make_certificate(folder / "neighbours")
        sink = stack.enter_context(MailSink(certificate, folder=folder / "received" if save_mails else None))
        store = MessageStore(delivery_time=_DELIVERY_TIME)
        account = Account(f"AC{secrets.token_hex(16)}", secrets.token_hex(16))
        provider = ThreadedServer(create_stand_in(account, store), free_port())
        stack.enter_context(provider)
        settings = {
            "RECEIPT_DEMO": "true",
            "RECEIPT_DATA_FOLDER": str(folder / "service"),
            "RECEIPT_PUBLIC_URL": base_url,
            "RECEIPT_LOG_POLICY_FILE": str(folder / _POLICY),
            **_sms_settings(provider.url, account),
            **_mail_settings(sink.port, certificate),
            **more_settings,
        }
        service = stack.enter_context(ServiceProcesses(settings, folder / "logs"))
        stage = Stage(folder=folder, base_url=base_url, processes=service, store=store, mails=sink.mails)
        yield _start(stage, processes, prepare)


def _sms_settings(url: str, account: Account) -> dict[str, str]:
    return {
        "RECEIPT_SMS_SENDER": SENDER,
        "RECEIPT_TWILIO_URL": url,
        "RECEIPT_TWILIO_ACCOUNT_SID": account.sid,
        "RECEIPT_TWILIO_AUTH_TOKEN": account.auth_token,
    }


def _mail_settings(port: int, certificate: ServerCertificate) -> dict[str, str]:
    return {
        "RECEIPT_SMTP_HOST": "localhost",
        "RECEIPT_SMTP_PORT": str(port),
        "RECEIPT_SMTP_CA_FILE": str(certificate.ca_file),
        "RECEIPT_EMAIL_SENDER": EMAIL_SENDER,
    }


def _start(stage: Stage, processes: tuple[str, ...], prepare: Callable[[Stage], str]) -> Stage:
    """Do what an operator does: keys, database, directory, processes; and what a verifier does: save the keys."""
    service = stage.processes
    signing_key = service.run("keys", "generate")
    log_keys = service.run("keys", "log", f"{urlsplit(stage.base_url).netloc}/log")
    _start_witness(stage, log_keys.split())
    service.run("migrate")
    imported = service.run("directory", "import", str(stage.directory))
    prepared = prepare(stage)
    address = ("--host", "127.0.0.1", "--port", str(urlsplit(stage.base_url).port))
    for command in processes:
        service.start(command, *(() if command == "worker" else address))
    service.wait_until_ready(f"{stage.base_url}/readyz")
    trusted = service.run("trust", "fetch", stage.base_url, "--trust-root", str(stage.trust_root_file))
    reports = {
        "signing key": signing_key,
        "log": log_keys.splitlines()[0],
        "directory": imported,
        "trust root": trusted,
        "prepared": prepared,
    }
    return replace(stage, reports=reports)


def _start_witness(stage: Stage, log_keys: list[str]) -> None:
    """Do what a third party does: make a witness, have it follow the log, run it, and give the log its keys."""
    service, port = stage.processes, free_port()
    folder = ("--folder", str(stage.folder / "neighbours" / "witness"))
    made = service.run("witness", "init", "--name", _WITNESS, "--url", f"http://127.0.0.1:{port}", *folder)
    service.run("witness", "add-log", *log_keys, *folder)
    _, _, lines = made.partition("\n\n")
    (stage.folder / _POLICY).write_text(f"{lines}quorum {_WITNESS}\n", encoding="utf-8")
    service.start("witness", "serve", *folder, "--port", str(port))
