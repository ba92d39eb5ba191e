"""What was released never changes: so answers, and which areas show something, are kept once they have been read.

Kept in memory by each process, up to a bound; the oldest that nobody asked for goes first. Nothing here decides who may
ask: whoever uses it has found that out before.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Final, Generic, TypeVar

LINES_KEPT: Final = 200_000
"""Some 40 MB. The longest answer of a year of France, by operation, has 20,000."""
AREAS_KEPT: Final = 200_000
"""Some 20 MB: two years of France, with all communes of every period."""

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Kept(Generic[K, V]):
    """Values by key, at most so much of them together; safe to use from several threads."""

    def __init__(self, most: int, size: Callable[[V], int] = lambda _: 1) -> None:
        """``size`` says how much a value counts against ``most``."""
        self._most, self._size = most, size
        self._values: OrderedDict[K, V] = OrderedDict()
        self._all = 0
        self._lock = threading.Lock()

    def get(self, key: K) -> V | None:
        """Return the value of a key, if it is kept."""
        with self._lock:
            value = self._values.get(key)
            if value is not None:
                self._values.move_to_end(key)
            return value

    def keep(self, key: K, value: V) -> V:
        """Keep a value, and let go of those that were not asked for the longest; return it."""
        with self._lock:
            if key not in self._values and self._size(value) <= self._most:
                self._values[key] = value
                self._all += self._size(value)
                while self._all > self._most:
                    _, old = self._values.popitem(last=False)
                    self._all -= self._size(old)
        return value
