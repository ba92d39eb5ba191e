"""The receipt number: 128 random bits that name one receipt and let its bearer read the stub.

Written in Crockford's base32 (no I, L, O or U), 26 characters in upper case, so that it can be read
aloud and typed from paper. 26 characters hold 130 bits; the top two are zero.
"""

import re
from typing import Final, NewType

from receipt_service.errors import MalformedReceipt

ReceiptNumber = NewType("ReceiptNumber", str)
"""A receipt number in its canonical form."""

ENTROPY_BYTES: Final = 16
LENGTH: Final = 26

_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS: Final = [first + second for first in _ALPHABET for second in _ALPHABET]
_SHIFTS: Final = range(10 * (LENGTH // 2 - 1), -1, -10)
CANONICAL: Final = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}")
_AS_READ_ALOUD = str.maketrans({"I": "1", "L": "1", "O": "0", "-": None})


def receipt_number_from(entropy: bytes) -> ReceiptNumber:
    """Write 16 bytes from a CSPRNG as a receipt number."""
    if len(entropy) != ENTROPY_BYTES:
        raise MalformedReceipt("a receipt number is made of 16 bytes")
    value = int.from_bytes(entropy, "big")
    return ReceiptNumber("".join([_PAIRS[value >> shift & 1023] for shift in _SHIFTS]))


def is_receipt_number(text: str) -> bool:
    """Say whether the text is a receipt number in its canonical form."""
    return CANONICAL.fullmatch(text) is not None


def canonical_receipt_number(text: str) -> ReceiptNumber:
    """Take the canonical form and nothing else. Raises ``MalformedReceipt``."""
    if not is_receipt_number(text):
        raise MalformedReceipt("not a receipt number in its canonical form")
    return ReceiptNumber(text)


def parse_receipt_number(text: str) -> ReceiptNumber:
    """Read a number as people type it: any case, hyphens, and I, L, O for 1, 1, 0 (Crockford).

    Raises ``MalformedReceipt``.
    """
    if not text.isascii():
        raise MalformedReceipt("not a receipt number")
    return canonical_receipt_number(text.upper().translate(_AS_READ_ALOUD))
