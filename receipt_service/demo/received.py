"""What a person receives, taken apart as the person could: the link in a text, the files in a mail or a PDF.

And its verification with nothing but a saved trust root, the same code that ``receipt-service verify`` runs.
"""

import email
import email.policy
import io
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from typing import Final
from urllib.parse import urlsplit

from pypdf import PdfReader
from pypdf.errors import PyPdfError

from receipt_service.domain.link import ReceiptLink
from receipt_service.errors import MalformedReceipt
from receipt_service.verify.links import verify_link
from receipt_service.verify.policy import EVERY_GROUP, Policy
from receipt_service.verify.trust_root import TrustRoot
from receipt_service.verify.verdict import Verdict
from receipt_service.verify.verifier import Verifier

RECEIPT_FILE: Final = "receipt.sd-jwt"
_LINK: Final = re.compile(r"https?://[^\s<>\"']+/r#[A-Za-z0-9_.\-]+")


class NothingReceived(MalformedReceipt):
    """A message came without the receipt that it should bring."""


@dataclass(frozen=True, slots=True, repr=False)
class Mail:
    """A mail as its recipient reads it."""

    to: str
    subject: str
    text: str
    receipt: str
    """The attached receipt file."""
    pdf: bytes


def link_in(text: str) -> str:
    """Find the link of a text message or mail. Raises ``NothingReceived``."""
    found = _LINK.search(text)
    if found is None:
        raise NothingReceived("the message holds no link to a receipt")
    return found.group()


def read_link(url: str) -> ReceiptLink:
    """Read the fragment of a link. Raises ``MalformedReceipt``."""
    return ReceiptLink.parse_fragment(urlsplit(url).fragment)


def read_mail(raw: bytes) -> Mail:
    """Open a mail and take out its text, PDF and receipt file. Raises ``NothingReceived``."""
    message = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(message, EmailMessage)  # noqa: S101 - what the default policy makes
    files: dict[str, bytes] = {}
    for part in message.iter_attachments():
        content = part.get_content()
        files[part.get_content_type()] = content if isinstance(content, bytes) else str(content).encode()
    body = message.get_body(("plain",))
    if body is None:
        raise NothingReceived("the mail has no text")
    pdf = files.pop("application/pdf", b"")
    if not pdf or len(files) != 1:
        raise NothingReceived("the mail does not bring one PDF and one receipt file")
    (receipt,) = files.values()
    return Mail(
        to=str(message["To"]),
        subject=str(message["Subject"]),
        text=str(body.get_content()),
        receipt=receipt.decode("ascii", "replace").strip(),
        pdf=pdf,
    )


def receipt_in_pdf(pdf: bytes) -> str:
    """Take the receipt file out of a PDF. Raises ``NothingReceived``."""
    try:
        files = PdfReader(io.BytesIO(pdf)).attachments
        content = files[RECEIPT_FILE][0]
    except (PyPdfError, KeyError, IndexError, ValueError):
        raise NothingReceived("the PDF has no receipt file inside") from None
    return content.decode("ascii", "replace").strip()


class Auditor:
    """Holds a trust root and gives verdicts; it asks the service for nothing."""

    def __init__(self, trust_root: bytes, issuer: str) -> None:
        """``trust_root`` is the saved file; ``issuer`` the only one expected."""
        root = TrustRoot.from_json(trust_root)
        self._whole = Verifier(root, Policy(issuer=issuer, required=EVERY_GROUP))
        self._any = Verifier(root, Policy(issuer=issuer))

    def receipt(self, compact: str) -> Verdict:
        """Verify a receipt, all five groups of which must be there."""
        return self._whole.verify(compact, datetime.now(UTC))

    def stub(self, compact: str) -> Verdict:
        """Verify a stub."""
        return self._any.verify(compact, datetime.now(UTC))

    def link(self, link: ReceiptLink, stub: str) -> tuple[Verdict, str | None]:
        """Verify the receipt that a link and its stub make, and give it."""
        verdict, receipt = verify_link(self._whole, link, stub, datetime.now(UTC))
        return verdict, None if receipt is None else receipt.compact
