"""Correcting and cancelling: nothing is overwritten, a newer attestation names the older one and says why.

The reasons are closed lists; their French and English texts stand in ``delivery/rendering/texts`` as
``correction.CODE``, since mail, PDF and page print them. What may be corrected by whom: ``docs/corrections.md``.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

EXPLANATION_LIMIT: Final = 280
"""Longest explanation, in characters."""


class CorrectionReason(StrEnum):
    """Why a receipt is replaced."""

    WRONG_BASIS = "wrong_basis"
    WRONG_REASONS = "wrong_reasons"
    WRONG_TIME = "wrong_time"
    WRONG_PLACE = "wrong_place"
    WRONG_CONSEQUENCES = "wrong_consequences"
    """Measures or outcomes are wrong, or incomplete."""
    WRONG_IDENTITY = "wrong_identity"
    OTHER_ERROR = "other_error"
    """Needs an explanation."""


class CancellationReason(StrEnum):
    """Why a receipt is cancelled and none takes its place."""

    DUPLICATE = "duplicate"
    """The same check was recorded twice."""
    NO_CHECK = "no_check"
    """What was recorded did not take place, or was no check."""
    TEST_ENTRY = "test_entry"
    WRONG_OFFICER = "wrong_officer"
    """Recorded under another officer's name; the right one records it anew."""
    OTHER_GROUND = "other_ground"
    """Needs an explanation."""


NEEDS_EXPLANATION: Final = frozenset({CorrectionReason.OTHER_ERROR, CancellationReason.OTHER_GROUND})


@dataclass(frozen=True, slots=True, kw_only=True)
class Replaced:
    """The receipt that a new one replaces, as the new one names it and as the rules measure by it."""

    receipt_number: str
    reason: CorrectionReason
    checked_at: datetime
    recorded_at: datetime
    """When the service took it; aware, as all times here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Succession:
    """What became of a receipt. Numbers are capabilities: whoever knows one may read that stub."""

    replaces: str | None = None
    """Number of the receipt that this one replaces."""
    replaced_by: str | None = None
    """Number of the receipt that replaces this one."""
    cancelled: bool = False
    reason: str | None = None
    """Why it was replaced or cancelled."""
    explanation: str | None = None
    """The same in words: for the officer and their hierarchy, never for whoever reads the stub."""
    amended_at: datetime | None = None
    amended_by: str | None = None
    """Number of the officer who did it: for the officer and their hierarchy likewise."""

    @property
    def is_effective(self) -> bool:
        """Whether the receipt still stands: neither replaced nor cancelled."""
        return self.reason is None
