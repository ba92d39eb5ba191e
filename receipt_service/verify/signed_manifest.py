"""Whether files are those that a trusted service signed together: the manifest's signature, then every file.

What the files mean is for ``verify.publication`` and ``verify.evidence``; the form is ``domain.signed_manifest``'s.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from receipt_service.crypto.verification import holds
from receipt_service.domain.canonical import MalformedJson, from_json
from receipt_service.domain.signed_manifest import ALG, FILE_NAME, MANIFEST, SIGNED_MANIFEST
from receipt_service.errors import VerificationError
from receipt_service.verify.sd_jwt import check_signature_form, decode, read_header
from receipt_service.verify.trust_root import TrustRoot
from receipt_service.verify.verdict import Status

LARGEST_MANIFEST: Final = 1 << 18
CLOCK_SKEW: Final = timedelta(minutes=5)

_HEADER: Final = frozenset({"alg", "kid", "typ"})
_SHA_256: Final = re.compile(r"[0-9a-f]{64}")
_PARTS: Final = 3


class Fault(StrEnum):
    """Why files are not what was signed; codes never change their meaning."""

    MANIFEST_MISSING = "manifest_missing"
    MANIFEST_MALFORMED = "manifest_malformed"
    MANIFEST_DIFFERS = "manifest_differs"
    """``manifest.json`` is not what was signed."""
    SIGNATURE_INVALID = "signature_invalid"
    SIGNED_IN_FUTURE = "signed_in_future"
    KEY_OUTSIDE_PERIOD = "key_outside_period"
    FILE_MISSING = "file_missing"
    FILE_ALTERED = "file_altered"
    FILE_UNLISTED = "file_unlisted"
    """A file lies beside the signed ones that the manifest does not name."""
    ISSUER_UNKNOWN = "issuer_unknown"
    KEY_UNKNOWN = "key_unknown"


_INDETERMINATE: Final = frozenset({Fault.ISSUER_UNKNOWN, Fault.KEY_UNKNOWN})


class NotAsSigned(VerificationError):
    """The files are not, or cannot be shown to be, what a trusted service signed."""

    def __init__(self, fault: Fault, message: str) -> None:
        """``fault`` is the stable code; ``message`` is for a reader."""
        super().__init__(fault.value, message)
        self.fault = fault

    @property
    def status(self) -> Status:
        """``indeterminate`` where only the key is missing, else ``failed``."""
        return Status.INDETERMINATE if self.fault in _INDETERMINATE else Status.FAILED


@dataclass(frozen=True, slots=True)
class SignedFile:
    """A file that a manifest names."""

    name: str
    size: int
    sha256: str
    """Hexadecimal, as ``sha256sum`` prints it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedManifest:
    """A manifest taken apart; what it says is true only once its signature was checked."""

    issuer: str
    kid: str
    signed_at: datetime
    files: tuple[SignedFile, ...]
    claims: Mapping[str, Any]
    content: bytes
    """The exact bytes of ``manifest.json``."""
    message: bytes
    """What was signed: header and payload, as they were sent."""
    signature: bytes


def read_manifest(jws: bytes, typ: str) -> SignedManifest:
    """Read a signed manifest without believing it. Raises ``NotAsSigned`` where it is not in its one form."""
    text = jws.decode("ascii", "replace").removesuffix("\n")
    parts = text.split(".")
    if len(jws) > LARGEST_MANIFEST or len(parts) != _PARTS:
        raise malformed("not a JWS in compact form")
    header, payload, signature = parts
    try:
        fields, content, signed = read_header(header), decode(payload), decode(signature)
        claims = from_json(content)
    except (VerificationError, MalformedJson) as error:
        raise malformed(str(error)) from error
    issuer, signed_at, files = _common_claims(claims)
    return SignedManifest(
        issuer=issuer,
        kid=_kid(fields, typ),
        signed_at=signed_at,
        files=files,
        claims=claims,
        content=content,
        message=text[: len(header) + 1 + len(payload)].encode("ascii"),
        signature=signed,
    )


def check_manifest(manifest: SignedManifest, trust_root: TrustRoot, now: datetime) -> None:
    """Hold a manifest against the issuer's key, in the period in which it signs. Raises ``NotAsSigned``."""
    key = trust_root.key(manifest.issuer, manifest.kid)
    if key is None:
        if trust_root.knows(manifest.issuer):
            raise NotAsSigned(Fault.KEY_UNKNOWN, "the trust root has no such key of this issuer")
        raise NotAsSigned(Fault.ISSUER_UNKNOWN, "the trust root does not know this issuer")
    try:
        r, s = check_signature_form(manifest.signature)
    except VerificationError as error:
        raise NotAsSigned(Fault.SIGNATURE_INVALID, str(error)) from error
    if not holds(key.public_key, r, s, manifest.message):
        raise NotAsSigned(Fault.SIGNATURE_INVALID, "the signature is not the key's over these bytes")
    if manifest.signed_at > now + CLOCK_SKEW:
        raise NotAsSigned(Fault.SIGNED_IN_FUTURE, "signed at a time that has not come yet")
    if not key.signs_on(manifest.signed_at.date()):
        raise NotAsSigned(Fault.KEY_OUTSIDE_PERIOD, "signed on a day on which this key does not sign")


def check_files(manifest: SignedManifest, files: Mapping[str, bytes]) -> None:
    """Hold all that was handed over against the manifest: no file altered, none missing, no other. Raises likewise."""
    if files.get(MANIFEST) != manifest.content:
        raise NotAsSigned(Fault.MANIFEST_DIFFERS, f"{MANIFEST} is not what was signed")
    for listed in manifest.files:
        check_file(listed, files.get(listed.name))
    if files.keys() - {MANIFEST, SIGNED_MANIFEST} - {listed.name for listed in manifest.files}:
        raise NotAsSigned(Fault.FILE_UNLISTED, "there is a file that the manifest does not name")


def check_file(listed: SignedFile, content: bytes | None) -> None:
    """Hold a file against the manifest. Raises ``NotAsSigned``."""
    if content is None:
        raise NotAsSigned(Fault.FILE_MISSING, f"{listed.name} is missing")
    if len(content) != listed.size or hashlib.sha256(content).hexdigest() != listed.sha256:
        raise NotAsSigned(Fault.FILE_ALTERED, f"{listed.name} was altered")


def malformed(message: str) -> NotAsSigned:
    """Return the fault of a manifest that is not in its one form."""
    return NotAsSigned(Fault.MANIFEST_MALFORMED, message)


def _kid(header: Mapping[str, Any], typ: str) -> str:
    if header.keys() != _HEADER or header["alg"] != ALG or header["typ"] != typ:
        raise malformed(f"the header is not alg {ALG}, typ {typ} and a kid")
    kid = header["kid"]
    if not isinstance(kid, str) or not kid:
        raise malformed("a key's id is text")
    return kid


def _common_claims(claims: Any) -> tuple[str, datetime, tuple[SignedFile, ...]]:
    try:
        files = tuple(SignedFile(file["name"], file["bytes"], file["sha256"]) for file in claims["files"])
        issuer, seconds = claims["iss"], claims["iat"]
        sound = (
            isinstance(issuer, str)
            and type(seconds) is int
            and len({file.name for file in files}) == len(files) > 0
            and all(_is_sound(file) for file in files)
        )
        signed_at = datetime.fromtimestamp(seconds, UTC)
    except (LookupError, TypeError, ValueError, OverflowError, OSError) as error:
        raise malformed("a member is missing or of another type") from error
    if not sound:
        raise malformed("a member is not in its form")
    return issuer, signed_at, files


def _is_sound(file: SignedFile) -> bool:
    named = FILE_NAME.fullmatch(file.name) is not None and file.name not in {MANIFEST, SIGNED_MANIFEST}
    return named and type(file.size) is int and _SHA_256.fullmatch(file.sha256) is not None
