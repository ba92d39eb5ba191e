"""A real SMTP server that keeps every mail and sends nothing on: the demonstration's mailbox.

aiosmtpd in a thread, on loopback, with STARTTLS (or TLS from the first byte) and, where asked for, a password. File
names are numbers: they never say whose mail it is.
"""

import asyncio
import itertools
import logging
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from receipt_service.demo.certificates import ServerCertificate
from receipt_service.errors import Unavailable

_START_SECONDS = 10.0
logging.getLogger("mail.log").setLevel(logging.CRITICAL)  # aiosmtpd would log addresses


@dataclass(frozen=True, slots=True, repr=False)
class ReceivedMail:
    """A mail as it came in."""

    recipients: tuple[str, ...]
    sender: str
    raw: bytes
    at: datetime
    encrypted: bool
    file: Path | None


@dataclass  # without slots: aiosmtpd lists a handler's members, which fails on them before Python 3.11.4
class Keeper:
    """aiosmtpd's handler: keeps mails in memory, and in ``folder`` as ``mail-000001.eml`` where one is given."""

    folder: Path | None = None
    mails: deque[ReceivedMail] = field(default_factory=lambda: deque(maxlen=50_000))
    on_mail: Callable[[ReceivedMail], None] | None = None
    _numbers: Any = field(default_factory=lambda: itertools.count(1))

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's
        """Keep a mail."""
        raw = envelope.original_content or b""
        number = next(self._numbers)
        file = None if self.folder is None else self.folder / f"mail-{number:06}.eml"
        if file is not None:
            file.write_bytes(raw)
        mail = ReceivedMail(
            recipients=tuple(envelope.rcpt_tos),
            sender=envelope.mail_from or "",
            raw=raw,
            at=datetime.now(UTC),
            encrypted=server.transport is not None and server.transport.get_extra_info("sslcontext") is not None,
            file=file,
        )
        self.mails.append(mail)
        if self.on_mail is not None:
            self.on_mail(mail)
        return f"250 2.0.0 Kept as number {number}"


class _BulkSmtp(SMTP):
    """aiosmtpd, but DATA is read in one go: line by line, a mail with a PDF takes it four times as long."""

    line_length_limit = 16 * 1024 * 1024  # of the stream reader; commands have their own limit

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802 - aiosmtpd's
        """Take a mail (RFC 5321 §4.1.1.4) and let the handler answer."""
        if await self.check_helo_needed() or await self.check_auth_needed("DATA"):
            return
        if self.envelope is None or not self.envelope.rcpt_tos:
            await self.push("503 Error: need RCPT command")
            return
        if arg:
            await self.push("501 Syntax: DATA")
            return
        await self.push("354 End data with <CR><LF>.<CR><LF>")
        raw = await self._reader.readuntil(b"\r\n.\r\n")
        text = raw[: -len(b".\r\n")].replace(b"\r\n..", b"\r\n.")
        self.envelope.content = self.envelope.original_content = text.removeprefix(b".") if text[:2] == b".." else text
        status = await self._call_handler_hook("DATA")
        self._set_post_data_state()  # type: ignore[no-untyped-call]
        await self.push(status)


class SmtpServerThread:
    """aiosmtpd on a port of loopback, in a thread, while the context lasts. ``port`` 0 takes a free one."""

    def __init__(
        self,
        handler: Any,
        certificate: ServerCertificate | None,
        *,
        port: int = 0,
        implicit_tls: bool = False,
        login: tuple[str, str] | None = None,
        offers_starttls: bool = True,
    ) -> None:
        """Without ``certificate`` there is no encryption; with it, nothing is taken without."""
        self.port = port
        self._handler = handler
        self._context = None if certificate is None else certificate.server_context()
        self._implicit_tls = implicit_tls
        self._login = login
        self._starttls = self._context is not None and not implicit_tls and offers_starttls
        self._ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True, name="mail-sink")

    def __enter__(self) -> Self:
        """Start and wait until it listens. Raises ``Unavailable``."""
        self._thread.start()
        if not self._ready.wait(_START_SECONDS):
            raise Unavailable("the mail sink does not start")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop listening and cut what is connected."""
        if self._loop is not None and self._stop is not None:
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(_START_SECONDS)

    def _protocol(self) -> SMTP:
        options: dict[str, Any] = {"hostname": "localhost", "ident": "mail sink", "enable_SMTPUTF8": True}
        if self._starttls:
            options |= {"tls_context": self._context, "require_starttls": True}
        if self._login is not None:
            options |= {"authenticator": self._authenticate, "auth_required": True}
        server = _BulkSmtp(self._handler, loop=self._loop, **options)
        if self._implicit_tls:
            server._auth_require_tls = False  # noqa: SLF001 - it knows STARTTLS only; here TLS comes first
        return server

    def _authenticate(self, _server: SMTP, _session: Session, _envelope: Envelope, _how: str, given: Any) -> AuthResult:
        fits = isinstance(given, LoginPassword) and (given.login.decode(), given.password.decode()) == self._login
        return AuthResult(success=fits, handled=False)

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        context = self._context if self._implicit_tls else None
        server = await self._loop.create_server(self._protocol, "127.0.0.1", self.port, ssl=context)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stop.wait()
        server.close()
        for task in asyncio.all_tasks():
            if task is not asyncio.current_task():
                task.cancel()


class MailSink(SmtpServerThread):
    """The mailbox of the demonstration."""

    def __init__(
        self,
        certificate: ServerCertificate | None,
        *,
        folder: Path | None = None,
        port: int = 0,
        implicit_tls: bool = False,
        login: tuple[str, str] | None = None,
        on_mail: Callable[[ReceivedMail], None] | None = None,
    ) -> None:
        """Mails are kept in ``mails``, and as files in ``folder`` where one is given."""
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
        keeper = Keeper(folder, on_mail=on_mail)
        super().__init__(keeper, certificate, port=port, implicit_tls=implicit_tls, login=login)
        self.mails = keeper.mails
