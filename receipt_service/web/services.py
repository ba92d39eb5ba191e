"""What the routes need of the rest of the program, as ports: ``bootstrap`` fills them, tests may too."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Protocol

from starlette.requests import Request

from receipt_service.audit.closings import Closing
from receipt_service.audit.matching import Match
from receipt_service.audit.period import AuditPeriod, PeriodResult
from receipt_service.audit.readings import Reason, RecordedReading
from receipt_service.domain.check import Officer
from receipt_service.domain.receipt import Receipt
from receipt_service.issuance.reads import CheckReport, StubReport
from receipt_service.issuance.submission import Cancellation, Cancelled, Correction, Issued, Submission
from receipt_service.statistics.answers import Answer, Offer
from receipt_service.statistics.officers import OfficerStatistics, Purpose
from receipt_service.statistics.questions import Question
from receipt_service.web.authentication import TokenVerifier
from receipt_service.web.demo_issuer import DemoIssuer
from receipt_service.web.hand import Hands
from receipt_service.web.sign_in import SignIn


class Reads(Protocol):
    """The questions that the API answers from rows (``issuance.reads``)."""

    async def check(self, receipt_number: str, *, reader: Officer, supervises: bool) -> CheckReport:
        """Raise NotFound unless the check is the reader's own, or of a unit below theirs."""

    async def stub(self, receipt_number: str) -> StubReport:
        """Raise NotFound, StubErased."""


class OfficerFigures(Protocol):
    """The officer view (``statistics.officers``)."""

    async def read(
        self, *, reader: Officer, unit: str, period: str, purpose: Purpose, now: datetime
    ) -> OfficerStatistics:
        """Put the reading on record and answer it; raises OutsideOwnUnits, PeriodNotClosed, Unavailable."""


@dataclass(frozen=True, slots=True)
class CatalogueFile:
    """One version of the legal-basis catalogue: the exact bytes that receipts commit to."""

    version: str
    sha256: str
    document: bytes


class ReleasedFigures(Protocol):
    """The supervisors' statistics (``statistics.answers``)."""

    async def offer(self, reader: Officer) -> Offer:
        """Tell what the reader can ask for."""

    async def ask(self, question: Question, reader: Officer) -> Answer:
        """Answer; raises OutsideOwnUnits, PeriodNotReleased, Unavailable."""


@dataclass(frozen=True, slots=True)
class PublishedQuarter:
    """A quarter of open data and its files, with their sizes in bytes."""

    period: str
    published_at: datetime
    files: Sequence[tuple[str, int]]


@dataclass(frozen=True, slots=True)
class OpenFile:
    """One file of open data; it never changes."""

    name: str
    content: bytes
    sha256: str


class OpenData(Protocol):
    """The open data that are published (``bootstrap.open_data``)."""

    async def quarters(self) -> Sequence[PublishedQuarter]:
        """List them, the newest first."""

    async def file(self, period: str, name: str) -> OpenFile | None:
        """Return a file; ``None`` where there is none. Raises Unavailable for one that is not what was signed."""


class PublishedLog(Protocol):
    """The transparency log as it is published (``bootstrap.log_shelf``)."""

    async def file(self, path: str) -> bytes | None:
        """Return a file by its path below ``/log/``; ``None`` where there is none."""

    async def proof(self, leaf_hash: bytes) -> bytes:
        """Return the proof file of an entry; raises NotFound, Unavailable."""


class Audits(Protocol):
    """Auditors' questions (``bootstrap.audit_shelf``): on record before they are answered."""

    async def match(self, subject: str, presented: str, reason: Reason, now: datetime) -> Match:
        """Match what somebody presents; raises Unavailable."""

    async def period(self, subject: str, period: AuditPeriod, reason: Reason, now: datetime) -> PeriodResult:
        """Audit some days; raises PeriodTooLarge, Unavailable."""

    async def readings(self, since: datetime) -> list[RecordedReading]:
        """List the audits on record."""


class DailyClosings(Protocol):
    """``audit.closings``."""

    async def close(self, *, closer: Officer, unit: str | None, day: date, checks: int, now: datetime) -> Closing:
        """Close a day; raises OutsideOwnUnits, DayNotClosable, DayAlreadyClosed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Everything a route may use."""

    public_url: str
    channels: frozenset[str]
    """Which of ``sms`` and ``email`` are offered."""
    tokens: TokenVerifier
    issue: Callable[[Submission, datetime], Awaitable[Issued]]
    """``issuance.issue``; raises InvalidCheck, OfficerUnknown, the idempotency conditions, Unavailable."""
    correct: Callable[[Correction, datetime], Awaitable[Issued]]
    """``issuance.correct``; raises as ``issue`` does, and AlreadyAmended, CorrectionWindowClosed, NotFound."""
    cancel: Callable[[Cancellation, datetime], Awaitable[Cancelled]]
    officer: Callable[[str], Awaitable[Officer]]
    """The active officer whom a token's subject names; raises OfficerUnknown."""
    reads: Reads
    statistics: ReleasedFigures
    officer_figures: OfficerFigures
    catalogues: Mapping[str, CatalogueFile]
    current_catalogue: str
    jwks: Callable[[], Mapping[str, Any]]
    """The published issuer keys, old ones included."""
    open_data: OpenData
    log: PublishedLog
    audits: Audits
    closings: DailyClosings
    readiness: Callable[[], Awaitable[Mapping[str, bool]]]
    print_receipt: Callable[[Receipt, str, str | None], bytes]
    """Receipt, link and second language to a PDF; raises VerificationError for a receipt that is not ours."""
    qr_svg: Callable[[str], str]
    clock: Callable[[], datetime]
    area_name: Callable[[str], str | None]
    """Name of a département or commune, by its area's code (``statistics.lattice``)."""
    noise_variance: float
    """Of released figures, in checks squared."""
    requisition_bases: frozenset[str]
    """Legal bases that need a requisition."""
    sign_in: SignIn | None = None
    """For browsers; None where a reverse proxy must bring the token."""
    request_limit_bytes: int = 65_536
    issuance_queue_limit: int = 512
    hands: Hands = field(default_factory=Hands)
    demo_issuer: DemoIssuer | None = None
    start: Callable[[], Awaitable[None]] | None = None
    """Runs when the server starts, before the first request."""
    stop: Callable[[], Awaitable[None]] | None = None
    """Runs when the server has answered its last request."""


def services_of(request: Request) -> Services:
    """Return the services of the application that the request came to."""
    services: Services = request.app.state.services
    return services
