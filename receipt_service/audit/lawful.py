"""What the law has taken out of the stub-book: deletions that a signed record in the published log answers for.

A row of the database alone excuses nothing: whoever can empty a stub can write one.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection

from receipt_service.audit.findings import AuditFault, Code
from receipt_service.audit.records import CheckEntry, NamedStubs, hash_of_record, read_deletion
from receipt_service.domain.identifiers import StubId
from receipt_service.storage import audited_records
from receipt_service.storage.audited_records import DeletionRecord

GRACE: Final = timedelta(minutes=1)
"""Longest that what was committed may wait for its place, and for a checkpoint over it."""
Logged = Callable[[Connection, bytes], bool]
"""Tells whether an entry of this leaf hash stands in the published log, by a proof and not by the database's word."""
Nothing: Final[frozenset[str]] = frozenset()


@dataclass(frozen=True, slots=True)
class Judged:
    """What a deletion is good for."""

    deleted_at: datetime
    named: NamedStubs | None
    fault: Code | None


@dataclass(slots=True)
class Deletions:
    """The deletions of one audit, each judged once."""

    check_entry: CheckEntry
    logged: Logged
    now: datetime
    judged: dict[int, Judged] = field(default_factory=dict)
    _any: bool | None = None

    def of_stubs(self, connection: Connection, places: Mapping[StubId, int]) -> Mapping[StubId, frozenset[str]]:
        """Return the names of the groups that were lawfully deleted, for those of the stubs of which something was.

        ``places`` says at which index of the log each stub has its leaf: that is what a record names.
        """
        if self._any is None:
            self._any = audited_records.any_deletion(connection)
        if not self._any:
            return {}
        naming = audited_records.naming(connection, places.keys())
        unknown = {number for _, number in naming} - self.judged.keys()
        self.judge(connection, audited_records.deletions_of(connection, unknown))
        found: dict[StubId, frozenset[str]] = {}
        for stub_id, number in naming:
            judged = self.judged.get(number)
            if judged is not None and judged.fault is None and judged.named and judged.named.covers(places[stub_id]):
                found[stub_id] = found.get(stub_id, Nothing) | judged.named.groups
        return found

    def judge(self, connection: Connection, rows: list[DeletionRecord]) -> None:
        """Judge deletions that were not judged yet."""
        for row in rows:
            if row.id not in self.judged:
                self.judged[row.id] = self._judge(connection, row)

    def _judge(self, connection: Connection, row: DeletionRecord) -> Judged:
        try:
            named = read_deletion(row, self.check_entry)
        except AuditFault as fault:
            return Judged(row.deleted_at, None, fault.code)
        is_new = self.now - GRACE <= row.deleted_at <= self.now + GRACE
        if is_new or self.logged(connection, hash_of_record(row.record)):
            return Judged(row.deleted_at, named, None)
        return Judged(row.deleted_at, None, Code.DELETION_NOT_LOGGED)
