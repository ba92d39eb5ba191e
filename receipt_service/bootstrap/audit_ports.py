"""The audit's ports with a database that may be away."""

from collections.abc import Callable
from datetime import date, datetime

from sqlalchemy import Engine

from receipt_service.audit.closings import Closing, Closings
from receipt_service.audit.matching import Match
from receipt_service.audit.period import AuditPeriod, PeriodResult
from receipt_service.audit.readings import Reason, RecordedReading
from receipt_service.bootstrap.answering import answering
from receipt_service.bootstrap.audit import build_auditing, own_trust_root, zone_of_department
from receipt_service.bootstrap.audit_shelf import AuditShelf
from receipt_service.bootstrap.log_records import record_signer
from receipt_service.config.processes import ApiSettings
from receipt_service.crypto.signing import Signer
from receipt_service.domain.check import Officer
from receipt_service.domain.territory import Territory
from receipt_service.transparency.log_folder import LogFolder


class AnsweringAudits:
    """``bootstrap.audit_shelf`` with a database that may be away."""

    def __init__(self, shelf: AuditShelf) -> None:
        """Let ``shelf`` do the work."""
        self._match = answering(shelf.match)
        self._period = answering(shelf.period)
        self._readings = answering(shelf.readings)

    async def match(self, subject: str, presented: str, reason: Reason, now: datetime) -> Match:
        """Match what somebody presents."""
        return await self._match(subject, presented, reason, now)

    async def period(self, subject: str, period: AuditPeriod, reason: Reason, now: datetime) -> PeriodResult:
        """Audit some days."""
        return await self._period(subject, period, reason, now)

    async def readings(self, since: datetime) -> list[RecordedReading]:
        """List the audits on record."""
        return await self._readings(since)


class AnsweringClosings:
    """``audit.closings`` with a database that may be away."""

    def __init__(self, closings: Closings) -> None:
        """Let ``closings`` do the work."""
        self._close = answering(closings.close)

    async def close(self, *, closer: Officer, unit: str | None, day: date, checks: int, now: datetime) -> Closing:
        """Close a day."""
        return await self._close(closer=closer, unit=unit, day=day, checks=checks, now=now)


def build_audits(settings: ApiSettings, engine: Engine, territory: Territory) -> AuditShelf:
    """Put the audit of an API process together: its own keys, and the policy that the log proposes.

    Raises ``ConfigurationError`` without the issuer's keys.
    """
    own = own_trust_root(settings.issuer_keys, settings.public_url)
    folder = LogFolder(settings.log)
    return AuditShelf(build_auditing(engine, folder, trust_root=own, policy_file=None, territory=territory))


def build_closings(
    issuer: str, engine: Engine, signer_at: Callable[[datetime], Signer], territory: Territory
) -> AnsweringClosings:
    """Put daily closings together: signed by the issuer's key of the moment."""
    return AnsweringClosings(Closings(engine, record_signer(issuer, signer_at), zone_of_department(territory)))
