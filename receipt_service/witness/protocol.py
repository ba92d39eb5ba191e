"""What a witness answers, and why (C2SP tlog-witness, add-checkpoint): pure decisions, in the order of the text."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus

from receipt_service.errors import ReceiptServiceError
from receipt_service.tlog.add_checkpoint import parse_request
from receipt_service.tlog.checkpoint import Checkpoint, check_signature, parse_checkpoint
from receipt_service.tlog.merkle import BadProof, verify_consistency
from receipt_service.tlog.notation import MalformedLogText
from receipt_service.tlog.note import (
    BadSignature,
    Checks,
    Signature,
    SignedNote,
    VerifierKey,
    known_signatures,
    parse_note,
)

LogKeys = Mapping[str, Sequence[VerifierKey]]
"""The keys that are trusted for each origin."""


class Refused(ReceiptServiceError):
    """The checkpoint is not cosigned; the message is for whoever asked."""

    def __init__(
        self, status: HTTPStatus, message: str, *, last_size: int | None = None, evidence: str | None = None
    ) -> None:
        """``last_size`` is what the answer consists of where it is a size.

        ``evidence`` says what the log's signature on the refused checkpoint shows: ``fork``, two trees of one size;
        ``unproven``, a tree that nobody has shown to continue the last one.
        """
        super().__init__(message)
        self.status, self.last_size, self.evidence = status, last_size, evidence


@dataclass(frozen=True, slots=True)
class Submission:
    """A request whose checkpoint a followed log has signed."""

    checkpoint: Checkpoint
    note: SignedNote
    """The checkpoint with the signatures of trusted keys alone."""
    old_size: int
    proof: tuple[bytes, ...]


def read_submission(body: bytes, logs: LogKeys, checks: Checks) -> Submission:
    """Read a request and check who signed its checkpoint.

    Raises ``Refused``: 400 for what is malformed or has an old size beyond the new one, 404 for an origin that is not
    followed, 403 when no trusted key has signed or the signature of one does not hold.
    """
    try:
        request = parse_request(body)
        note = parse_note(request.note)
        checkpoint = parse_checkpoint(note.text)
    except MalformedLogText as error:
        raise Refused(HTTPStatus.BAD_REQUEST, str(error)) from error
    keys = logs.get(checkpoint.origin)
    if keys is None:
        raise Refused(HTTPStatus.NOT_FOUND, "this witness does not follow a log of that origin")
    signatures: dict[VerifierKey, Signature] = {}
    try:
        for key, signature in known_signatures(note, keys):
            check_signature(checkpoint, key, signature, checks)
            signatures.setdefault(key, signature)  # one of each key, so that there is always room for our own
    except BadSignature as error:
        raise Refused(HTTPStatus.FORBIDDEN, str(error)) from error
    if not signatures:
        raise Refused(HTTPStatus.FORBIDDEN, "no trusted key of this log has signed")
    if request.old_size > checkpoint.size:
        raise Refused(HTTPStatus.BAD_REQUEST, "the old size is beyond the checkpoint's")
    return Submission(checkpoint, SignedNote(note.text, tuple(signatures.values())), request.old_size, request.proof)


def require_growth(submission: Submission, last: Checkpoint) -> None:
    """Hold a checkpoint against the one that was cosigned last for its origin, of size 0 where there is none.

    Raises ``Refused``: 409 when the old size is not the last one's, or another root of the same size was cosigned;
    422 when the proof does not show that the last tree begins this one.
    """
    new = submission.checkpoint
    if new.size == last.size and new.root != last.root:
        message = "another tree of this size is cosigned"
        raise Refused(HTTPStatus.CONFLICT, message, last_size=last.size, evidence="fork")
    if submission.old_size != last.size:
        raise Refused(HTTPStatus.CONFLICT, "another size was cosigned last", last_size=last.size)
    if last.size == 0:
        if submission.proof:
            raise Refused(HTTPStatus.UNPROCESSABLE_ENTITY, "the proof from an empty tree is empty")
        return
    try:
        verify_consistency(last.size, last.root, new.size, new.root, submission.proof)
    except BadProof as error:
        evidence = "unproven" if new.size > last.size else None
        raise Refused(HTTPStatus.UNPROCESSABLE_ENTITY, str(error), evidence=evidence) from error
