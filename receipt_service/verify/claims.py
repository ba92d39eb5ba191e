"""The shape of the five groups, as ``schemas/receipt-claims.v1.schema.json`` gives it.

Written as plain functions because a verifier must not need a schema library, and in one place so
that a test holds it to the schema document: both take and refuse the same values. Which codes exist
is the catalogue's business; a code here is checked for its form alone.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from receipt_service.domain.groups import Group
from receipt_service.domain.receipt_number import is_receipt_number

Shape = Callable[[Any], object]
"""Gives something true for a value that has the shape; a ``TypeError`` says no as well."""

LONGEST_LINE: Final = 300
LONGEST_TEXT: Final = 2000
MOST_ITEMS: Final = 64

_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_LINE = re.compile(rf"[^\x00-\x1f\x7f-\x9f\u2028\u2029]{{1,{LONGEST_LINE}}}")
_TEXT = re.compile(rf"[^\x00-\x09\x0b-\x1f\x7f-\x9f]{{1,{LONGEST_TEXT}}}")
_MOMENT = re.compile(
    r"[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])"
    r"T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:[+-](?:0[0-9]|1[0-4]):[0-5][0-9])"
)
_BIRTH_DATE = re.compile(r"[0-9]{4}(?:-(?:0[1-9]|1[0-2])(?:-(?:0[1-9]|[12][0-9]|3[01]))?)?")
_ZONE = re.compile(r"[A-Za-z_]+(?:/[A-Za-z0-9_+-]+)*")
_COMMUNE = re.compile(r"[0-9](?:[0-9]|[AB])[0-9]{3}")
_DEPARTMENT = re.compile(r"[0-9]{2}|2[AB]|9[78][0-9]")
_DIGEST = re.compile(r"[A-Za-z0-9_-]{43}")


def valid_claims(group: Group, value: Any) -> bool:
    """Say whether a group's value has the shape that the claims schema asks for."""
    try:
        return bool(_GROUPS[group](value))
    except TypeError:  # a number where a text should be, an object where a code should be
        return False


def _flag(value: Any) -> bool:
    return isinstance(value, bool)


def _members(required: Mapping[str, Shape], optional: Mapping[str, Shape] | None = None) -> Shape:
    known = {**required, **(optional or {})}
    needed, names = frozenset(required), frozenset(known)

    def shape(value: Any) -> bool:
        if not isinstance(value, dict) or not needed <= value.keys() or not names.issuperset(value):
            return False
        for name in value:  # noqa: SIM110  twice as fast as all(), and every receipt comes by here
            if not known[name](value[name]):
                return False
        return True

    return shape


def _list(item: Shape, *, least: int = 0) -> Shape:
    def shape(value: Any) -> bool:
        return isinstance(value, list) and least <= len(value) <= MOST_ITEMS and all(map(item, value))

    return shape


def _distinct(item: Shape, *, least: int = 0) -> Shape:
    listed = _list(item, least=least)
    return lambda value: listed(value) and len(set(value)) == len(value)


def _either(first: Shape, second: Shape) -> Shape:
    return lambda value: first(value) or second(value)


_code = _CODE.fullmatch
_line = _LINE.fullmatch
_text = _TEXT.fullmatch
_moment = _MOMENT.fullmatch


def _number(value: Any) -> bool:
    return is_receipt_number(value)


_requisition = _members(
    {
        "reference": _line,
        "court": _line,
        "signed_at": _moment,
        "offences": _list(_line, least=1),
        "communes": _distinct(_COMMUNE.fullmatch, least=1),
        "places": _text,
        "starts_at": _moment,
        "ends_at": _moment,
        "renewed": _flag,
    }
)

_basis = _members(
    {"code": _code, "article": _line},
    {
        "offence_class": _code,
        "offence": _text,
        "measure_breached": _text,
        "circumstances": _text,
        "risk_type": _code,
        "zone_type": _code,
        "site": _text,
        "operation_reference": _line,
        "operation_started_at": _moment,
        "requisition": _requisition,
        "premises_professional": _flag,
        "shown_to": _text,
        "objective_element": _code,
        "parent_receipt_number": _number,
        "consent": _flag,
        "prosecutor_instruction": _flag,
        "hold_started_at": _moment,
        "hold_ended_at": _moment,
        "event": _text,
        "owner_present": _flag,
    },
)

_codes = _distinct(_code)

_GROUPS: Final[Mapping[Group, Shape]] = {
    Group.LEGAL_BASIS: _members(
        {
            "catalogue": _members({"version": _code, "sha256": _DIGEST.fullmatch}),
            "bases": _list(_basis, least=1),
            "reasons": _codes,
            "selection": _code,
        },
        {"reason_text": _text},
    ),
    Group.CONSEQUENCES: _members({"measures": _codes, "outcomes": _codes, "possible": _codes, "remedies": _codes}),
    Group.PERSON: _either(
        _members(
            {
                "identity": re.compile("established").fullmatch,
                "family_name": _line,
                "given_names": _line,
                "birth_date": _BIRTH_DATE.fullmatch,
                "birth_place": _line,
                "established_by": _code,
            }
        ),
        _members({"identity": re.compile("not_established").fullmatch, "reason": _code}),
    ),
    Group.WHEN_WHERE: _members(
        {
            "receipt_number": _number,
            "checked_at": _moment,
            "zone": _ZONE.fullmatch,
            "place": _text,
            "commune": _COMMUNE.fullmatch,
            "commune_name": _line,
            "department": _DEPARTMENT.fullmatch,
            "recorded_at": _moment,
        },
        {"ended_at": _moment},
    ),
    Group.OFFICER: _members(
        {
            "number": _line,
            "rank": _code,
            "quality": _code,
            "service": _members({"code": _line, "name": _line, "force": _code}),
        },
        {"ordered_by": _line},
    ),
}
