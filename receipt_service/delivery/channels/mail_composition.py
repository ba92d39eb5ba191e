"""From a rendered mail to the bytes that SMTP carries (RFC 5322, MIME), the same bytes for every attempt.

The Message-ID follows from the message's number alone, so that a mailbox that gets a mail twice, since the
answer to the first was lost, can show it once.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.policy import EmailPolicy
from email.utils import format_datetime

from email_validator import EmailNotValidError, validate_email

from receipt_service.delivery.channel import MailContent
from receipt_service.errors import ConfigurationError


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
    """Build multipart/mixed (alternative (text, HTML), attachments), with CRLF line ends, 7 bit unless SMTPUTF8."""
    policy: EmailPolicy = SMTP_POLICY.clone(utf8=True) if to.ascii is None else SMTP_POLICY
    mail = EmailMessage(policy=policy)
    local, _, domain = letterhead.address.rpartition("@")
    mail["From"] = Address(letterhead.name, local, domain)
    mail["To"] = Address(username=to.local, domain=to.domain)
    mail["Subject"] = content.subject
    mail["Date"] = format_datetime(date.astimezone(UTC))
    mail["Message-ID"] = message_identifier(message_id, letterhead)
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Auto-Response-Suppress"] = "All"
    mail.set_content(content.text, cte="quoted-printable")
    mail.add_alternative(content.html, subtype="html", cte="quoted-printable")
    for attachment in content.attachments:
        main, _, sub = attachment.media_type.partition("/")
        mail.add_attachment(attachment.data, maintype=main, subtype=sub, filename=attachment.filename)
    mail["Content-Language"] = content.language  # last: adding parts moves Content- headers into the first of them
    return mail.as_bytes()
