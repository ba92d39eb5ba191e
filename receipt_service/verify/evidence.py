"""Whether an evidence file is what it says: signature, every file, the receipt inside, and its place in the log.

Needs the file and a trust root, no database and no network. The log's keys are the reader's, where they give a policy;
without one they are those that the file brings along, and the verdict says so.
"""

import io
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from receipt_service.domain.evidence import CHECKPOINT, LARGEST, LEAF, POLICY, PRESENTED, PROOF, TYP, VERSION
from receipt_service.domain.signed_manifest import FILE_NAME, MANIFEST, SIGNED_MANIFEST
from receipt_service.errors import VerificationError
from receipt_service.tlog.merkle import BadProof, leaf_hash
from receipt_service.tlog.notation import MalformedLogText
from receipt_service.tlog.note import BadSignature
from receipt_service.tlog.policy import Policy, parse_policy
from receipt_service.tlog.proof import parse_proof
from receipt_service.tlog.trust import CheckedCheckpoint, check_logged
from receipt_service.verify import signed_manifest
from receipt_service.verify.note_checks import NOTE_CHECKS
from receipt_service.verify.signed_manifest import Fault, NotAsSigned, SignedManifest
from receipt_service.verify.trust_root import TrustRoot
from receipt_service.verify.verdict import Status, Verdict
from receipt_service.verify.verifier import Verifier

_MOST_FILES: Final = 64
_NOT_A_ZIP: Final = (zipfile.BadZipFile, zlib.error, RuntimeError, EOFError, OSError, ValueError)
"""What ``zipfile`` raises for bytes that are no zip, or are packed or enciphered in a way that it does not know (a
``NotImplementedError``, which is a ``RuntimeError``)."""
_PACKED: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


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


def verify_evidence(data: bytes, trust_root: TrustRoot, now: datetime, policy: Policy | None = None) -> Evidence:
    """Verify an evidence file. Raises ``EvidenceNotVerified`` for the first thing that does not hold."""
    files = _unpacked(data)
    manifest = _check_signed(files, trust_root, now)
    verdict = Verifier(trust_root).verify(files[PRESENTED].decode("ascii", "replace"), now)
    if not verdict.passed or verdict.leaf is None or verdict.issuer != manifest.issuer:
        raise EvidenceNotVerified(EvidenceFault.RECEIPT_NOT_VERIFIED, "what was presented does not verify")
    if files[LEAF] != verdict.leaf.encode("ascii"):
        raise EvidenceNotVerified(EvidenceFault.LEAF_DIFFERS, "the leaf is not that of what was presented")
    index, checked = _check_place(files, policy)
    outcome = manifest.claims["outcome"]
    return Evidence(manifest.issuer, manifest.signed_at, outcome, verdict, index, checked, policy is not None)


def _unpacked(data: bytes) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
            sound = len(entries) <= _MOST_FILES and sum(entry.file_size for entry in entries) <= LARGEST
            if len(data) > LARGEST or not sound or len({entry.filename for entry in entries}) != len(entries):
                raise _not_evidence("too large, or a name comes twice")
            for entry in entries:
                if FILE_NAME.fullmatch(entry.filename) is None or entry.compress_type not in _PACKED:
                    raise _not_evidence("a file's name is not in its form, or it is packed in another way")
                with archive.open(entry) as file:
                    files[entry.filename] = file.read(LARGEST + 1)
    except _NOT_A_ZIP as error:
        raise _not_evidence("not a zip that can be read") from error
    if not {PRESENTED, LEAF, PROOF, CHECKPOINT, POLICY, MANIFEST, SIGNED_MANIFEST} <= files.keys():
        raise EvidenceNotVerified(EvidenceFault.FILE_MISSING, "a file that evidence consists of is missing")
    return files


def _check_signed(files: Mapping[str, bytes], trust_root: TrustRoot, now: datetime) -> SignedManifest:
    """Hold the files against the manifest that came with them."""
    try:
        manifest = signed_manifest.read_manifest(files[SIGNED_MANIFEST], TYP)
        if manifest.claims.get("version") != VERSION or not isinstance(manifest.claims.get("outcome"), str):
            raise signed_manifest.malformed("a member is not in its form")
        signed_manifest.check_manifest(manifest, trust_root, now)
        signed_manifest.check_files(manifest, files)
    except NotAsSigned as error:
        unknown = error.fault is Fault.ISSUER_UNKNOWN  # of whose keys there is none either
        fault = EvidenceFault.KEY_UNKNOWN if unknown else EvidenceFault(error.fault.value)
        raise EvidenceNotVerified(fault, str(error)) from error
    return manifest


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
