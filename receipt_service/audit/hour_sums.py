"""Which stubs two walks have seen, hour by hour, in a few bytes an hour: how an audit compares sets in constant memory.

For each hour of registering the sum of a keyed hash of the row numbers. Two walks that saw the same stubs have the
same sums whatever their order; where sums differ the hour is looked at stub by stub. The key is drawn anew for every
audit, so nobody can choose row numbers whose sums would hide each other. The hour is that of the row number, which
every stub has, and not of a column that could say something else.
"""

import hashlib
import secrets
from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from receipt_service.domain.identifiers import RANDOM_BITS

_MASK: Final = 2**64 - 1
_ID_BYTES: Final = 8
_HOUR: Final = 3_600_000 << RANDOM_BITS
"""Row numbers in an hour (``domain.identifiers``)."""


@dataclass(slots=True)
class HourSums:
    """The sums of one walk over the row numbers from ``first`` to before ``end``."""

    first: int
    end: int
    key: bytes = field(default_factory=lambda: secrets.token_bytes(16), repr=False)
    sums: Counter[int] = field(default_factory=Counter)

    def takes(self, stub_id: int) -> bool:
        """Say whether a stub is looked at."""
        return self.first <= stub_id < self.end

    def add(self, stub_id: int) -> None:
        """Take a stub into the sum of its hour, if it is looked at."""
        if self.takes(stub_id):
            number = self.key + stub_id.to_bytes(_ID_BYTES, "big", signed=True)
            digest = hashlib.blake2b(number, digest_size=_ID_BYTES).digest()
            hour = stub_id // _HOUR
            self.sums[hour] = (self.sums[hour] + int.from_bytes(digest, "big")) & _MASK

    def empty(self) -> "HourSums":
        """Return sums for another walk of the same audit."""
        return HourSums(self.first, self.end, self.key)

    def differing(self, other: "HourSums") -> list[tuple[int, int]]:
        """Return the row numbers of the hours in which the walks did not see the same: first, and first beyond."""
        hours = sorted(self.sums.keys() | other.sums.keys())
        return [
            (max(hour * _HOUR, self.first), min((hour + 1) * _HOUR, self.end))
            for hour in hours
            if self.sums[hour] != other.sums[hour]
        ]
