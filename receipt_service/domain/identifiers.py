"""Internal identifiers: 63-bit integers that grow with time, so that an index on them is written at its end only.

They are names for rows, not capabilities: the number that opens a stub to a reader is the receipt number.
"""

from datetime import UTC, datetime, timedelta
from typing import NewType

StubId = NewType("StubId", int)
MessageId = NewType("MessageId", int)
AttemptId = NewType("AttemptId", int)

RANDOM_BITS = 22
_EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


def row_id(at: datetime, randomness: int) -> int:
    """Build an identifier: milliseconds since 2026 (41 bits, until 2095), then the low 22 bits of ``randomness``.

    Two processes that draw in the same millisecond collide once in four million; the primary key says so and the
    caller draws again.
    """
    milliseconds = int((at - _EPOCH).total_seconds() * 1000)
    return (milliseconds << RANDOM_BITS) | (randomness & ((1 << RANDOM_BITS) - 1))


def created_at(identifier: int) -> datetime:
    """Tell to the millisecond when an identifier was drawn."""
    return _EPOCH + timedelta(milliseconds=identifier >> RANDOM_BITS)
