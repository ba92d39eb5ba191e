"""From a rendered mail to the bytes that SMTP carries (RFC 5322, MIME), the same for every attempt.

The Message-ID follows from the message's number alone, so that a mailbox that gets a mail twice, since the
answer to the first was lost, can show it once.
"""

import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import format_datetime
from functools import lru_cache

import pybase64
from email_validator import EmailNotValidError, validate_email

from receipt_service.delivery.channel import Attachment, MailContent
from receipt_service.errors import ConfigurationError

_PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_MEDIA_TYPE = re.compile(r"[a-z]+/[a-z0-9.+-]+")


@dataclass(frozen=True, slots=True, repr=False)
class Mailbox:
    """An address that SMTP can carry. ``ascii`` is None when its local part needs SMTPUTF8 (RFC 6531)."""

    local: str
    domain: str
    ascii: str | None

    @property
    def address(self) -> str:
        """The address as it goes into RCPT TO."""
        return self.ascii or f"{self.local}@{self.domain}"


def read_mailbox(address: str) -> Mailbox | None:
    """Parse an address strictly; None when it is none. The domain comes out in its ASCII form (IDNA)."""
    try:
        parsed = validate_email(address, check_deliverability=False, test_environment=True)
    except EmailNotValidError:
        return None
    return Mailbox(parsed.local_part, parsed.ascii_domain, parsed.ascii_email)


@dataclass(frozen=True, slots=True)
class Letterhead:
    """Who writes: the address and name in From, and the domain in Message-ID."""

    address: str
    name: str

    @property
    def domain(self) -> str:
        """The part behind the at sign."""
        return self.address.rpartition("@")[2]


def check_letterhead(address: str, name: str) -> Letterhead:
    """Build the letterhead.

    Raises:
        ConfigurationError: the sender's address is none, or its name holds a line break.

    """
    mailbox = read_mailbox(address)
    if mailbox is None or mailbox.ascii is None:
        raise ConfigurationError("the e-mail sender must be a plain address with an ASCII local part")
    if any(ord(character) < ord(" ") for character in name):
        raise ConfigurationError("the e-mail sender's name holds a control character")
    return Letterhead(mailbox.ascii, name)


def message_identifier(message_id: str, letterhead: Letterhead) -> str:
    """Return the Message-ID of a message: always the same for the same message."""
    return f"<receipt.{message_id}@{letterhead.domain}>"


def compose(content: MailContent, *, to: Mailbox, letterhead: Letterhead, message_id: str, date: datetime) -> bytes:
    """Build multipart/mixed (alternative (text, HTML), attachments), with CRLF line ends, 7 bit unless SMTPUTF8.

    The library writes the headers, where encodings are subtle. The parts are put together here: the library takes
    ten times as long over an attached PDF as the PDF takes to encode.
    """
    words = _multipart(
        "alternative",
        f"=_words_{message_id}",
        [_text("plain", content.text), _text("html", content.html)],
    )
    attached = [_attached(attachment) for attachment in content.attachments]
    mixed = _multipart("mixed", f"=_receipt_{message_id}", [words, *attached])
    standing = _standing_head(letterhead, content.subject, content.language)
    own = (
        f"To: {Address(username=to.local, domain=to.domain)}\r\n"
        f"Date: {format_datetime(date.astimezone(UTC))}\r\n"
        f"Message-ID: {message_identifier(message_id, letterhead)}\r\n"
    )
    return standing + own.encode() + mixed


@lru_cache(maxsize=64)
def _standing_head(letterhead: Letterhead, subject: str, language: str) -> bytes:
    """Write the headers that all mails of a kind share; nothing in them is about a person."""
    mail = EmailMessage(policy=SMTP_POLICY)
    local, _, domain = letterhead.address.rpartition("@")
    mail["From"] = Address(letterhead.name, local, domain)
    mail["Subject"] = subject
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Auto-Response-Suppress"] = "All"
    mail["Content-Language"] = language
    mail["MIME-Version"] = "1.0"
    return mail.as_bytes().removesuffix(b"\r\n")


def _multipart(subtype: str, boundary: str, parts: Sequence[bytes]) -> bytes:
    """Join parts (RFC 2046 §5.1). No line of quoted-printable or base64 can hold the ``=_`` of the boundary."""
    head = f'Content-Type: multipart/{subtype}; boundary="{boundary}"\r\n\r\n'.encode()
    opening = f"--{boundary}\r\n".encode()
    return head + b"".join(opening + part + b"\r\n" for part in parts) + f"--{boundary}--\r\n".encode()


def _text(subtype: str, text: str) -> bytes:
    """Write a text in quoted-printable (RFC 2045 §6.7)."""
    head = f'Content-Type: text/{subtype}; charset="utf-8"\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n'
    lines = text.replace("\r\n", "\n").replace("\r", "\n").removesuffix("\n") + "\n"
    return head.encode() + binascii.b2a_qp(lines.replace("\n", "\r\n").encode(), istext=True)


def _attached(attachment: Attachment) -> bytes:
    """Write an attachment in base64, in lines of 76 (RFC 2045 §6.8)."""
    if not _PLAIN_NAME.fullmatch(attachment.filename) or not _MEDIA_TYPE.fullmatch(attachment.media_type):
        raise ValueError("an attachment's name and type are plain words")
    head = (
        f"Content-Type: {attachment.media_type}\r\nContent-Transfer-Encoding: base64\r\n"
        f'Content-Disposition: attachment; filename="{attachment.filename}"\r\n\r\n'
    )
    lines = pybase64.encodebytes(attachment.data).removesuffix(b"\n")
    return head.encode() + lines.replace(b"\n", b"\r\n")
