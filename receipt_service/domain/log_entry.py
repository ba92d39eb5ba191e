"""What stands in the transparency log: signed JWTs of a few registered kinds, none of which singles out a check.

Beside the attestation's leaf there are records by which the log answers for its own completeness. Each of them is a
JWT with as many digests as it has facts to conceal: whoever is to know them (an auditor, the holder) has the
disclosures, and everybody else sees only that on some day such a record was made.
"""

from collections.abc import Mapping
from enum import IntEnum
from typing import Final

LONGEST_ENTRY: Final = 65_535
"""Bytes of an entry: entry bundles write its length in 16 bits (C2SP tlog-tiles, Log entries)."""


class EntryKind(IntEnum):
    """The registered kinds; numbers are stored and never change their meaning."""

    ATTESTATION = 1
    KEY_CHANGE = 2
    DAILY_CLOSING = 3
    DELETION = 4
    CORRECTION = 5


KINDS: Final[Mapping[int, EntryKind]] = {kind.value: kind for kind in EntryKind}
"""The kinds by number: a look-up costs less than the enumeration's own, a million times over."""
