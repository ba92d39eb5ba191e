"""Valid check requests for every legal basis of the catalogue, to start a test from and then spoil.

``situation(code)`` gives everything that ``domain.rules.validate`` takes; ``body(code)`` the same as the
JSON body of ``POST /v1/checks``. Change one thing with ``dataclasses.replace`` or ``change``.
"""

from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from receipt_service.domain.catalogue import Catalogue, parse_catalogue
from receipt_service.domain.catalogue_entries import Authority, LegalBasis
from receipt_service.domain.check import BasisUse, Check, Officer, Quality, Requisition, Service
from receipt_service.domain.check_request import CheckRequest, PlaceRequest
from receipt_service.domain.person import (
    EstablishedBy,
    IdentityEstablished,
    IdentityNotEstablished,
    NotEstablishedReason,
    Person,
)
from receipt_service.domain.recipient import Recipient
from receipt_service.domain.rules import validate
from receipt_service.domain.territory import Territory, parse_territory
from receipt_service.errors import InvalidCheck

CATALOGUE_FOLDER = Path(__file__).parents[2] / "schemas" / "catalogue"
CATALOGUE_FILE = CATALOGUE_FOLDER / "catalogue-2026.1.json"
COMMUNES_FILE = CATALOGUE_FOLDER / "communes-2026.json"

NOW = datetime(2026, 11, 23, 14, 10, tzinfo=UTC)
CHECKED_AT = datetime(2026, 11, 23, 14, 0, tzinfo=UTC)

PERSON = IdentityEstablished(
    family_name="Ravelomanantsoa",
    given_names="Zéphyrine Ondine",
    birth_date="1990-05-17",
    birth_place="Antsirabe",
    established_by=EstablishedBy.IDENTITY_CARD,
)
NOT_ASKED = IdentityNotEstablished(reason=NotEstablishedReason.NOT_ASKED)
RECIPIENT = Recipient(sms="+33639980001")

PARIS, LYON, CAYENNE, MAMOUDZOU, POINTE_A_PITRE = "75110", "69383", "97302", "97611", "97120"
COMMUNE_OF_DEPARTMENT = {
    "971": POINTE_A_PITRE,
    "972": "97209",
    "973": CAYENNE,
    "976": MAMOUDZOU,
    "977": "97701",
    "978": "97801",
    "75": PARIS,
}

FACTS: dict[str, Any] = {
    "offence_class": "delit",
    "offence": "Vol à la roulotte",
    "measure_breached": "Interdiction de paraître dans le centre commercial",
    "notice_reference": "FPR 2026/88 412",
    "circumstances": "Trois vols avec violence depuis lundi à la sortie du métro, à cette heure",
    "risk_type": "violence",
    "site": "Gare du Nord",
    "operation_started_at": CHECKED_AT - timedelta(hours=2),
    "premises_professional": True,
    "shown_to": "le responsable du chantier",
    "objective_element": "foreign_vehicle",
    "consent": True,
    "event": "Défilé du 23 novembre, centre-ville",
    "owner_present": True,
}
"""A valid value for every fact that some basis requires; the requisition is made for each basis."""

OFFENCE_OF_BASIS = {
    "CPP-78-2-AL7": ("Vol avec violence", "CP 222-37"),
    "CPP-78-2-1": ("C. trav. L.8221-1", "TRAVAIL_DISSIMULE"),
    "CPP-78-2-5": ("CP 431-10",),
    "CMINIER-L621-8-5": ("MINE_SANS_TITRE", "C. minier L.512-1"),
}
COMPANIONS = {"CPP-78-2-5": ("CPP-78-2-AL8",), "CESEDA-L812-2-2": ("CPP-78-2-AL7",)}
"""Bases that can't stand alone, with one that may accompany them; the companion comes first."""


@cache
def catalogue() -> Catalogue:
    """The catalogue that the program ships."""
    return parse_catalogue(CATALOGUE_FILE.read_bytes())


@cache
def territory() -> Territory:
    """The communes that the program ships."""
    return parse_territory(COMMUNES_FILE.read_bytes())


@dataclass(frozen=True, kw_only=True)
class Situation:
    """The arguments of ``validate``."""

    request: CheckRequest
    officer: Officer
    person: Person
    recipient: Recipient
    parent_bases: tuple[str, ...] | None = None
    ordered_by: Officer | None = None
    now: datetime = NOW

    def check(self) -> Check:
        """Validate it."""
        return validate(
            self.request,
            self.officer,
            catalogue(),
            territory(),
            self.person,
            self.recipient,
            parent_bases=self.parent_bases,
            ordered_by=self.ordered_by,
            now=self.now,
        )

    def violations(self) -> list[tuple[str, str]]:
        """Return the (field, rule) pairs that it breaks; empty when it is valid."""
        try:
            self.check()
        except InvalidCheck as refusal:
            return [(found.field, found.rule) for found in refusal.violations]
        return []

    def change(self, **changes: Any) -> "Situation":
        """Return the situation with other members of the request."""
        return replace(self, request=replace(self.request, **changes))

    def change_basis(self, index: int = 0, **changes: Any) -> "Situation":
        """Return the situation with other facts of one basis."""
        uses = list(self.request.legal_bases)
        uses[index] = replace(uses[index], **changes)
        return self.change(legal_bases=tuple(uses))

    def change_requisition(self, index: int = 0, **changes: Any) -> "Situation":
        """Return the situation with another requisition."""
        requisition = self.request.legal_bases[index].requisition
        assert requisition is not None
        return self.change_basis(index, requisition=replace(requisition, **changes))


def service(force: str = "PN") -> Service:
    """A unit of a force."""
    return Service(code=f"{force}-75-10", name="Commissariat du 10e", force=force, department="75", commune=PARIS)


def officer(quality: Quality = Quality.OPJ, *, number: str = "1234567", rank: str | None = None) -> Officer:
    """An officer of a quality, in a force in which it occurs, with a rank of that force."""
    force = min(catalogue().qualities[quality].forces, key=["PN", "GN", "PM", "DOUANE", "VILLE-PARIS"].index)
    ranks = {"PN": "PN-GARDIEN-DE-LA-PAIX", "GN": "GN-GENDARME", "PM": "PM-GARDIEN-BRIGADIER"}
    ranks |= {"DOUANE": "DOUANE-CONTROLEUR", "VILLE-PARIS": "VP-AGENT"}
    return Officer(number=number, rank=rank or ranks[force], quality=quality, service=service(force))


OPJ_NUMBER = "7654321"


def superior() -> Officer:
    """The OPJ on whose order others act."""
    return officer(Quality.OPJ, number=OPJ_NUMBER, rank="PN-CAPITAINE")


def quality_for(basis: LegalBasis) -> Quality:
    """A quality that may use the basis; by its own authority if there is one."""
    own = [code for code, authority in basis.qualities.items() if authority is Authority.OWN]
    return Quality((own or list(basis.qualities))[0])


def commune_for(basis: LegalBasis) -> str:
    """A commune in which the basis applies."""
    if basis.departments is None:
        return PARIS
    return COMMUNE_OF_DEPARTMENT[min(basis.departments)]


def requisition_for(code: str, commune: str) -> Requisition:
    """A requisition of six hours around the check."""
    return Requisition(
        reference="24/118/7",
        court="Tribunal judiciaire de Paris",
        signed_at=CHECKED_AT - timedelta(days=2),
        offences=OFFENCE_OF_BASIS.get(code, ("CP 222-37", "VOL")),
        communes=(commune,),
        places="Parvis de la gare et rues voisines",
        starts_at=CHECKED_AT - timedelta(hours=3),
        ends_at=CHECKED_AT + timedelta(hours=3),
    )


def basis_use(code: str) -> BasisUse:
    """A use of the basis with exactly the facts that it requires."""
    basis = catalogue().bases[code]
    facts: dict[str, Any] = {}
    for name in basis.required_fields:
        if name == "requisition":
            facts[name] = requisition_for(code, commune_for(basis))
        elif name == "zone_type":
            facts[name] = min(basis.zone_types)
        elif name == "offence" and basis.natinf_required:
            facts[name] = "NATINF 6116"
        else:
            facts[name] = FACTS[name]
    return BasisUse(code=code, **facts)


def situation(code: str = "CPP-78-2-AL7") -> Situation:
    """A valid check on one basis, with a companion where the basis can't stand alone."""
    entry = catalogue().bases[code]
    companions = COMPANIONS.get(code, ())
    used = [*companions, code]
    entries = [catalogue().bases[each] for each in used]
    lead = entries[0]
    selections = frozenset.intersection(*(each.selections for each in entries))
    return Situation(
        request=CheckRequest(
            legal_bases=tuple(basis_use(each) for each in used),
            reasons=tuple(dict.fromkeys(min(each.reasons) for each in entries)),
            reason_text="A jeté un sachet sous une voiture puis a pris la fuite à notre vue",
            selection=min(selections),
            checked_at=CHECKED_AT,
            place=PlaceRequest(public_place="Parvis de la gare du Nord", commune=commune_for(entry)),
            outcomes=("LIBRE",),
        ),
        officer=officer(quality_for(lead)),
        person=PERSON if any(each.grounds_identity for each in entries) else NOT_ASKED,
        recipient=RECIPIENT,
    )


def body(code: str = "CPP-78-2-AL7", found: Situation | None = None) -> dict[str, Any]:
    """The same as a JSON body, times in the zone of the place; ``found`` for a changed situation."""
    case = found or situation(code)
    request, recipient = case.request, case.recipient
    zone = territory().zones[(territory().commune(request.place.commune) or _paris()).zone]

    def plain(value: Any) -> Any:
        if isinstance(value, datetime):
            return value.astimezone(zone).isoformat()
        if isinstance(value, tuple):
            return [plain(item) for item in value]
        if isinstance(value, Requisition | BasisUse | PlaceRequest):
            members = {field.name: getattr(value, field.name) for field in fields(value)}
            return {name: plain(member) for name, member in members.items() if member is not None}
        return value

    return {
        **{field.name: plain(getattr(request, field.name)) for field in fields(request)},
        "person": {field.name: getattr(case.person, field.name) for field in fields(case.person)},
        "recipient": {field.name: getattr(recipient, field.name) for field in fields(recipient)},
    }


def _paris() -> Any:
    return territory().commune(PARIS)
