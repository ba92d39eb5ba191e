"""The person and the recipient: well-formed, and only asked for where a basis allows it. Nothing here is kept."""

from __future__ import annotations

import re
from datetime import UTC, date, timedelta
from typing import TYPE_CHECKING, Final

from receipt_service.domain.check_request import TEXT_LIMITS
from receipt_service.domain.person import IdentityEstablished, NotEstablishedReason
from receipt_service.domain.screening_words import has_control_character

if TYPE_CHECKING:
    from receipt_service.domain.rules_case import Case

_BIRTH_DATE: Final = re.compile(r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2}))?)?")
_ADULT_AGE: Final = 18
_NOT_CARRIED_OVER: Final = NotEstablishedReason.NOT_CARRIED_OVER
_NOBODY_ASKED: Final = frozenset({NotEstablishedReason.NOT_ASKED, _NOT_CARRIED_OVER})
"""Reasons that say nothing of whether the identity was asked for at this check."""
_OLDEST: Final = 130
_LATEST_ZONE: Final = timedelta(hours=14)


def check_person(case: Case) -> None:
    """Names and birth as a document spells them; an identity only where some basis grounds asking for it."""
    person = case.person
    asked = isinstance(person, IdentityEstablished) or person.reason not in _NOBODY_ASKED
    if case.replaces is None and not isinstance(person, IdentityEstablished) and person.reason is _NOT_CARRIED_OVER:
        case.refuse("/person/reason", "person.not_carried_over")
    if asked and case.known and not any(entry.grounds_identity for entry in case.entries):
        case.refuse("/person/identity", "person.no_identity_basis")
    if not isinstance(person, IdentityEstablished):
        return
    for name in ("family_name", "given_names", "birth_place"):
        text: str = getattr(person, name)
        if not _is_name(text, TEXT_LIMITS[name], may_be_empty=name == "given_names"):
            case.refuse(f"/person/{name}", "person.text")
    born = _birth_range(person.birth_date)
    if born is None or not _is_plausible(born, case):
        case.refuse("/person/birth_date", "person.birth_date")


def _is_name(text: str, limit: int, *, may_be_empty: bool) -> bool:
    """Whether a text is bounded, printable and says something; a person may have a single name."""
    if not text.strip():
        return may_be_empty and not text
    return len(text) <= limit and not has_control_character(text)


def _is_plausible(born: tuple[date, date], case: Case) -> bool:
    """Whether somebody born then can have been there: not tomorrow anywhere, not before any living person."""
    today = (case.now.astimezone(UTC) + _LATEST_ZONE).date()
    return born[0] <= today and born[1].year >= today.year - _OLDEST


def _birth_range(text: str) -> tuple[date, date] | None:
    """Return the first and the last day on which the person may have been born; ``None`` when it's no date."""
    match = _BIRTH_DATE.fullmatch(text)
    if match is None:
        return None
    year, month, day = (int(part) if part else None for part in match.groups())
    try:
        first = date(year or 0, month or 1, day or 1)
        if day is not None:
            return first, first
        following = date(first.year + (month is None or month == 12), (month or 12) % 12 + 1, 1)  # noqa: PLR2004
    except ValueError:
        return None
    return first, date.fromordinal(following.toordinal() - 1)


def is_surely_minor(case: Case) -> bool:
    """Whether the birth date, even if only a year is known, makes the person under eighteen on that day."""
    born, day = _born_and_day(case)
    return born is not None and _age(born[0], day) < _ADULT_AGE


def is_surely_adult(case: Case) -> bool:
    """Whether the birth date, even if only a year is known, makes the person eighteen or older on that day."""
    born, day = _born_and_day(case)
    return born is not None and _age(born[1], day) >= _ADULT_AGE


def _born_and_day(case: Case) -> tuple[tuple[date, date] | None, date]:
    """Return the possible birth days and the day of the check in the zone of the place."""
    moment = case.checked_at or case.now
    day = moment.astimezone(case.zone).date() if case.zone is not None else moment.date()
    person = case.person
    return (_birth_range(person.birth_date) if isinstance(person, IdentityEstablished) else None), day


def _age(born: date, day: date) -> int:
    """Return the completed years of life on a day."""
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


def check_recipient(case: Case) -> None:
    """At least one channel or a refusal, never both; the second language exists."""
    recipient = case.recipient
    channels = recipient.channels
    if not channels:
        case.refuse("/recipient", "recipient.none")
    elif recipient.declined and len(channels) > 1:
        case.refuse("/recipient/declined", "recipient.declined_with_others")
    language = case.request.second_language
    others = case.catalogue.languages[1:]
    if language is not None and language not in others:
        case.refuse("/second_language", "language.unknown", allowed=", ".join(others))
