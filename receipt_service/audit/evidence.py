"""The evidence file: what a court needs to judge a receipt without this service, in one signed zip.

The bytes are the same for the same input, so two files made of one receipt at one moment can be compared.
"""

import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from receipt_service.audit.evidence_texts import CHECK_INCLUSION, LISEZMOI, README
from receipt_service.audit.matching import Match
from receipt_service.crypto.keys import PublicKey
from receipt_service.domain.canonical import from_base64url, to_json
from receipt_service.domain.evidence import (
    CHECKPOINT,
    KEYS,
    LEAF,
    POLICY,
    PRESENTED,
    PROOF,
    TYP,
    VERDICT,
    VERSION,
)
from receipt_service.domain.signed_manifest import MANIFEST, SIGNED_MANIFEST, SigningKey, list_files, sign_manifest
from receipt_service.errors import NotFound
from receipt_service.tlog.note import SignatureType, known_signatures, parse_note
from receipt_service.tlog.policy import Policy, format_policy
from receipt_service.tlog.proof import parse_proof


@dataclass(frozen=True, slots=True, kw_only=True)
class Exhibit:
    """What goes into an evidence file."""

    presented: str
    """As it was presented; the holder decided which groups."""
    match: Match
    policy: Policy
    trust_root: bytes
    """The issuer's published keys (``verify.trust_root.TrustRoot.to_json``)."""
    leaf_key: PublicKey
    """The one that signed the leaf."""
    issuer: str


def make_evidence(exhibit: Exhibit, key: SigningKey, now: datetime) -> bytes:
    """Write the zip. Raises ``NotFound`` for something that is not in the log: there is nothing to prove of it."""
    if exhibit.match.proof is None or exhibit.match.presented.leaf is None:
        raise NotFound("it is not in the log, so there is no proof to hand over")
    leaf = exhibit.match.presented.leaf
    proof = parse_proof(exhibit.match.proof)
    files: dict[str, bytes] = {
        PRESENTED: exhibit.presented.encode("ascii"),
        LEAF: leaf.encode("ascii"),
        PROOF: exhibit.match.proof,
        CHECKPOINT: proof.checkpoint,
        POLICY: format_policy(exhibit.policy),
        KEYS: exhibit.trust_root,
        VERDICT: to_json(exhibit.match.to_json()),
        **_for_openssl(leaf, exhibit.leaf_key),
        **_of_checkpoint(proof.checkpoint, exhibit.policy),
        "check_inclusion.py": CHECK_INCLUSION.encode(),
        "LISEZMOI.md": LISEZMOI.encode(),
        "README.md": README.encode(),
    }
    manifest = to_json(
        {
            "version": VERSION,
            "iss": exhibit.issuer,
            "iat": int(now.timestamp()),
            "leaf_hash": exhibit.match.leaf_hash,
            "outcome": exhibit.match.outcome.value,
            "files": list_files(files),
        }
    )
    return _zipped({**files, MANIFEST: manifest, SIGNED_MANIFEST: sign_manifest(manifest, TYP, key)}, now)


def _for_openssl(leaf: str, key: PublicKey) -> Mapping[str, bytes]:
    """Return the leaf's signature in the forms that ``openssl dgst -verify`` takes."""
    signed, _, signature = leaf.rpartition(".")
    raw = from_base64url(signature)
    r, s = (int.from_bytes(raw[at : at + 32], "big") for at in (0, 32))
    return {
        "leaf.signed": signed.encode("ascii"),
        "leaf.signature.der": encode_dss_signature(r, s),
        "leaf.key.pem": _pem(key.handle),
    }


def _of_checkpoint(note: bytes, policy: Policy) -> Mapping[str, bytes]:
    """Return the checkpoint's Ed25519 signature by the log in the forms that ``openssl pkeyutl -verify`` takes."""
    parsed = parse_note(note)
    keys = [log.key for log in policy.logs if log.key.type is SignatureType.ED25519]
    for key, signature in known_signatures(parsed, keys):
        return {
            "checkpoint.signed": parsed.text.encode(),
            "checkpoint.signature": signature.value,
            "checkpoint.key.pem": _pem(Ed25519PublicKey.from_public_bytes(key.public_key)),
        }
    return {}


def _pem(key: EllipticCurvePublicKey | Ed25519PublicKey) -> bytes:
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def _zipped(files: Mapping[str, bytes], now: datetime) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name, now.timetuple()[:6])
            entry.external_attr = 0o644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content)
    return buffer.getvalue()
