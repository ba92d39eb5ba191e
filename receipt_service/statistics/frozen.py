"""What was released never changes: so answers, and which areas show something, are kept once they have been read.

Kept in memory by each process, up to a bound; the oldest that nobody asked for goes first. Nothing here decides who may
ask: whoever uses it has found that out before.
"""

import sys
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Final, Generic, TypeVar

from receipt_service.domain.territory import department_code
from receipt_service.statistics.lattice import AreaLevel, code_of, level_of

LINES_KEPT: Final = 200_000
"""Some 40 MB. The longest answer of a year of France, by operation, has 20,000."""
PERIODS_KEPT: Final = 40
"""Two years with their quarters; some 0.3 MB each in a year of France, since texts are shared."""

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


class ShownAreas:
    """The areas of a period that show something: départements, and communes by their département."""

    def __init__(self, areas: Iterable[str]) -> None:
        """Sort out the areas of all levels."""
        found: dict[str, list[str]] = {}
        for area in areas:
            match level_of(area):
                case AreaLevel.COMMUNE:
                    found.setdefault(department_code(code_of(area)), []).append(sys.intern(area))
                case AreaLevel.DEPARTMENT:
                    found.setdefault("", []).append(sys.intern(area))
        self._found: Mapping[str, Sequence[str]] = found

    def departments(self) -> Sequence[str]:
        """Return the départements."""
        return self._found.get("", ())

    def communes(self, department: str) -> Sequence[str]:
        """Return the communes of a département, by its code."""
        return self._found.get(department, ())
