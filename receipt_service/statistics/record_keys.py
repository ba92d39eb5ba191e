"""Record keys: a number for each check that nobody can foretell and that never changes.

The noise of a cell follows from the sum of the record keys of the checks in it (the cell key method): the same checks
get the same noise, whoever asks, whenever and by whatever path. So the key behind them is made once and never again for
a period that has been released: other record keys would be another draw of the noise, and two draws can be averaged.
"""

import hmac
from typing import Final

from receipt_service.errors import ConfigurationError
from receipt_service.statistics.lattice import RECORD_KEY_MODULUS

KEY_BYTES: Final = 32
_TAKEN: Final = 4


class RecordKeys:
    """Derives record keys from the statistics key."""

    __slots__ = ("_key",)

    def __init__(self, key: bytes) -> None:
        """``key`` is the statistics key. Raises ``ConfigurationError`` unless it has 32 bytes."""
        if len(key) != KEY_BYTES:
            raise ConfigurationError(f"the statistics key has {KEY_BYTES} bytes")
        self._key = key

    def __repr__(self) -> str:
        """Show nothing: a repr ends up in logs."""
        return "RecordKeys(…)"

    @property
    def fingerprint(self) -> str:
        """A name for the key that opens nothing: the rollup remembers by which key its sums were made."""
        return hmac.digest(self._key, b"receipt-service/statistics-key/v1", "sha256")[:8].hex()

    def of(self, receipt_number: str) -> int:
        """Return the record key of a check: the first four bytes of HMAC-SHA256, big-endian, modulo 2^16."""
        code = hmac.digest(self._key, receipt_number.encode("ascii"), "sha256")
        return int.from_bytes(code[:_TAKEN], "big") % RECORD_KEY_MODULUS
