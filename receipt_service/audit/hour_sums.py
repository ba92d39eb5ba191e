"""Which stubs two walks have seen, hour by hour, in a few bytes an hour: how an audit compares sets in constant memory.

For each hour of registering the sum of a keyed hash of the row numbers. Two walks that saw the same stubs have the
same sums whatever their order; where sums differ the hour is looked at stub by stub. The key is drawn anew for every
audit, so nobody can choose row numbers whose sums would hide each other.
"""

import hashlib
import secrets
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

_MASK: Final = 2**64 - 1
_ID_BYTES: Final = 8
ONE_HOUR: Final = timedelta(hours=1)


_ALWAYS: Final = (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))


@dataclass(slots=True)
class HourSums:
    """The sums of one walk."""

    span: tuple[datetime, datetime] = _ALWAYS
    """What was registered before the first, or at the second or later, is passed over."""
    key: bytes = field(default_factory=lambda: secrets.token_bytes(16), repr=False)
    sums: Counter[datetime] = field(default_factory=Counter)
    counts: Counter[datetime] = field(default_factory=Counter)

    def takes(self, committed_at: datetime) -> bool:
        """Say whether a stub registered then is looked at."""
        return self.span[0] <= committed_at < self.span[1]

    def add(self, stub_id: int, committed_at: datetime) -> None:
        """Take a stub into the sum of its hour."""
        if self.takes(committed_at):
            number = stub_id.to_bytes(_ID_BYTES, "big", signed=True)
            digest = hashlib.blake2b(number, digest_size=_ID_BYTES, key=self.key).digest()
            hour = hour_of(committed_at)
            self.sums[hour] = (self.sums[hour] + int.from_bytes(digest, "big")) & _MASK
            self.counts[hour] += 1

    def empty(self) -> "HourSums":
        """Return sums for another walk of the same audit."""
        return HourSums(self.span, self.key)

    def differing(self, other: "HourSums") -> list[datetime]:
        """Return the beginnings of the hours in which the walks did not see the same."""
        hours = sorted(self.sums.keys() | other.sums.keys())
        return [hour for hour in hours if self.sums[hour] != other.sums[hour]]


def hour_of(moment: datetime) -> datetime:
    """Return the beginning of the hour."""
    return moment.replace(minute=0, second=0, microsecond=0)
