"""Whether a folder of open data is what the service signed and froze: the manifest's signature, then every file."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from receipt_service.domain.publication import QUARTER, TYP
from receipt_service.domain.signed_manifest import SIGNED_MANIFEST
from receipt_service.verify import signed_manifest
from receipt_service.verify.signed_manifest import Fault, NotAsSigned, SignedFile, SignedManifest
from receipt_service.verify.trust_root import TrustRoot


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a publication's manifest says of itself; true only once its signature was checked."""

    issuer: str
    kid: str
    period: str
    published_at: datetime
    files: tuple[SignedFile, ...]
    content: bytes
    """The exact bytes of ``manifest.json``."""


def verify_publication(files: Mapping[str, bytes], trust_root: TrustRoot, now: datetime) -> Manifest:
    """Verify a published folder, given as names and contents, and return what its manifest says.

    Raises ``NotAsSigned`` for the first of these that does not hold: the manifest is there and in its one
    form; a key of its issuer that the trust root knows made the signature, in the period in which it signs;
    ``manifest.json`` is what was signed; every file it names is there, unaltered; no other file is.
    """
    if SIGNED_MANIFEST not in files:
        raise NotAsSigned(Fault.MANIFEST_MISSING, f"there is no {SIGNED_MANIFEST}")
    signed = signed_manifest.read_manifest(files[SIGNED_MANIFEST], TYP)
    manifest = _of_quarter(signed)
    signed_manifest.check_manifest(signed, trust_root, now)
    signed_manifest.check_files(signed, files)
    return manifest


def read_manifest(jws: bytes) -> Manifest:
    """Read a publication's manifest without believing it: the signature is not checked.

    Raises ``NotAsSigned`` where it is not in its one form.
    """
    return _of_quarter(signed_manifest.read_manifest(jws, TYP))


def _of_quarter(signed: SignedManifest) -> Manifest:
    period = signed.claims.get("period")
    if not isinstance(period, str) or QUARTER.fullmatch(period) is None:
        raise signed_manifest.malformed("the period is not a quarter")
    return Manifest(
        issuer=signed.issuer,
        kid=signed.kid,
        period=period,
        published_at=signed.signed_at,
        files=signed.files,
        content=signed.content,
    )
