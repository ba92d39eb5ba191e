"""What an officer sends, already in shape and not yet held against the law.

``web.requests`` builds this from the JSON body; ``domain.rules.validate`` turns it into a ``Check``
or refuses it. Codes are plain text here because the catalogue, not the type system, says which exist.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from receipt_service.domain.check import BasisUse

TEXT_LIMITS: Final[dict[str, int]] = {
    "reason_text": 280,
    "public_place": 120,
    "offence": 120,
    "measure_breached": 120,
    "notice_reference": 60,
    "circumstances": 280,
    "site": 80,
    "operation_reference": 60,
    "shown_to": 80,
    "event": 120,
    "reference": 60,
    "court": 80,
    "places": 280,
    "offences": 120,
    "family_name": 100,
    "given_names": 100,
    "birth_place": 100,
}
"""Longest accepted text, in Unicode characters, by the name of the field."""

MAX_BASES: Final = 5
MAX_REASONS: Final = 8
MAX_MEASURES: Final = 12
MAX_OUTCOMES: Final = 8
MAX_REQUISITION_OFFENCES: Final = 40
MAX_REQUISITION_COMMUNES: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceRequest:
    """Where the check took place: a public place in words, and the INSEE code of its commune."""

    public_place: str
    commune: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckRequest:
    """The body of ``POST /v1/checks`` without the person and the recipient, in domain types."""

    legal_bases: tuple[BasisUse, ...]
    """The main basis first."""
    reasons: tuple[str, ...]
    selection: str
    checked_at: datetime
    """Beginning of the check; aware. Any offset: the instant counts."""
    place: PlaceRequest
    outcomes: tuple[str, ...]
    measures: tuple[str, ...] = ()
    reason_text: str | None = None
    ended_at: datetime | None = None
    ordered_by: str | None = None
    """Number of the OPJ on whose order and responsibility the officer acts."""
    second_language: str | None = None
    """A language of the catalogue beside French, or ``None``."""
    recorded_by_device_at: datetime | None = None
    """When the officer's device recorded it, by its own clock; aware. ``None``: the device does not say."""
