"""The audit of a period: log, tree, stub-book and daily closings held against each other, in all but constant memory.

Reads alone; what is registered meanwhile is judged by the next audit. ``docs/adr/0027`` says what is compared and why.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Any, Final

from sqlalchemy import Engine

from receipt_service.audit.book_walk import BookWalk, Stretch, begin_of
from receipt_service.audit.closing_checks import ClosingChecks
from receipt_service.audit.entries import EntryVerifier
from receipt_service.audit.findings import AuditFault, Code, Finding, Findings
from receipt_service.audit.hour_sums import HourSums
from receipt_service.audit.lawful import Deletions
from receipt_service.audit.log_walk import LogWalk, first_of_day
from receipt_service.audit.published_tree import PublishedTree
from receipt_service.audit.record_checks import RecordChecks
from receipt_service.domain.identifiers import row_id
from receipt_service.errors import PeriodTooLarge, Unavailable
from receipt_service.storage import audited, log_entries, log_tree
from receipt_service.storage.engine import reading
from receipt_service.storage.log_tree import LogTree
from receipt_service.tlog.checkpoint import Checkpoint
from receipt_service.tlog.hash_reader import HashReader
from receipt_service.tlog.merkle import EMPTY_ROOT, BadProof, RightEdge, leaf_hash
from receipt_service.tlog.notation import MalformedLogText
from receipt_service.tlog.note import BadSignature
from receipt_service.tlog.tiles import ReadTile
from receipt_service.tlog.trust import CheckedCheckpoint

LATEST_REGISTRATION: Final = timedelta(hours=72)
"""How long after a check it may be registered (``domain.rules_time``): its day's count is complete after that."""
MIXED: Final = 8192
"""Entries that are sequenced at once stand in the order of their hashes, whatever their day (``transparency``)."""
NOT_RECORDED: Final = ("device_numbering",)
"""What ought to be compared and can't be, because nothing is recorded to compare: officers' devices have no numbers."""
_ONE_DAY: Final = timedelta(days=1)
_LAST_ID: Final = 2**63 - 1
_PERIOD: Final = re.compile(r"(\d{4}-\d\d-\d\d)\.\.(\d{4}-\d\d-\d\d)", re.ASCII)


class BadPeriod(ValueError):
    """Not a period: two days, the second not before the first."""


@dataclass(frozen=True, slots=True)
class AuditPeriod:
    """Days from ``first`` to ``last``, both included; ``None`` on both sides is all there is."""

    first: date | None = None
    last: date | None = None

    @property
    def days(self) -> tuple[date, date] | None:
        """First and last day; ``None`` for all there is."""
        return None if self.first is None or self.last is None else (self.first, self.last)

    def require_days(self, most: int) -> None:
        """Raise ``PeriodTooLarge`` for more days than that, for all there is, and for days in the wrong order."""
        if self.first is None or self.last is None or not 0 <= (self.last - self.first).days < most:
            raise PeriodTooLarge(f"a period of 1 to {most} days can be audited here")

    def __str__(self) -> str:
        """Write it as ``parse_audit_period`` reads it."""
        return "all" if self.first is None or self.last is None else f"{self.first}..{self.last}"


def parse_audit_period(text: str) -> AuditPeriod:
    """Read ``2026-11-01..2026-11-30``, or ``all``. Raises ``BadPeriod``."""
    if text == "all":
        return AuditPeriod()
    found = _PERIOD.fullmatch(text)
    try:
        days = [date.fromisoformat(day) for day in found.groups()] if found else []
    except ValueError:
        days = []
    if len(days) != 2 or days[0] > days[1] or not 2026 <= days[0].year <= days[1].year < 2095:  # noqa: PLR2004
        raise BadPeriod("a period is two days: 2026-11-01..2026-11-30")
    return AuditPeriod(*days)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditSources:
    """Where an audit reads."""

    engine: Engine
    read_tile: ReadTile
    """Of the published log's folder. Raises ``Unavailable`` for a tile that is not there."""
    checkpoint: Callable[[], CheckedCheckpoint | None]
    """Reads the newest checkpoint and checks its signatures; ``None`` before the first. Raises ``MalformedLogText``
    and ``BadSignature``."""
    verifier: EntryVerifier
    zones: Mapping[str, tzinfo] = field(default_factory=dict)
    """The clock of each unit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodResult:
    """What an audit found."""

    period: AuditPeriod
    audited_at: datetime
    checkpoint: Checkpoint | None
    entries: int
    stubs: int
    closings: int
    findings: Findings

    @property
    def whole(self) -> bool:
        """Whether nothing was found that can't be honest."""
        return not self.findings.alarms

    def to_json(self) -> dict[str, Any]:
        """Write the result; no stub's content is in it."""
        checkpoint = self.checkpoint
        return {
            "version": 1,
            "period": str(self.period),
            "audited_at": self.audited_at.isoformat(timespec="seconds"),
            "whole": self.whole,
            "log_size": 0 if checkpoint is None else checkpoint.size,
            "log_root": None if checkpoint is None else checkpoint.root.hex(),
            "entries": self.entries,
            "stubs": self.stubs,
            "closings": self.closings,
            "counts": {code.value: number for code, number in sorted(self.findings.counts.items())},
            "findings": [finding.to_json() for finding in self.findings.told],
            "not_recorded": [*NOT_RECORDED, *([] if self.closings else ["daily_closings"])],
        }


Progress = Callable[[int, int], None]
"""Told after each part: how many of how many entries and stubs are done."""


def no_progress(_done: int, _total: int) -> None:
    """Tell nobody."""


def audit_period(
    sources: AuditSources,
    period: AuditPeriod,
    now: datetime,
    progress: Progress = no_progress,
    *,
    most: int = _LAST_ID,
) -> PeriodResult:
    """Audit a period. Raises ``Unavailable`` for a database or a folder that does not answer at all.

    Raises ``PeriodTooLarge`` before anything is checked where there are more than ``most`` entries and stubs.
    """
    findings = Findings()
    checkpoint = _checkpoint(sources, findings)
    walked = checkpoint or Checkpoint("none", 0, EMPTY_ROOT)
    with reading(sources.engine) as connection:
        tree = log_tree.read(connection)
    _check_tree(sources, walked, tree, findings)
    logged, stretch = _part_of_log(sources, walked.size, period, findings), _stretch(period)
    with reading(sources.engine) as connection:
        stubs = audited.count_between(connection, stretch.first_id, stretch.end_id)
        closings = ClosingChecks.read(connection, sources.verifier, stretch.days)
    told = _Told(progress, logged[1] - logged[0] + stubs)
    if told.total > most:
        raise PeriodTooLarge("the period has more entries than are audited while somebody waits")
    log = _log_walk(sources, walked, period, findings, now)
    log.run(*logged, told.more)
    book = _book_walk(sources, walked, logged, closings, log, now)
    book.run(stretch, told.more)
    closings.check(sources.engine, book, findings, now)
    RecordChecks(sources.engine, log.deletions, findings, now, period.days).run(log.records)
    return PeriodResult(
        period=period,
        audited_at=now,
        checkpoint=checkpoint,
        entries=log.entries,
        stubs=book.stubs,
        closings=closings.number,
        findings=findings,
    )


@dataclass(slots=True)
class _Told:
    """How far the audit is."""

    progress: Progress
    total: int
    done: int = 0

    def more(self, number: int) -> None:
        self.done += number
        self.progress(self.done, self.total)


def _log_walk(
    sources: AuditSources, checkpoint: Checkpoint, period: AuditPeriod, findings: Findings, now: datetime
) -> LogWalk:
    published = PublishedTree(checkpoint.size, checkpoint.root, sources.read_tile)
    return LogWalk(
        sources.engine,
        checkpoint,
        sources.read_tile,
        sources.verifier,
        Deletions(sources.verifier.check, published.holds, now),
        findings,
        now.astimezone(UTC).date(),
        HourSums(*_numbers(period)),
    )


def _book_walk(
    sources: AuditSources,
    checkpoint: Checkpoint,
    logged: tuple[int, int],
    closings: ClosingChecks,
    log: LogWalk,
    now: datetime,
) -> BookWalk:
    return BookWalk(
        sources.engine,
        published_size=checkpoint.size,
        logged=logged,
        zones=sources.zones,
        closed_at=closings.closed_at,
        seen=log.seen,
        faulty=log.faulty,
        findings=log.findings,
        deletions=log.deletions,
        now=now,
    )


def _checkpoint(sources: AuditSources, findings: Findings) -> Checkpoint | None:
    try:
        checked = sources.checkpoint()
    except (MalformedLogText, BadSignature):
        findings.add(Finding(Code.CHECKPOINT_INVALID))
        return None
    return None if checked is None else checked.checkpoint


def _check_tree(sources: AuditSources, checkpoint: Checkpoint, tree: LogTree, findings: Findings) -> None:
    """Hold the database's tree against the checkpoint, and what is sequenced beyond it against its own root."""
    if tree.size < checkpoint.size:
        findings.add(Finding(Code.ROLLBACK, expected=checkpoint.size, found=tree.size))
        return
    try:
        edge = HashReader(checkpoint.size, sources.read_tile).right_edge() if checkpoint.size else RightEdge()
        for first in range(checkpoint.size, tree.size, 4096):
            with reading(sources.engine) as connection:
                entries = log_entries.between(connection, first, min(first + 4096, tree.size))
            edge = edge.extended([leaf_hash((entry.text or "").encode()) for entry in entries])
    except (BadProof, MalformedLogText, Unavailable):
        findings.add(Finding(Code.TREE_DIFFERS, index=checkpoint.size))
        return
    if edge.size != tree.size or edge.root != tree.root:
        findings.add(Finding(Code.FORK, expected=tree.size, found=edge.size))


def _part_of_log(sources: AuditSources, size: int, period: AuditPeriod, findings: Findings) -> tuple[int, int]:
    """Find which entries may be the period's: those of its days, of the day after, and ``MIXED`` to either side."""
    if period.first is None or period.last is None or not size:
        return 0, size
    try:
        start = first_of_day(size, period.first, sources.read_tile)
        end = first_of_day(size, period.last + 2 * _ONE_DAY, sources.read_tile)
    except (AuditFault, MalformedLogText, Unavailable):
        findings.add(Finding(Code.TREE_DIFFERS))
        return 0, size
    return max(0, start - MIXED), min(size, end + MIXED)


def _numbers(period: AuditPeriod) -> tuple[int, int]:
    """Return the row numbers of the stubs that were registered on the period's days, in UTC."""
    if period.first is None or period.last is None:
        return 0, _LAST_ID
    return row_id(begin_of(period.first), 0), row_id(begin_of(period.last + _ONE_DAY), 0)


def _stretch(period: AuditPeriod) -> Stretch:
    """Return which stubs may have been made on the period's days, by whichever unit's clock."""
    if period.first is None or period.last is None:
        return Stretch(0, _LAST_ID, (date(2026, 1, 1), date(2095, 1, 1)))
    first, end = begin_of(period.first) - _ONE_DAY, begin_of(period.last) + 2 * _ONE_DAY + LATEST_REGISTRATION
    return Stretch(row_id(first, 0), row_id(end, 0), (period.first, period.last))
