"""From the catalogue's JSON to its entries: strict, because every receipt leans on it."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, fields
from datetime import date
from types import MappingProxyType
from typing import Any, Final, TypeVar

from receipt_service.domain.catalogue_entries import (
    Authority,
    Confidence,
    Consequence,
    Duration,
    Entry,
    Force,
    LegalBasis,
    Measure,
    OffenceGroup,
    Outcome,
    QualityEntry,
    Rank,
    Reason,
    Remedy,
    RequisitionRule,
)
from receipt_service.domain.check import BasisUse
from receipt_service.errors import ConfigurationError

E = TypeVar("E", bound=Entry)

_KIND_TYPES: Final[dict[str, type[Entry]]] = {
    "families": Entry,
    "forces": Force,
    "qualities": QualityEntry,
    "ranks": Rank,
    "reasons": Reason,
    "selection_modes": Entry,
    "measures": Measure,
    "outcomes": Outcome,
    "consequences": Consequence,
    "remedies": Remedy,
    "offence_classes": Entry,
    "offence_groups": OffenceGroup,
    "risk_types": Entry,
    "zone_types": Entry,
    "objective_elements": Entry,
    "established_by": Entry,
    "not_established": Entry,
    "bases": LegalBasis,
}
_FACTS: Final = {field.name for field in fields(BasisUse)} - {"code"}
_HEAD: Final = {"$schema", "version", "languages", "published", "title", "law_as_of", "sources"}

# Member of an entry → kind whose codes it names.
_REFERENCES: Final[dict[str, str]] = {
    "forces": "forces",
    "qualities": "qualities",
    "ranks": "ranks",
    "reasons": "reasons",
    "selections": "selection_modes",
    "searches": "measures",
    "consequences": "consequences",
    "remedies": "remedies",
    "offence_classes": "offence_classes",
    "zone_types": "zone_types",
    "accessory_to": "bases",
    "excludes_families": "families",
    "follows": "bases",
    "needs_bases": "bases",
}


def parse_document(document: bytes) -> dict[str, Any]:
    """Return the JSON object of a catalogue, refusing repeated and unknown members."""
    try:
        data = json.loads(document, object_pairs_hook=_unique)
    except ValueError as error:
        raise ConfigurationError("the catalogue is not JSON with unique members") from error
    if not isinstance(data, dict) or set(data) != _HEAD | set(_KIND_TYPES):
        raise ConfigurationError("the catalogue's members are not those of its schema")
    if not (isinstance(data["version"], str) and isinstance(data["languages"], list) and data["languages"]):
        raise ConfigurationError("the catalogue names no version or no language")
    return data


def parse_kinds(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return every kind as a read-only mapping of code to entry."""
    languages = tuple(data["languages"])
    groups = _entries("offence_groups", data, languages, lambda row: row)
    offences = {code: {code, *group.articles} for code, group in groups.items() if isinstance(group, OffenceGroup)}
    kinds: dict[str, Any] = {}
    for kind in _KIND_TYPES:
        kinds[kind] = _entries(kind, data, languages, lambda row: _with_offences(row, offences))
    for kind, entries in kinds.items():
        for entry in entries.values():
            _resolve(kind, entry, kinds)
    return kinds


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Build an object, or refuse it when a member comes twice."""
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member comes twice")
    return members


def _entries(
    kind: str, data: Mapping[str, Any], languages: tuple[str, ...], prepare: Callable[[Any], Any]
) -> Mapping[str, Entry]:
    """Parse one kind."""
    entries: dict[str, Entry] = {}
    if not isinstance(data[kind], list):
        raise ConfigurationError(f"catalogue: {kind} is not a list")
    for position, row in enumerate(data[kind]):
        try:
            entry = _entry(_KIND_TYPES[kind], prepare(row), languages)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ConfigurationError(f"catalogue: {kind}[{position}]: {error}") from error
        if entry.code in entries:
            raise ConfigurationError(f"catalogue: {kind}[{position}]: the code comes twice")
        entries[entry.code] = entry
    return MappingProxyType(entries)


def _entry(type_: type[E], row: Mapping[str, Any], languages: tuple[str, ...]) -> E:
    """Make one entry: every member known, every required one there, every text in every language."""
    known = {field.name: field for field in fields(type_) if field.init}
    if unknown := set(row) - set(known):
        raise ValueError(f"unknown members {sorted(unknown)}")
    required = {name for name, field in known.items() if field.default is MISSING and field.default_factory is MISSING}
    if missing := required - set(row):
        raise ValueError(f"missing members {sorted(missing)}")
    return type_(**{name: _member(name, value, languages) for name, value in row.items()})


_TEXTS: Final = {"label", "short", "text", "conditions"}
_SETS: Final = {
    "forces",
    "needs_bases",
    "departments",
    "except_departments",
    "articles",
    "ranks",
    "reasons",
    "selections",
    "offence_classes",
    "zone_types",
    "accessory_to",
    "excludes_families",
    "follows",
    "searches",
}
_TUPLES: Final = {"required_fields", "optional_fields", "consequences", "remedies"}


def _member(name: str, value: Any, languages: tuple[str, ...]) -> Any:
    """Give one member its immutable Python type."""
    if value is None:
        return None
    if name in _TEXTS:
        if set(value) != set(languages) or not all(isinstance(text, str) and text for text in value.values()):
            raise ValueError(f"{name} does not stand in every language")
        return MappingProxyType(dict(value))
    if name in _SETS:
        return frozenset(_strings(value))
    if name in _TUPLES:
        return tuple(_strings(value))
    return _CONVERTERS.get(name, _plain)(value)


def _strings(values: Iterable[Any]) -> list[str]:
    """Return the list when it holds texts alone."""
    texts = list(values)
    if isinstance(values, str) or not all(isinstance(text, str) for text in texts):
        raise TypeError("a list of texts was expected")
    return texts


def _plain(value: Any) -> Any:
    """Let scalars through and nothing that could be changed later."""
    if not isinstance(value, str | int | bool):
        raise TypeError("a scalar was expected")
    return value


def _duration(row: Mapping[str, Any]) -> Duration:
    """Make one duration limit."""
    departments = row.get("departments")
    return Duration(
        max_minutes=int(row["max_minutes"]),
        confidence=Confidence(row["confidence"]),
        source=row["source"],
        departments=None if departments is None else frozenset(departments),
    )


def _requisition(row: Mapping[str, Any]) -> RequisitionRule:
    """Make the rule about a requisition; ``offences`` were expanded by ``_with_offences``."""
    offences = row.get("offences")
    return RequisitionRule(
        max_hours=row["max_hours"],
        max_months=row["max_months"],
        renewable=row["renewable"],
        offences=None if offences is None else frozenset(offences),
    )


_CONVERTERS: Final[dict[str, Callable[[Any], Any]]] = {
    "confidence": Confidence,
    "effective_from": date.fromisoformat,
    "effective_until": date.fromisoformat,
    "qualities": lambda row: MappingProxyType({code: Authority(how) for code, how in row.items()}),
    "contact": lambda row: MappingProxyType(dict(row)),
    "durations": lambda rows: tuple(_duration(row) for row in rows),
    "requisition": _requisition,
}


def _with_offences(row: Any, offences: Mapping[str, set[str]]) -> Any:
    """Replace a requisition's ``offence_groups`` by every code and article they stand for."""
    requisition = row.get("requisition")
    if requisition is None or requisition["offence_groups"] is None:
        return row
    accepted = set().union(*(offences[code] for code in requisition["offence_groups"]))
    return row | {"requisition": requisition | {"offences": accepted}}


def _resolve(kind: str, entry: Entry, kinds: Mapping[str, Mapping[str, Entry]]) -> None:
    """Refuse an entry that names a code which doesn't exist."""
    for member, target in _REFERENCES.items():
        named = getattr(entry, member, None)
        if named is not None and (dangling := set(named) - set(kinds[target])):
            raise ConfigurationError(f"catalogue: {kind} {entry.code}: {member} names unknown {sorted(dangling)}")
    if isinstance(entry, LegalBasis):
        if entry.family not in kinds["families"]:
            raise ConfigurationError(f"catalogue: {kind} {entry.code}: unknown family")
        if unknown := entry.fields - _FACTS:
            raise ConfigurationError(f"catalogue: {kind} {entry.code}: unknown facts {sorted(unknown)}")
