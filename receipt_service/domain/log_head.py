"""The head of the log as an attestation names it: a tree that stood when it was written, so "not before"."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LogHead:
    """Size and root hash (base64url of 32 bytes) of an anchor: a checkpoint of the log that is kept."""

    size: int
    root: str
