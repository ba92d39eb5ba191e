"""What the parts of the demonstration share: the stage, the voice, and what has come of it so far."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

from receipt_service.demo.cases import Case
from receipt_service.demo.narration import Narrator
from receipt_service.demo.stage import Stage


@dataclass(slots=True)
class IssuedCase:
    """A check that became a receipt."""

    case: Case
    key: UUID
    created: dict[str, Any] = field(repr=False)

    @property
    def number(self) -> str:
        """The receipt number."""
        return str(self.created["receipt_number"])


@dataclass(slots=True)
class Summary:
    """What the demonstration is measured by."""

    issued: int = 0
    refused: int = 0
    arrived: int = 0
    passed: int = 0
    identity_hits: int = 0
    failures: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)

    @property
    def succeeded(self) -> bool:
        """Whether every receipt arrived and verified, and every refusal was one."""
        return not self.failures and self.passed > 0

    def to_json(self) -> dict[str, Any]:
        """Give the summary for ``--json``."""
        return {
            "succeeded": self.succeeded,
            "issued": self.issued,
            "refused": self.refused,
            "arrived": self.arrived,
            "passed": self.passed,
            "identity_hits": self.identity_hits,
            "failures": self.failures,
            "files": self.files,
        }


@dataclass(slots=True)
class Arrived:
    """One way by which a receipt came, as something that ``receipt-service verify`` reads."""

    what: str
    source: str
    number: str


@dataclass(slots=True)
class Story:
    """The demonstration as it goes along."""

    stage: Stage
    tell: Narrator
    summary: Summary = field(default_factory=Summary)
    issued: list[IssuedCase] = field(default_factory=list)
    arrivals: list[Arrived] = field(default_factory=list)

    def by(self, channel: str) -> list[IssuedCase]:
        """Give the checks whose person chose a channel."""
        return [issued for issued in self.issued if channel in issued.case.channels]

    def arrived(self, what: str, source: str, number: str) -> None:
        """Keep a receipt for the verdicts."""
        self.summary.arrived += 1
        self.arrivals.append(Arrived(what, source, number))

    def saved(self, what: str, path: Path) -> None:
        """Say where a file lies."""
        self.summary.files.append(str(path))
        self.tell.field(what, short(path))

    def fail(self, what: str) -> None:
        """Write down that something is not as it must be."""
        self.summary.failures.append(what)


def short(path: Path) -> str:
    """Write a path from here, where that is shorter."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
