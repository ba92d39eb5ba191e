"""Where a crash is tried: the worker calls ``after(point)`` behind each durable step, and normally nothing happens.

Tests pass a function that kills the process at a named point; the table in docs/delivery.md says what
each point leaves behind and who mends it, and a test holds that table to ``POINTS``.
"""

from collections.abc import Callable

After = Callable[[str], None]

POINTS = (
    "epoch_key_written",
    "epoch_published",
    "leased",
    "answered",
    "settled",
    "recovered",
    "looked_up",
    "followed",
    "redacted",
    "redaction_recorded",
    "expired",
    "epoch_condemned",
    "epoch_overwritten",
)


def NO_FAULT(point: str) -> None:  # noqa: N802 - a constant that happens to be a function
    """Do nothing."""
