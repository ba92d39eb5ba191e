"""The log's records and the rows that keep what they conceal, held against each other both ways."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

from sqlalchemy import Engine

from receipt_service.audit.findings import AuditFault, Code, Finding, Findings
from receipt_service.audit.lawful import GRACE, Deletions
from receipt_service.audit.log_walk import LoggedRecord
from receipt_service.audit.records import check_correction, hash_of_record
from receipt_service.storage import audited, audited_records
from receipt_service.storage.audited_records import CorrectionRecord, Moments
from receipt_service.storage.engine import reading
from receipt_service.storage.log_entries import leaf_key

_AT_ONCE: Final = 500
_ALWAYS: Final = Moments(datetime(2026, 1, 1, tzinfo=UTC), datetime(2095, 1, 1, tzinfo=UTC))


@dataclass(slots=True)
class RecordChecks:
    """One comparison: of what was recorded on some days (UTC)."""

    engine: Engine
    deletions: Deletions
    findings: Findings
    now: datetime
    days: tuple[date, date] | None
    """First and last; ``None`` for all there is."""

    def run(self, records: dict[int, LoggedRecord]) -> None:
        """Compare. ``records`` are those that the walk along the log has met, by leaf key; they are used up."""
        self._corrections(records)
        self._deletions(records)
        with reading(self.engine) as connection:
            closings = audited_records.closing_records_between(connection, self._moments)
        for record in closings:  # whether each stands in the log is for ``closing_checks``
            records.pop(leaf_key(hash_of_record(record)), None)
        for place, day in records.values():
            if self.days is None or self.days[0] <= day <= self.days[1]:
                self.findings.add(Finding(Code.RECORD_WITHOUT_ROW, index=place, day=day.isoformat()))

    @property
    def _moments(self) -> Moments:
        if self.days is None:
            return _ALWAYS
        begin = datetime.combine(self.days[0], datetime.min.time(), UTC)
        return Moments(begin, datetime.combine(self.days[1], datetime.min.time(), UTC) + timedelta(days=1))

    def _corrections(self, records: dict[int, LoggedRecord]) -> None:
        for part in self._correction_rows():
            ids = [each for row in part for each in (row.old_stub_id, row.new_stub_id) if each is not None]
            with reading(self.engine) as connection:
                leaves = audited.packed_leaves_of(connection, ids)
                for row in part:
                    try:
                        check_correction(row, leaves, self.deletions.check_entry)
                    except AuditFault as fault:
                        self.findings.add(Finding(fault.code, stub_id=row.old_stub_id))
                    hashed = hash_of_record(row.record)
                    met = records.pop(leaf_key(hashed), None) is not None
                    is_new = self.now - GRACE <= row.corrected_at <= self.now + GRACE
                    if not (met or is_new or self.deletions.logged(connection, hashed)):
                        self.findings.add(Finding(Code.CORRECTION_NOT_LOGGED, stub_id=row.old_stub_id))

    def _correction_rows(self) -> Iterator[list[CorrectionRecord]]:
        after = 0
        while True:
            with reading(self.engine) as connection:
                part = audited_records.corrections_between(connection, self._moments, after, _AT_ONCE)
            if not part:
                return
            yield part
            after = part[-1].old_stub_id

    def _deletions(self, records: dict[int, LoggedRecord]) -> None:
        """Judge the deletions of the days; tell of those too that the walk has met and that are no good."""
        after = 0
        while True:
            with reading(self.engine) as connection:
                part = audited_records.deletions_between(connection, self._moments, after, _AT_ONCE)
                self.deletions.judge(connection, part)
            for row in part:
                records.pop(leaf_key(hash_of_record(row.record)), None)
            if not part:
                break
            after = part[-1].id
        for judged in self.deletions.judged.values():
            if judged.fault is not None:
                self.findings.add(Finding(judged.fault, day=judged.deleted_at.date().isoformat()))
