"""One checkpoint, and the cosignatures that have come in for it."""

from collections.abc import Iterable, Sequence

from receipt_service.tlog.checkpoint import Checkpoint, parse_checkpoint
from receipt_service.tlog.note import BadSignature, Checks, Signature, SignedNote, VerifierKey, format_note, parse_note
from receipt_service.tlog.policy import Policy, quorum_reached
from receipt_service.transparency.witness_requests import AskedWitness, Cosigned, check_cosignatures


class Gathering:
    """Cosignatures on one published checkpoint. The first of each key stays: it is the earliest proof of when."""

    def __init__(self, note: bytes, policy: Policy, checks: Checks, now: float) -> None:
        """Begin with those that the note bears. ``now`` is in POSIX seconds. Raises ``MalformedLogText``."""
        whole = parse_note(note)
        self.checkpoint: Checkpoint = parse_checkpoint(whole.text)
        self.to_answer: set[str] = set()
        """Addresses of witnesses that have not answered about this checkpoint yet."""
        self._policy = policy
        self._cosigned: dict[VerifierKey, Signature] = {}
        keys = {(witness.key.name, witness.key.key_id): witness.key for witness in policy.witnesses}
        self._by_log = tuple(one for one in whole.signatures if (one.key_name, one.key_id) not in keys)
        for signature in whole.signatures:
            key = keys.get((signature.key_name, signature.key_id))
            if key is not None:
                self._add_if_it_holds(key, signature, checks, now)

    @property
    def quorum_reached(self) -> bool:
        """Whether enough witnesses have cosigned."""
        return quorum_reached(self._policy, {one.name for one in self._policy.witnesses if one.key in self._cosigned})

    @property
    def log_note(self) -> bytes:
        """The checkpoint as the log signed it, which is what a witness is sent."""
        return format_note(SignedNote(self.checkpoint.text, self._by_log))

    @property
    def note(self) -> bytes:
        """The checkpoint, signed by the log and by the witnesses so far."""
        return format_note(SignedNote(self.checkpoint.text, (*self._by_log, *self._cosigned.values())))

    def lacks(self, witness: AskedWitness) -> bool:
        """Say whether a key of the witness has not cosigned."""
        return any(key not in self._cosigned for key in witness.keys)

    def add(self, cosigned: Iterable[Cosigned]) -> None:
        """Add cosignatures that were checked."""
        for one in cosigned:
            self._cosigned.setdefault(one.key, one.signature)

    def count_lacking(self, witnesses: Sequence[AskedWitness]) -> int:
        """Count the witnesses that have not cosigned."""
        return sum(1 for witness in witnesses if self.lacks(witness))

    def _add_if_it_holds(self, key: VerifierKey, signature: Signature, checks: Checks, now: float) -> None:
        try:
            self.add(check_cosignatures(self.checkpoint, (signature,), (key,), checks, now))
        except BadSignature:
            return
