"""Connections to the mail server: encrypted or not made at all, kept open, one sender at a time on each.

An ``aiosmtplib.SMTP`` can't be shared by concurrent senders, so each sender takes one out of the pool
and puts it back. ``starttls`` here means required: the library's own default is to go on in the clear
when the server (or someone in between) offers no STARTTLS.
"""

import asyncio
import contextlib
import ssl
import time
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

import aiosmtplib

from receipt_service.errors import ConfigurationError

MAILS_PER_CONNECTION = 100
"""Servers commonly cut a client off after some hundred messages; a new connection is cheaper than a lost answer."""


class Security(StrEnum):
    """How the connection is protected."""

    STARTTLS = "starttls"
    TLS = "tls"
    NONE = "none"
    """For a demonstration's own machine only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SmtpSettings:
    """How to reach the mail server and who writes."""

    host: str
    port: int
    sender: str
    """Address in From, and of the envelope: bounces come back to it."""
    sender_name: str = ""
    security: Security = Security.STARTTLS
    ca_file: Path | None = None
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    limit_seconds: float = 30.0
    """The whole time one mail may take."""
    connections: int = 8
    idle_seconds: float = 20.0
    plain_allowed: bool = False


def tls_context(settings: SmtpSettings) -> ssl.SSLContext | None:
    """Build the context that checks the server's certificate and name; None where no TLS is allowed and wanted.

    Raises:
        ConfigurationError: unencrypted outside a demonstration, a password without encryption, or an unusable CA file.

    """
    if settings.security is Security.NONE:
        if not settings.plain_allowed:
            raise ConfigurationError("e-mail must be sent over TLS or STARTTLS")
        if settings.username is not None:
            raise ConfigurationError("a mail password is never sent without TLS")
        return None
    try:
        context = ssl.create_default_context(cafile=settings.ca_file)
    except (OSError, ssl.SSLError) as error:
        raise ConfigurationError(f"the mail server's CA file can't be used ({type(error).__name__})") from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


@dataclass(slots=True)
class Connection:
    """One connection with what is known of it."""

    smtp: aiosmtplib.SMTP
    mails: int = 0
    idle_since: float = 0.0

    @property
    def rested(self) -> float:
        """Seconds since it carried a mail; 0 when it is new."""
        return time.monotonic() - self.idle_since if self.mails else 0.0


class Connections:
    """At most ``settings.connections`` of them at once, the most recently used first."""

    def __init__(self, settings: SmtpSettings) -> None:
        """Check the settings; nothing is connected yet.

        Raises:
            ConfigurationError: as ``tls_context``, or a user name without a password.

        """
        if (settings.username is None) != (settings.password is None):
            raise ConfigurationError("a mail user name and its password come together")
        if settings.limit_seconds <= 0 or settings.connections < 1:
            raise ConfigurationError("the mail time limit and number of connections must be positive")
        self._settings = settings
        self._context = tls_context(settings)
        self._idle: list[Connection] = []
        self._slots = asyncio.Semaphore(settings.connections)

    async def take(self, *, fresh: bool = False) -> Connection:
        """Return an open, authenticated connection; raises what ``aiosmtplib`` raises on the way there.

        The caller gives it back with ``give_back`` or ``discard``. ``fresh`` asks for a new one.
        """
        await self._slots.acquire()
        try:
            while self._idle:
                connection = self._idle.pop()
                if not fresh and self._usable(connection):
                    return connection
                cut(connection.smtp)
            return Connection(await self._connect())
        except BaseException:
            self._slots.release()
            raise

    def give_back(self, connection: Connection) -> None:
        """Keep the connection for the next sender, unless it has carried enough."""
        self._slots.release()
        connection.mails += 1
        connection.idle_since = time.monotonic()
        if connection.mails < MAILS_PER_CONNECTION and connection.smtp.is_connected:
            self._idle.append(connection)
        else:
            cut(connection.smtp)

    def discard(self, connection: Connection) -> None:
        """Close a connection on which something went wrong."""
        self._slots.release()
        cut(connection.smtp)

    async def aclose(self) -> None:
        """Take leave of the server, and let the event loop see the connections closed."""
        while self._idle:
            smtp = self._idle.pop().smtp
            with contextlib.suppress(aiosmtplib.SMTPException, OSError):
                await smtp.quit(timeout=1)
            cut(smtp)
        await asyncio.sleep(0)

    def _usable(self, connection: Connection) -> bool:
        return connection.smtp.is_connected and connection.rested < self._settings.idle_seconds

    async def _connect(self) -> aiosmtplib.SMTP:
        settings = self._settings
        smtp = aiosmtplib.SMTP(
            hostname=settings.host,
            port=settings.port,
            timeout=settings.limit_seconds,
            use_tls=settings.security is Security.TLS,
            start_tls=settings.security is Security.STARTTLS,
            tls_context=self._context,
        )
        try:
            await smtp.connect()
            if settings.username is not None and settings.password is not None:
                await smtp.login(settings.username, settings.password)
            elif smtp.is_ehlo_or_helo_needed:
                await smtp.ehlo()  # what the server said before STARTTLS counts no more
        except BaseException:
            cut(smtp)
            raise
        return smtp


def cut(smtp: aiosmtplib.SMTP) -> None:
    """Close at once: a polite TLS goodbye would wait for a server that may be silent."""
    transport = smtp.transport
    smtp.close()
    if isinstance(transport, asyncio.WriteTransport):
        transport.abort()
