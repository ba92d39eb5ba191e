"""The legal-basis catalogue: one versioned document, parsed once, immutable.

``parse_catalogue`` reads the exact bytes of ``schemas/catalogue/catalogue-*.json``; their hash goes
into every receipt, so that a code on a receipt means what the catalogue said on that day.
"""

from base64 import urlsafe_b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256

from receipt_service.domain.catalogue_entries import (
    Consequence,
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
)
from receipt_service.domain.catalogue_parsing import parse_document, parse_kinds


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """One version of the catalogue; each kind maps codes to entries in the document's order."""

    version: str
    sha256: str
    """SHA-256 of the exact document, base64url without padding."""
    languages: tuple[str, ...]
    """The first is the language of the law; every text exists in all of them."""
    families: Mapping[str, Entry]
    forces: Mapping[str, Force]
    qualities: Mapping[str, QualityEntry]
    ranks: Mapping[str, Rank]
    bases: Mapping[str, LegalBasis]
    reasons: Mapping[str, Reason]
    selection_modes: Mapping[str, Entry]
    measures: Mapping[str, Measure]
    outcomes: Mapping[str, Outcome]
    consequences: Mapping[str, Consequence]
    remedies: Mapping[str, Remedy]
    offence_classes: Mapping[str, Entry]
    offence_groups: Mapping[str, OffenceGroup]
    risk_types: Mapping[str, Entry]
    zone_types: Mapping[str, Entry]
    objective_elements: Mapping[str, Entry]
    established_by: Mapping[str, Entry]
    not_established: Mapping[str, Entry]
    _followed: dict[tuple[frozenset[str], str | None, str], tuple[tuple[str, ...], tuple[str, ...]]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def entry(self, kind: str, code: str) -> Entry:
        """Return one entry; ``kind`` is a name of this class's mappings. Raises ``KeyError``."""
        if kind not in KINDS:
            raise KeyError(kind)
        entries: Mapping[str, Entry] = getattr(self, kind)
        return entries[code]

    def label(self, kind: str, code: str, language: str) -> str:
        """Return the label of an entry in a language. Raises ``KeyError`` when there is none."""
        return self.entry(kind, code).label[language]

    def short(self, kind: str, code: str, language: str) -> str:
        """Return the text-message label of an entry. Raises ``KeyError`` when there is none."""
        return self.entry(kind, code).short[language]

    def possible_consequences(self, bases: Iterable[str], department: str | None = None) -> tuple[str, ...]:
        """Return what can legally follow from these bases in that département, in the catalogue's order.

        Without a département the entries that depend on one are left out.
        """
        wanted = {code for basis in bases for code in self.bases[basis].consequences}
        return tuple(
            code for code, entry in self.consequences.items() if code in wanted and _holds_in(entry, department)
        )

    def remedies_for(self, bases: Iterable[str], force: str) -> tuple[str, ...]:
        """Return where the person can turn to, for these bases and the officer's force."""
        wanted = {code for basis in bases for code in self.bases[basis].remedies}
        return tuple(
            code
            for code, entry in self.remedies.items()
            if code in wanted and (entry.forces is None or force in entry.forces)
        )

    def what_follows(
        self, bases: frozenset[str], department: str, force: str
    ) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return possible consequences and remedies, remembered: few combinations come up, each very often."""
        key = (bases, department, force)
        answer = self._followed.get(key)
        if answer is None:
            answer = self.possible_consequences(bases, department), self.remedies_for(bases, force)
            if len(self._followed) >= _REMEMBERED:
                self._followed.clear()
            self._followed[key] = answer
        return answer


_REMEMBERED = 4096
KINDS = frozenset(Catalogue.__dataclass_fields__) - {"version", "sha256", "languages", "_followed"}


def _holds_in(entry: Consequence, department: str | None) -> bool:
    """Whether a consequence exists in a département."""
    if entry.departments is not None:
        return department in entry.departments
    if department is None:
        return not entry.except_departments
    return department not in entry.except_departments


def parse_catalogue(document: bytes) -> Catalogue:
    """Read a catalogue document; raises ``ConfigurationError`` when it isn't a sound one.

    Sound means: every member known and of its type, every code unique, every reference to another
    entry resolved, every text in every language.
    """
    data = parse_document(document)
    digest = urlsafe_b64encode(sha256(document).digest()).rstrip(b"=").decode()
    return Catalogue(
        version=data["version"],
        sha256=digest,
        languages=tuple(data["languages"]),
        **parse_kinds(data),
    )
