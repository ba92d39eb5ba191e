"""The log's own signature on its checkpoints: Ed25519, which every reader of C2SP logs knows, and ML-DSA-44."""

from collections.abc import Sequence
from datetime import datetime

from receipt_service.tlog.checkpoint import Checkpoint, SigningKey, sign_checkpoint
from receipt_service.tlog.note import SignedNote, VerifierKey, format_note


class CheckpointSigner:
    """Signs checkpoints with every key that the log has."""

    def __init__(self, keys: Sequence[SigningKey]) -> None:
        """``keys`` all bear the log's origin as their name."""
        self._keys = tuple(keys)

    @property
    def verifiers(self) -> tuple[VerifierKey, ...]:
        """The public halves."""
        return tuple(key.verifier for key in self._keys)

    def sign(self, checkpoint: Checkpoint, now: datetime) -> bytes:
        """Write the signed note; ``now`` stands in the signatures of the types that have a time, to the second."""
        seconds = int(now.timestamp())
        signatures = [sign_checkpoint(checkpoint, key.verifier, key.sign, seconds) for key in self._keys]
        return format_note(SignedNote(checkpoint.text, tuple(signatures)))
