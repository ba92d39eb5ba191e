"""The kinds of entry of the legal-basis catalogue, as frozen values.

Field for field the members of ``schemas/catalogue/catalogue.schema.json``; ``docs/catalogue.md``
explains each. Codes never change their meaning: a receipt binds them by the catalogue's hash.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum


class Confidence(StrEnum):
    """How sure the catalogue is of a legal statement (``docs/catalogue.md``, "Confidence")."""

    CONFIRMED = "confirmed"
    """Read in the official text."""
    SECONDARY = "secondary"
    """Read in doctrine, press, training material or debates."""
    UNCONFIRMED = "unconfirmed"
    """Known or inferred, not read: shown with a reservation, never as certain."""


class Authority(StrEnum):
    """How an agent of a quality may act: by their own authority, or on an OPJ's order."""

    OWN = "own"
    ON_ORDER = "on_order"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What every entry of the catalogue has."""

    code: str
    label: Mapping[str, str]
    """By language (``fr``, ``en``); the label of a button, a receipt line."""
    short: Mapping[str, str]
    """At most 40 characters, all of which fold to GSM-7: for text messages."""
    text: Mapping[str, str] | None = None
    """A sentence or two for the receipt."""
    article: str | None = None
    confidence: Confidence
    source: str
    effective_from: date | None = None
    effective_until: date | None = None
    """Last day on which it applies, in the zone of the place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Force(Entry):
    """A force that checks: its officers' numbers have one form."""

    number_label: str
    number_pattern: str
    """Anchored regular expression."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityEntry(Entry):
    """A judicial quality and the forces in which it occurs."""

    forces: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rank(Entry):
    """A rank of one or more forces; ``legacy`` ones are dying out and still valid."""

    forces: frozenset[str]
    legacy: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure(Entry):
    """What was done during the check."""

    needs_basis: bool = False
    """Lawful only under a basis that names it in ``searches``."""
    qualities: Mapping[str, Authority] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Duration:
    """The longest time a holding may last, counted from the start of the check."""

    max_minutes: int
    confidence: Confidence
    source: str
    departments: frozenset[str] | None = None
    """Only there; ``None`` is everywhere else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome(Entry):
    """How the check ended."""

    excludes_others: bool = False
    qualities: Mapping[str, Authority] | None = None
    """Who may bring it about; ``None`` is anyone."""
    needs_bases: frozenset[str] = frozenset()
    """At least one of these bases is used; empty is no condition."""
    needs_identity_basis: bool = False
    minors: str | None = None
    """``only`` or ``never``."""
    holds: bool = False
    """The person is held by force of law after the check."""
    durations: tuple[Duration, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Consequence(Entry):
    """What can legally follow from a check on some basis."""

    departments: frozenset[str] | None = None
    except_departments: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Remedy(Entry):
    """Where the person can turn to."""

    forces: frozenset[str] | None = None
    contact: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason(Entry):
    """A reason on a large button: an act, a fact or a legal situation, never a person's looks."""

    group: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OffenceGroup(Entry):
    """A closed group of offences that a requisition may name."""

    articles: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class RequisitionRule:
    """What a basis asks of the prosecutor's requisition."""

    max_hours: int | None = None
    max_months: int | None = None
    renewable: bool = False
    offences: frozenset[str] | None = None
    """Accepted offences: codes of offence groups and their articles. ``None`` accepts any."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LegalBasis(Entry):
    """One legal basis: who may use it, where, when, with which facts, and what follows."""

    article: str
    family: str
    alinea: int | None
    conditions: Mapping[str, str]
    qualities: Mapping[str, Authority]
    ranks: frozenset[str] | None
    grounds_identity: bool
    required_fields: tuple[str, ...]
    optional_fields: tuple[str, ...]
    reasons: frozenset[str]
    selections: frozenset[str]
    reason_text_required: bool
    offence_classes: frozenset[str]
    natinf_required: bool
    zone_types: frozenset[str]
    requisition: RequisitionRule | None
    operation_max_hours: int | None
    hold_max_minutes: int | None
    metropolitan_only: bool
    departments: frozenset[str] | None
    accessory_to: frozenset[str]
    """Not empty: never alone, only beside one of these."""
    excludes_families: frozenset[str]
    """Never beside a basis of these families."""
    follows: frozenset[str]
    """Not empty: only after a check on one of these, the same or a parent one."""
    searches: frozenset[str]
    search_needs_consent: bool
    consequences: tuple[str, ...]
    remedies: tuple[str, ...]
    fields: frozenset[str] = field(init=False)
    """The facts that it takes: required and optional."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "fields", frozenset(self.required_fields + self.optional_fields))

    @property
    def accessory_only(self) -> bool:
        """Whether it can only accompany another basis."""
        return bool(self.accessory_to)

    @property
    def requires_requisition(self) -> bool:
        """Whether it rests on a prosecutor's written requisition."""
        return self.requisition is not None
