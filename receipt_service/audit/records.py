"""Rows of deletions and corrections held against their own signed records; whether these stand in the log comes after.

A record conceals its facts: the disclosure that the row keeps has its digest, and the row must say what that says.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from receipt_service.audit.comparing import STUB_GROUPS
from receipt_service.audit.entries import CheckedEntry
from receipt_service.audit.findings import AuditFault, Code
from receipt_service.domain.canonical import base64url, from_base64url, from_json
from receipt_service.domain.identifiers import StubId
from receipt_service.domain.log_entry import EntryKind
from receipt_service.domain.log_record import FACTS, digest_of_facts
from receipt_service.errors import MalformedReceipt
from receipt_service.storage.audited_records import CorrectionRecord, DeletionRecord
from receipt_service.storage.stubs import unpack_leaf
from receipt_service.tlog.merkle import leaf_hash

CheckEntry = Callable[[bytes], CheckedEntry]
_WHOLE: Final = "stub"
_PARTS: Final = 3


@dataclass(frozen=True, slots=True)
class NamedStubs:
    """What a deletion says: which groups went, and of which entries of the log."""

    groups: frozenset[str]
    entries: tuple[tuple[int, int], ...]
    """Ranges of indexes, the end not included."""

    def covers(self, index: int) -> bool:
        """Tell whether the entry of an index is named."""
        return any(first <= index < end for first, end in self.entries)


def hash_of_record(record: str) -> bytes:
    """Return the leaf hash of a record; of one with letters that no record has, too."""
    return leaf_hash(record.encode("utf-8", "replace"))


def read_deletion(row: DeletionRecord, check: CheckEntry) -> NamedStubs:
    """Read what a deletion names. Raises ``AuditFault`` where row, disclosure and signed record do not agree."""
    facts = _facts(EntryKind.DELETION, row.record, row.disclosure, row.deleted_at, check, Code.DELETION_INVALID)
    try:
        groups, whole = facts["groups"], facts["policy"]["kind"] == _WHOLE
        entries = tuple((int(first), int(end)) for first, end in facts["entries"])
        sound = set(groups) <= set(STUB_GROUPS) and row.dropped == (_WHOLE if whole else ",".join(groups))
    except (LookupError, TypeError, ValueError):
        sound = False
    if not sound:
        raise AuditFault(Code.DELETION_INVALID, "the deletion is not what its record says")
    return NamedStubs(frozenset(groups), entries)


def check_correction(row: CorrectionRecord, leaves: Mapping[StubId, str], check: CheckEntry) -> None:
    """Hold a correction against its record. Raises ``AuditFault``.

    ``leaves`` are those of the stubs that it names, as they are kept: they stay in the book for good.
    """
    facts = _facts(EntryKind.CORRECTION, row.record, row.disclosure, row.corrected_at, check, Code.CORRECTION_INVALID)
    by = None if row.new_stub_id is None else _hash(leaves, row.new_stub_id)
    if facts != {"replaced": _hash(leaves, row.old_stub_id), "by": by, "reason": row.reason}:
        raise AuditFault(Code.CORRECTION_INVALID, "the correction is not what its record says")


def _hash(leaves: Mapping[StubId, str], stub_id: StubId) -> str:
    try:
        return base64url(leaf_hash(unpack_leaf(leaves[stub_id]).encode()))
    except (KeyError, ValueError):  # not there, or altered: then it is no leaf that a record names
        return ""


def _facts(
    kind: EntryKind, record: str, disclosure: str, at: datetime, check: CheckEntry, code: Code
) -> Mapping[str, Any]:
    """Read what a record conceals: signed, of the kind and the day, and with the digest of this disclosure."""
    try:
        entry = check(record.encode("ascii"))
        parts = from_json(from_base64url(disclosure))
        sound = (
            (entry.kind, entry.digests) == (kind, (digest_of_facts(disclosure),))
            and entry.issued_on == at.date()
            and len(parts) == _PARTS
            and parts[1] == FACTS
            and isinstance(parts[2], dict)
        )
    except (AuditFault, MalformedReceipt, UnicodeEncodeError, TypeError, LookupError) as error:
        raise AuditFault(code, "no signed record with its disclosure") from error
    if not sound:
        raise AuditFault(code, "the disclosure is not the record's")
    found: Mapping[str, Any] = parts[2]
    return found
