"""Retention: what the book may no longer keep goes, and the log says that it went, in one transaction.

A batch is named by a signed record, in which it is concealed, and the database lets go of nothing that no deletion
names. Leaves stay: they are public, say nothing, and every proof and every holder's own receipt goes on verifying.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile
from typing import Any, Final

from sqlalchemy import Engine

from receipt_service.domain.log_entry import EntryKind
from receipt_service.domain.log_record import LogRecord
from receipt_service.errors import Unavailable
from receipt_service.storage import corrections, deletions, log_queue
from receipt_service.storage.deletions import NewDeletion, Outlived
from receipt_service.storage.engine import reading, writing

BATCH: Final = 500
"""Stubs in one transaction and one record: on SQLite nobody registers a check meanwhile, so it is kept short."""
WHOLE: Final = "stub"
GROUPS: Final = ("legal_basis", "consequences", "when_where", "officer")
"""The disclosures of a stub in their order."""

WriteRecord = Callable[[Mapping[str, Any], datetime], LogRecord]
"""Conceals and signs the facts of a deletion."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """How long something is kept: some disclosures, or (``groups`` empty) the whole stub."""

    years: int
    groups: tuple[str, ...] = ()
    """Of ``GROUPS``, in that order."""

    @property
    def dropped(self) -> str:
        """What goes, as the deletion names it."""
        return ",".join(self.groups) or WHOLE

    def ends_for(self, now: datetime) -> datetime:
        """Return the moment before which a check must have been recorded to have outlived the term."""
        year = now.year - self.years
        try:
            return now.replace(year=year)
        except ValueError:  # the 29th of February
            return now.replace(year=year, month=2, day=28)

    def facts(self, stubs: Sequence[Outlived]) -> dict[str, Any]:
        """Write the facts of a deletion (``docs/log-records.md``)."""
        return {
            "policy": {"kind": "disclosures" if self.groups else WHOLE, "years": self.years},
            "groups": list(self.groups or GROUPS),
            "entries": ranges_of([stub.entry_index for stub in stubs]),
        }


def ranges_of(indexes: Sequence[int]) -> list[list[int]]:
    """Write ascending indexes as ranges, the end not included."""
    ranges: list[list[int]] = []
    for index in indexes:
        if ranges and ranges[-1][1] == index:
            ranges[-1][1] = index + 1
        else:
            ranges.append([index, index + 1])
    return ranges


class Retention:
    """Lets go of what has outlived its term. On PostgreSQL one process at a time does."""

    def __init__(self, engine: Engine, write_record: WriteRecord, clock: Callable[[], datetime]) -> None:
        self._engine, self._write_record, self._clock = engine, write_record, clock

    def run(self, term: Term, batch: int = BATCH) -> Iterator[int]:
        """Let go of everything that has outlived a term; yield how many stubs each transaction named.

        It goes along the log and stops at the first stub whose time is not over: one of the same batch of the log that
        is a little older waits for the next run.
        Killed at any point, a batch is gone and recorded, or neither. Raises ``Unavailable`` while statistics have
        still to count one of the stubs.
        """
        while done := self._once(term, batch):
            yield done

    def _once(self, term: Term, batch: int) -> int:
        now = self._clock()
        with writing(self._engine) as connection:
            deletions.keep_others_out(connection)
            found = deletions.published_between(connection, deletions.reached(connection, term.dropped), batch)
            ends = term.ends_for(now)
            stubs = list(takewhile(lambda stub: stub.committed_at < ends, found))
            if not stubs:
                return 0
            if deletions.waits_in_a_queue(connection, [stub.stub_id for stub in stubs]):
                raise Unavailable("statistics have still to count some of what is to go; fold first")
            record = self._write_record(term.facts(stubs), now)
            deletions.add(
                connection,
                NewDeletion(
                    deleted_at=now,
                    dropped=term.dropped,
                    end_index=stubs[-1].entry_index + 1,
                    record=record.text,
                    disclosure=record.disclosure or "",
                    stubs=stubs,
                ),
            )
            if term.groups:
                lines = [GROUPS.index(group) for group in term.groups]
                for stub in stubs:
                    deletions.drop_lines(connection, stub, lines)
            else:
                for stub in stubs:
                    deletions.empty(connection, stub)
                corrections.forget_persons_of(connection, [stub.stub_id for stub in stubs])
            log_queue.ask(connection, EntryKind.DELETION, record.text)
        return len(stubs)


def due(engine: Engine, term: Term, now: datetime) -> int:
    """Count the stubs that have outlived a term and are still there; a scan. Needs no key."""
    with reading(engine) as connection:
        return deletions.count_before(connection, deletions.reached(connection, term.dropped), term.ends_for(now))
