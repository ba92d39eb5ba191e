"""Audits on record: who looked at what, when and why. Nothing is answered that is not written down first."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from sqlalchemy import Connection, Engine

from receipt_service.errors import ReceiptServiceError
from receipt_service.storage import audit_readings, directory
from receipt_service.storage.audit_readings import AuditReading
from receipt_service.storage.engine import reading, writing

REFERENCE: Final = re.compile(r"(?=[^0-9]*[0-9])(?!.*[0-9]{8})[A-Z0-9][A-Z0-9/._-]{0,23}", re.ASCII)
"""The number of a case or a mandate. Capitals and digits, one digit at least, never eight in a row, and shorter than a
receipt number: no place for a name, a telephone number, a birth date or a capability."""


class AuditPurpose(StrEnum):
    """Why somebody audits. A closed list: words of one's own could name a person."""

    CONTESTATION = "contestation"
    JUDICIAL_REQUEST = "judicial_request"
    SUPERVISORY_AUTHORITY = "supervisory_authority"
    INSPECTION = "inspection"
    REGULAR_CONTROL = "regular_control"
    INCIDENT = "incident"


AUDIT_PURPOSES: Final[Mapping[AuditPurpose, Mapping[str, str]]] = {
    AuditPurpose.CONTESTATION: {
        "fr": "Contestation ou réclamation d’une personne contrôlée",
        "en": "Contestation or complaint of a person who was checked",
    },
    AuditPurpose.JUDICIAL_REQUEST: {
        "fr": "Réquisition ou demande d’une autorité judiciaire",
        "en": "Requisition or request of a judicial authority",
    },
    AuditPurpose.SUPERVISORY_AUTHORITY: {
        "fr": "Demande de la CNIL ou du Défenseur des droits",
        "en": "Request of the CNIL or of the Defender of Rights",
    },
    AuditPurpose.INSPECTION: {
        "fr": "Mission d’une inspection (IGPN, IGGN, IGA)",
        "en": "Mission of an inspectorate (IGPN, IGGN, IGA)",
    },
    AuditPurpose.REGULAR_CONTROL: {"fr": "Contrôle périodique", "en": "Regular control"},
    AuditPurpose.INCIDENT: {"fr": "Incident de sécurité", "en": "Security incident"},
}


class ReasonRequired(ReceiptServiceError):
    """An audit needs a purpose of the list and a reference."""


class ReadingKind(StrEnum):
    """What was looked at."""

    MATCH = "match"
    PERIOD = "period"
    EVIDENCE = "evidence"


@dataclass(frozen=True, slots=True)
class Reader:
    """Who looks: ``kind`` is ``officer`` (a number), ``subject`` (of a token) or ``system_user`` (of a command)."""

    kind: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedReading:
    """One audit on record."""

    read_at: datetime
    reader: Reader
    kind: str
    what: str
    purpose: str
    reference: str

    def to_json(self) -> dict[str, str]:
        """Write it, the time to the second."""
        return {
            "read_at": self.read_at.isoformat(timespec="seconds"),
            "reader_kind": self.reader.kind,
            "reader": self.reader.name,
            "kind": self.kind,
            "what": self.what,
            "purpose": self.purpose,
            "reference": self.reference,
        }


@dataclass(frozen=True, slots=True)
class Reason:
    """Why somebody looks."""

    purpose: AuditPurpose
    reference: str


def reason_of(purpose: str | None, reference: str | None) -> Reason:
    """Read a reason. Raises ``ReasonRequired``."""
    try:
        known = AuditPurpose(purpose or "")
    except ValueError:
        raise ReasonRequired("a purpose of the list is required") from None
    if reference is None or REFERENCE.fullmatch(reference) is None:
        raise ReasonRequired("a reference is required: capitals and digits, for example 2026/1187")
    return Reason(known, reference)


class ReadingBook:
    """Writes audits down, lists them, and forgets them after three years."""

    def __init__(self, engine: Engine) -> None:
        """``engine`` may have any number of connections."""
        self._engine = engine

    def note(self, reader: Reader, kind: ReadingKind, what: str, reason: Reason, now: datetime) -> None:
        """Write one down, for good, before anything is answered. ``what`` is a leaf hash or a period."""
        with writing(self._engine) as connection:
            audit_readings.note(
                connection,
                AuditReading(
                    read_at=now,
                    reader_kind=reader.kind,
                    reader=reader.name,
                    kind=kind.value,
                    what=what,
                    purpose=reason.purpose.value,
                    reference=reason.reference,
                ),
            )

    def reader_of(self, subject: str) -> Reader:
        """Name whom a token names: an officer by number, anybody else by the token's own subject."""
        with reading(self._engine) as connection:
            officer = directory.officer_by_subject(connection, subject)
        return Reader("subject", subject) if officer is None else Reader("officer", officer.number)

    def since(self, moment: datetime) -> Iterator[RecordedReading]:
        """Yield what is on record from a moment on, the oldest first."""
        with reading(self._engine) as connection:
            for one in audit_readings.since(connection, moment):
                yield RecordedReading(
                    read_at=one.read_at,
                    reader=Reader(one.reader_kind, one.reader),
                    kind=one.kind,
                    what=one.what,
                    purpose=one.purpose,
                    reference=one.reference,
                )

    def forget_outlived(self, now: datetime) -> int:
        """Delete the readings that have been kept their three years, and count them."""
        with reading(self._engine) as connection:
            if not _any_outlived(connection, now):
                return 0
        with writing(self._engine) as connection:
            return audit_readings.forget_outlived(connection, now)


def _any_outlived(connection: Connection, now: datetime) -> bool:
    return audit_readings.has_outlived(connection, now)
