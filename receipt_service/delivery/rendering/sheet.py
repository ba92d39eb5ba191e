"""The receipt as words: five groups of rows, each term and value in every language asked for.

E-mail, PDF and the SMS are written from the same sheet, so that no two of them tell the person
something different; ``web/static/sheet.js`` builds the same rows in the page. What an officer or a
proof of identity spelt is carried as data all the way: nothing here is markup of any kind.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final

from receipt_service.delivery.rendering.labels import FRENCH, Labels, chosen, labels
from receipt_service.domain.catalogue import Catalogue
from receipt_service.domain.catalogue_entries import Confidence
from receipt_service.domain.groups import Group
from receipt_service.domain.receipt import Receipt
from receipt_service.errors import ReceiptServiceError

_MOMENTS: Final = frozenset({"operation_started_at", "hold_started_at", "hold_ended_at"})
_CODED: Final = {
    "offence_class": "offence_classes",
    "risk_type": "risk_types",
    "zone_type": "zone_types",
    "objective_element": "objective_elements",
}
"""Facts of a basis whose value is a code, and the part of the catalogue that spells it."""


class CatalogueUnknown(ReceiptServiceError):
    """The receipt was written with a version of the catalogue that is not at hand, or not that one."""


@dataclass(frozen=True, slots=True)
class Row:
    """One term with its value, each once per language; a value may have several items."""

    key: str
    terms: tuple[str, ...]
    values: tuple[tuple[str, ...], ...]

    @property
    def same(self) -> bool:
        """Whether the value reads the same in every language (a name, a number)."""
        return all(value == self.values[0] for value in self.values)


@dataclass(frozen=True, slots=True)
class Section:
    """One group of the receipt."""

    group: Group
    titles: tuple[str, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Sheet:
    """A whole receipt in words."""

    languages: tuple[str, ...]
    titles: tuple[str, ...]
    leads: tuple[str, ...]
    number: str
    issuer: str
    issued_on: date
    identified: bool
    """Whether the receipt, and so its link, says who was checked."""
    sections: tuple[Section, ...]


@dataclass(frozen=True, slots=True)
class Words:
    """The labels of one language and those of the catalogue in it."""

    labels: Labels
    catalogue: Catalogue

    def of(self, kind: str, code: str) -> str:
        """Spell a code of the catalogue, in French when it has no label in this language."""
        return _in(self.catalogue.entry(kind, code).label, self.labels.language)

    def why_not_established(self, code: str) -> str:
        """Spell why a receipt carries no identity; the catalogue has the reasons of a check, not of a correction."""
        own = f"not_established.{code}"
        return self.labels(own) if self.labels.has(own) else self.of("not_established", code)

    def all_of(self, kind: str, codes: Sequence[str]) -> tuple[str, ...]:
        """Spell several codes, or say that there are none."""
        return tuple(self.of(kind, code) for code in codes) or (self.labels("word.none"),)

    def offence(self, named: str) -> str:
        """Spell an offence of a requisition: a group of the catalogue, or an article as it stands."""
        return self.of("offence_groups", named) if named in self.catalogue.offence_groups else named

    def explained(self, kind: str, code: str) -> str:
        """Spell a code by the sentence that explains it (or its label), with the article.

        What the catalogue holds to be unconfirmed law is printed with that reservation.
        """
        entry = self.catalogue.entry(kind, code)
        said = _in(entry.text or entry.label, self.labels.language)
        if entry.article:
            said = f"{said.rstrip('.')} ({entry.article})."
        if entry.confidence is Confidence.UNCONFIRMED:
            said = f"{said.rstrip('.')}. {self.labels('word.reserved')}."
        return said

    def remedy(self, code: str) -> str:
        """Spell a remedy: to whom, what for, and how to reach them."""
        entry = self.catalogue.remedies[code]
        parts = [_in(entry.label, self.labels.language)]
        if entry.text:
            parts.append(_in(entry.text, self.labels.language))
        if entry.contact:
            parts.append(self.labels("word.list").join(entry.contact.values()))
        return ". ".join(part.rstrip(".") for part in parts) + ("" if entry.contact else ".")


def _in(texts: Mapping[str, str], language: str) -> str:
    return texts.get(language) or texts[FRENCH]


def grouped(receipt_number: str) -> str:
    """Write a receipt number in groups that a person can read aloud and type: ``7QK2-…``."""
    return "-".join(receipt_number[start : start + 5] for start in range(0, len(receipt_number), 5))


def catalogue_of(receipt: Receipt, catalogues: Mapping[str, Catalogue]) -> Catalogue:
    """Return the very catalogue with which the receipt was written, by version and digest.

    Raises ``CatalogueUnknown``: codes must not be spelt by another version's words.
    """
    named = receipt.disclosure(Group.LEGAL_BASIS).value["catalogue"]
    catalogue = catalogues.get(named["version"])
    if catalogue is None or catalogue.sha256 != named["sha256"]:
        raise CatalogueUnknown("the catalogue of a receipt is not at hand")
    return catalogue


def sheet(receipt: Receipt, catalogues: Mapping[str, Catalogue], languages: tuple[str, ...]) -> Sheet:
    """Spell a receipt in French and the second languages asked for that we have."""
    catalogue = catalogue_of(receipt, catalogues)
    claims = receipt.claims()
    leaf = receipt.leaf_claims()
    words = tuple(Words(labels(language), catalogue) for language in chosen(languages))
    family = str(catalogue.bases[claims[Group.LEGAL_BASIS]["bases"][0]["code"]].family)
    established = claims[Group.PERSON]["identity"] == "established"
    return Sheet(
        languages=tuple(word.labels.language for word in words),
        titles=tuple(title(word.labels, "title", family) for word in words),
        leads=tuple(_lead(claims, word.labels) for word in words),
        number=str(receipt.receipt_number),
        issuer=str(leaf["iss"]),
        issued_on=datetime.fromtimestamp(leaf["iat"], UTC).date(),
        identified=established,
        sections=tuple(_section(group, claims, words) for group in Group),
    )


def _lead(claims: Mapping[Group, Any], say: Labels) -> str:
    """Say what the receipt is, and first of all that it takes another one's place."""
    lead = say("lead" if claims[Group.PERSON]["identity"] == "established" else "lead.not_established")
    replaced = claims[Group.WHEN_WHERE].get("replaces")
    if replaced is None:
        return lead
    date = say.day(datetime.fromisoformat(replaced["recorded_at"]).date())
    reason = say(f"correction.{replaced['reason']}")
    return f"{lead} {say('lead.replaces', number=grouped(replaced['receipt_number']), date=date, reason=reason)}"


def title(words: Labels, key: str, family: str) -> str:
    """Return the title for a family of bases: a control of regulations must not be called an identity check."""
    return words(f"{key}.{family}" if words.has(f"{key}.{family}") else f"{key}.other")


def _section(group: Group, claims: Mapping[Group, Any], words: tuple[Words, ...]) -> Section:
    spelt = [list(_ROWS[group](claims, word)) for word in words]
    rows = tuple(
        Row(key, tuple(row[at][1] for row in spelt), tuple(row[at][2] for row in spelt))
        for at, (key, _, _) in enumerate(spelt[0])
    )
    return Section(group, tuple(word.labels(f"group.{group}") for word in words), rows)


_Line = tuple[str, str, tuple[str, ...]]


def _line(words: Words, key: str, *items: str) -> _Line:
    return key, words.labels(f"term.{key}"), items


def _legal_basis(claims: Mapping[Group, Any], words: Words) -> Iterator[_Line]:
    legal = claims[Group.LEGAL_BASIS]
    zone = claims[Group.WHEN_WHERE]["zone"]
    yield _line(words, "bases", *(item for basis in legal["bases"] for item in _basis(basis, words, zone)))
    if legal["reasons"]:
        yield _line(words, "reasons", *words.all_of("reasons", legal["reasons"]))
    if "reason_text" in legal:
        yield _line(words, "reason_text", legal["reason_text"])
    yield _line(words, "selection", words.of("selection_modes", legal["selection"]))


def _basis(basis: Mapping[str, Any], words: Words, zone: str) -> Iterator[str]:
    colon = words.labels("word.colon")
    yield f"{basis['article']}{colon}{words.of('bases', basis['code'])}"
    for name, value in basis.items():
        if name == "requisition":
            yield from _requisition(value, words, zone)
        elif name not in {"code", "article"}:
            yield f"{words.labels(f'fact.{name}')}{colon}{_fact(name, value, words, zone)}"


def _fact(name: str, value: Any, words: Words, zone: str) -> str:
    if isinstance(value, bool):
        return words.labels("word.yes" if value else "word.no")
    if name in _MOMENTS:
        return words.labels.moment(value, zone)
    if name in _CODED:
        return words.of(_CODED[name], value)
    return grouped(value) if name == "parent_receipt_number" else str(value)


def _requisition(requisition: Mapping[str, Any], words: Words, zone: str) -> Iterator[str]:
    say, colon = words.labels, words.labels("word.colon")
    yield say(
        "fact.requisition",
        reference=requisition["reference"],
        court=requisition["court"],
        signed_at=say.moment(requisition["signed_at"], short=True),
        starts_at=say.moment(requisition["starts_at"], short=True),
        ends_at=say.moment(requisition["ends_at"], zone, short=True),
    )
    offences = say("word.list").join(map(words.offence, requisition["offences"]))
    yield f"{say('fact.requisition_offences')}{colon}{offences}"
    yield f"{say('fact.requisition_places')}{colon}{requisition['places']}"
    if requisition["renewed"]:
        yield say("fact.requisition_renewed")


def _consequences(claims: Mapping[Group, Any], words: Words) -> Iterator[_Line]:
    said = claims[Group.CONSEQUENCES]
    for key in ("measures", "outcomes"):
        yield _line(words, key, *words.all_of(key, said[key]))
    if said["possible"]:
        yield _line(words, "possible", *(words.explained("consequences", code) for code in said["possible"]))
    if said["remedies"]:
        yield _line(words, "remedies", *map(words.remedy, said["remedies"]))


def _person(claims: Mapping[Group, Any], words: Words) -> Iterator[_Line]:
    person = claims[Group.PERSON]
    if person["identity"] != "established":
        yield _line(words, "not_established", words.why_not_established(person["reason"]))
        return
    yield _line(words, "family_name", person["family_name"])
    yield _line(words, "given_names", person["given_names"])
    yield _line(words, "birth_date", words.labels.partial_day(person["birth_date"]))
    yield _line(words, "birth_place", person["birth_place"])
    yield _line(words, "established_by", words.of("established_by", person["established_by"]))


def _when_where(claims: Mapping[Group, Any], words: Words) -> Iterator[_Line]:
    where = claims[Group.WHEN_WHERE]
    for key in ("checked_at", "ended_at"):
        if key in where:
            yield _line(words, key, words.labels.moment(where[key], where["zone"]))
    yield _line(words, "place", where["place"])
    yield _line(words, "commune", f"{where['commune_name']} ({where['department']})")
    yield _line(words, "recorded_at", words.labels.moment(where["recorded_at"], where["zone"]))
    if "recorded_by_device_at" in where:
        device_at = words.labels.moment(where["recorded_by_device_at"], where["zone"])
        yield _line(words, "recorded_by_device_at", device_at)
    if "replaces" in where:
        yield _line(words, "replaces", grouped(where["replaces"]["receipt_number"]))
        yield _line(words, "replaces_why", words.labels(f"correction.{where['replaces']['reason']}"))
    yield _line(words, "receipt_number", grouped(where["receipt_number"]))


def _officer(claims: Mapping[Group, Any], words: Words) -> Iterator[_Line]:
    officer = claims[Group.OFFICER]
    service = officer["service"]
    yield _line(words, "number", f"{words.catalogue.forces[service['force']].number_label} {officer['number']}")
    yield _line(words, "rank", words.of("ranks", officer["rank"]))
    yield _line(words, "quality", words.of("qualities", officer["quality"]))
    yield _line(words, "service", f"{service['name']} ({service['code']}), {words.of('forces', service['force'])}")
    if "ordered_by" in officer:
        yield _line(words, "ordered_by", officer["ordered_by"])


_ROWS: Final = {
    Group.LEGAL_BASIS: _legal_basis,
    Group.CONSEQUENCES: _consequences,
    Group.PERSON: _person,
    Group.WHEN_WHERE: _when_where,
    Group.OFFICER: _officer,
}
