"""The file that proves, without asking anybody, that an entry is in the log (tlog-proof, ``.tlog-proof``)."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from receipt_service.tlog.notation import (
    HASH_BYTES,
    LARGEST_NUMBER,
    MalformedLogText,
    base64,
    from_base64,
    read_hash,
    read_number,
)

HEADER: Final = "c2sp.org/tlog-proof@v1"
MOST_HASHES: Final = 63
"""Nodes of the longest proof: a tree of fewer than 2^63 leaves has no more levels."""

LARGEST_PROOF: Final = (1 << 20) + (1 << 16)
"""Bytes of the longest proof file that is looked at: its checkpoint is a note, the rest is short."""

_EXTRA: Final = "extra "
_INDEX: Final = "index "


class MalformedLogProof(MalformedLogText):
    """The bytes are not a proof file in the one form that we accept."""


@dataclass(frozen=True, slots=True)
class LogProof:
    """An inclusion proof with the checkpoint that it leads to. Raises ``MalformedLogProof``.

    Nothing in it is believed: ``tlog.trust.check_logged`` checks it, and ``extra`` is never authenticated.
    """

    index: int
    hashes: tuple[bytes, ...]
    checkpoint: bytes
    """The signed note, exact bytes."""
    extra: bytes = b""

    def __post_init__(self) -> None:
        """Check the shape."""
        if not 0 <= self.index <= LARGEST_NUMBER or len(self.hashes) > MOST_HASHES:
            raise MalformedLogProof(f"an index is below 2^63 and a proof has at most {MOST_HASHES} nodes")
        if any(len(node) != HASH_BYTES for node in self.hashes):
            raise MalformedLogProof(f"a node has {HASH_BYTES} bytes")
        if not self.checkpoint.endswith(b"\n"):
            raise MalformedLogProof("a checkpoint ends in a line end")


def format_proof(proof: LogProof) -> bytes:
    """Write the file."""
    extra = [_EXTRA + base64(proof.extra)] if proof.extra else []
    lines = [HEADER, *extra, f"{_INDEX}{proof.index}", *map(base64, proof.hashes), "", ""]
    return "\n".join(lines).encode("ascii") + proof.checkpoint


def parse_proof(data: bytes) -> LogProof:
    """Read a file. Raises ``MalformedLogProof``."""
    if len(data) > LARGEST_PROOF:
        raise MalformedLogProof(f"longer than {LARGEST_PROOF} bytes")
    head, blank, checkpoint = data.partition(b"\n\n")
    if not blank:
        raise MalformedLogProof("no empty line before the checkpoint")
    try:
        extra, index, hashes = _read_head(head.decode("ascii").split("\n"))
        return LogProof(index, hashes, checkpoint, extra)
    except (MalformedLogText, UnicodeDecodeError) as error:
        raise MalformedLogProof("not a proof file") from error


def _read_head(lines: list[str]) -> tuple[bytes, int, tuple[bytes, ...]]:
    if lines.pop(0) != HEADER or not lines:
        raise MalformedLogProof("not a proof file of version 1")
    extra = b""
    if lines[0].startswith(_EXTRA):
        extra = from_base64(lines.pop(0).removeprefix(_EXTRA))
        if not extra:
            raise MalformedLogProof("a proof without extra data has no line for it")
    if not lines or not lines[0].startswith(_INDEX):
        raise MalformedLogProof("the index is missing")
    index = read_number(lines[0].removeprefix(_INDEX))
    return extra, index, read_hashes(lines[1:])


def read_hashes(lines: Iterable[str]) -> tuple[bytes, ...]:
    """Read the nodes of a proof, one base64 hash on each line. Raises ``MalformedLogText``."""
    return tuple([read_hash(line) for line in lines])
