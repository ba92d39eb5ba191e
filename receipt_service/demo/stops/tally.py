"""The counts of one replay, and whether it may be called a success."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final

_KEPT_FAILURES: Final = 10


@dataclass(slots=True)
class Tally:
    """What happened to every row, every message and every receipt."""

    rows: int = 0
    issued: int = 0
    replayed: int = 0
    """Rows equal to an earlier one: the service gave the same receipt and sent nothing again."""
    refused: Counter[str] = field(default_factory=Counter)
    """Rows that the service refused and had to refuse, by what they lack."""
    unreadable: Counter[str] = field(default_factory=Counter)
    """Rows that could not be put as a request, by fault."""
    rules: Counter[str] = field(default_factory=Counter)
    """The service's own words for its refusals: ``pointer rule``."""
    expected: Counter[str] = field(default_factory=Counter)
    """Receipts to hand over, by channel."""
    verified: Counter[str] = field(default_factory=Counter)
    """Receipts that arrived and whose verdict was ``passed``, by channel."""
    repeats: int = 0
    """Requests sent again under the same key because an answer was lost or asked for it."""
    segments: Counter[int] = field(default_factory=Counter)
    """Text messages by number of segments."""
    septets: Counter[int] = field(default_factory=Counter)
    """Text messages by length."""
    outside_gsm7: int = 0
    bases: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)
    examples: list[str] = field(default_factory=list)
    """The first failures, with the line of the file and never an identity."""
    issue_seconds: float = 0.0
    whole_seconds: float = 0.0

    def fail(self, kind: str, where: str = "") -> None:
        """Count something that must not happen."""
        self.failures[kind] += 1
        if len(self.examples) < _KEPT_FAILURES:
            self.examples.append(f"{kind}{': ' if where else ''}{where}")

    @property
    def accounted(self) -> int:
        """Rows whose end is known and right."""
        return self.issued + self.replayed + self.refused.total() + self.unreadable.total()

    def succeeded(self, *, delivered: bool) -> bool:
        """Whether every valid row was issued, and (``delivered``) every receipt arrived and verified."""
        complete = self.rows > 0 and self.accounted == self.rows and not self.failures
        return complete and (not delivered or self.verified == self.expected)

    def to_json(self) -> dict[str, Any]:
        """Give the counts for ``--json`` and for the notes."""
        return {
            "rows": self.rows,
            "issued": self.issued,
            "replayed": self.replayed,
            "refused": dict(self.refused),
            "unreadable": dict(self.unreadable),
            "rules": dict(self.rules),
            "expected": dict(self.expected),
            "verified": dict(self.verified),
            "repeated_requests": self.repeats,
            "sms": {
                "segments": {str(count): self.segments[count] for count in sorted(self.segments)},
                "median_segments": _median(self.segments),
                "longest_septets": max(self.septets, default=0),
                "median_septets": _median(self.septets),
                "outside_gsm7": self.outside_gsm7,
            },
            "bases": dict(self.bases.most_common()),
            "outcomes": dict(self.outcomes.most_common()),
            "failures": dict(self.failures),
            "failure_examples": self.examples,
            "seconds": {"issuing": round(self.issue_seconds, 2), "whole": round(self.whole_seconds, 2)},
        }


def _median(counts: Counter[int]) -> int:
    """Give the lower median of the counted numbers, 0 when there are none."""
    half = (counts.total() + 1) // 2
    below = 0
    for number in sorted(counts):
        below += counts[number]
        if below >= half:
            return number
    return 0
