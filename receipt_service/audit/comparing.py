"""A stub held against the leaf that stands in the log: the same signed characters, four of its digests, its columns."""

import hashlib
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime
from typing import Any, Final

import orjson
from pybase64 import b64encode, b64encode_as_string

from receipt_service.audit.entries import CheckedEntry
from receipt_service.audit.findings import Code
from receipt_service.storage.audited import StubRow
from receipt_service.storage.stubs import DISCLOSURES

_DIGEST_LETTERS: Final = 43
"""Of 32 bytes in base64url, without the padding."""
STUB_GROUPS: Final = ("legal_basis", "consequences", "when_where", "officer")
"""Names of the four disclosures, in their order; ``domain.groups`` has five, and an audit knows no fifth."""
_GROUPS: Final = frozenset(STUB_GROUPS)
_URL_LETTERS: Final = b"-_"


def digest_of_text(line: str) -> str:
    """Return the digest (RFC 9901 §4.2.3) of a disclosure that is kept as its JSON text."""
    encoded = b64encode(line.encode(), _URL_LETTERS).rstrip(b"=")
    return b64encode_as_string(hashlib.sha256(encoded).digest(), _URL_LETTERS)[:_DIGEST_LETTERS]


def compare_disclosures(stub: StubRow, entry: CheckedEntry, dropped: AbstractSet[str]) -> Code | None:
    """Hold a stub's disclosures and columns against its leaf, whose characters are the entry's; return what is wrong.

    ``dropped`` are groups that were lawfully taken out of the stub.
    """
    lines = [line for line in stub.disclosures.split("\n") if line]  # of what was let go of the line stays, empty
    if not set(entry.digests).issuperset(map(digest_of_text, lines)):
        return Code.DISCLOSURE_ALTERED
    names = [_name(line) for line in lines]
    if len(set(names)) != len(names) or not _GROUPS.issuperset(names):
        return Code.DISCLOSURE_ALTERED
    if not (len(names) == DISCLOSURES or _GROUPS.difference(names) <= dropped):
        return Code.DISCLOSURE_MISSING
    return None if _columns_agree(stub, dict(zip(names, lines, strict=True)), entry) else Code.COLUMNS_DIFFER


def _name(line: str) -> str:
    """Read the name out of ``["salt","name",…``, the one form that is signed; empty for another."""
    parts = line.split('"', 4)
    return parts[3] if len(parts) == 5 and (parts[0], parts[2]) == ("[", ",") else ""  # noqa: PLR2004 - as written above


def _columns_agree(stub: StubRow, texts: Mapping[str, str], entry: CheckedEntry) -> bool:
    """Say whether the columns by which stubs are found and counted are what was signed."""
    try:
        when, officer = _claims(texts.get("when_where")), _claims(texts.get("officer"))
        return (
            stub.committed_at.date() == entry.issued_on
            and (
                stub.checked_at == stub.committed_at
                if when is None
                else (
                    when["receipt_number"] == stub.receipt_number
                    and _same_second(when["checked_at"], stub.checked_at)
                    and _same_second(when["recorded_at"], stub.committed_at)
                )
            )
            and (
                stub.officer_number == stub.unit_code == ""
                if officer is None
                else (officer["number"] == stub.officer_number and officer["service"]["code"] == stub.unit_code)
            )
        )
    except (LookupError, TypeError, ValueError):
        return False


def _claims(text: str | None) -> Any:
    """Read what was signed, and was looked at strictly then. Raises ``ValueError`` and ``LookupError``."""
    return None if text is None else orjson.loads(text)[2]


def _same_second(signed: str, kept: datetime) -> bool:
    return datetime.fromisoformat(signed).astimezone(UTC) == kept.replace(microsecond=0)
