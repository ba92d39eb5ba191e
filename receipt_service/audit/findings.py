"""What an audit can find. Codes never change their meaning; ``docs/auditors-guide.md`` explains each."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from receipt_service.errors import ReceiptServiceError

MOST_TOLD: Final = 1000
"""Findings of a code that are told one by one; beyond them they are counted, so that an audit's memory has a bound.

Of each code, so that what went lawfully cannot crowd out what did not.
"""


class Weight(StrEnum):
    """How much a finding says."""

    ALARM = "alarm"
    """Something was deleted, altered, invented or held back: it can't happen in honest running."""
    QUESTION = "question"
    """Somebody has to explain it; it may be honest."""
    NOTE = "note"
    """Lawful, and told so that nobody has to search for it."""


class Code(StrEnum):
    """What was found."""

    # An entry of the log.
    ENTRY_UNREADABLE = "entry_unreadable"
    ENTRY_TYPE_UNKNOWN = "entry_type_unknown"
    ENTRY_KEY_UNKNOWN = "entry_key_unknown"
    ENTRY_KEY_OUTSIDE_PERIOD = "entry_key_outside_period"
    ENTRY_SIGNATURE_INVALID = "entry_signature_invalid"
    ENTRY_TWICE = "entry_twice"
    ENTRY_MISSING = "entry_missing"
    ENTRY_DIFFERS = "entry_differs"
    BACK_DATED = "back_dated"
    POST_DATED = "post_dated"
    # A stub.
    STUB_MISSING = "stub_missing"
    STUB_ALTERED = "stub_altered"
    STUB_SWAPPED = "stub_swapped"
    DISCLOSURE_ALTERED = "disclosure_altered"
    DISCLOSURE_MISSING = "disclosure_missing"
    COLUMNS_DIFFER = "columns_differ"
    STUB_DELETED_LAWFULLY = "stub_deleted_lawfully"
    # On the way into the log.
    NEVER_SEQUENCED = "never_sequenced"
    SEQUENCING_OVERDUE = "sequencing_overdue"
    PUBLICATION_OVERDUE = "publication_overdue"
    # The tree.
    CHECKPOINT_INVALID = "checkpoint_invalid"
    TREE_DIFFERS = "tree_differs"
    FORK = "fork"
    ROLLBACK = "rollback"
    SILENCE = "silence"
    UNKNOWN_KEY = "unknown_key"
    QUORUM_MISSING = "quorum_missing"
    # Daily closings.
    CLOSING_INVALID = "closing_invalid"
    CLOSING_NOT_LOGGED = "closing_not_logged"
    CLOSING_DIFFERS = "closing_differs"
    CLOSING_DECLARED_DIFFERS = "closing_declared_differs"
    CLOSING_MISSING = "closing_missing"
    REGISTERED_AFTER_CLOSING = "registered_after_closing"
    CLOSING_NOT_COMPARABLE = "closing_not_comparable"
    # Records of the log, and the rows that keep what they conceal.
    RECORD_WITHOUT_ROW = "record_without_row"
    DELETION_INVALID = "deletion_invalid"
    DELETION_NOT_LOGGED = "deletion_not_logged"
    CORRECTION_INVALID = "correction_invalid"
    CORRECTION_NOT_LOGGED = "correction_not_logged"


_WEIGHTS: Final[Mapping[Code, Weight]] = {
    Code.CLOSING_DECLARED_DIFFERS: Weight.QUESTION,
    Code.CLOSING_MISSING: Weight.QUESTION,
    Code.QUORUM_MISSING: Weight.QUESTION,
    Code.CLOSING_NOT_COMPARABLE: Weight.NOTE,
    Code.REGISTERED_AFTER_CLOSING: Weight.NOTE,
    Code.STUB_DELETED_LAWFULLY: Weight.NOTE,
}
"""Everything else is an alarm."""


def weight_of(code: Code) -> Weight:
    """Tell how much a code says."""
    return _WEIGHTS.get(code, Weight.ALARM)


class AuditFault(ReceiptServiceError):
    """What was looked at is not as it should be; ``code`` says how."""

    def __init__(self, code: Code, message: str) -> None:
        """``message`` is for a reader, and holds no value of what was looked at."""
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding. Places, units, days and numbers, never what a stub says."""

    code: Code
    index: int | None = None
    """Of the entry in the log."""
    stub_id: int | None = None
    """The row number of the stub, which opens nothing."""
    unit: str | None = None
    day: str | None = None
    expected: int | None = None
    found: int | None = None

    @property
    def weight(self) -> Weight:
        """How much it says."""
        return weight_of(self.code)

    def to_json(self) -> dict[str, str | int]:
        """Write the finding; what it has nothing to say about is left out."""
        said: dict[str, str | int | None] = {
            "index": self.index,
            "stub_id": None if self.stub_id is None else str(self.stub_id),
            "unit": self.unit,
            "day": self.day,
            "expected": self.expected,
            "found": self.found,
        }
        return {
            "code": self.code.value,
            "weight": self.weight.value,
            **{key: value for key, value in said.items() if value is not None},
        }


@dataclass(slots=True)
class Findings:
    """What one audit has found so far: all of it counted, the first ``MOST_TOLD`` of each code told."""

    told: list[Finding] = field(default_factory=list)
    counts: Counter[Code] = field(default_factory=Counter)

    def add(self, finding: Finding) -> None:
        """Take a finding down."""
        self.counts[finding.code] += 1
        if self.counts[finding.code] <= MOST_TOLD:
            self.told.append(finding)

    @property
    def alarms(self) -> int:
        """How many findings can't be honest."""
        return sum(count for code, count in self.counts.items() if weight_of(code) is Weight.ALARM)
