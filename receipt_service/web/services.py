"""What the routes need of the rest of the program, as ports: ``bootstrap`` fills them, tests may too."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from starlette.requests import Request

from receipt_service.domain.check_request import CheckRequest
from receipt_service.domain.link import ReceiptLink
from receipt_service.domain.person import Person
from receipt_service.domain.receipt import Receipt
from receipt_service.domain.receipt_number import ReceiptNumber
from receipt_service.domain.recipient import Recipient
from receipt_service.domain.stub import Stub
from receipt_service.web.authentication import TokenVerifier
from receipt_service.web.demo_issuer import DemoIssuer


class Issued(Protocol):
    """A registered check, whose receipt is in memory until the answer is written."""

    @property
    def receipt(self) -> Receipt:
        """The receipt, all five groups."""

    @property
    def link(self) -> ReceiptLink:
        """The short link that carries it."""

    @property
    def replayed(self) -> bool:
        """Whether an earlier request had registered it."""


class Issue(Protocol):
    """Register a check: ``issuance.issue`` with everything but the request bound."""

    async def __call__(
        self,
        request: CheckRequest,
        person: Person,
        recipient: Recipient,
        *,
        subject: str,
        idempotency_key: str,
        now: datetime,
    ) -> Issued:
        """Raise InvalidCheck, OfficerUnknown, the idempotency conditions, or Unavailable."""


class MessageStatus(Protocol):
    """How one message stands."""

    @property
    def channel(self) -> str:
        """The value of ``domain.recipient.Channel``."""

    @property
    def state(self) -> str:
        """The value of ``domain.message.MessageState``."""

    @property
    def attempts(self) -> int:
        """How many times it was tried."""

    @property
    def last_code(self) -> str | None:
        """The last code of the provider, if one came."""

    @property
    def expires_at(self) -> datetime | None:
        """When delivery gives up."""

    @property
    def settled_at(self) -> datetime | None:
        """When it reached its final state."""


class CheckStatus(Protocol):
    """How a registered check and its messages stand; no identity, no address."""

    @property
    def receipt_number(self) -> str:
        """Names the check."""

    @property
    def officer_number(self) -> str:
        """Who registered it."""

    @property
    def unit_code(self) -> str:
        """In which unit."""

    @property
    def checked_at(self) -> datetime:
        """When the check began."""

    @property
    def messages(self) -> Sequence[MessageStatus]:
        """One or more."""


class Reads(Protocol):
    """The questions that the API answers from rows."""

    async def check_status(self, number: ReceiptNumber, *, subject: str, supervises: bool) -> CheckStatus:
        """Raise NotFound unless the check is the caller's own, or of a unit below the supervisor's."""

    async def stub(self, number: ReceiptNumber) -> Stub:
        """Raise NotFound."""


@dataclass(frozen=True, slots=True)
class CatalogueFile:
    """One version of the legal-basis catalogue: the exact bytes that receipts commit to."""

    version: str
    sha256: str
    document: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Everything a route may use."""

    public_url: str
    channels: frozenset[str]
    """Which of ``sms`` and ``email`` are offered."""
    tokens: TokenVerifier
    issue: Issue
    reads: Reads
    catalogues: Mapping[str, CatalogueFile]
    current_catalogue: str
    jwks: Callable[[], Mapping[str, Any]]
    """The published issuer keys, old ones included."""
    readiness: Callable[[], Awaitable[Mapping[str, bool]]]
    print_receipt: Callable[[Receipt, str, str | None], bytes]
    """Receipt, link and second language to a PDF; raises VerificationError for a receipt that is not ours."""
    qr_svg: Callable[[str], str]
    clock: Callable[[], datetime]
    request_limit_bytes: int = 65_536
    issuance_queue_limit: int = 512
    demo_issuer: DemoIssuer | None = None
    start: Callable[[], Awaitable[None]] | None = None
    """Runs when the server starts, before the first request."""
    stop: Callable[[], Awaitable[None]] | None = None
    """Runs when the server has answered its last request."""


def services_of(request: Request) -> Services:
    """Return the services of the application that the request came to."""
    services: Services = request.app.state.services
    return services
