"""E-mail by SMTP: what each refusal means depends on the phase in which it comes.

| phase | 4xx | 5xx | connection lost, time-out |
|---|---|---|---|
| connecting, EHLO, STARTTLS | transient | transient | transient |
| AUTH | transient | configuration | transient |
| MAIL FROM | transient | configuration | transient |
| RCPT TO | transient | permanent | transient |
| DATA | transient | permanent | **unknown** |

After the text has left, a lost answer tells nothing: the server may have stored the mail. It is sent again
after the grace with the same Message-ID, since SMTP can't be asked.
"""

import asyncio
import ssl
from dataclasses import dataclass
from enum import IntEnum

import aiosmtplib

from receipt_service.delivery.channel import (
    Absent,
    Capabilities,
    Dispatch,
    Gone,
    LookUpAnswer,
    MailContent,
    Pending,
    RedactAnswer,
    StatusAnswer,
)
from receipt_service.delivery.channels.mail_composition import Mailbox, check_letterhead, compose, read_mailbox
from receipt_service.delivery.channels.smtp_connections import Connection, Connections, SmtpSettings
from receipt_service.domain.message import Accepted, Configuration, Outcome, Permanent, Transient, Unknown

_OURS_TO_MEND = frozenset({503, 530, 534, 535, 538})
"""Authentication required or refused, or a wrong order of commands: never the recipient's fault."""
_PERMANENT_CLASS = 500
_TAKEN = frozenset({aiosmtplib.SMTPStatus.completed, aiosmtplib.SMTPStatus.will_forward})
TRUSTED_SECONDS = 1.0
"""A connection that rested longer is asked (RSET) whether the server has closed it, before a mail is at stake."""


class _Phase(IntEnum):
    CONNECT = 0
    MAIL = 1
    RCPT = 2
    DATA = 3


@dataclass(slots=True)
class _Progress:
    phase: _Phase = _Phase.CONNECT


class SmtpEmail:
    """The e-mail channel. Build it within an event loop; its calls may run concurrently."""

    provider = "smtp"
    capabilities = Capabilities(looks_up=False, follows_up=False, redacts=False)

    def __init__(self, settings: SmtpSettings) -> None:
        """Check the settings; nothing is connected yet.

        Raises:
            ConfigurationError: no encryption, an unusable CA file, or a sender that is no address.

        """
        self._letterhead = check_letterhead(settings.sender, settings.sender_name)
        self._connections = Connections(settings)
        self._limit = settings.limit_seconds

    async def send(self, dispatch: Dispatch[MailContent]) -> Outcome:
        """Hand the mail over once, within the whole time limit."""
        to = read_mailbox(dispatch.to)
        if to is None:
            return Permanent("address")
        mail = compose(
            dispatch.content,
            to=to,
            letterhead=self._letterhead,
            message_id=dispatch.message_id,
            date=dispatch.created_at,
        )
        progress = _Progress()
        try:
            async with asyncio.timeout(self._limit):
                await self._hand_over(mail, to, dispatch, progress)
        except (aiosmtplib.SMTPException, OSError) as failure:
            return classify(progress.phase, failure)
        return Accepted()

    async def look_up(self, dispatch: Dispatch[MailContent]) -> LookUpAnswer:
        """Answer that the mail may be sent again: nobody can be asked, and its Message-ID makes a repeat harmless."""
        del dispatch
        return Absent()

    async def status(self, ref: str) -> StatusAnswer:
        """Know nothing more: accepted is all that SMTP says."""
        del ref
        return Pending()

    async def redact(self, ref: str) -> RedactAnswer:
        """Erase nothing: the mail is in the recipient's mailbox."""
        del ref
        return Gone()

    async def aclose(self) -> None:
        """Close the connections."""
        await self._connections.aclose()

    async def _hand_over(self, mail: bytes, to: Mailbox, dispatch: Dispatch[MailContent], progress: _Progress) -> None:
        connection = await self._connections.take()
        if connection.rested > TRUSTED_SECONDS and not await self._still_there(connection):
            connection = await self._connections.take(fresh=True)
        try:
            await self._transact(connection.smtp, mail, to, dispatch, progress)
        except aiosmtplib.SMTPResponseException:
            await self._reset(connection)
            raise
        except BaseException:
            self._connections.discard(connection)
            raise
        self._connections.give_back(connection)

    async def _still_there(self, connection: Connection) -> bool:
        """Ask a connection that has rested whether it lives; a server may have closed it, and nothing is lost yet."""
        try:
            await connection.smtp.rset()
        except (aiosmtplib.SMTPException, OSError):
            self._connections.discard(connection)
            return False
        except BaseException:
            self._connections.discard(connection)
            raise
        return True

    async def _transact(
        self, smtp: aiosmtplib.SMTP, mail: bytes, to: Mailbox, dispatch: Dispatch[MailContent], progress: _Progress
    ) -> None:
        progress.phase = _Phase.MAIL
        options = [f"ENVID={dispatch.message_id}", "RET=HDRS"] if smtp.supports_extension("dsn") else []
        encoding = "ascii"
        if to.ascii is None:
            if not smtp.supports_extension("smtputf8"):
                raise aiosmtplib.SMTPNotSupported("the server takes ASCII addresses only")
            options.append("SMTPUTF8")
            encoding = "utf-8"
        await _command(smtp, f"MAIL FROM:<{self._letterhead.address}>", *options, encoding=encoding)
        progress.phase = _Phase.RCPT
        await _command(smtp, f"RCPT TO:<{to.address}>", encoding=encoding)
        progress.phase = _Phase.DATA
        await _give_text(smtp, mail)

    async def _reset(self, connection: Connection) -> None:
        """After a refusal, make the connection ready for the next mail, or let it go."""
        try:
            await connection.smtp.rset()
        except (aiosmtplib.SMTPException, OSError):
            self._connections.discard(connection)
        except BaseException:
            self._connections.discard(connection)
            raise
        else:
            self._connections.give_back(connection)


async def _command(smtp: aiosmtplib.SMTP, *words: str, encoding: str) -> None:
    """Give one command, without a time limit of its own: the whole mail has one.

    Its address is parsed already, which ``SMTP.mail`` and ``SMTP.rcpt`` would do again.
    """
    answer = await smtp.execute_command(*(word.encode(encoding) for word in words), timeout=None)
    if answer.code not in _TAKEN:
        raise aiosmtplib.SMTPResponseException(answer.code, answer.message)


async def _give_text(smtp: aiosmtplib.SMTP, mail: bytes) -> None:
    """Give DATA and the mail, whose lines end with CRLF already.

    ``SMTP.data`` would look for other line ends and for dots with two regular expressions, on the event loop: over a
    mail with a PDF they take longer than everything else that SMTP costs.
    """
    protocol = smtp.protocol
    if protocol is None:
        raise aiosmtplib.SMTPServerDisconnected("the connection was lost")
    answer = await smtp.execute_command(b"DATA", timeout=None)
    if answer.code != aiosmtplib.SMTPStatus.start_input:
        raise aiosmtplib.SMTPDataError(answer.code, answer.message)
    protocol.write(mail.replace(b"\r\n.", b"\r\n..") + b".\r\n")
    answer = await protocol.read_response()
    if answer.code != aiosmtplib.SMTPStatus.completed:
        raise aiosmtplib.SMTPDataError(answer.code, answer.message)


def classify(phase: int, failure: Exception) -> Outcome:
    """Turn what went wrong into an outcome, by the table above.

    The server's words are never kept: they name the mailbox. ``SMTPRecipientsRefused``, which has no code,
    doesn't occur, since the commands are given one by one.
    """
    match failure:
        case aiosmtplib.SMTPResponseException():
            return _classify_refusal(phase, failure)
        case aiosmtplib.SMTPNotSupported() if phase == _Phase.MAIL:
            return Permanent("smtputf8")
        case ssl.SSLError():
            code = "tls"
        case TimeoutError():
            code = "timeout"
        case _:
            code = "disconnected"
    if phase == _Phase.DATA:
        return Unknown(code)
    return Transient("unreachable" if phase == _Phase.CONNECT and code != "tls" else code)


def _classify_refusal(phase: int, refusal: aiosmtplib.SMTPResponseException) -> Outcome:
    code = str(refusal.code)
    if refusal.code < _PERMANENT_CLASS:
        return Transient(code)
    authenticating = isinstance(refusal, aiosmtplib.SMTPAuthenticationError)
    if authenticating or refusal.code in _OURS_TO_MEND or phase == _Phase.MAIL:
        return Configuration(code)
    return Transient(code) if phase == _Phase.CONNECT else Permanent(code)
