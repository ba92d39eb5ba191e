"""One stop becomes one request of ``POST /v1/checks``; ``docs/stops-mapping.md`` tells why each member is so.

What the source leaves out is left out of the request: the service has to refuse it, and the replay holds
it to that. Nothing is repaired on the way.
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from receipt_service.demo.stops.clock import replayed_at
from receipt_service.demo.stops.draw import Draw
from receipt_service.demo.stops.law import VEHICLE_BASES, Condition, Grounds, Measures, grounds_for, outcomes_for
from receipt_service.demo.stops.persons import person_for
from receipt_service.demo.stops.places import COMMUNES, commune_of, public_place
from receipt_service.demo.stops.recipients import recipient_for, second_language_for
from receipt_service.demo.stops.records import StopRecord
from receipt_service.demo.stops.roster import OPJ, Roster, RosterOfficer


class Gap(StrEnum):
    """What the record lacks for a French check, so that the service must refuse the request."""

    PLACE = "no_place"
    LEGAL_BASIS = "no_legal_basis"
    OUTCOME = "unknown_outcome"


GAPS: Final = {
    Gap.PLACE: ("/place", "the source gives no place, and a receipt says where the check took place"),
    Gap.LEGAL_BASIS: ("/legal_bases", "the source names no search power, or one without a French counterpart"),
    Gap.OUTCOME: ("/outcomes", "the source's outcome has no French counterpart"),
}
"""Where the service must find the fault (a JSON Pointer into the request), and why it is one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """What all requests of one replay share."""

    seed: int
    secret: bytes
    """Of this run alone: an Idempotency-Key is a secret, so it can't follow from public data."""
    before: datetime
    """When the replay began, aware: every stop is moved into the two days before."""
    roster: Roster
    zone: ZoneInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class MappedStop:
    """A request to make, and whether the service has to refuse it."""

    line: int
    idempotency_key: UUID
    officer: RosterOfficer
    body: Mapping[str, Any]
    gap: Gap | None


def map_stop(record: StopRecord, replay: Replay) -> MappedStop:
    """Make the request of one record: always the same one within a replay, for exact duplicates too."""
    grounds = grounds_for(record.legislation, record.search_object)
    outcomes = outcomes_for(record.outcome, grounds)
    place = _place(record)
    kind = _kind(record.kind)
    at = replayed_at(record.at, before=replay.before, zone=replay.zone)
    officer, ordered_by = _officer(record, replay, place, opj=kind is not Measures.PERSON)
    body: dict[str, Any] = {
        "checked_at": at.isoformat(timespec="seconds"),
        "outcomes": list(outcomes or ()),
        "measures": list(_MEASURES[kind]),
        "selection": "behaviour",
        "reasons": [],
        "legal_bases": [],
    }
    if grounds is not None:
        body |= _bases(grounds, kind, at, place)
    if place is not None:
        body["place"] = place
    if ordered_by is not None:
        body["ordered_by"] = ordered_by
    return MappedStop(
        line=record.line,
        idempotency_key=_key(record, replay),
        officer=officer,
        body=body | _people(record, replay, body, kind),
        gap=_gap(grounds, outcomes, place),
    )


_MEASURES: Final = {
    Measures.PERSON: ("PALPATION",),
    Measures.PERSON_AND_VEHICLE: ("PALPATION", "VISITE_VEHICULE"),
    Measures.VEHICLE: ("VISITE_VEHICULE",),
}
_COURTS: Final = {
    "75": "Tribunal judiciaire de Paris",
    "92": "Tribunal judiciaire de Nanterre",
    "93": "Tribunal judiciaire de Bobigny",
    "94": "Tribunal judiciaire de Créteil",
}
_BLOCK_HOURS: Final = 12
"""Length of the invented requisitions; 78-2-2 allows 24 hours."""


def _gap(grounds: Grounds | None, outcomes: object, place: object) -> Gap | None:
    if place is None:
        return Gap.PLACE
    if grounds is None:
        return Gap.LEGAL_BASIS
    return Gap.OUTCOME if outcomes is None else None


def _kind(text: str) -> Measures:
    """Read the kind of search; one that the source leaves out is a search of a person."""
    try:
        return Measures(text)
    except ValueError:
        return Measures.PERSON


def _place(record: StopRecord) -> dict[str, str] | None:
    words = public_place(record.street)
    if record.coordinates is None or not words:
        return None
    return {"public_place": words, "commune": commune_of(*record.coordinates)}


def _officer(
    record: StopRecord, replay: Replay, place: Mapping[str, str] | None, *, opj: bool
) -> tuple[RosterOfficer, str | None]:
    """Choose an officer of the place, and the OPJ who orders the check of one who isn't an OPJ (CPP 78-2 al. 1)."""
    draw = Draw(replay.seed, "officer", record.fingerprint)
    commune = "" if place is None else place["commune"]
    officer = draw.pick(replay.roster.near(commune, opj=opj))
    if officer.quality == OPJ:
        return officer, None
    return officer, draw.pick(replay.roster.near(commune, opj=True)).number


def _bases(grounds: Grounds, kind: Measures, at: datetime, place: Mapping[str, str] | None) -> dict[str, Any]:
    """Write the bases, one for the person and one for the vehicle, with the same facts."""
    if grounds.condition is Condition.REQUISITION:
        facts: dict[str, Any] = {"requisition": _requisition(grounds, at, place)}
        selection = "requisition"
    else:
        facts = {"offence_class": grounds.offence_class, "offence": grounds.offence}
        selection = "report" if grounds.reported else "behaviour"
    person = {"code": grounds.condition.value, **facts}
    vehicle = {"code": VEHICLE_BASES[grounds.condition], "owner_present": True, **facts}
    members = {
        "legal_bases": {
            Measures.PERSON: [person],
            Measures.PERSON_AND_VEHICLE: [person, vehicle],
            Measures.VEHICLE: [vehicle],
        }[kind],
        "reasons": list(grounds.reasons),
        "selection": selection,
    }
    return members if grounds.facts is None else {**members, "reason_text": grounds.facts}


def _requisition(grounds: Grounds, at: datetime, place: Mapping[str, str] | None) -> dict[str, Any]:
    """Invent the requisition that covers the stop: half a day, one commune, signed the day before."""
    commune = COMMUNES[0] if place is None else place["commune"]
    start = at.replace(hour=at.hour - at.hour % _BLOCK_HOURS, minute=0, second=0)
    return {
        "reference": f"REQ-{start:%Y%m%d-%H}-{commune}",
        "court": _COURTS[commune[:2]],
        "signed_at": (start - timedelta(hours=20)).isoformat(timespec="seconds"),
        "offences": [grounds.offence],
        "communes": [commune],
        "places": "Voies et lieux publics de la commune",
        "starts_at": start.isoformat(timespec="seconds"),
        "ends_at": (start + timedelta(hours=_BLOCK_HOURS)).isoformat(timespec="seconds"),
    }


def _people(record: StopRecord, replay: Replay, body: Mapping[str, Any], kind: Measures) -> dict[str, Any]:
    """Invent the person and where they want the receipt."""
    texts = " ".join(_texts(body))
    return {
        "person": person_for(
            Draw(replay.seed, "person", record.fingerprint),
            today=replay.before.date(),
            avoid=texts,
            vehicle_only=kind is Measures.VEHICLE,
            adult="AFD" in body["outcomes"],
        ),
        "recipient": recipient_for(Draw(replay.seed, "recipient", record.fingerprint)),
        "second_language": second_language_for(Draw(replay.seed, "language", record.fingerprint)),
    }


def _texts(value: object) -> list[str]:
    """Give every text of a request body."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, Mapping):
        return [text for member in value.values() for text in _texts(member)]
    return [text for item in value for text in _texts(item)] if isinstance(value, list) else []


def _key(record: StopRecord, replay: Replay) -> UUID:
    """Derive the Idempotency-Key: a UUID of version 4 in form, equal for exact duplicates of this run."""
    return UUID(bytes=hmac.digest(replay.secret, record.fingerprint, "sha256")[:16], version=4)
