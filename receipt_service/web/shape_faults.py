"""Faults of shape, found before any law is applied: pydantic's errors turned into our own violations.

A pointer is made of names that *we* chose. An unknown member's name was chosen by the sender and may
be anything, a person's name too: it is repeated only when it is a misspelling of a known one or one
of the fields that this service refuses by principle.
"""

import difflib
from collections.abc import Iterator, Mapping
from typing import Any, Final

from pydantic import BaseModel, ValidationError

from receipt_service.errors import Violation

Texts = tuple[str, str]

SHAPE_RULES: Final[Mapping[str, Texts]] = {
    "required": ("Ce champ est obligatoire.", "This field is required."),
    "unknown_member": (
        "Un membre inconnu se trouve ici ; aucun autre champ que ceux de la documentation n’est admis.",
        "There is an unknown member here; no other field than the documented ones is accepted.",
    ),
    "type": ("La valeur n’est pas du type attendu.", "The value is not of the expected type."),
    "format": ("La valeur n’a pas la forme attendue.", "The value does not have the expected form."),
    "not_allowed": ("La valeur n’est pas de la liste admise.", "The value is not in the accepted list."),
    "too_short": ("Le texte ou la liste est vide ou trop court.", "The text or list is empty or too short."),
    "too_long": ("Le texte ou la liste est trop long.", "The text or list is too long."),
    "character": (
        "Le texte contient un caractère qui n’est pas admis ici.",
        "The text holds a character that is not accepted here.",
    ),
    "no_letter": ("Le texte ne contient aucune lettre.", "The text holds no letter."),
    "date": ("Cette date n’existe pas.", "This date does not exist."),
    "date_too_old": ("Cette date est antérieure à 1900.", "This date is before 1900."),
    "date_in_future": ("Cette date est dans l’avenir.", "This date is in the future."),
    "timestamp": (
        "Attendu : date et heure RFC 3339 avec décalage, par exemple 2026-11-23T14:05:00+01:00.",
        "Expected: an RFC 3339 date and time with offset, for example 2026-11-23T14:05:00+01:00.",
    ),
    "timestamp_offset": (
        "L’heure doit porter son décalage, par exemple +01:00 ou Z.",
        "The time must carry its offset, for example +01:00 or Z.",
    ),
    "phone": ("Ce numéro de téléphone n’existe pas.", "This telephone number does not exist."),
    "phone_international": (
        "Écrivez le numéro sous forme internationale, par exemple +33 6 12 34 56 78.",
        "Write the number in international form, for example +33 6 12 34 56 78.",
    ),
    "phone_not_mobile": (
        "Ce numéro ne peut pas recevoir de SMS.",
        "This number cannot receive text messages.",
    ),
    "email": ("Cette adresse électronique n’est pas valable.", "This e-mail address is not valid."),
    "receipt_number": ("Ce n’est pas un numéro de récépissé.", "This is not a receipt number."),
    "recipient_missing": (
        "Choisissez au moins une voie de remise, ou « declined ».",
        "Choose at least one way of delivery, or `declined`.",
    ),
    "recipient_declined_and_chosen": (
        "« declined » exclut les autres voies de remise.",
        "`declined` excludes the other ways of delivery.",
    ),
    "channel_not_offered": (
        "Cette voie de remise n’est pas offerte par ce service.",
        "This way of delivery is not offered by this service.",
    ),
    "invalid": ("La valeur est refusée.", "The value is refused."),
}
"""Rules of shape, with their French and English texts; docs/errors.md prints them."""

_RULE_OF_TYPE: Final[Mapping[str, str]] = {
    "missing": "required",
    "extra_forbidden": "unknown_member",
    "string_pattern_mismatch": "format",
    "string_too_short": "too_short",
    "string_too_long": "too_long",
    "too_short": "too_short",
    "too_long": "too_long",
    "enum": "not_allowed",
    "literal_error": "not_allowed",
    "union_tag_invalid": "not_allowed",
    "union_tag_not_found": "required",
    "datetime_from_date_parsing": "timestamp",
    "datetime_parsing": "timestamp",
    "datetime_object_invalid": "timestamp",
    "timezone_aware": "timestamp_offset",
}
_TAGS: Final = frozenset({"established", "not_established"})
_REFUSED_BY_PRINCIPLE: Final = frozenset(
    {
        *("officer", "officer_number", "rank", "quality", "service", "unit", "force"),
        *("ethnicity", "ethnic_origin", "race", "origin", "nationality", "religion", "appearance", "skin_colour"),
        *("sex", "gender", "age", "address", "photo", "photograph", "biometrics", "fingerprints", "signature"),
        *("document_number", "id_number", "plate", "licence_plate", "phone", "identity_number"),
    }
)
"""Fields that clients are most likely to try, and that CSI R.434-16 or this service's design forbids."""
_MAX_FAULTS: Final = 50


def _known_names(model: type[BaseModel]) -> frozenset[str]:
    """Collect every member name of the model and of those inside it, from its JSON Schema."""
    schema = model.model_json_schema()
    parts = [schema, *schema.get("$defs", {}).values()]
    return frozenset(name for part in parts for name in part.get("properties", {}))


_NAMES: Final[dict[type[BaseModel], frozenset[str]]] = {}


def _escape(part: str | int) -> str:
    return str(part).replace("~", "~0").replace("/", "~1")


def _pointer(location: tuple[str | int, ...], rule: str, error: Mapping[str, Any], known: frozenset[str]) -> str:
    """Write the JSON Pointer (RFC 6901) of a fault."""
    parts = list(location)
    # A discriminated union adds its tag to the location; the request has no such level.
    person = parts.index("person") if "person" in parts[:2] else -1
    if person >= 0 and parts[person + 1 :] and parts[person + 1] in _TAGS:
        del parts[person + 1]
    if error["type"] in {"union_tag_invalid", "union_tag_not_found"}:
        parts.append("identity")
    if rule == "unknown_member" and not _may_be_repeated(str(parts[-1]), known):
        del parts[-1]
    return "".join(f"/{_escape(part)}" for part in parts)


def _may_be_repeated(name: str, known: frozenset[str]) -> bool:
    """Tell whether an unknown member's name says nothing but what was misspelt or is refused by principle."""
    if name in known or name in _REFUSED_BY_PRINCIPLE:
        return True
    return len(name) <= 40 and bool(difflib.get_close_matches(name, known, n=1, cutoff=0.85))  # noqa: PLR2004


def _texts(rule: str, context: Mapping[str, Any]) -> Texts:
    """Return the rule's texts, with our own limit or list where it helps."""
    fr, en = SHAPE_RULES[rule]
    if rule == "too_long" and "max_length" in context:
        return f"{fr[:-1]} (au plus {context['max_length']}).", f"{en[:-1]} (at most {context['max_length']})."
    if rule == "not_allowed":
        allowed = str(context.get("expected") or context.get("expected_tags") or "").replace(" or ", ", ")
        return (f"{fr[:-1]} : {allowed}.", f"{en[:-1]}: {allowed}.") if allowed else (fr, en)
    return fr, en


def _rule(kind: str) -> str:
    """Return our rule for one of pydantic's error types, or one of our own."""
    if kind in SHAPE_RULES:
        return kind
    return _RULE_OF_TYPE.get(kind, "type" if kind.endswith("_type") else "invalid")


def _violations(error: ValidationError, known: frozenset[str]) -> Iterator[Violation]:
    for fault in error.errors(include_url=False, include_input=False):
        rule = _rule(fault["type"])
        fr, en = _texts(rule, fault.get("ctx", {}))
        yield Violation(_pointer(fault["loc"], rule, fault, known), rule, fr, en)


def faults_of(error: ValidationError, model: type[BaseModel]) -> tuple[Violation, ...]:
    """Return the violations of a body that does not have the model's shape, at most fifty, each once."""
    known = _NAMES.get(model)
    if known is None:
        known = _NAMES[model] = _known_names(model)
    return tuple(dict.fromkeys(_violations(error, known)))[:_MAX_FAULTS]


def fault(pointer: str, rule: str) -> Violation:
    """Return one violation of a rule of shape at a place that we name ourselves."""
    fr, en = SHAPE_RULES[rule]
    return Violation(pointer, rule, fr, en)


def birth_date_in_future() -> Violation:
    """Return the violation of a birth date after today."""
    return fault("/person/birth_date", "date_in_future")
