"""The shape of the five groups, as ``schemas/receipt-claims.v1.schema.json`` gives it.

Written here because a verifier must not need a schema library, and in one place so that a test holds
it to the schema document: both take and refuse the same values. Which codes exist is the catalogue's
business; a code here is checked for its form alone.

Every shape is declared once and used in two ways: ``accepts`` looks at a value, and ``written`` is the
pattern of the same value in the JSON that we write (members in our order, no escapes). A disclosure
whose text matches is in shape without a look at its members, which costs a third; any other is
looked at member by member. A test holds the two to each other.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from receipt_service.domain.groups import Group
from receipt_service.domain.receipt_number import CANONICAL as RECEIPT_NUMBER

LONGEST_LINE: Final = 300
LONGEST_TEXT: Final = 2000
MOST_ITEMS: Final = 256
LARGEST_COUNT: Final = 2**53 - 1
"""What every reader of JSON can hold (RFC 7493 §2.2)."""

_NO_LINE = r"\x00-\x1f\x7f-\x9f\u2028\u2029"
_NO_TEXT = r"\x00-\x09\x0b-\x1f\x7f-\x9f"
_DAY_PATTERN = "(?:0[1-9]|[12][0-9]|3[01])"
_MONTH_PATTERN = "(?:0[1-9]|1[0-2])"


class Shape(NamedTuple):
    """What a value may be."""

    accepts: Callable[[Any], object]
    """Gives something true for a value that has the shape; a ``TypeError`` says no as well."""
    written: str
    """Pattern of such a value in our own JSON. May be narrower than ``accepts``, never wider."""


def valid_claims(group: Group, value: Any, text: str = "") -> bool:
    """Say whether a group's value has the shape that the claims schema asks for.

    ``text`` is the JSON of the whole disclosure that ``value`` was read from, if it is at hand.
    """
    try:
        if _WRITTEN[group].fullmatch(text):
            return _codes_once(value, _CODES_OF[group])
        return bool(_SHAPES[group].accepts(value))
    except TypeError:  # a number where a text should be, an object where a code should be
        return False


def _codes_once(value: Mapping[str, Any], names: tuple[str, ...]) -> bool:
    """Say whether no list of codes holds one twice, which the pattern of the written form cannot say."""
    for name in names:  # noqa: SIM110 - a generator costs more than all it would look at
        if len(set(value[name])) != len(value[name]):
            return False
    return True


def _word(pattern: str) -> Shape:
    """Shape a text that never needs an escape in JSON."""
    return Shape(re.compile(pattern).fullmatch, f'"(?:{pattern})"')


def _prose(excluded: str, least: int, most: int) -> Shape:
    """Shape a text without the ``excluded`` characters."""
    return Shape(
        re.compile(f"[^{excluded}]{{{least},{most}}}").fullmatch,
        f'"[^{excluded}"\\\\\\n]{{{least},{most}}}"',
    )


def _members(known: Mapping[str, Shape], optional: frozenset[str] = frozenset()) -> Shape:
    """Shape an object with these members and no other; the first one is never optional."""
    accepts = {name: shape.accepts for name, shape in known.items()}
    needed, names = known.keys() - optional, frozenset(known)

    def accepted(value: Any) -> bool:
        if not isinstance(value, dict) or not needed <= value.keys() or not names.issuperset(value):
            return False
        return all(accepts[name](member) for name, member in value.items())

    parts = [f'{"," if at else ""}"{name}":{shape.written}' for at, (name, shape) in enumerate(known.items())]
    written = "".join(f"(?:{part})?" if name in optional else part for name, part in zip(known, parts, strict=True))
    return Shape(accepted, rf"\{{{written}\}}")


def _list(item: Shape, *, least: int = 0, distinct: bool = False) -> Shape:
    """Shape an array. ``written`` cannot say ``distinct``: ``valid_claims`` does."""

    def accepted(value: Any) -> bool:
        return (
            isinstance(value, list)
            and least <= len(value) <= MOST_ITEMS
            and all(map(item.accepts, value))
            and (not distinct or len(set(value)) == len(value))
        )

    some = f"{item.written}(?:,{item.written}){{0,{MOST_ITEMS - 1}}}"
    return Shape(accepted, rf"\[{some}\]" if least else rf"\[(?:{some})?\]")


def _either(first: Shape, second: Shape) -> Shape:
    return Shape(lambda value: first.accepts(value) or second.accepts(value), f"(?:{first.written}|{second.written})")


_true = Shape(lambda value: value is True, "true")
_count = Shape(lambda value: type(value) is int and 0 < value <= LARGEST_COUNT, "[1-9][0-9]{0,14}")
_flag = Shape(lambda value: isinstance(value, bool), "(?:true|false)")
_code = _word(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_codes = _list(_code, distinct=True)
_line = _prose(_NO_LINE, 1, LONGEST_LINE)
_line_or_none = _prose(_NO_LINE, 0, LONGEST_LINE)
_text = _prose(_NO_TEXT, 1, LONGEST_TEXT)
_moment = _word(
    f"[0-9]{{4}}-{_MONTH_PATTERN}-{_DAY_PATTERN}"
    "T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9][+-](?:0[0-9]|1[0-4]):[0-5][0-9]"
)
_birth_date = _word(f"[0-9]{{4}}(?:-{_MONTH_PATTERN}(?:-{_DAY_PATTERN})?)?")
_zone = _word("[A-Za-z_]+(?:/[A-Za-z0-9_+-]+)*")
_commune = _word("[0-9][0-9AB][0-9]{3}")
_department = _word("[0-9]{2}|2[AB]|9[78][0-9]")
_digest = _word("[A-Za-z0-9_-]{43}")
_number = _word(RECEIPT_NUMBER.pattern)

_requisition = _members(
    {
        "reference": _line,
        "court": _line,
        "signed_at": _moment,
        "offences": _list(_line, least=1),
        "communes": _list(_commune, least=1),
        "places": _text,
        "starts_at": _moment,
        "ends_at": _moment,
        "renewed": _flag,
    }
)

_facts = {
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
}
_basis = _members({"code": _code, "article": _line, **_facts}, optional=frozenset(_facts))

_SHAPES: Final[Mapping[Group, Shape]] = {
    Group.LEGAL_BASIS: _members(
        {
            "catalogue": _members({"version": _code, "sha256": _digest}),
            "bases": _list(_basis, least=1),
            "reasons": _codes,
            "reason_text": _text,
            "selection": _code,
        },
        optional=frozenset({"reason_text"}),
    ),
    Group.CONSEQUENCES: _members({"measures": _codes, "outcomes": _codes, "possible": _codes, "remedies": _codes}),
    Group.PERSON: _either(
        _members(
            {
                "identity": _word("established"),
                "family_name": _line,
                "given_names": _line_or_none,  # some people have one name
                "birth_date": _birth_date,
                "birth_place": _line,
                "established_by": _code,
            }
        ),
        _members({"identity": _word("not_established"), "reason": _code}),
    ),
    Group.WHEN_WHERE: _members(
        {
            "receipt_number": _number,
            "checked_at": _moment,
            "ended_at": _moment,
            "zone": _zone,
            "place": _text,
            "commune": _commune,
            "commune_name": _line,
            "department": _department,
            "recorded_at": _moment,
            "recorded_by_device_at": _moment,
            "late": _true,
            "replaces": _members({"receipt_number": _number, "reason": _code, "recorded_at": _moment}),
            "log": _members({"size": _count, "root": _digest}),
        },
        optional=frozenset({"ended_at", "recorded_by_device_at", "late", "replaces", "log"}),
    ),
    Group.OFFICER: _members(
        {
            "number": _line,
            "rank": _code,
            "quality": _code,
            "service": _members({"code": _line, "name": _line, "force": _code}),
            "ordered_by": _line,
        },
        optional=frozenset({"ordered_by"}),
    ),
}

_CODES_OF: Final[Mapping[Group, tuple[str, ...]]] = {
    Group.LEGAL_BASIS: ("reasons",),
    Group.CONSEQUENCES: ("measures", "outcomes", "possible", "remedies"),
    Group.PERSON: (),
    Group.WHEN_WHERE: (),
    Group.OFFICER: (),
}

_WRITTEN: Final = {
    group: re.compile(rf'\["[A-Za-z0-9_-]*","{group.value}",{shape.written}\]') for group, shape in _SHAPES.items()
}
