"""Not before: a receipt that names a tree of the log was not written before that tree stood.

The tree is named inside ``when_where``, so it is signed with all the rest. When it stood, only a witness's
cosignature says: whoever checks the log (its proofs, its policy) finds that checkpoint and its time, and asks here.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from receipt_service.domain.groups import Group
from receipt_service.domain.log_head import LogHead


def log_head_of(claims: Mapping[Group, Mapping[str, Any]]) -> LogHead | None:
    """Return the tree that a verified receipt names; ``None`` where it names none, or the group is hidden."""
    named = claims.get(Group.WHEN_WHERE, {}).get("log")
    return None if named is None else LogHead(named["size"], named["root"])


def not_before(head: LogHead | None, *, size: int, root: str, witnessed_at: datetime | None) -> datetime | None:
    """Return the moment before which the receipt was not written; ``None`` when that is not known.

    ``size`` and ``root`` (base64url) are those of a checkpoint, and ``witnessed_at`` the latest time that the quorum
    of its cosignatures vouches for; ``None`` where nobody cosigned it: the log's own word proves nothing against it.
    """
    if head is None or witnessed_at is None or (head.size, head.root) != (size, root):
        return None
    return witnessed_at
