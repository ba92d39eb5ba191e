"""The shape of the five groups, as ``schemas/receipt-claims.v1.schema.json`` gives it.

Written as plain functions because a verifier must not need a schema library, and in one place so
that a test holds it to the schema document: both take and refuse the same values. Which codes exist
is the catalogue's business; a code here is checked for its form alone.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from receipt_service.domain.groups import Group
from receipt_service.domain.receipt_number import CANONICAL as RECEIPT_NUMBER

Shape = Callable[[Any], object]
"""Gives something true for a value that has the shape; a ``TypeError`` says no as well."""

LONGEST_LINE: Final = 300
LONGEST_TEXT: Final = 2000
MOST_ITEMS: Final = 256

_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_CODES = re.compile(f"{_CODE.pattern}(?:,{_CODE.pattern})*")
_LINE = re.compile(rf"[^\x00-\x1f\x7f-\x9f\u2028\u2029]{{1,{LONGEST_LINE}}}")
_NAME_OR_NONE = re.compile(rf"[^\x00-\x1f\x7f-\x9f\u2028\u2029]{{0,{LONGEST_LINE}}}")
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
        for name, member in value.items():  # noqa: SIM110  twice as fast as all(), and every receipt comes by here
            if not known[name](member):
                return False
        return True

    return shape


def _texts(required: Mapping[str, re.Pattern[str]], optional: str | None = None) -> Shape:
    """Shape an object of texts alone; in the order that we write, all its texts are matched in one go.

    No pattern takes NUL, so the NULs are those that join the texts. ``optional`` names the member that may be missing.
    """
    names = tuple(required)
    without = tuple(name for name in names if name != optional)
    in_one_go = {
        order: re.compile("\0".join(f"(?:{required[name].pattern})" for name in order)) for order in (names, without)
    }
    any_order = _members(
        {name: required[name].fullmatch for name in without},
        {name: required[name].fullmatch for name in names if name == optional},
    )

    def shape(value: Any) -> object:
        if not isinstance(value, dict):
            return False
        pattern = in_one_go.get(tuple(value))
        return any_order(value) if pattern is None else pattern.fullmatch("\0".join(value.values()))

    return shape


def _list(item: Shape, *, least: int = 0) -> Shape:
    def shape(value: Any) -> bool:
        return isinstance(value, list) and least <= len(value) <= MOST_ITEMS and all(map(item, value))

    return shape


def _codes(value: Any) -> bool:
    """Different codes, matched in one go: a code has no comma, so the commas are those that join them."""
    if not isinstance(value, list) or len(value) > MOST_ITEMS or len(set(value)) != len(value):
        return False
    joined = ",".join(value)
    return not value or (joined.count(",") == len(value) - 1 and _CODES.fullmatch(joined) is not None)


def _either(first: Shape, second: Shape) -> Shape:
    return lambda value: first(value) or second(value)


_code = _CODE.fullmatch
_line = _LINE.fullmatch
_text = _TEXT.fullmatch
_moment = _MOMENT.fullmatch


_requisition = _members(
    {
        "reference": _line,
        "court": _line,
        "signed_at": _moment,
        "offences": _list(_line, least=1),
        "communes": _list(_COMMUNE.fullmatch, least=1),
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
        "parent_receipt_number": RECEIPT_NUMBER.fullmatch,
        "consent": _flag,
        "prosecutor_instruction": _flag,
        "hold_started_at": _moment,
        "hold_ended_at": _moment,
        "event": _text,
        "owner_present": _flag,
    },
)


_GROUPS: Final[Mapping[Group, Shape]] = {
    Group.LEGAL_BASIS: _members(
        {
            "catalogue": _texts({"version": _CODE, "sha256": _DIGEST}),
            "bases": _list(_basis, least=1),
            "reasons": _codes,
            "selection": _code,
        },
        {"reason_text": _text},
    ),
    Group.CONSEQUENCES: _members({"measures": _codes, "outcomes": _codes, "possible": _codes, "remedies": _codes}),
    Group.PERSON: _either(
        _texts(
            {
                "identity": re.compile("established"),
                "family_name": _LINE,
                "given_names": _NAME_OR_NONE,  # some people have one name
                "birth_date": _BIRTH_DATE,
                "birth_place": _LINE,
                "established_by": _CODE,
            }
        ),
        _texts({"identity": re.compile("not_established"), "reason": _CODE}),
    ),
    Group.WHEN_WHERE: _texts(
        {
            "receipt_number": RECEIPT_NUMBER,
            "checked_at": _MOMENT,
            "ended_at": _MOMENT,
            "zone": _ZONE,
            "place": _TEXT,
            "commune": _COMMUNE,
            "commune_name": _LINE,
            "department": _DEPARTMENT,
            "recorded_at": _MOMENT,
        },
        optional="ended_at",
    ),
    Group.OFFICER: _members(
        {
            "number": _line,
            "rank": _code,
            "quality": _code,
            "service": _texts({"code": _LINE, "name": _LINE, "force": _CODE}),
        },
        {"ordered_by": _line},
    ),
}
