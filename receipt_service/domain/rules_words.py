"""Every text of a request: there, bounded, and sound (``domain.screening``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from receipt_service.domain import screening
from receipt_service.domain.check_request import (
    MAX_REQUISITION_OFFENCES,
    TEXT_LIMITS,
)
from receipt_service.domain.screening_names import IdentityMarks
from receipt_service.domain.screening_vocabulary import LONGEST_FORMULA, is_generic
from receipt_service.domain.screening_words import quick_words, words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from receipt_service.domain.rules_case import Case
    from receipt_service.domain.screening import Profile

_FACT_PROFILES: Final = (
    ("offence", screening.CIRCUMSTANCES),
    ("measure_breached", screening.CIRCUMSTANCES),
    ("notice_reference", screening.REFERENCE),
    ("circumstances", screening.CIRCUMSTANCES),
    ("site", screening.SITE),
    ("operation_reference", screening.REFERENCE),
    ("shown_to", screening.CIRCUMSTANCES),
    ("event", screening.EVENT),
)
_REQUISITION_PROFILES: Final = (
    ("reference", screening.REFERENCE),
    ("court", screening.REFERENCE),
    ("places", screening.AREA),
)


class _Text(NamedTuple):
    pointer: str
    text: str
    limit: int
    profile: Profile
    particular: bool
    """It has to state something objective, not a formula."""


def check_texts(case: Case) -> None:
    """Bound and screen every text; one pass over all of them decides whether any needs a closer look."""
    texts = list(_texts(case))
    marks = IdentityMarks.of(case.person, case.recipient)
    for text in texts:
        if len(text.text) > text.limit:
            case.refuse(text.pointer, "text.too_long", limit=text.limit)
        elif text.particular and _is_formula(text.text):
            case.refuse(text.pointer, "text.generic")
    texts = [text for text in texts if len(text.text) <= text.limit]
    suspicion = screening.suspicion_of([text.text for text in texts], marks)
    if suspicion is None:
        return
    for text in texts:
        for rule in screening.findings_in(text.text, text.profile, marks, suspicion):
            case.refuse(text.pointer, rule)


def _is_formula(text: str) -> bool:
    """Whether a text is there and says nothing in particular; the longest formula is short."""
    return len(text) <= LONGEST_FORMULA and bool(text.strip()) and is_generic(quick_words(text) or words(text))


def _texts(case: Case) -> Iterator[_Text]:
    """Yield every text that is given, with its pointer and its screens, in the order of the fields."""
    request = case.request
    for index, use in enumerate(request.legal_bases):
        pointer = f"/legal_bases/{index}"
        for name, profile in _FACT_PROFILES:
            text = getattr(use, name)
            if text is not None:
                yield _Text(f"{pointer}/{name}", text, TEXT_LIMITS[name], profile, name == "circumstances")
        requisition = use.requisition
        if requisition is None:
            continue
        for name, profile in _REQUISITION_PROFILES:
            text = getattr(requisition, name)
            yield _Text(f"{pointer}/requisition/{name}", text, TEXT_LIMITS[name], profile, particular=False)
        for place, text in enumerate(requisition.offences[:MAX_REQUISITION_OFFENCES]):
            field = f"{pointer}/requisition/offences/{place}"
            yield _Text(field, text, TEXT_LIMITS["offences"], screening.REFERENCE, particular=False)
    if request.reason_text is not None:
        limit = TEXT_LIMITS["reason_text"]
        yield _Text("/reason_text", request.reason_text, limit, screening.REASONS, _is_needed(case))
    limit = TEXT_LIMITS["public_place"]
    yield _Text("/place/public_place", request.place.public_place, limit, screening.PLACE, particular=False)


def _is_needed(case: Case) -> bool:
    """Whether a basis asks for objective facts in words."""
    return any(entry.reason_text_required for entry in case.entries)


def check_place(case: Case) -> None:
    """Refuse a commune that does not exist and a place without words."""
    if case.commune is None:
        case.refuse("/place/commune", "place.commune_unknown")
    if not case.request.place.public_place.strip():
        case.refuse("/place/public_place", "text.empty")
