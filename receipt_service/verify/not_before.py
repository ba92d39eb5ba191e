"""Not before: a receipt that names a tree of the log was not written before that tree stood.

The tree is named inside ``when_where``, so it is signed with all the rest. When it stood, only the signatures on a
checkpoint of it say; the log's proof of the receipt carries that checkpoint, as data that nobody vouches for.
"""

from collections.abc import Mapping
from typing import Any

from receipt_service.domain.canonical import base64url
from receipt_service.domain.groups import Group
from receipt_service.domain.log_head import LogHead
from receipt_service.tlog.notation import MalformedLogText
from receipt_service.tlog.note import BadSignature
from receipt_service.tlog.policy import Policy
from receipt_service.tlog.trust import check_checkpoint
from receipt_service.verify.checkpoint_time import first_seen
from receipt_service.verify.log_standing import Told
from receipt_service.verify.note_checks import NOTE_CHECKS


def log_head_of(claims: Mapping[Group, Mapping[str, Any]]) -> LogHead | None:
    """Return the tree that a verified receipt names; ``None`` where it names none, or the group is hidden."""
    named = claims.get(Group.WHEN_WHERE, {}).get("log")
    return None if named is None else LogHead(named["size"], named["root"])


def told_not_before(head: LogHead | None, note: bytes, origin: str, policy: Policy, latest: int) -> Told | None:
    """Say before when the receipt that names ``head`` was not written, by a checkpoint that somebody gave.

    The first time that a witness gives for that very tree of the log ``origin``, else the log's own. ``None`` for any
    other checkpoint or bytes, or where the policy's quorum is not reached: nothing here speaks against a receipt.
    ``latest`` (POSIX seconds) is as for ``check_checkpoint``.
    """
    if head is None or not note:
        return None
    try:
        checked = check_checkpoint(note, policy, NOTE_CHECKS, latest)
    except (MalformedLogText, BadSignature):
        return None
    found = checked.checkpoint
    if found.origin != origin or (found.size, base64url(found.root)) != (head.size, head.root):
        return None
    return first_seen(checked) if checked.quorum_reached else None
