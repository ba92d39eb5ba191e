"""Strict SD-JWT processing, RFC 9901 §7.1 in full, for any payload.

The receipt profile (``verify.verifier``) stands on the parsing here; the recursive part serves
SD-JWTs of other shapes (RFC 9901's own examples are the tests). What the RFC leaves to the
implementation is decided on the strict side: one form of base64url, JSON without duplicate members, ES256.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from receipt_service.crypto.keys import PublicKey
from receipt_service.crypto.verification import holds, low_s, read_signature
from receipt_service.domain.canonical import MalformedEncoding, MalformedJson, from_base64url, from_json
from receipt_service.domain.disclosure import (
    Disclosure,
    ReservedClaimName,
    digest_of,
    known_hash,
    parse_disclosure,
)
from receipt_service.errors import MalformedReceipt, VerificationError
from receipt_service.verify.verdict import Reason

LARGEST: Final = 1 << 20
"""Characters of the longest SD-JWT that is looked at."""

_JWS_PARTS: Final = 3
_DEEPEST: Final = 64


class SdJwt(NamedTuple):
    """The parts of an SD-JWT, decoded and not yet believed."""

    leaf: str
    """The issuer-signed JWT, exact characters."""
    header: Mapping[str, Any]
    payload: Mapping[str, Any]
    signing_input: bytes
    signature: bytes
    disclosures: tuple[Disclosure, ...]
    key_binding: str | None
    """A key binding JWT after the last ``~``, undecoded."""

    def __repr__(self) -> str:
        """Show nothing: a repr ends up in logs."""
        return "SdJwt(…)"


def parse(compact: str, *, largest: int = LARGEST) -> SdJwt:
    """Take an SD-JWT apart (§4 and §7.1 step 1). Raises ``VerificationError``."""
    if len(compact) > largest:
        raise VerificationError(Reason.TOO_LARGE, f"longer than {largest} characters")
    if not compact.isascii():
        raise VerificationError(Reason.NOT_SD_JWT, "an SD-JWT is ASCII")
    leaf, *disclosed = compact.split("~")
    parts = leaf.split(".")
    if len(parts) != _JWS_PARTS:
        raise VerificationError(Reason.NOT_SD_JWT, "an SD-JWT begins with a JWS in compact form")
    if not disclosed:
        raise VerificationError(Reason.FINAL_TILDE_MISSING, "the final ~ is missing")
    key_binding = disclosed.pop() or None
    header, payload, signature = parts
    return SdJwt(
        leaf,
        read_header(header),
        json_object(payload, "payload"),
        leaf[: len(header) + 1 + len(payload)].encode("ascii"),
        decode(signature),
        read_disclosures(disclosed),
        key_binding,
    )


def decode(text: str) -> bytes:
    """Decode base64url in its canonical form. Raises ``VerificationError``."""
    try:
        return from_base64url(text)
    except MalformedEncoding as error:
        raise VerificationError(Reason.BASE64URL_NOT_CANONICAL, str(error)) from error


def json_object(text: str, what: str) -> dict[str, Any]:
    """Read a JSON object in base64url. Raises ``VerificationError``."""
    try:
        value = from_json(decode(text))
    except MalformedJson as error:
        raise VerificationError(Reason.JSON_NOT_STRICT, f"{what}: {error}") from error
    if not isinstance(value, dict):
        raise VerificationError(Reason.JSON_NOT_STRICT, f"the {what} is not a JSON object")
    return value


@lru_cache(maxsize=64)
def read_header(text: str) -> Mapping[str, Any]:
    """Read a JOSE header. Remembered, because an issuer writes the same one for years."""
    return MappingProxyType(json_object(text, "header"))


def read_disclosures(disclosed: Iterable[str]) -> tuple[Disclosure, ...]:
    """Read the disclosures, each once. Raises ``VerificationError``."""
    disclosures = tuple([_read_disclosure(encoded) for encoded in disclosed])
    if len({disclosure.encoded for disclosure in disclosures}) != len(disclosures):
        raise VerificationError(Reason.DISCLOSURE_TWICE, "a disclosure comes twice")
    return disclosures


def _read_disclosure(encoded: str) -> Disclosure:
    try:
        return parse_disclosure(encoded)
    except MalformedEncoding as error:
        raise VerificationError(Reason.BASE64URL_NOT_CANONICAL, f"a disclosure is {error}") from error
    except MalformedJson as error:
        raise VerificationError(Reason.JSON_NOT_STRICT, f"a disclosure: {error}") from error
    except ReservedClaimName as error:
        raise VerificationError(Reason.CLAIM_NAME_RESERVED, str(error)) from error
    except MalformedReceipt as error:
        raise VerificationError(Reason.DISCLOSURE_MALFORMED, str(error)) from error


def check_signature(sd_jwt: SdJwt, public_key: PublicKey, *, high_s_allowed: bool = False) -> None:
    """Check the issuer's signature (§7.1 step 2.b). Raises ``VerificationError``."""
    r, s = check_signature_form(sd_jwt.signature, high_s_allowed=high_s_allowed)
    if not holds(public_key, r, s, sd_jwt.signing_input):
        raise VerificationError(Reason.SIGNATURE_INVALID, "the signature is not the key's over these bytes")


def check_signature_form(signature: bytes, *, high_s_allowed: bool = False) -> tuple[int, int]:
    """Check what needs no key: length, ranges, and the smaller ``s``; return r and s. Raises ``VerificationError``."""
    numbers = read_signature(signature)
    if numbers is None:
        raise VerificationError(Reason.SIGNATURE_MALFORMED, "an ES256 signature is 64 bytes, r and s within 1 … n-1")
    if not high_s_allowed and not low_s(numbers[1]):
        raise VerificationError(Reason.SIGNATURE_HIGH_S, "the signature is the malleable twin (s above n/2)")
    return numbers


def verify_sd_jwt(
    compact: str, public_key: PublicKey, *, now: datetime, high_s_allowed: bool = False
) -> dict[str, Any]:
    """Verify any ES256 SD-JWT under a key the caller trusts, and return the processed payload.

    The steps of RFC 9901 §7.1; key binding (§7.3) is ``verify.key_binding``'s.

    1. Separate the SD-JWT into the issuer-signed JWT and the disclosures.
    2. Validate the issuer-signed JWT: (a) the algorithm is ES256, from our list, never from the token;
       no ``crit`` that we do not know; (b) the signature; (c) the key is the caller's, who says whose it
       is; (d) ``_sd_alg`` is a hash that we use.
    3. Process the disclosures and embedded digests (``_Processing``).
    4. Refuse a digest that is encountered more than once.
    5. Refuse a disclosure that no digest references.
    6. Check ``nbf`` and ``exp`` where they are given.

    Raises ``VerificationError``.
    """
    sd_jwt = parse(compact)  # (1)
    if sd_jwt.header.get("alg") != "ES256":  # (2.a)
        raise VerificationError(Reason.ALG_NOT_ALLOWED, "the algorithm is not ES256")
    if "crit" in sd_jwt.header:
        raise VerificationError(Reason.HEADER_UNEXPECTED, "the header has critical extensions")
    check_signature(sd_jwt, public_key, high_s_allowed=high_s_allowed)  # (2.b), (2.c)
    claims = disclosed_claims(sd_jwt)  # (2.d), (3), (4), (5)
    check_period(claims, now)  # (6)
    return claims


def check_period(claims: Mapping[str, Any], now: datetime) -> None:
    """Check ``nbf`` and ``exp`` (RFC 7519 §4.1.4-5). Raises ``VerificationError``."""
    seconds = now.timestamp()
    for name in ("nbf", "exp"):
        value = claims.get(name, 0)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise VerificationError(Reason.PAYLOAD_UNEXPECTED, f"{name} is not a number")
    if claims.get("nbf", seconds) > seconds:
        raise VerificationError(Reason.NOT_YET_VALID, "not valid yet")
    if "exp" in claims and claims["exp"] <= seconds:
        raise VerificationError(Reason.EXPIRED, "expired")


def disclosed_claims(sd_jwt: SdJwt) -> dict[str, Any]:
    """Put the disclosed claims into the payload (§7.1 steps 2.d, 3, 4, 5). Raises ``VerificationError``."""
    algorithm = sd_jwt.payload.get("_sd_alg", "sha-256")
    if not known_hash(algorithm):  # (2.d)
        raise VerificationError(Reason.SD_ALG_NOT_ALLOWED, "_sd_alg names a hash that is not ours")
    by_digest = {digest_of(item.encoded, algorithm): item for item in sd_jwt.disclosures}  # (3.a)
    processing = _Processing(by_digest)
    payload = {name: value for name, value in sd_jwt.payload.items() if name != "_sd_alg"}  # (3.f)
    claims = processing.members(payload, _DEEPEST)
    if len(processing.used) != len(by_digest):  # (5)
        raise VerificationError(Reason.DISCLOSURE_NOT_REFERENCED, "a disclosure is not referenced by any digest")
    return claims


class _Processing:
    """Step 3 of §7.1: (b) find embedded digests, (c) put in what they stand for, (d, e) drop the rest."""

    def __init__(self, by_digest: Mapping[str, Disclosure]) -> None:
        self._by_digest = by_digest
        self._seen: set[str] = set()
        self.used: set[str] = set()

    def members(self, found: Mapping[str, Any], depth: int) -> dict[str, Any]:
        """Process an object: (3.b.i), (3.c.ii), (3.e)."""
        if "..." in found:
            raise VerificationError(Reason.CLAIM_NAME_RESERVED, "the member ... stands outside an array")
        if "_sd_alg" in found:
            raise VerificationError(Reason.CLAIM_NAME_RESERVED, "_sd_alg stands below the top level")
        claims = {name: self._value(value, depth) for name, value in found.items() if name != "_sd"}
        for digest in _digests(found.get("_sd", [])):
            item = self._take(digest)
            if item is None:  # (3.c.i): a decoy, or not disclosed
                continue
            if item.name is None:  # (3.c.ii.1)
                raise VerificationError(Reason.DISCLOSURE_MALFORMED, "an array element stands for an object member")
            if item.name in claims:  # (3.c.ii.3)
                raise VerificationError(Reason.CLAIM_NAME_TWICE, "a disclosure names a claim that is there already")
            claims[item.name] = self._value(item.value, depth)  # (3.c.ii.4), (3.c.ii.5)
        return claims

    def _elements(self, found: list[Any], depth: int) -> list[Any]:
        """Process an array: (3.b.ii), (3.c.iii), (3.d)."""
        elements = []
        for element in found:
            if not (isinstance(element, dict) and "..." in element):
                elements.append(self._value(element, depth))
                continue
            if len(element) != 1 or not isinstance(element["..."], str):
                raise VerificationError(Reason.DIGESTS_UNEXPECTED, "an array digest is not a lone text")
            item = self._take(element["..."])
            if item is None:  # (3.d)
                continue
            if item.name is not None:  # (3.c.iii.1)
                raise VerificationError(Reason.DISCLOSURE_MALFORMED, "an object member stands for an array element")
            elements.append(self._value(item.value, depth))
        return elements

    def _value(self, value: Any, depth: int) -> Any:
        if depth == 0:
            raise VerificationError(Reason.PAYLOAD_UNEXPECTED, "nested too deep")
        if isinstance(value, dict):
            return self.members(value, depth - 1)
        if isinstance(value, list):
            return self._elements(value, depth - 1)
        return value

    def _take(self, digest: str) -> Disclosure | None:
        if digest in self._seen:  # (4)
            raise VerificationError(Reason.DIGEST_TWICE, "a digest comes twice")
        self._seen.add(digest)
        item = self._by_digest.get(digest)
        if item is not None:
            self.used.add(digest)
        return item


def _digests(found: Any) -> list[str]:
    if not isinstance(found, list) or not all(isinstance(digest, str) for digest in found):
        raise VerificationError(Reason.DIGESTS_UNEXPECTED, "_sd is not an array of texts")
    return found
