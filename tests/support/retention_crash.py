"""Retention runs that are killed at a point; ``tests.support.dying`` says how."""

from collections.abc import Callable
from datetime import UTC, datetime

from receipt_service.domain.log_entry import EntryKind
from receipt_service.domain.log_record import write_record
from receipt_service.storage import deletions, log_queue
from receipt_service.storage.engine import open_engine
from receipt_service.transparency import retention
from receipt_service.transparency.retention import GROUPS, Retention, Term
from tests.support.dying import answer_lines, at_call, die, then_die
from tests.support.receipts import ISSUER, SIGNER

LATER = datetime(2040, 1, 1, tzinfo=UTC)
TERMS = {"groups": Term(years=6, groups=GROUPS[:3]), "stub": Term(years=10)}
AT_ONCE = 4
POINTS: dict[str, Callable[[], None]] = {
    "before anything": lambda: setattr(deletions, "published_between", die),
    "recorded, not dropped": lambda: setattr(deletions, "add", then_die(deletions.add)),
    "some dropped": lambda: [
        setattr(deletions, name, at_call(getattr(deletions, name), 3)) for name in ("drop_lines", "empty")
    ],
    "dropped, not asked": lambda: setattr(log_queue, "ask", die),
    "asked, not committed": lambda: setattr(log_queue, "ask", then_die(log_queue.ask)),
    "in the second batch": lambda: setattr(log_queue, "ask", at_call(log_queue.ask, 2)),
    "after the first batch": lambda: setattr(deletions, "reached", at_call(deletions.reached, 2)),
}


def record(facts, now):
    return write_record(
        EntryKind.DELETION, facts, issuer=ISSUER, kid=SIGNER.kid, issued_on=now.date(), sign=SIGNER.sign, salt=b"s" * 16
    )


def keeper(engine) -> Retention:
    return Retention(engine, record, lambda: LATER)


def run(database: str, point: str, what: str) -> None:
    POINTS[point]()
    for _ in keeper(open_engine(database)).run(TERMS[what], AT_ONCE):
        pass


if __name__ == "__main__":
    assert retention.BATCH > AT_ONCE
    answer_lines(run)
