"""Checkpoints (tlog-checkpoint): a log's name, size and root, and the bytes that each type of signature covers.

Times are seconds of the POSIX clock, as the formats write them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from receipt_service.tlog.merkle import EMPTY_ROOT
from receipt_service.tlog.notation import (
    HASH_BYTES,
    LARGEST_NUMBER,
    MalformedLogText,
    base64,
    check_line,
    read_hash,
    read_number,
)
from receipt_service.tlog.note import BadSignature, Checks, Signature, SignatureType, VerifierKey

_LINES: Final = 3
_TIME_BYTES: Final = 8
_LARGEST_NAME: Final = 255
_SUBTREE_LABEL: Final = b"subtree/v1\n\0"


class MalformedCheckpoint(MalformedLogText):
    """The text is not a checkpoint in the one form that we accept."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A tree's head. Raises ``MalformedCheckpoint`` for what no checkpoint can say."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()
    """Lines after the root. ML-DSA-44 signatures do not cover them; this project writes none."""

    def __post_init__(self) -> None:
        """Check each part."""
        try:
            for line in (self.origin, *self.extensions):
                check_line(line)
        except MalformedLogText as error:
            raise MalformedCheckpoint(str(error)) from error
        if not 0 <= self.size <= LARGEST_NUMBER or len(self.root) != HASH_BYTES:
            raise MalformedCheckpoint("a checkpoint has a size below 2^63 and a root of 32 bytes")
        if self.size == 0 and self.root != EMPTY_ROOT:
            raise MalformedCheckpoint("an empty tree has only one root")

    @property
    def text(self) -> str:
        """The note's text."""
        return "".join([f"{line}\n" for line in (self.origin, self.size, base64(self.root), *self.extensions)])


def parse_checkpoint(text: str) -> Checkpoint:
    """Read the text of a note as a checkpoint. Raises ``MalformedCheckpoint``."""
    lines = text.split("\n")
    if len(lines) <= _LINES or lines.pop():
        raise MalformedCheckpoint("a checkpoint has three lines at least, each with its line end")
    origin, size, root, *extensions = lines
    try:
        return Checkpoint(origin, read_number(size), read_hash(root), tuple(extensions))
    except MalformedLogText as error:
        raise MalformedCheckpoint(str(error)) from error


def signed_bytes(key: VerifierKey, checkpoint: Checkpoint, time: int) -> bytes:
    """Compose what a key of this type signs for a checkpoint; ``time`` counts for the timestamped types.

    Raises ``MalformedCheckpoint`` for an origin or a name that the type cannot carry.
    """
    if key.type is SignatureType.ED25519:
        return checkpoint.text.encode()
    if key.type is SignatureType.COSIGNATURE_ED25519:
        return f"cosignature/v1\ntime {time}\n{checkpoint.text}".encode()
    return b"".join(
        (
            _SUBTREE_LABEL,
            _with_length(key.name),
            time.to_bytes(_TIME_BYTES, "big"),
            _with_length(checkpoint.origin),
            bytes(_TIME_BYTES),  # the subtree begins at leaf 0
            checkpoint.size.to_bytes(_TIME_BYTES, "big"),
            checkpoint.root,
        )
    )


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key's public half, and how its private half signs bytes."""

    verifier: VerifierKey
    sign: Callable[[bytes], bytes]


def sign_checkpoint(
    checkpoint: Checkpoint, key: VerifierKey, sign: Callable[[bytes], bytes], time: int = 0
) -> Signature:
    """Sign a checkpoint with the private half of ``key``, which ``sign`` holds.

    ``time`` is when a cosigner holds this tree for the largest it has seen; 0 says no such thing (tlog-cosignature)
    and a plain Ed25519 signature has none. Raises ``MalformedCheckpoint`` for a time out of range.
    """
    if not 0 <= time <= LARGEST_NUMBER:
        raise MalformedCheckpoint("a time is between 0 and 2^63 - 1")
    value = sign(signed_bytes(key, checkpoint, time))
    if key.type is not SignatureType.ED25519:
        value = time.to_bytes(_TIME_BYTES, "big") + value
    return Signature(key.name, key.key_id, value)


def check_signature(checkpoint: Checkpoint, key: VerifierKey, signature: Signature, checks: Checks) -> int | None:
    """Check a key's signature on a checkpoint, and return its time.

    None where it has no time: a plain signature, or a cosignature that states none (0). Raises ``BadSignature``.
    """
    time, bare = 0, signature.value
    if key.type is not SignatureType.ED25519:
        time, bare = int.from_bytes(bare[:_TIME_BYTES], "big"), bare[_TIME_BYTES:]
    if len(bare) != key.type.signature_bytes or time > LARGEST_NUMBER:
        raise BadSignature("a known key's signature has another form than its type's")
    check = checks.get(key.type)
    if check is None:
        raise BadSignature("there is no way to check signatures of this type")
    if not check(key.public_key, bare, signed_bytes(key, checkpoint, time)):
        raise BadSignature("a known key's signature does not hold")
    return time or None


def _with_length(name: str) -> bytes:
    encoded = name.encode()
    if len(encoded) > _LARGEST_NAME:
        raise MalformedCheckpoint(f"a name longer than {_LARGEST_NAME} bytes cannot be cosigned")
    return bytes((len(encoded),)) + encoded
