"""Auditors' questions in the API process: each put on record before it is answered, off the event loop."""

import asyncio
from datetime import datetime

from receipt_service.audit.matching import Match
from receipt_service.audit.period import AuditPeriod, PeriodResult, audit_period
from receipt_service.audit.readings import ReadingKind, Reason, RecordedReading
from receipt_service.bootstrap.audit import Auditing, present

MOST_ROWS = 150_000
"""Entries and stubs that one request may have the process look at: some ten seconds."""
LONGEST_DAYS = 31


class AuditShelf:
    """What ``web.services.Audits`` asks for."""

    def __init__(self, auditing: Auditing) -> None:
        """``auditing`` reads the same database and folder as the API."""
        self._auditing = auditing

    async def match(self, subject: str, presented: str, reason: Reason, now: datetime) -> Match:
        """Match what an auditor presents."""
        return await asyncio.to_thread(self._match, subject, presented, reason, now)

    def _match(self, subject: str, compact: str, reason: Reason, now: datetime) -> Match:
        auditing = self._auditing
        presented = present(compact, auditing.verifier, now)
        auditing.book.note(auditing.book.reader_of(subject), ReadingKind.MATCH, presented.leaf_hash, reason, now)
        return auditing.matcher.match(presented, now)

    async def period(self, subject: str, period: AuditPeriod, reason: Reason, now: datetime) -> PeriodResult:
        """Audit some days. Raises ``PeriodTooLarge``."""
        return await asyncio.to_thread(self._period, subject, period, reason, now)

    def _period(self, subject: str, period: AuditPeriod, reason: Reason, now: datetime) -> PeriodResult:
        auditing = self._auditing
        period.require_days(LONGEST_DAYS)
        auditing.book.note(auditing.book.reader_of(subject), ReadingKind.PERIOD, str(period), reason, now)
        return audit_period(auditing.sources, period, now, most=MOST_ROWS)

    async def readings(self, since: datetime) -> list[RecordedReading]:
        """List the audits on record."""
        return await asyncio.to_thread(lambda: list(self._auditing.book.since(since)))

    def forget_outlived(self, now: datetime) -> int:
        """Delete what has been kept its three years, and count it."""
        return self._auditing.book.forget_outlived(now)
