"""The witness's own signatures (C2SP tlog-cosignature): Ed25519, which every reader knows, and ML-DSA-44."""

from collections.abc import Sequence

from receipt_service.tlog.checkpoint import Checkpoint, SigningKey, sign_checkpoint
from receipt_service.tlog.note import Signature, VerifierKey


class Cosigner:
    """Signs with every key that the witness has."""

    def __init__(self, keys: Sequence[SigningKey]) -> None:
        """``keys`` all bear the witness's name."""
        self._keys = tuple(keys)

    @property
    def verifiers(self) -> tuple[VerifierKey, ...]:
        """The public halves."""
        return tuple(key.verifier for key in self._keys)

    def cosign(self, checkpoint: Checkpoint, time: int) -> tuple[Signature, ...]:
        """Say that as of ``time`` (POSIX seconds) this is the largest tree seen of its log.

        Raises ``MalformedCheckpoint`` for an origin longer than 255 bytes, which ML-DSA-44 can't cover.
        """
        return tuple(sign_checkpoint(checkpoint, key.verifier, key.sign, time) for key in self._keys)
