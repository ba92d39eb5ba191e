"""One request being judged: what every group of rules needs, worked out once, and the list of what is wrong."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC
from typing import TYPE_CHECKING

from receipt_service.domain.rule_texts import violation

if TYPE_CHECKING:
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from receipt_service.domain.catalogue import Catalogue
    from receipt_service.domain.catalogue_entries import LegalBasis
    from receipt_service.domain.check import BasisUse, Officer
    from receipt_service.domain.check_request import CheckRequest
    from receipt_service.domain.correction import Replaced
    from receipt_service.domain.person import Person
    from receipt_service.domain.recipient import Recipient
    from receipt_service.domain.territory import Commune, Territory
    from receipt_service.errors import Violation


@dataclass(slots=True, kw_only=True)
class Case:
    """A request, who sent it, the law and the clock; rules read it and add to ``violations``."""

    request: CheckRequest
    officer: Officer
    catalogue: Catalogue
    territory: Territory
    person: Person
    recipient: Recipient
    parent_bases: tuple[str, ...] | None
    ordered_by: Officer | None
    now: datetime
    replaces: Replaced | None
    """The receipt that this request corrects; ``None`` for a new check."""
    commune: Commune | None
    zone: ZoneInfo | None
    checked_at: datetime | None
    """UTC; ``None`` when the time itself is unusable, and rules that need it are silent."""
    known: list[tuple[int, BasisUse, LegalBasis]] = field(default_factory=list)
    """The bases that the catalogue has, with their position in the request."""
    entries: list[LegalBasis] = field(default_factory=list)
    """The catalogue's entries of those."""
    violations: list[Violation] = field(default_factory=list)

    def refuse(self, pointer: str, rule: str, **parameters: object) -> None:
        """Note that the field at this JSON Pointer breaks a rule."""
        self.violations.append(violation(pointer, rule, **parameters))


def instant(moment: datetime) -> datetime | None:
    """Return the UTC instant of an aware time; ``None`` for a naive one or one outside the calendar.

    All comparisons happen in UTC: Python subtracts two times of the same zone by their wall clocks,
    which is an hour wrong across a change of the clock.
    """
    if moment.tzinfo is None:
        return None
    try:
        return moment.astimezone(UTC)
    except (OverflowError, ValueError):
        return None
