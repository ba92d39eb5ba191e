"""A receipt held against its issuer's log: a proof that somebody gave, or the log's word that it has none.

Trusts the policy it is given and nobody else: neither the log nor whoever sent the proof.
"""

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Final

from receipt_service.domain.log_head import LogHead
from receipt_service.errors import ReceiptServiceError
from receipt_service.tlog.merkle import BadProof, leaf_hash
from receipt_service.tlog.notation import MalformedLogText
from receipt_service.tlog.note import BadSignature
from receipt_service.tlog.policy import Policy
from receipt_service.tlog.proof import LogProof, parse_proof
from receipt_service.tlog.trust import CheckedCheckpoint, check_checkpoint, check_logged
from receipt_service.verify.checkpoint_time import first_seen
from receipt_service.verify.log_standing import (
    LogStanding,
    LogState,
    NotChecked,
    Told,
    due_for,
    not_checked,
)
from receipt_service.verify.not_before import told_not_before
from receipt_service.verify.note_checks import NOTE_CHECKS
from receipt_service.verify.verdict import Finding, Reason, Status, Verdict

CLOCK_SKEW: Final = timedelta(minutes=5)
"""How far a witness's or the log's clock may be ahead of ours."""

_FAULTS: Final = (MalformedLogText, BadSignature, BadProof)


def judge_proof(leaf: str, proof: bytes, policy: Policy, now: datetime, head: LogHead | None = None) -> LogStanding:
    """Say what a proof file shows of a leaf (its exact characters). Never raises for what the file holds.

    1. The file is a tlog-proof, its checkpoint a signed note.
    2. A log of the policy has signed the checkpoint, in its own name; every signature on it by a key that the policy
       knows holds, and none is from the future. Signatures of unknown keys mean nothing.
    3. The nodes lead from the leaf hash, at the index, to the checkpoint's root.
    4. The witnesses that cosigned are the policy's quorum; otherwise ``logged_not_witnessed``.

    ``head`` is the tree that the receipt names (``log_head_of``): ``not_before`` is when that tree was first seen, if
    the proof's extra data shows it. Extra data that does not is passed over: nobody signs it.
    """
    try:
        given = parse_proof(proof)
        checked = check_logged(leaf_hash(leaf.encode()), given, policy, NOTE_CHECKS, _latest(now))
    except _FAULTS as error:
        return LogStanding(state=LogState.PROOF_NOT_VALID, fault=str(error))
    return LogStanding(
        state=LogState.LOGGED if checked.quorum_reached else LogState.LOGGED_NOT_WITNESSED,
        origin=checked.checkpoint.origin,
        index=given.index,
        size=checked.checkpoint.size,
        witnesses=_witnesses(checked),
        not_before=_not_before(given, checked, head, policy, _latest(now)),
        not_after=first_seen(checked),
    )


def judge_absence(issued_on: date, checkpoint: bytes, policy: Policy, now: datetime) -> LogStanding:
    """Say what it means that the log, which signs ``checkpoint`` now, has no entry for a leaf of that UTC day.

    A log that cannot show a checkpoint of its own accuses nobody: ``log_unreachable``. So a proxy's or another
    program's "not found" never turns into misbehaviour.
    """
    try:
        checked = check_checkpoint(checkpoint, policy, NOTE_CHECKS, _latest(now))
    except _FAULTS:
        return not_checked(NotChecked.LOG_UNREACHABLE)
    due = due_for(issued_on)
    return LogStanding(
        state=LogState.NOT_YET_LOGGED if now <= due else LogState.NEVER_LOGGED,
        origin=checked.checkpoint.origin,
        size=checked.checkpoint.size,
        due=due,
    )


_AGAINST: Final = {
    LogState.PROOF_NOT_VALID: (Reason.LOG_PROOF_NOT_VALID, "the proof of the log does not hold"),
    LogState.NEVER_LOGGED: (Reason.NEVER_LOGGED, "the log has had its time and does not have this receipt"),
}
_SHORT_OF: Final = {
    LogState.LOGGED_NOT_WITNESSED: (Reason.LOG_NOT_WITNESSED, "too few witnesses have seen this tree of the log"),
    LogState.NOT_YET_LOGGED: (Reason.NOT_YET_LOGGED, "the log does not have this receipt yet"),
    LogState.NOT_CHECKED: (Reason.LOG_NOT_CHECKED, "the log was not checked"),
}


def with_standing(verdict: Verdict, standing: LogStanding, *, required: bool = False) -> Verdict:
    """Add to a verdict that passed how the receipt stands in the log.

    ``never_logged`` and ``proof_not_valid`` make it ``failed``; any other state leaves it as it is, unless the log is
    ``required``: then everything short of ``logged`` makes it ``indeterminate``. Leaf and day stay, as evidence; the
    claims go. Raises ``ReceiptServiceError`` for a verdict that did not pass: nothing is logged that is not authentic.
    """
    if not verdict.passed:
        raise ReceiptServiceError("only an authentic receipt is held against the log")
    against, short_of = _AGAINST.get(standing.state), _SHORT_OF.get(standing.state)
    if against is not None:
        reason, message = against
        said = message if standing.fault is None else f"{message}: {standing.fault}"
        return _ended(verdict, standing, Status.FAILED, Finding(reason, said))
    if required and short_of is not None:
        return _ended(verdict, standing, Status.INDETERMINATE, Finding(*short_of))
    return replace(verdict, log=standing)


def _ended(verdict: Verdict, standing: LogStanding, status: Status, finding: Finding) -> Verdict:
    return replace(verdict, status=status, findings=(finding,), log=standing, claims={})


def _latest(now: datetime) -> int:
    return int((now + CLOCK_SKEW).timestamp())


def _witnesses(checked: CheckedCheckpoint) -> tuple[str, ...]:
    return tuple(sorted(cosignature.witness.name for cosignature in checked.cosignatures))


def _not_before(
    given: LogProof, checked: CheckedCheckpoint, head: LogHead | None, policy: Policy, latest: int
) -> Told | None:
    """Take what the proof's extra data shows; nothing where it would come after "not after"."""
    found = told_not_before(head, given.extra, checked.checkpoint.origin, policy, latest)
    not_after = first_seen(checked)
    if found is None or (not_after is not None and found.at > not_after.at + CLOCK_SKEW):
        return None
    return found
