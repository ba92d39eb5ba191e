"""The form of an evidence file: what the audit that makes it and the verifier that reads it agree on."""

import re
from typing import Final

ALG: Final = "ES256"
TYP: Final = "evidence-manifest+jwt"
"""Another type than a receipt's, so that neither can be taken for the other."""
MANIFEST: Final = "manifest.json"
SIGNED_MANIFEST: Final = "manifest.jws"
"""A JWT whose payload is ``manifest.json``, byte for byte."""
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
FILE_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,80}")
VERSION: Final = 1
LARGEST: Final = 4 << 20
"""Bytes of the largest evidence file, packed and unpacked."""
