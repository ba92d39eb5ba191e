"""The daily closings of a period: each a signed record that stands in the log, held against the book as it is now."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection, Engine

from receipt_service.audit.book_walk import BookWalk
from receipt_service.audit.closings import ClosingFacts, read_facts
from receipt_service.audit.entries import EntryVerifier
from receipt_service.audit.findings import AuditFault, Code, Finding, Findings
from receipt_service.audit.lawful import GRACE
from receipt_service.domain.log_entry import EntryKind
from receipt_service.domain.log_record import digest_of_facts
from receipt_service.errors import MalformedReceipt
from receipt_service.storage import audited, daily_closings
from receipt_service.storage.daily_closings import StoredClosing
from receipt_service.storage.engine import reading
from receipt_service.storage.log_entries import leaf_key
from receipt_service.tlog.merkle import leaf_hash

_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class ClosingChecks:
    """The closings of a period, read."""

    _closings: tuple[StoredClosing, ...]
    _facts: Mapping[tuple[str, date], ClosingFacts | None]
    """What the signed records say; ``None`` for one that does not hold."""

    @classmethod
    def read(cls, connection: Connection, verifier: EntryVerifier, days: tuple[date, date]) -> "ClosingChecks":
        """Read the closings of some days and check their signatures."""
        closings = tuple(daily_closings.between(connection, *days))
        return cls(closings, {(each.unit_code, each.day): _facts(each, verifier) for each in closings})

    @property
    def number(self) -> int:
        """How many there are."""
        return len(self._closings)

    @property
    def closed_at(self) -> Mapping[tuple[str, date], datetime]:
        """When each unit's day was closed."""
        return {(closing.unit_code, closing.day): closing.closed_at for closing in self._closings}

    def check(
        self,
        engine: Engine,
        book: BookWalk,
        findings: Findings,
        now: datetime,
    ) -> None:
        """Hold each closing against the log and the book; find the units' days that nobody closed.

        A day of which stubs went lawfully can no longer be counted, which is told. Where nobody closed any day of the
        period there is nothing to compare, which the result says once.
        """
        logged = self._logged(engine)
        for closing in self._closings:
            unit, day = closing.unit_code, closing.day
            facts = self._facts[unit, day]
            if facts is None:
                findings.add(Finding(Code.CLOSING_INVALID, unit=unit, day=day.isoformat()))
            elif closing.record not in logged and closing.closed_at < now - GRACE:
                findings.add(Finding(Code.CLOSING_NOT_LOGGED, unit=unit, day=day.isoformat()))
            else:
                _compare(facts, book, findings)
        closed = self.closed_at.keys()
        for unit, day in sorted(book.unit_days - closed):
            if closed and day < now.date():
                found = book.of_day(unit, day).checks
                findings.add(Finding(Code.CLOSING_MISSING, unit=unit, day=day.isoformat(), found=found))

    def _logged(self, engine: Engine) -> set[str]:
        """Return the records that stand in the log."""
        found: set[str] = set()
        for first in range(0, len(self._closings), _AT_ONCE):
            records = [closing.record for closing in self._closings[first : first + _AT_ONCE]]
            keys = {leaf_key(leaf_hash(record.encode())): record for record in records}
            with reading(engine) as connection:
                found.update(keys[key] for key in audited.places_of(connection, keys))
        return found


def _facts(closing: StoredClosing, verifier: EntryVerifier) -> ClosingFacts | None:
    """Read what a closing says; ``None`` unless it is signed, the disclosure is the record's, and the row's key too."""
    try:
        entry = verifier.check(closing.record.encode())
        facts = read_facts(closing.disclosure)
    except (AuditFault, MalformedReceipt, UnicodeEncodeError):
        return None
    sound = (
        entry.kind is EntryKind.DAILY_CLOSING
        and entry.digests == (digest_of_facts(closing.disclosure),)
        and entry.issued_on == closing.closed_at.date()
        and (facts.unit, facts.day) == (closing.unit_code, closing.day)
    )
    return facts if sound else None


def _compare(facts: ClosingFacts, book: BookWalk, findings: Findings) -> None:
    count, day = book.of_day(facts.unit, facts.day), facts.day.isoformat()
    if not book.can_count(facts.day):
        findings.add(Finding(Code.CLOSING_NOT_COMPARABLE, unit=facts.unit, day=day, expected=facts.registered))
    elif not count.before <= facts.registered <= count.before + count.near:
        findings.add(
            Finding(Code.CLOSING_DIFFERS, unit=facts.unit, day=day, expected=facts.registered, found=count.before)
        )
    if facts.checks != facts.registered:
        findings.add(
            Finding(
                Code.CLOSING_DECLARED_DIFFERS,
                unit=facts.unit,
                day=day,
                expected=facts.checks,
                found=facts.registered,
            )
        )
    if count.after:
        findings.add(Finding(Code.REGISTERED_AFTER_CLOSING, unit=facts.unit, day=day, found=count.after))
