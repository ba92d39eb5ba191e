"""A log policy as people compare it at the moment of trust: every key by its digest, and the quorum in words."""

from collections.abc import Iterator
from hashlib import sha256
from typing import Final

from receipt_service.tlog.note import SignatureType, VerifierKey
from receipt_service.tlog.policy import NOBODY, Policy

_TYPES: Final = {
    SignatureType.ED25519: "Ed25519",
    SignatureType.COSIGNATURE_ED25519: "Ed25519",
    SignatureType.COSIGNATURE_ML_DSA_44: "ML-DSA-44",
}


def policy_lines(policy: Policy) -> Iterator[str]:
    """Write a policy, line by line.

    A key is told by the SHA-256 of its vkey, since the four bytes that name it in a note could be met by trying.
    """
    for log in policy.logs:
        yield f"  log {_told(log.key)}"
    for witness in policy.witnesses:
        yield f"  witness {_shown(witness.name)}: {_told(witness.key)}"
    for group in policy.groups:
        yield f"  group {_shown(group.name)}: {group.threshold} of {', '.join(map(_shown, group.members))}"
    if policy.quorum == NOBODY:
        yield "  quorum: none. No witness is asked for: the log could show others another tree"
    else:
        yield f"  quorum: {_shown(policy.quorum)}"


def _told(key: VerifierKey) -> str:
    return f"{_shown(key.name)} {_TYPES[key.type]} sha256(vkey)={sha256(key.vkey.encode()).hexdigest()}"


def _shown(name: str) -> str:
    """Show a foreign name without letting it steer the terminal."""
    return name if name.isprintable() else ascii(name)
