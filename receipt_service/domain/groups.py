"""The five groups of a receipt: what the holder reads, one disclosure each.

``claims_of`` is where a validated check and a person become claims. Member names and their order
are part of the format (``schemas/receipt-claims.v1.schema.json``, ``docs/formats.md``); a member that has
no value is left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, Protocol
from zoneinfo import ZoneInfo

from receipt_service.domain.person import (
    EstablishedBy,
    IdentityEstablished,
    IdentityNotEstablished,
    NotEstablishedReason,
    Person,
)
from receipt_service.errors import MalformedReceipt

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from receipt_service.domain.check import BasisUse, Check, Requisition
    from receipt_service.domain.correction import Replaced
    from receipt_service.domain.log_head import LogHead
    from receipt_service.domain.receipt_number import ReceiptNumber


class Group(StrEnum):
    """The groups in the order in which a receipt carries them."""

    LEGAL_BASIS = "legal_basis"
    CONSEQUENCES = "consequences"
    PERSON = "person"
    WHEN_WHERE = "when_where"
    OFFICER = "officer"

    __hash__ = str.__hash__
    """As equal to its text as the members are; the enumeration's own hash is neither that nor fast."""


STUB_GROUPS: Final = tuple(group for group in Group if group is not Group.PERSON)
"""What the service keeps."""

SALT_INFOS: Final = tuple(f"receipt-service/salt/v1/{group.value}".encode() for group in Group)
"""HKDF ``info`` of each group's salt, in the order of ``Group``."""


class _Article(Protocol):
    @property
    def article(self) -> str | None: ...


class CatalogueVersion(Protocol):
    """What the claims take from ``domain.catalogue.Catalogue``: its version, its digest, the articles."""

    @property
    def version(self) -> str:
        """Version by which the catalogue is found."""

    @property
    def sha256(self) -> str:
        """Digest of the catalogue's exact bytes, base64url: it binds the texts behind the codes."""

    @property
    def bases(self) -> Mapping[str, _Article]:
        """The legal bases by code."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """What an attestation says of its own place in time, beside when it was recorded."""

    late_from: datetime | None = None
    """When the device recorded a late entry, by its own clock; ``None`` where the entry is not late."""
    replaces: Replaced | None = None
    log: LogHead | None = None
    """A tree that was published before: so the attestation was not written earlier."""


ORDINARY: Final = Moment()
"""A check that was recorded when it was sent, where nothing is known of a log."""


def claims_of(
    check: Check,
    person: Person,
    *,
    receipt_number: ReceiptNumber,
    recorded_at: datetime,
    catalogue: CatalogueVersion,
    moment: Moment = ORDINARY,
) -> dict[Group, dict[str, Any]]:
    """Write the five groups. ``recorded_at`` is when the service took the check, aware."""
    return {
        Group.LEGAL_BASIS: _legal_basis(check, catalogue),
        Group.CONSEQUENCES: {
            "measures": list(check.measures),
            "outcomes": list(check.outcomes),
            "possible": list(check.possible_consequences),
            "remedies": list(check.remedies),
        },
        Group.PERSON: person_claims(person),
        Group.WHEN_WHERE: _when_where(check, receipt_number, recorded_at, moment),
        Group.OFFICER: _officer(check),
    }


def person_claims(person: Person) -> dict[str, Any]:
    """Write the group that only the holder has; the page rebuilds it from the link, member by member."""
    if isinstance(person, IdentityEstablished):
        return {
            "identity": person.identity,
            "family_name": person.family_name,
            "given_names": person.given_names,
            "birth_date": person.birth_date,
            "birth_place": person.birth_place,
            "established_by": person.established_by.value,
        }
    return {"identity": person.identity, "reason": person.reason.value}


def person_from(claims: Mapping[str, Any]) -> Person:
    """Read back what ``person_claims`` wrote. Raises ``MalformedReceipt``."""
    try:
        if claims["identity"] == "established":
            return IdentityEstablished(
                family_name=claims["family_name"],
                given_names=claims["given_names"],
                birth_date=claims["birth_date"],
                birth_place=claims["birth_place"],
                established_by=EstablishedBy(claims["established_by"]),
            )
        return IdentityNotEstablished(reason=NotEstablishedReason(claims["reason"]))
    except (KeyError, ValueError):
        raise MalformedReceipt("not the claims of a person") from None


def _legal_basis(check: Check, catalogue: CatalogueVersion) -> dict[str, Any]:
    return _given(
        catalogue={"version": catalogue.version, "sha256": catalogue.sha256},
        bases=[_basis(use, catalogue, check.place.zone) for use in check.bases],
        reasons=list(check.reasons),
        reason_text=check.reason_text,
        selection=check.selection.value,
    )


def _basis(use: BasisUse, catalogue: CatalogueVersion, zone: str) -> dict[str, Any]:
    """Every fact given, except ``notice_reference``: it could point to a person in a police file."""
    return _given(
        code=use.code,
        article=catalogue.bases[use.code].article,
        offence_class=use.offence_class,
        offence=use.offence,
        measure_breached=use.measure_breached,
        circumstances=use.circumstances,
        risk_type=use.risk_type,
        zone_type=use.zone_type,
        site=use.site,
        operation_reference=use.operation_reference,
        operation_started_at=_local(use.operation_started_at, zone),
        requisition=_requisition(use.requisition, zone),
        premises_professional=use.premises_professional,
        shown_to=use.shown_to,
        objective_element=use.objective_element,
        parent_receipt_number=use.parent_receipt_number,
        consent=use.consent,
        prosecutor_instruction=use.prosecutor_instruction,
        hold_started_at=_local(use.hold_started_at, zone),
        hold_ended_at=_local(use.hold_ended_at, zone),
        event=use.event,
        owner_present=use.owner_present,
    )


def _requisition(requisition: Requisition | None, zone: str) -> dict[str, Any] | None:
    if requisition is None:
        return None
    return {
        "reference": requisition.reference,
        "court": requisition.court,
        "signed_at": _local(requisition.signed_at, zone),
        "offences": list(requisition.offences),
        "communes": list(requisition.communes),
        "places": requisition.places,
        "starts_at": _local(requisition.starts_at, zone),
        "ends_at": _local(requisition.ends_at, zone),
        "renewed": requisition.renewed,
    }


def _when_where(check: Check, receipt_number: ReceiptNumber, recorded_at: datetime, moment: Moment) -> dict[str, Any]:
    place = check.place
    late_from, replaces, log = moment.late_from, moment.replaces, moment.log
    return _given(
        receipt_number=str(receipt_number),
        checked_at=_local(check.checked_at, place.zone),
        ended_at=_local(check.ended_at, place.zone),
        zone=place.zone,
        place=place.public_place,
        commune=place.commune,
        commune_name=place.commune_name,
        department=place.department,
        recorded_at=_local(recorded_at, place.zone),
        recorded_by_device_at=_local(late_from, place.zone),
        late=None if late_from is None else True,
        replaces=None if replaces is None else _replaces(replaces, place.zone),
        log=None if log is None else {"size": log.size, "root": log.root},
    )


def _replaces(replaced: Replaced, zone: str) -> dict[str, Any]:
    return {
        "receipt_number": replaced.receipt_number,
        "reason": replaced.reason.value,
        "recorded_at": _local(replaced.recorded_at, zone),
    }


def _officer(check: Check) -> dict[str, Any]:
    officer = check.officer
    service = officer.service
    return _given(
        number=officer.number,
        rank=officer.rank,
        quality=officer.quality.value,
        service={"code": service.code, "name": service.name, "force": service.force},
        ordered_by=check.ordered_by,
    )


def _local(moment: datetime | None, zone: str) -> str | None:
    """ISO 8601 to the second with the offset of the place, which is the time people there read."""
    return None if moment is None else moment.astimezone(ZoneInfo(zone)).isoformat(timespec="seconds")


def _given(**members: Any) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}
