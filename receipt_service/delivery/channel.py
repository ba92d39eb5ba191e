"""The port between the worker and a provider: what a channel can be asked, and what it may answer.

A channel never raises for what a provider does: each answer is a value of the types below. It
raises only ``ConfigurationError``, when it is built. Nothing that it returns or logs holds a
recipient or a text: codes are the provider's numbers or words from ``docs/delivery.md``.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, Protocol, TypeVar

from receipt_service.domain.message import Outcome


@dataclass(frozen=True, slots=True, repr=False)
class SmsContent:
    """The text of an SMS, in letters of GSM-7 only."""

    text: str


@dataclass(frozen=True, slots=True, repr=False)
class Attachment:
    """A file that goes with a mail; ``filename`` never holds identity."""

    filename: str
    media_type: str
    data: bytes


@dataclass(frozen=True, slots=True, repr=False)
class MailContent:
    """A mail before it has a sender, a recipient and an identifier. ``subject`` never holds identity."""

    subject: str
    text: str
    html: str
    attachments: tuple[Attachment, ...] = ()
    language: str = "fr"
    """RFC 5646 tags for Content-Language, separated by commas when the mail speaks several languages."""


ContentT = TypeVar("ContentT", SmsContent, MailContent)


@dataclass(frozen=True, slots=True, repr=False)
class Dispatch(Generic[ContentT]):
    """One attempt, ready to go: the only value outside ``delivery.worker`` that holds a recipient."""

    message_id: str
    """Our number for the message, which says nothing about it."""
    to: str
    content: ContentT
    created_at: datetime
    """When the message came into being: no attempt can be older, so a look-up need not go further back."""
    validity: timedelta
    """How long the provider may go on trying by itself."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a provider can do beside taking a message; the worker asks for nothing else."""

    looks_up: bool
    """It can find a message again whose answer was lost."""
    follows_up: bool
    """It can tell later whether the message reached the person."""
    redacts: bool
    """It keeps the text, and can be told to erase it."""


@dataclass(frozen=True, slots=True)
class Found:
    """The provider has the message: ``refs`` in the order of their sending (more than one only after a fault)."""

    refs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Absent:
    """The provider was asked and surely doesn't have the message: it may be sent again."""


@dataclass(frozen=True, slots=True)
class Unanswered:
    """The provider couldn't be asked just now; nothing follows from that but asking again."""

    code: str
    retry_after: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Pending:
    """The provider is still at it."""


@dataclass(frozen=True, slots=True)
class Reached:
    """Confirmed by the handset or the mailbox."""


@dataclass(frozen=True, slots=True)
class Failed:
    """The provider gave up after having accepted."""

    code: str


@dataclass(frozen=True, slots=True)
class Gone:
    """The provider has no such message any more: nothing left to follow or to erase."""


@dataclass(frozen=True, slots=True)
class Redacted:
    """Erased at the provider, and read back to be sure."""


LookUpAnswer = Found | Absent | Unanswered
StatusAnswer = Pending | Reached | Failed | Gone | Unanswered
RedactAnswer = Redacted | Gone | Unanswered


class DeliveryChannel(Protocol[ContentT]):
    """A way out. Safe for concurrent calls from one event loop."""

    @property
    def provider(self) -> str:
        """Short name kept with each attempt, e.g. ``twilio``."""

    @property
    def capabilities(self) -> Capabilities:
        """What may be asked of it."""

    async def send(self, dispatch: Dispatch[ContentT]) -> Outcome:
        """Ask the provider once, and only once, to take the message."""

    async def look_up(self, dispatch: Dispatch[ContentT]) -> LookUpAnswer:
        """Find out whether an earlier attempt, whose answer was lost, was accepted."""

    async def status(self, ref: str) -> StatusAnswer:
        """Ask what became of an accepted message."""

    async def redact(self, ref: str) -> RedactAnswer:
        """Erase the text at the provider and verify that it is gone."""

    async def aclose(self) -> None:
        """Let go of connections."""
