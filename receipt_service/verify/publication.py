"""Whether a folder of open data is what the service signed and froze: the manifest's signature, then every file.

The manifest is a JWT (``manifest.jws``) whose payload is ``manifest.json``, byte for byte, and names each file with
its size and SHA-256. Its type differs from a receipt's, so that neither can be taken for the other.
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
from receipt_service.domain.publication import ALG, FILE_NAME, MANIFEST, QUARTER, SIGNED_MANIFEST, TYP
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
    """Why a publication is not ``passed``; codes never change their meaning."""

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


class PublicationNotVerified(VerificationError):
    """The folder is not, or cannot be shown to be, what a trusted service published."""

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
class Manifest:
    """What a manifest says of itself; true only once its signature was checked."""

    issuer: str
    kid: str
    period: str
    published_at: datetime
    files: tuple[SignedFile, ...]
    content: bytes
    """The exact bytes of ``manifest.json``."""


def verify_publication(files: Mapping[str, bytes], trust_root: TrustRoot, now: datetime) -> Manifest:
    """Verify a published folder, given as names and contents, and return what its manifest says.

    Raises ``PublicationNotVerified`` for the first of these that does not hold: the manifest is there and in its one
    form; a key of its issuer that the trust root knows made the signature, in the period in which it signs;
    ``manifest.json`` is what was signed; every file it names is there, unaltered; no other file is.
    """
    if SIGNED_MANIFEST not in files:
        raise PublicationNotVerified(Fault.MANIFEST_MISSING, f"there is no {SIGNED_MANIFEST}")
    manifest = _verify_signature(files[SIGNED_MANIFEST], trust_root, now)
    if files.get(MANIFEST) != manifest.content:
        raise PublicationNotVerified(Fault.MANIFEST_DIFFERS, f"{MANIFEST} is not what was signed")
    for listed in manifest.files:
        check_file(listed, files.get(listed.name))
    if files.keys() - {MANIFEST, SIGNED_MANIFEST} - {listed.name for listed in manifest.files}:
        raise PublicationNotVerified(Fault.FILE_UNLISTED, "the folder holds a file that the manifest does not name")
    return manifest


def check_file(listed: SignedFile, content: bytes | None) -> None:
    """Hold a file against the manifest. Raises ``PublicationNotVerified``."""
    if content is None:
        raise PublicationNotVerified(Fault.FILE_MISSING, f"{listed.name} is missing")
    if len(content) != listed.size or hashlib.sha256(content).hexdigest() != listed.sha256:
        raise PublicationNotVerified(Fault.FILE_ALTERED, f"{listed.name} was altered")


def read_manifest(jws: bytes) -> Manifest:
    """Read a signed manifest without believing it: the signature is not checked.

    Raises ``PublicationNotVerified`` where it is not in its one form.
    """
    return _read(jws)[0]


def _verify_signature(jws: bytes, trust_root: TrustRoot, now: datetime) -> Manifest:
    manifest, message, signature = _read(jws)
    key = trust_root.key(manifest.issuer, manifest.kid)
    if key is None:
        if trust_root.knows(manifest.issuer):
            raise PublicationNotVerified(Fault.KEY_UNKNOWN, "the trust root has no such key of this issuer")
        raise PublicationNotVerified(Fault.ISSUER_UNKNOWN, "the trust root does not know this issuer")
    try:
        r, s = check_signature_form(signature)
    except VerificationError as error:
        raise PublicationNotVerified(Fault.SIGNATURE_INVALID, str(error)) from error
    if not holds(key.public_key, r, s, message):
        raise PublicationNotVerified(Fault.SIGNATURE_INVALID, "the signature is not the key's over these bytes")
    if manifest.published_at > now + CLOCK_SKEW:
        raise PublicationNotVerified(Fault.SIGNED_IN_FUTURE, "signed at a time that has not come yet")
    if not key.signs_on(manifest.published_at.date()):
        raise PublicationNotVerified(Fault.KEY_OUTSIDE_PERIOD, "signed on a day on which this key does not sign")
    return manifest


def _read(jws: bytes) -> tuple[Manifest, bytes, bytes]:
    """Take a signed manifest apart: what it says, the bytes that were signed, the signature."""
    text = jws.decode("ascii", "replace").removesuffix("\n")
    parts = text.split(".")
    if len(jws) > LARGEST_MANIFEST or len(parts) != _PARTS:
        raise _malformed("not a JWS in compact form")
    header, payload, signature = parts
    try:
        kid = _kid(read_header(header))
        content = decode(payload)
        manifest = _manifest(from_json(content), kid, content)
        return manifest, text[: len(header) + 1 + len(payload)].encode("ascii"), decode(signature)
    except (VerificationError, MalformedJson) as error:
        if isinstance(error, PublicationNotVerified):
            raise
        raise _malformed(str(error)) from error


def _kid(header: Mapping[str, Any]) -> str:
    if header.keys() != _HEADER or header["alg"] != ALG or header["typ"] != TYP:
        raise _malformed(f"the header is not alg {ALG}, typ {TYP} and a kid")
    kid = header["kid"]
    if not isinstance(kid, str) or not kid:
        raise _malformed("a key's id is text")
    return kid


def _manifest(claims: Any, kid: str, content: bytes) -> Manifest:
    try:
        files = tuple(SignedFile(file["name"], file["bytes"], file["sha256"]) for file in claims["files"])
        issuer, period, seconds = claims["iss"], claims["period"], claims["iat"]
        sound = (
            isinstance(issuer, str)
            and QUARTER.fullmatch(period) is not None
            and type(seconds) is int
            and len({file.name for file in files}) == len(files) > 0
            and all(_is_sound(file) for file in files)
        )
        published_at = datetime.fromtimestamp(seconds, UTC)
    except (LookupError, TypeError, ValueError, OverflowError, OSError) as error:
        raise _malformed("a member is missing or of another type") from error
    if not sound:
        raise _malformed("a member is not in its form")
    return Manifest(issuer=issuer, kid=kid, period=period, published_at=published_at, files=files, content=content)


def _is_sound(file: SignedFile) -> bool:
    named = FILE_NAME.fullmatch(file.name) is not None and file.name not in {MANIFEST, SIGNED_MANIFEST}
    return named and type(file.size) is int and _SHA_256.fullmatch(file.sha256) is not None


def _malformed(message: str) -> PublicationNotVerified:
    return PublicationNotVerified(Fault.MANIFEST_MALFORMED, message)
