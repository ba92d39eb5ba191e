"""A small made-up log of receipts: keys, policies, trees and proofs, the same in every run."""

from dataclasses import dataclass, field

from receipt_service.domain.canonical import base64url
from receipt_service.domain.log_head import LogHead
from receipt_service.domain.receipt_number import ReceiptNumber
from receipt_service.tlog.checkpoint import Checkpoint
from receipt_service.tlog.merkle import inclusion_ranges, leaf_hash, root_hash
from receipt_service.tlog.note import SignatureType, SignedNote, format_note
from receipt_service.tlog.proof import LogProof, format_proof
from tests.support.log_keys import LogKey
from tests.support.receipts import sample_receipt

ORIGIN = "recepisse.example/log"
PLACE = 3
"""Where the sample receipt stands in the log."""
LOGGED_AT = 1_795_439_390
"""2026-11-23T13:09:50Z: eight seconds after the sample receipt was recorded."""

LOG = LogKey(ORIGIN, SignatureType.ED25519)
LOG_PQ = LogKey(ORIGIN, SignatureType.COSIGNATURE_ML_DSA_44)
NORTH = LogKey("witness.example/north", SignatureType.COSIGNATURE_ED25519)
SOUTH = LogKey("witness.example/south", SignatureType.COSIGNATURE_ED25519)
WEST = LogKey("witness.example/west", SignatureType.COSIGNATURE_ML_DSA_44)
STRANGER = LogKey("witness.example/stranger", SignatureType.COSIGNATURE_ED25519)
OTHER_LOG = LogKey("autre.example/log", SignatureType.ED25519)
IMPOSTOR = LogKey("impostor", SignatureType.ED25519)
"""A key that nobody knows."""

_LOGS = f"log {LOG.vkey}\nlog {LOG_PQ.vkey}\n"
_WITNESSES = f"witness north {NORTH.vkey}\nwitness south {SOUTH.vkey}\nwitness west {WEST.vkey}\n"
POLICY = f"{_LOGS}{_WITNESSES}group two-of-three 2 north south west\nquorum two-of-three\n"
POLICY_NO_WITNESS = f"{_LOGS}quorum none\n"


def leaves(count=7):
    """The leaves' exact characters; the sample receipt's stands at ``PLACE``."""
    numbers = [ReceiptNumber("0" * 25 + "ABCDEFGHJK"[at]) for at in range(count)]
    written = [sample_receipt(receipt_number=number).leaf for number in numbers]
    written[PLACE] = sample_receipt().leaf
    return written


def checkpoint_of(texts, size=None, origin=ORIGIN):
    hashes = [leaf_hash(text.encode()) for text in texts[:size]]
    return Checkpoint(origin, len(hashes), root_hash(hashes))


def path_of(texts, index, size=None):
    hashes = [leaf_hash(text.encode()) for text in texts[:size]]
    return tuple(root_hash(hashes[start:end]) for start, end in inclusion_ranges(index, len(hashes)))


def by_log(checkpoint, at=LOGGED_AT):
    return (LOG.sign(checkpoint), LOG_PQ.sign(checkpoint, at))


def note_of(checkpoint, *signatures):
    return format_note(SignedNote(checkpoint.text, signatures))


@dataclass(frozen=True)
class SmallLog:
    """A log that proves what it holds; ``witnesses`` cosign, one second after another."""

    texts: list[str] = field(default_factory=leaves)
    witnesses: tuple[LogKey, ...] = (NORTH, SOUTH)
    at: int = LOGGED_AT
    anchored_at: int | None = None
    """When the tree before the sample receipt was cosigned and kept, if it was; proofs then carry it."""

    @property
    def checkpoint(self):
        return checkpoint_of(self.texts)

    @property
    def note(self):
        head = self.checkpoint
        cosigned = [witness.sign(head, self.at + 1 + place) for place, witness in enumerate(self.witnesses)]
        return note_of(head, *by_log(head, self.at), *cosigned)

    @property
    def anchor(self):
        """The checkpoint that was kept."""
        return checkpoint_of(self.texts, PLACE)

    @property
    def head(self):
        """The kept tree, as receipts name it."""
        return LogHead(PLACE, base64url(self.anchor.root))

    @property
    def anchor_note(self):
        if self.anchored_at is None:
            return b""
        cosigned = [witness.sign(self.anchor, self.anchored_at + place) for place, witness in enumerate(self.witnesses)]
        return note_of(self.anchor, *by_log(self.anchor, self.anchored_at), *cosigned)

    def proof(self, leaf=None):
        index = PLACE if leaf is None else self.texts.index(leaf)
        return format_proof(LogProof(index, path_of(self.texts, index), self.note, self.anchor_note))
