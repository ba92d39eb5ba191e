"""A request answered: read, held against what was seen last, recorded, and only then given back cosigned."""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from time import time as posix_time

from receipt_service.telemetry import logger
from receipt_service.tlog.checkpoint import Checkpoint
from receipt_service.tlog.note import Checks, format_note
from receipt_service.witness.cosigning import Cosigner
from receipt_service.witness.evidence import Evidence
from receipt_service.witness.last_seen import LastSeen, Seen
from receipt_service.witness.protocol import LogKeys, Refused, Submission, read_submission, require_growth


@dataclass(frozen=True, slots=True)
class Followed:
    """How far one log is cosigned."""

    checkpoint: Checkpoint
    """Of size 0 where nothing was cosigned yet."""
    time: int
    """POSIX seconds; 0 before the first cosignature."""


class Witness:
    """Answers for a witness's keys. Any number of threads and processes may share its folder."""

    def __init__(
        self,
        cosigner: Cosigner,
        logs: LogKeys,
        last_seen: LastSeen,
        evidence: Evidence,
        checks: Checks,
        clock: Callable[[], float] = posix_time,
    ) -> None:
        """``clock`` gives POSIX seconds."""
        self._cosigner, self._logs, self._checks, self._clock = cosigner, logs, checks, clock
        self._last_seen, self._evidence = last_seen, evidence

    @property
    def name(self) -> str:
        """Its name, which is that of its keys."""
        return self._cosigner.verifiers[0].name

    @property
    def vkeys(self) -> tuple[str, ...]:
        """Its public keys as text."""
        return tuple(key.vkey for key in self._cosigner.verifiers)

    def add_checkpoint(self, body: bytes) -> bytes:
        """Answer a request with the cosignatures, one line each; what they cosign is on the disk.

        Raises ``Refused``, ``RecordDamaged`` and ``OSError``: nothing was cosigned.
        """
        submission = read_submission(body, self._logs, self._checks)
        with self._last_seen.turn(submission.checkpoint.origin) as turn:
            try:
                require_growth(submission, turn.seen.checkpoint)
            except Refused as refused:
                self._keep_evidence(refused, submission, turn.seen)
                raise
            # Where the clock was put back, the time stays: to give an earlier one for a larger tree would be false.
            time = max(int(self._clock()), turn.seen.time)
            cosignatures = self._cosigner.cosign(submission.checkpoint, time)
            note = format_note(submission.note.signed_also(*cosignatures))
            turn.replace(Seen(submission.checkpoint, time, note))
        return "".join([cosignature.line for cosignature in cosignatures]).encode()

    def followed(self) -> tuple[Followed, ...]:
        """Say how far each log is cosigned. Raises ``RecordDamaged``."""
        seen = [self._last_seen.read(origin) for origin in sorted(self._logs)]
        return tuple(Followed(one.checkpoint, one.time) for one in seen)

    def latest(self, origin_hash: str) -> bytes | None:
        """Return the newest cosigned checkpoint of the log whose origin has this SHA-256 (lower-case hexadecimal).

        ``None`` where no such log is followed or nothing of it is cosigned. Raises ``RecordDamaged``.
        """
        for origin in self._logs:
            if sha256(origin.encode()).hexdigest() == origin_hash:
                return self._last_seen.read(origin).note or None
        return None

    def forks(self) -> int:
        """Count the refused checkpoints that show two trees of one size."""
        return self._evidence.count("fork")

    def _keep_evidence(self, refused: Refused, submission: Submission, seen: Seen) -> None:
        if refused.evidence is None:
            return
        try:
            note = format_note(submission.note)
            if not self._evidence.keep(refused.evidence, submission.checkpoint, note, seen.note):
                return
        except OSError as error:  # that it can't be kept must not keep the refusal from being told
            logger().error("witness.evidence_not_kept", exc_info=error)
        if refused.evidence == "fork":
            logger().error("witness.fork")
        else:
            logger().warning("witness.unproven")
