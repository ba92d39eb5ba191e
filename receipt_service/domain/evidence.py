"""The form of an evidence file: what the audit that makes it and the verifier that reads it agree on."""

from typing import Final

TYP: Final = "evidence-manifest+jwt"
"""Another type than a receipt's, so that neither can be taken for the other."""
PRESENTED: Final = "presented.sd-jwt"
"""What was presented: receipt, stub, leaf, with the groups that whoever presents it chose to show."""
LEAF: Final = "leaf.jwt"
"""The entry of the log, exact bytes."""
PROOF: Final = "leaf.tlog-proof"
CHECKPOINT: Final = "checkpoint"
POLICY: Final = "log.policy"
KEYS: Final = "issuer-keys.json"
"""A trust root with the issuer's published keys and the periods in which they sign."""
VERDICT: Final = "verdict.json"
VERSION: Final = 1
LARGEST: Final = 4 << 20
"""Bytes of the largest evidence file, packed and unpacked."""
