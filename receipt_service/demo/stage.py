"""The stage of a demonstration: a fresh folder, neighbours of the service, and the service in its own processes.

| below the folder | what |
|---|---|
| ``service/`` | everything the service keeps: database, keys |
| ``logs/`` | what its processes wrote |
| ``received/`` | what people got: mails, PDFs, receipt files |
| ``neighbours/`` | the certificate of the mail server |
| ``trust-root.json`` | the issuer's published keys, saved once: all that verification starts from |
"""

import secrets
import shutil
import urllib.request
from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

from receipt_service.bootstrap.resources import schema_path
from receipt_service.demo.certificates import make_certificate
from receipt_service.demo.mail_sink import MailSink, ReceivedMail
from receipt_service.demo.service_processes import ServiceProcesses, free_port
from receipt_service.demo.threaded_server import ThreadedServer
from receipt_service.demo.twilio_stand_in import Account, create_stand_in
from receipt_service.demo.twilio_store import MessageStore
from receipt_service.errors import ConfigurationError
from receipt_service.verify.trust_root import TrustRoot

SENDER: Final = "RECEPISSE"
EMAIL_SENDER: Final = "recepisse@demonstration.example.org"
_MARK: Final = ".receipt-service-demo"
_DELIVERY_TIME: Final = timedelta(seconds=0.2)
"""From the stand-in's taking a text to its being on the phone for the provider's records."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A running service with its neighbours."""

    folder: Path
    base_url: str
    token_url: str
    directory: Path
    """The sample directory that was imported."""
    directory_report: str
    processes: ServiceProcesses
    store: MessageStore
    """The provider's records and the phones."""
    mails: deque[ReceivedMail]
    trust_root: bytes
    twilio_url: str

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


@contextmanager
def open_stage(
    folder: Path, *, port: int = 0, processes: tuple[str, ...] = ("serve",), save_mails: bool = True
) -> Iterator[Stage]:
    """Set up everything and tear it down at the end.

    ``port`` 0 takes a free one; ``processes`` are the commands that stay (``serve``, or ``api`` and
    ``worker``). Raises ``ConfigurationError``, ``ProcessFailed``, ``Unavailable``.
    """
    folder = fresh_folder(folder).resolve()
    with ExitStack() as stack:
        certificate = make_certificate(folder / "neighbours")
        sink = stack.enter_context(MailSink(certificate, folder=folder / "received" if save_mails else None))
        store = MessageStore(delivery_time=_DELIVERY_TIME)
        account = Account(f"AC{secrets.token_hex(16)}", secrets.token_hex(16))
        twilio_port = free_port()
        stack.enter_context(ThreadedServer(create_stand_in(account, store), twilio_port))
        port = port or free_port()
        base_url = f"http://127.0.0.1:{port}"
        twilio_url = f"http://127.0.0.1:{twilio_port}"
        settings = {
            "RECEIPT_DEMO": "true",
            "RECEIPT_DATA_FOLDER": str(folder / "service"),
            "RECEIPT_PUBLIC_URL": base_url,
            "RECEIPT_SMS_SENDER": SENDER,
            "RECEIPT_TWILIO_URL": twilio_url,
            "RECEIPT_TWILIO_ACCOUNT_SID": account.sid,
            "RECEIPT_TWILIO_AUTH_TOKEN": account.auth_token,
            "RECEIPT_SMTP_HOST": "localhost",
            "RECEIPT_SMTP_PORT": str(sink.port),
            "RECEIPT_SMTP_CA_FILE": str(certificate.ca_file),
            "RECEIPT_EMAIL_SENDER": EMAIL_SENDER,
        }
        service = stack.enter_context(ServiceProcesses(settings, folder / "logs"))
        directory = schema_path("examples", "directory.csv")
        service.run("migrate")
        service.run("keys", "generate")
        report = service.run("directory", "import", str(directory))
        for command in processes:
            address = () if command == "worker" else ("--host", "127.0.0.1", "--port", str(port))
            service.start(command, *address)
        service.wait_until_ready(f"{base_url}/readyz")
        trust_root = _save_trust_root(base_url, folder / "trust-root.json")
        yield Stage(
            folder=folder,
            base_url=base_url,
            token_url=f"{base_url}/demo/oidc/token",
            directory=directory,
            directory_report=report,
            processes=service,
            store=store,
            mails=sink.mails,
            trust_root=trust_root,
            twilio_url=twilio_url,
        )


def _save_trust_root(base_url: str, path: Path) -> bytes:
    """Fetch the issuer's metadata once and keep its keys, as a careful verifier does."""
    with urllib.request.urlopen(f"{base_url}/.well-known/jwt-vc-issuer", timeout=10) as answer:  # noqa: S310 - ours
        root = TrustRoot.from_issuer_metadata(answer.read(), base_url).to_json()
    path.write_bytes(root)
    return root
