"""The law's rules over one check request: either a ``Check`` comes out, or every rule that it breaks.

The rules are those of ``docs/catalogue.md``, R1-R10 and what follows from each basis's entry. They are
pure: the catalogue, the territory and "now" are arguments, nothing is read or written.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from receipt_service.domain.check import Check, Place, SelectionMode
from receipt_service.domain.rules_bases import check_bases, check_order, find_bases
from receipt_service.domain.rules_case import Case, instant
from receipt_service.domain.rules_outcomes import check_measures, check_outcomes, check_reasons, check_selection
from receipt_service.domain.rules_person import check_person, check_recipient
from receipt_service.domain.rules_requisition import check_requisitions
from receipt_service.domain.rules_time import check_device_clock, check_operations, check_times
from receipt_service.domain.rules_words import check_place, check_texts
from receipt_service.errors import InvalidCheck

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from receipt_service.domain.catalogue import Catalogue
    from receipt_service.domain.check import Officer
    from receipt_service.domain.check_request import CheckRequest
    from receipt_service.domain.correction import Replaced
    from receipt_service.domain.person import Person
    from receipt_service.domain.recipient import Recipient
    from receipt_service.domain.territory import Commune, Territory

_RULES: Final[tuple[Callable[[Case], None], ...]] = (
    find_bases,
    check_bases,
    check_requisitions,
    check_operations,
    check_reasons,
    check_texts,
    check_selection,
    check_times,
    check_device_clock,
    check_place,
    check_measures,
    check_outcomes,
    check_order,
    check_person,
    check_recipient,
)
_FIELDS: Final = (
    "legal_bases",
    "reasons",
    "reason_text",
    "selection",
    "checked_at",
    "ended_at",
    "place",
    "measures",
    "outcomes",
    "ordered_by",
    "person",
    "recipient",
    "second_language",
    "recorded_by_device_at",
)


def validate(  # noqa: PLR0913 - everything that the law looks at, and the clock
    request: CheckRequest,
    officer: Officer,
    catalogue: Catalogue,
    territory: Territory,
    person: Person,
    recipient: Recipient,
    *,
    parent_bases: tuple[str, ...] | None,
    ordered_by: Officer | None,
    now: datetime,
    replaces: Replaced | None = None,
) -> Check:
    """Return the check, or raise ``InvalidCheck`` with every violation in the order of the request's fields.

    ``parent_bases`` are the basis codes of the stub whose number the request gives as a parent (``None`` when there is
    no such stub); ``ordered_by`` is the directory's officer of the request's number, if any; ``now`` is aware. For a
    correction ``replaces`` is the old receipt. Person and recipient only serve to screen texts and to judge age.
    """
    commune = territory.commune(request.place.commune)
    case = Case(
        request=request,
        officer=officer,
        catalogue=catalogue,
        territory=territory,
        person=person,
        recipient=recipient,
        parent_bases=parent_bases,
        ordered_by=ordered_by,
        now=now,
        replaces=replaces,
        commune=commune,
        zone=territory.zones[commune.zone] if commune is not None else None,
        checked_at=instant(request.checked_at),
    )
    for rule in _RULES:
        rule(case)
    if case.violations or commune is None or case.zone is None:
        raise InvalidCheck(tuple(sorted(case.violations, key=lambda found: _FIELDS.index(found.field.split("/")[1]))))
    return _check(case, commune, case.zone)


def _check(case: Case, commune: Commune, zone: ZoneInfo) -> Check:
    """Make the check of a case without violations; the reference of a search notice stops here."""
    request = case.request
    codes = frozenset([use.code for use in request.legal_bases])
    consequences, remedies = case.catalogue.what_follows(codes, commune.department, case.officer.service.force)
    return Check(
        catalogue_version=case.catalogue.version,
        bases=tuple(
            use if use.notice_reference is None else replace(use, notice_reference=None) for use in request.legal_bases
        ),
        reasons=request.reasons,
        reason_text=(request.reason_text or "").strip() or None,
        selection=SelectionMode(request.selection),
        checked_at=request.checked_at.astimezone(zone).replace(microsecond=0),
        ended_at=None if request.ended_at is None else request.ended_at.astimezone(zone).replace(microsecond=0),
        place=Place(
            public_place=request.place.public_place,
            commune=commune.code,
            commune_name=commune.name,
            department=commune.department,
            zone=commune.zone,
        ),
        officer=case.officer,
        ordered_by=request.ordered_by,
        measures=request.measures,
        outcomes=request.outcomes,
        possible_consequences=consequences,
        remedies=remedies,
    )
