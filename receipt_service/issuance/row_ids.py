"""Numbers for new rows: from the clock and chance, and never the same twice in one process."""

import secrets
import threading
from datetime import datetime

from receipt_service.domain.identifiers import RANDOM_BITS, row_id


class RowIds:
    """Hands out runs of numbers. Safe between threads.

    Chance alone would let two checks of one busy millisecond meet once in some hundred thousand; between processes
    that chance remains, the primary key catches it, and the client repeats its request.
    """

    def __init__(self) -> None:
        self._last = 0
        self._lock = threading.Lock()

    def take(self, now: datetime, count: int) -> int:
        """Give the first of ``count`` numbers in a row."""
        drawn = row_id(now, secrets.randbits(RANDOM_BITS))
        with self._lock:
            first = max(drawn, self._last + 1)
            self._last = first + count - 1
        return first
