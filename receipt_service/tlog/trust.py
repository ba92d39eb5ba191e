"""A checkpoint, or a proof, held against a policy: which log signed it, and which witnesses have seen it."""

from dataclasses import dataclass

from receipt_service.tlog.checkpoint import Checkpoint, check_signature, parse_checkpoint
from receipt_service.tlog.merkle import verify_inclusion
from receipt_service.tlog.note import (
    BadSignature,
    Checks,
    Signature,
    SignedNote,
    VerifierKey,
    known_signatures,
    parse_note,
)
from receipt_service.tlog.policy import KnownWitness, Policy, quorum_reached
from receipt_service.tlog.proof import LogProof


@dataclass(frozen=True, slots=True)
class Cosignature:
    """A witness's valid signature. ``time`` (POSIX seconds) is its own clock's; None when it states no time."""

    witness: KnownWitness
    time: int | None


@dataclass(frozen=True, slots=True)
class CheckedCheckpoint:
    """A checkpoint that a known log has signed, and what is known of its witnesses."""

    checkpoint: Checkpoint
    note: SignedNote
    log_keys: tuple[VerifierKey, ...]
    """Keys of the log that have signed it, at least one. Who asks for a post-quantum signature looks here."""
    cosignatures: tuple[Cosignature, ...]
    quorum_reached: bool
    """Whether the policy's quorum has cosigned. Without it the log may be showing others another tree."""
    log_time: int | None = None
    """When the log signed, by its own word (POSIX seconds): its ML-DSA-44 signature has a time, its Ed25519 none."""

    @property
    def earliest_time(self) -> int | None:
        """The first time (POSIX seconds) that a witness gives, so that the tree is no younger; None without one."""
        return min((cosignature.time for cosignature in self.cosignatures if cosignature.time), default=None)


def check_checkpoint(
    signed_note: bytes, policy: Policy, checks: Checks, latest_time: int | None = None
) -> CheckedCheckpoint:
    """Check a signed checkpoint against a policy.

    ``latest_time`` (POSIX seconds) is the time after which a signature can't have been made, where the caller has a
    clock. Signatures of keys that the policy does not know are passed over. Raises ``MalformedNote``,
    ``MalformedCheckpoint``, and ``BadSignature`` when no known log of this origin has signed, or a known key's
    signature does not hold or is from the future. Too few witnesses raise nothing: see ``quorum_reached``.
    """
    note = parse_note(signed_note)
    checkpoint = parse_checkpoint(note.text)
    log_keys = [log.key for log in policy.logs if log.key.name == checkpoint.origin]
    witnesses = {witness.key: witness for witness in policy.witnesses}
    signed_by = _valid_signatures(note, checkpoint, log_keys, checks, latest_time)
    if not signed_by:
        raise BadSignature("no known log of this origin has signed")
    times: dict[VerifierKey, list[int | None]] = {}
    for key, time in _valid_signatures(note, checkpoint, list(witnesses), checks, latest_time):
        times.setdefault(key, []).append(time)
    cosignatures = tuple(
        Cosignature(witnesses[key], min((time for time in given if time), default=None)) for key, given in times.items()
    )
    names = {cosignature.witness.name for cosignature in cosignatures}
    return CheckedCheckpoint(
        checkpoint,
        note,
        tuple(dict.fromkeys(key for key, _ in signed_by)),
        cosignatures,
        quorum_reached(policy, names),
        min((time for _, time in signed_by if time), default=None),
    )


def check_logged(
    leaf: bytes, proof: LogProof, policy: Policy, checks: Checks, latest_time: int | None = None
) -> CheckedCheckpoint:
    """Check that a leaf hash is in a log that the policy knows, and return the checkpoint that shows it.

    Raises what ``check_checkpoint`` raises, and ``BadProof``.
    """
    checked = check_checkpoint(proof.checkpoint, policy, checks, latest_time)
    verify_inclusion(leaf, proof.index, checked.checkpoint.size, proof.hashes, checked.checkpoint.root)
    return checked


def _valid_signatures(
    note: SignedNote, checkpoint: Checkpoint, keys: list[VerifierKey], checks: Checks, latest_time: int | None
) -> list[tuple[VerifierKey, int | None]]:
    return [
        (key, _checked_time(checkpoint, key, signature, checks, latest_time))
        for key, signature in known_signatures(note, keys)
    ]


def _checked_time(
    checkpoint: Checkpoint, key: VerifierKey, signature: Signature, checks: Checks, latest_time: int | None
) -> int | None:
    time = check_signature(checkpoint, key, signature, checks)
    if time is not None and latest_time is not None and time > latest_time:
        raise BadSignature("a known key's signature is from the future")
    return time
