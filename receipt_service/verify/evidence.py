"""Whether an evidence file is what it says: signature, every file, the receipt inside, and its place in the log.

Needs the file and a trust root, no database and no network. The log's keys are the reader's, where they give a policy;
without one they are those that the file brings along, and the verdict says so.
"""

import hashlib
import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from receipt_service.crypto.verification import holds
from receipt_service.domain.canonical import MalformedJson, from_json
from receipt_service.domain.evidence import (
    ALG,
    CHECKPOINT,
    FILE_NAME,
    LARGEST,
    LEAF,
    MANIFEST,
    POLICY,
    PRESENTED,
    PROOF,
    SIGNED_MANIFEST,
    TYP,
    VERSION,
)
from receipt_service.errors import VerificationError
from receipt_service.tlog.merkle import BadProof, leaf_hash
from receipt_service.tlog.notation import MalformedLogText
from receipt_service.tlog.note import BadSignature
from receipt_service.tlog.policy import Policy, parse_policy
from receipt_service.tlog.proof import parse_proof
from receipt_service.tlog.trust import CheckedCheckpoint, check_logged
from receipt_service.verify.note_checks import NOTE_CHECKS
from receipt_service.verify.sd_jwt import check_signature_form, decode, read_header
from receipt_service.verify.trust_root import TrustRoot
from receipt_service.verify.verdict import Status, Verdict
from receipt_service.verify.verifier import Verifier

CLOCK_SKEW: Final = timedelta(minutes=5)
_MOST_FILES: Final = 64
_PARTS: Final = 3


class EvidenceFault(StrEnum):
    """Why an evidence file is not ``passed``; codes never change their meaning."""

    NOT_AN_EVIDENCE_FILE = "not_an_evidence_file"
    MANIFEST_MALFORMED = "manifest_malformed"
    MANIFEST_DIFFERS = "manifest_differs"
    SIGNATURE_INVALID = "signature_invalid"
    SIGNED_IN_FUTURE = "signed_in_future"
    KEY_OUTSIDE_PERIOD = "key_outside_period"
    FILE_MISSING = "file_missing"
    FILE_ALTERED = "file_altered"
    FILE_UNLISTED = "file_unlisted"
    RECEIPT_NOT_VERIFIED = "receipt_not_verified"
    LEAF_DIFFERS = "leaf_differs"
    """``leaf.jwt`` is not the leaf of what was presented."""
    NOT_LOGGED = "not_logged"
    """The proof does not show the leaf under a checkpoint of the policy's log."""
    KEY_UNKNOWN = "key_unknown"


class EvidenceNotVerified(VerificationError):
    """The file is not, or can't be shown to be, evidence that a trusted service made."""

    def __init__(self, fault: EvidenceFault, message: str) -> None:
        """``fault`` is the stable code; ``message`` is for a reader."""
        super().__init__(fault.value, message)
        self.fault = fault

    @property
    def status(self) -> Status:
        """``indeterminate`` where only the key is missing, else ``failed``."""
        return Status.INDETERMINATE if self.fault is EvidenceFault.KEY_UNKNOWN else Status.FAILED


@dataclass(frozen=True, slots=True)
class Evidence:
    """An evidence file that holds."""

    issuer: str
    made_at: datetime
    outcome: str
    """What the auditor found when it was made (``audit.matching.Outcome``)."""
    verdict: Verdict
    index: int
    checked: CheckedCheckpoint
    policy_is_own: bool
    """Whether the log's keys are the reader's and not those of the file."""


@dataclass(frozen=True, slots=True)
class _Manifest:
    claims: Mapping[str, Any]
    kid: str
    content: bytes
    message: bytes
    signature: bytes


def verify_evidence(data: bytes, trust_root: TrustRoot, now: datetime, policy: Policy | None = None) -> Evidence:
    """Verify an evidence file. Raises ``EvidenceNotVerified`` for the first thing that does not hold."""
    files = _unpacked(data)
    manifest = _read_manifest(files.get(SIGNED_MANIFEST, b""))
    issuer, made_at = _check_manifest(manifest, trust_root, now)
    _check_files(manifest, files)
    verdict = Verifier(trust_root).verify(files[PRESENTED].decode("ascii", "replace"), now)
    if not verdict.passed or verdict.leaf is None or verdict.issuer != issuer:
        raise EvidenceNotVerified(EvidenceFault.RECEIPT_NOT_VERIFIED, "what was presented does not verify")
    if files[LEAF] != verdict.leaf.encode("ascii"):
        raise EvidenceNotVerified(EvidenceFault.LEAF_DIFFERS, "the leaf is not that of what was presented")
    index, checked = _check_place(files, policy)
    outcome = manifest.claims["outcome"]
    return Evidence(issuer, made_at, outcome, verdict, index, checked, policy is not None)


def _unpacked(data: bytes) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
            sound = len(entries) <= _MOST_FILES and sum(entry.file_size for entry in entries) <= LARGEST
            if len(data) > LARGEST or not sound or len({entry.filename for entry in entries}) != len(entries):
                raise _not_evidence("too large, or a name comes twice")
            for entry in entries:
                if FILE_NAME.fullmatch(entry.filename) is None:
                    raise _not_evidence("a file's name is not in its form")
                with archive.open(entry) as file:
                    files[entry.filename] = file.read(LARGEST + 1)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError, ValueError) as error:
        raise _not_evidence("not a zip that can be read") from error
    if not {PRESENTED, LEAF, PROOF, CHECKPOINT, POLICY, MANIFEST, SIGNED_MANIFEST} <= files.keys():
        raise EvidenceNotVerified(EvidenceFault.FILE_MISSING, "a file that evidence consists of is missing")
    return files


def _read_manifest(jws: bytes) -> _Manifest:
    text = jws.decode("ascii", "replace").removesuffix("\n")
    parts = text.split(".")
    try:
        if len(parts) != _PARTS:
            raise _malformed("not a JWS in compact form")
        header = read_header(parts[0])
        if header.keys() != {"alg", "kid", "typ"} or (header["alg"], header["typ"]) != (ALG, TYP):
            raise _malformed(f"the header is not alg {ALG}, typ {TYP} and a kid")
        content = decode(parts[1])
        claims = from_json(content)
        sound = (
            isinstance(header["kid"], str)
            and isinstance(claims, dict)
            and claims["version"] == VERSION
            and isinstance(claims["iss"], str)
            and type(claims["iat"]) is int
            and isinstance(claims["outcome"], str)
            and all(_is_listed(file) for file in claims["files"])
        )
        message = text[: len(parts[0]) + 1 + len(parts[1])].encode("ascii")
        signature = decode(parts[2])
    except EvidenceNotVerified:
        raise
    except (VerificationError, MalformedJson, LookupError, TypeError, UnicodeEncodeError) as error:
        raise _malformed("not in its one form") from error
    if not sound:
        raise _malformed("a member is not in its form")
    return _Manifest(claims, header["kid"], content, message, signature)


def _is_listed(file: Any) -> bool:
    return isinstance(file["name"], str) and type(file["bytes"]) is int and isinstance(file["sha256"], str)


def _check_manifest(manifest: _Manifest, trust_root: TrustRoot, now: datetime) -> tuple[str, datetime]:
    issuer = manifest.claims["iss"]
    key = trust_root.key(issuer, manifest.kid)
    if key is None:
        raise EvidenceNotVerified(EvidenceFault.KEY_UNKNOWN, "the trust root has no such key of this issuer")
    try:
        r, s = check_signature_form(manifest.signature)
        made_at = datetime.fromtimestamp(manifest.claims["iat"], UTC)
    except (VerificationError, ValueError, OverflowError, OSError) as error:
        raise EvidenceNotVerified(EvidenceFault.SIGNATURE_INVALID, "the signature is not in its one form") from error
    if not holds(key.public_key, r, s, manifest.message):
        raise EvidenceNotVerified(EvidenceFault.SIGNATURE_INVALID, "the signature is not the key's over these bytes")
    if made_at > now + CLOCK_SKEW:
        raise EvidenceNotVerified(EvidenceFault.SIGNED_IN_FUTURE, "signed at a time that has not come yet")
    if not key.signs_on(made_at.date()):
        raise EvidenceNotVerified(EvidenceFault.KEY_OUTSIDE_PERIOD, "signed on a day on which this key does not sign")
    return issuer, made_at


def _check_files(manifest: _Manifest, files: Mapping[str, bytes]) -> None:
    if files[MANIFEST] != manifest.content:
        raise EvidenceNotVerified(EvidenceFault.MANIFEST_DIFFERS, f"{MANIFEST} is not what was signed")
    listed = {file["name"]: file for file in manifest.claims["files"]}
    for name, file in listed.items():
        content = files.get(name)
        if content is None:
            raise EvidenceNotVerified(EvidenceFault.FILE_MISSING, "a file that the manifest names is missing")
        if len(content) != file["bytes"] or hashlib.sha256(content).hexdigest() != file["sha256"]:
            raise EvidenceNotVerified(EvidenceFault.FILE_ALTERED, "a file is not the one that was signed")
    if files.keys() - listed.keys() != {MANIFEST, SIGNED_MANIFEST}:
        raise EvidenceNotVerified(EvidenceFault.FILE_UNLISTED, "a file lies in it that the manifest does not name")


def _check_place(files: Mapping[str, bytes], policy: Policy | None) -> tuple[int, CheckedCheckpoint]:
    try:
        proof = parse_proof(files[PROOF])
        used = policy or parse_policy(files[POLICY])
        if proof.checkpoint != files[CHECKPOINT]:
            raise EvidenceNotVerified(EvidenceFault.NOT_LOGGED, "the proof is under another checkpoint")
        return proof.index, check_logged(leaf_hash(files[LEAF]), proof, used, NOTE_CHECKS)
    except (BadProof, BadSignature, MalformedLogText) as error:
        raise EvidenceNotVerified(EvidenceFault.NOT_LOGGED, "the proof does not show it in a known log") from error


def _not_evidence(message: str) -> EvidenceNotVerified:
    return EvidenceNotVerified(EvidenceFault.NOT_AN_EVIDENCE_FILE, message)


def _malformed(message: str) -> EvidenceNotVerified:
    return EvidenceNotVerified(EvidenceFault.MANIFEST_MALFORMED, message)
