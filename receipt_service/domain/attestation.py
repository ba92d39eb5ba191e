"""What the issuer signs: five digests, who, what kind, which day. Nothing about the check itself.

The attestation is an issuer-signed JWT (RFC 9901 §4.1, SD-JWT VC). Its exact characters are the
**leaf** of the public log, so nothing here is ever parsed and written again between signing and
storing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from functools import lru_cache
from typing import Final

from receipt_service.domain.canonical import base64url, to_json
from receipt_service.errors import MalformedReceipt

VCT: Final = "urn:fr:recepisse:controle-identite:1"
"""Type of the credential (SD-JWT VC ``vct``); the number is the version of the claims."""
TYP: Final = "dc+sd-jwt"
ALG: Final = "ES256"
SD_ALG: Final = "sha-256"
DIGESTS: Final = 5

_SIGNATURE_BYTES: Final = 64


@dataclass(frozen=True, slots=True)
class Attestation:
    """The exact characters of the issuer-signed JWT: the leaf of the log."""

    leaf: str


def statement(*, issuer: str, kid: str, issued_on: date, digests: Sequence[str], vct: str = VCT) -> bytes:
    """Write the bytes to sign: ``header.payload`` of the JWS (RFC 7515 §5.1).

    ``issued_on`` is the UTC day of issuance: a time of day in the public leaf would give away when
    the check was. The digests are sorted, so that their order says nothing (RFC 9901 §4.2.4.1).
    """
    if len(digests) != DIGESTS or len(set(digests)) != DIGESTS:
        raise MalformedReceipt("an attestation has five different digests")
    payload = {
        "iss": issuer,
        "vct": vct,
        "iat": midnight(issued_on),
        "_sd": sorted(digests),
        "_sd_alg": SD_ALG,
    }
    return f"{_header(kid)}.{base64url(to_json(payload))}".encode("ascii")


def attest(signing_input: bytes, signature: bytes) -> Attestation:
    """Join a statement and its signature (``r || s``, RFC 7518 §3.4) without touching either."""
    if len(signature) != _SIGNATURE_BYTES:
        raise MalformedReceipt("an ES256 signature has 64 bytes")
    return Attestation(f"{signing_input.decode('ascii')}.{base64url(signature)}")


def midnight(day: date) -> int:
    """Seconds from the epoch to the beginning of the UTC day: the only ``iat`` we write."""
    return int(datetime.combine(day, time.min, tzinfo=UTC).timestamp())


@lru_cache(maxsize=16)
def _header(kid: str) -> str:
    return base64url(to_json({"alg": ALG, "kid": kid, "typ": TYP}))
