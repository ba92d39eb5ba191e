"""The table at the end of a replay."""

from typing import Final

from receipt_service.demo.narration import Narrator
from receipt_service.demo.stops.mapping import GAPS, Gap
from receipt_service.demo.stops.records import EXPLANATIONS, RowFault
from receipt_service.demo.stops.tally import Tally

_NAME: Final = 27
_CHANNELS: Final = {
    "sms": "text messages",
    "email": "mails",
    "on_screen": "on the screen",
    "on_paper": "on paper",
    "declined": "declined (stub)",
}


def report(tally: Tally, tell: Narrator, *, delivered: bool) -> None:
    """Write every count; the sum of the first part is the number of rows."""
    _rows(tally, tell)
    if delivered:
        _receipts(tally, tell)
        _texts(tally, tell)
    tell.heading("Time")
    _line(tell, "issuing", _rate(tally.issued + tally.replayed, tally.issue_seconds, "checks"))
    if delivered:
        _line(tell, "all of it", _rate(tally.expected.total(), tally.whole_seconds, "receipts"))
    if tally.repeats:
        _line(tell, "sent again", f"{tally.repeats:,} requests, under the same key, until there was an answer")
    if tally.failures:
        _failures(tally, tell)


def _rows(tally: Tally, tell: Narrator) -> None:
    tell.heading(f"{tally.rows:,} rows")
    _count(tell, "issued", tally.issued)
    _count(tell, "replayed", tally.replayed, "equal to an earlier row: same receipt, nothing sent again")
    for gap in Gap:
        _count(tell, f"refused: {gap}", tally.refused[gap], GAPS[gap][1])
    for fault in RowFault:
        _count(tell, f"unreadable: {fault}", tally.unreadable[fault], EXPLANATIONS[fault])
    for rule, times in tally.rules.most_common():
        tell.result("", f"the service's refusals said {rule}: {times:,}")


def _receipts(tally: Tally, tell: Narrator) -> None:
    tell.heading("Receipts, arrived and verified / to hand over")
    for channel, name in _CHANNELS.items():
        if tally.expected[channel]:
            _line(tell, name, f"{tally.verified[channel]:>7,} / {tally.expected[channel]:,}")


def _failures(tally: Tally, tell: Narrator) -> None:
    tell.heading("What must not happen, and did")
    for kind, times in tally.failures.most_common():
        tell.result("!!", f"{kind}: {times:,}")
    for example in tally.examples:
        tell.result("", example)


def _texts(tally: Tally, tell: Narrator) -> None:
    """Write how long the text messages were."""
    if not tally.segments:
        return
    figures = tally.to_json()["sms"]
    spread = ", ".join(f"{times:,} of {count}" for count, times in sorted(tally.segments.items()))
    tell.heading("Text messages")
    _line(tell, "segments", f"median {figures['median_segments']}, most {max(tally.segments)} ({spread})")
    _line(tell, "septets", f"median {figures['median_septets']}, most {figures['longest_septets']}")
    _line(tell, "not GSM-7", str(tally.outside_gsm7))


def _count(tell: Narrator, name: str, times: int, why: str = "") -> None:
    if times:
        _line(tell, name, f"{times:>7,}")
        if why:
            tell.result("", why)


def _line(tell: Narrator, name: str, value: str) -> None:
    tell.field(name, value, width=_NAME)


def _rate(count: int, seconds: float, what: str) -> str:
    per_second = count / seconds if seconds else 0.0
    return f"{seconds:.1f} s, {per_second:,.0f} {what} a second"
