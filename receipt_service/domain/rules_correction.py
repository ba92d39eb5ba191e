"""What a correction or a cancellation must say beside the check: why, in a code and, where asked, in sound words."""

from receipt_service.domain import screening
from receipt_service.domain.correction import (
    EXPLANATION_LIMIT,
    NEEDS_EXPLANATION,
    CancellationReason,
    CorrectionReason,
)
from receipt_service.domain.person import IdentityNotEstablished, NotEstablishedReason, Person
from receipt_service.domain.recipient import Recipient
from receipt_service.domain.rule_texts import violation
from receipt_service.domain.screening_names import IdentityMarks
from receipt_service.errors import InvalidCheck, Violation

_FIELD = "/explanation"
NOBODY = IdentityNotEstablished(reason=NotEstablishedReason.NOT_CARRIED_OVER)
"""For a cancellation, which brings no person: the text is screened for what looks like one."""


def require_sound(
    reason: CorrectionReason | CancellationReason,
    explanation: str | None,
    person: Person = NOBODY,
    recipient: Recipient | None = None,
) -> None:
    """Refuse an explanation that is missing where the reason needs one, or that names anybody.

    Raises ``InvalidCheck``.
    """
    if found := tuple(_faults(reason, explanation, person, recipient or Recipient())):
        raise InvalidCheck(found)


def _faults(
    reason: CorrectionReason | CancellationReason, explanation: str | None, person: Person, recipient: Recipient
) -> list[Violation]:
    if explanation is None or not explanation.strip():
        required = reason in NEEDS_EXPLANATION
        return [violation(_FIELD, "correction.explanation_required")] if required else []
    if len(explanation) > EXPLANATION_LIMIT:
        return [violation(_FIELD, "text.too_long", limit=EXPLANATION_LIMIT)]
    marks = IdentityMarks.of(person, recipient)
    suspicion = screening.suspicion_of([explanation], marks)
    if suspicion is None:
        return []
    return [violation(_FIELD, rule) for rule in screening.findings_in(explanation, screening.REASONS, marks, suspicion)]
