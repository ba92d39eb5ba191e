"""A check, once validated: what happened, under which law, where, when and by whom. No identity.

These are values: frozen, comparable, without I/O. ``domain.rules`` is the only place that turns
what an officer sent into a ``Check``; nothing here can tell who was checked.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Quality(StrEnum):
    """Judicial quality of the agent (CPP art. 16, 20, 21; CSI; code des douanes)."""

    OPJ = "OPJ"
    APJ = "APJ"
    APJ_20_1 = "APJ-20-1"
    APJA_21_1 = "APJA-21-1"
    APJA_21_1_BIS = "APJA-21-1-BIS"
    APJA_21_1_TER = "APJA-21-1-TER"
    APJA_21_1_QUATER = "APJA-21-1-QUATER"
    APJA_21_2 = "APJA-21-2"
    GARDE_CHAMPETRE = "GARDE-CHAMPETRE"
    AGENT_VILLE_PARIS = "AGENT-VILLE-PARIS"
    DOUANE = "DOUANE"


class SelectionMode(StrEnum):
    """How the officer says the person was chosen; what makes "sincerely random" testable."""

    BEHAVIOUR = "behaviour"
    REPORT = "report"
    REQUISITION = "requisition"
    RANDOM_DRAW = "random_draw"
    EVERYONE = "everyone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Requisition:
    """A prosecutor's written requisition (CPP 78-2 al. 7, 78-2-1, 78-2-2, 78-2-5; C. minier L.621-8-5)."""

    reference: str
    court: str
    signed_at: datetime
    offences: tuple[str, ...]
    communes: tuple[str, ...]
    """INSEE codes of the communes in which it may be used; ``place`` says where in them."""
    places: str
    starts_at: datetime
    ends_at: datetime
    renewed: bool = False
    """A reasoned, express renewal (78-2-2): its period is a new one of at most 24 h."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BasisUse:
    """One legal basis the officer invokes, with the facts that its entry in the catalogue asks for.

    ``None`` means "not given"; which fields a basis needs stands in the catalogue
    (``required_fields``), by the names used here.
    """

    code: str
    offence_class: str | None = None
    """``contravention``, ``delit`` or ``crime`` (78-2 al. 2-4)."""
    offence: str | None = None
    """What is suspected, in words or as a NATINF code (78-6 needs the NATINF)."""
    measure_breached: str | None = None
    """Which judicial measure was breached (78-2 al. 5)."""
    notice_reference: str | None = None
    """Reference of the search notice (78-2 al. 6). Checked, never printed and never stored."""
    circumstances: str | None = None
    """Objective circumstances that make the risk real (78-2 al. 8, 78-2-4)."""
    risk_type: str | None = None
    zone_type: str | None = None
    """Kind of zone of 78-2 al. 9 and 10, by its code in the catalogue: ``border_strip``, ``station``…"""
    site: str | None = None
    """The site as designated by arrêté, by its reference or name."""
    operation_reference: str | None = None
    operation_started_at: datetime | None = None
    requisition: Requisition | None = None
    premises_professional: bool | None = None
    shown_to: str | None = None
    """Function of the person in charge to whom the requisition was shown (78-2-1): never a name."""
    objective_element: str | None = None
    """Code of the external objective element of foreignness (CESEDA L.812-2 1°)."""
    parent_receipt_number: str | None = None
    """Receipt of the check that this one follows (CESEDA L.812-2 2°)."""
    consent: bool | None = None
    prosecutor_instruction: bool | None = None
    hold_started_at: datetime | None = None
    hold_ended_at: datetime | None = None
    event: str | None = None
    """The demonstration (78-2-5)."""
    owner_present: bool | None = None
    """The driver or owner, or the third person that the law asks for, was present (78-2-2 II-III)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A public place in words, its commune (INSEE code) and the zone in which its clock runs."""

    public_place: str
    commune: str
    commune_name: str
    department: str
    zone: str
    """IANA name, e.g. ``Europe/Paris`` or ``Indian/Mayotte``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A unit of the directory as it is printed on a receipt."""

    code: str
    name: str
    force: str
    """``PN``, ``GN``, ``PM``, ``DOUANE``, ``VILLE-PARIS``."""
    department: str | None = None
    commune: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Officer:
    """The officer of the check, from the directory alone: number (RIO), rank, quality, service."""

    number: str
    rank: str
    quality: Quality
    service: Service


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A check that keeps every rule of the catalogue (``domain.rules.validate``)."""

    catalogue_version: str
    bases: tuple[BasisUse, ...]
    """The main basis first, then accompanying ones (78-2-5)."""
    reasons: tuple[str, ...]
    """Codes of the catalogue."""
    reason_text: str | None
    """Objective reasons in the officer's words, screened."""
    selection: SelectionMode
    checked_at: datetime
    """When the check began, aware, with the offset of the place."""
    ended_at: datetime | None
    place: Place
    officer: Officer
    ordered_by: str | None
    """Number of the OPJ on whose order and responsibility a non-OPJ acts."""
    measures: tuple[str, ...]
    outcomes: tuple[str, ...]
    possible_consequences: tuple[str, ...]
    """What can legally follow from the bases used: codes of the catalogue."""
    remedies: tuple[str, ...] = field(default=())
