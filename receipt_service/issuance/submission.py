"""What goes into issuing and what comes out of it."""

from dataclasses import dataclass, field
from datetime import datetime

from receipt_service.domain.check_request import CheckRequest
from receipt_service.domain.correction import CancellationReason, CorrectionReason
from receipt_service.domain.link import ReceiptLink
from receipt_service.domain.message import MessageState
from receipt_service.domain.person import Person
from receipt_service.domain.receipt import Receipt
from receipt_service.domain.receipt_number import ReceiptNumber
from receipt_service.domain.recipient import Channel, Recipient


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Submission:
    """One authenticated request, in domain values."""

    subject: str
    """Whom the token names: it finds the officer, and the Idempotency-Key holds within it."""
    idempotency_key: str
    """As the client sent it; a secret, kept nowhere."""
    request: CheckRequest
    person: Person
    recipient: Recipient

    def __repr__(self) -> str:
        """Show nothing: a repr ends up in logs."""
        return "Submission(…)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """A request to replace a receipt by one for the corrected check."""

    submission: Submission
    receipt_number: ReceiptNumber
    """Of the receipt to replace."""
    reason: CorrectionReason
    explanation: str | None
    supervises: bool
    """Whether the token makes its subject a supervisor."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancellation:
    """A request to cancel a receipt."""

    subject: str
    idempotency_key: str = field(repr=False)
    receipt_number: ReceiptNumber = field(repr=False)
    reason: CancellationReason
    explanation: str | None
    supervises: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancelled:
    """A cancelled receipt."""

    receipt_number: ReceiptNumber = field(repr=False)
    reason: str
    cancelled_at: datetime
    replayed: bool


@dataclass(frozen=True, slots=True)
class MessageStatus:
    """One message, as the officer may see it."""

    channel: Channel
    state: MessageState


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Issued:
    """A registered check. ``receipt`` and ``link`` hold the person's identity: for the answer alone."""

    receipt: Receipt
    link: ReceiptLink
    messages: tuple[MessageStatus, ...]
    replayed: bool
    """Whether the request had been carried out before."""

    def __repr__(self) -> str:
        """Show nothing: a repr ends up in logs."""
        return "Issued(…)"

    @property
    def receipt_number(self) -> ReceiptNumber:
        """The number under which the stub is kept."""
        return self.link.receipt_number
