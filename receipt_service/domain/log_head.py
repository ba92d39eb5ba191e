"""The head of the log as an attestation names it: a tree that stood when it was written, so "not before"."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LogHead:
    """Size and root hash (base64url of 32 bytes) of a published checkpoint, cosigned where there are witnesses."""

    size: int
    root: str
