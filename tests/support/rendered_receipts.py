"""Receipts to look at: signed, with the real catalogue, for the tests of what a person sees."""

from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from receipt_service.domain.catalogue import Catalogue, parse_catalogue
from receipt_service.domain.check import BasisUse, Check, Place, Requisition, SelectionMode
from receipt_service.domain.groups import ORDINARY, Moment
from receipt_service.domain.link import ReceiptLink
from receipt_service.domain.person import IdentityNotEstablished, NotEstablishedReason, Person
from receipt_service.domain.receipt import Receipt
from receipt_service.domain.receipt_number import ReceiptNumber
from tests.support.receipts import CHECK, ISSUER, PERSON, RECEIPT_NUMBER, SEED, sample_receipt

CATALOGUE_FILE = Path(__file__).resolve().parents[2] / "schemas" / "catalogue" / "catalogue-2026.1.json"
REFUSED = IdentityNotEstablished(reason=NotEstablishedReason.REFUSED)
GENTLE = CHECK.place
MAYOTTE = Place(
    public_place="Rond-point El Farouk, RN 2",
    commune="97608",
    commune_name="Dzaoudzi",
    department="976",
    zone="Indian/Mayotte",
)


@cache
def catalogue() -> Catalogue:
    return parse_catalogue(CATALOGUE_FILE.read_bytes())


def catalogues() -> dict[str, Catalogue]:
    return {catalogue().version: catalogue()}


SUSPICION = BasisUse(code="CPP-78-2-AL2", offence_class="delit", offence="Vol à la roulotte (NATINF 7151)")
REQUISITION = BasisUse(code="CPP-78-2-AL7", requisition=CHECK.bases[0].requisition)


@dataclass(frozen=True)
class Case:
    """A check told by what a person would notice; everything has a value."""

    bases: tuple[BasisUse, ...] = (SUSPICION,)
    reasons: tuple[str, ...] = ("REPERAGE", "FUITE")
    reason_text: str | None = "Regarde dans les voitures stationnées avec une lampe, puis s’éloigne à notre vue."
    place: Place = GENTLE
    measures: tuple[str, ...] = ("PALPATION",)
    outcomes: tuple[str, ...] = ("LIBRE",)
    person: Person = PERSON
    receipt_number: ReceiptNumber = RECEIPT_NUMBER
    service: dict[str, Any] = field(default_factory=dict)
    moment: Moment = ORDINARY

    @property
    def check(self) -> Check:
        texts = catalogue()
        codes = [basis.code for basis in self.bases]
        zone = ZoneInfo(self.place.zone)
        officer = CHECK.officer
        service = replace(officer.service, **self.service)
        return replace(
            CHECK,
            catalogue_version=texts.version,
            bases=self.bases,
            reasons=self.reasons,
            reason_text=self.reason_text,
            selection=SelectionMode.BEHAVIOUR,
            checked_at=CHECK.checked_at.astimezone(zone),
            ended_at=CHECK.ended_at and CHECK.ended_at.astimezone(zone),
            place=self.place,
            officer=replace(officer, rank=next(iter(texts.ranks)), service=service),
            measures=self.measures,
            outcomes=self.outcomes,
            possible_consequences=texts.possible_consequences(codes, self.place.department),
            remedies=texts.remedies_for(codes, service.force),
        )

    @property
    def receipt(self) -> Receipt:
        return sample_receipt(
            self.check, self.person, receipt_number=self.receipt_number, catalogue=catalogue(), moment=self.moment
        )

    @property
    def link(self) -> ReceiptLink:
        return ReceiptLink(self.receipt_number, SEED, self.person)

    @property
    def url(self) -> str:
        return self.link.url(ISSUER)


def long_requisition(length: int = 280) -> Requisition:
    requisition = CHECK.bases[0].requisition
    assert requisition is not None
    return replace(requisition, reference="R" * 40, court="Tribunal judiciaire de " + "V" * 60, places="L" * length)
