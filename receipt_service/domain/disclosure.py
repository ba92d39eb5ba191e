"""A disclosure: one salted claim, and the digest that the issuer signs in its place (RFC 9901 §4.2)."""

import hashlib
from typing import Any, Final, NamedTuple

from receipt_service.domain.canonical import base64url, from_base64url, from_json, to_json
from receipt_service.errors import MalformedReceipt

SALT_BYTES: Final = 16
"""128 bits, the floor of RFC 9901 §9.3; ``docs/formats.md`` says why not more."""

_RESERVED_NAMES: Final = frozenset({"_sd", "..."})
_OF_ELEMENT: Final = 2
_LENGTHS: Final = (_OF_ELEMENT, 3)
_HASHES: Final = {"sha-256": hashlib.sha256, "sha-384": hashlib.sha384, "sha-512": hashlib.sha512}


class ReservedClaimName(MalformedReceipt):
    """A disclosure names a claim ``_sd`` or ``...`` (RFC 9901 §7.1 step 3.c.ii.3)."""


class Disclosure(NamedTuple):
    """One disclosure as it was read; ``encoded`` are the exact characters that the digest covers."""

    encoded: str
    salt: str
    name: str | None
    """``None`` for an element of an array (RFC 9901 §4.2.2)."""
    value: Any
    text: str
    """The JSON that was read."""

    def __repr__(self) -> str:
        """Show nothing: a repr ends up in logs."""
        return "Disclosure(…)"

    @property
    def digest(self) -> str:
        """SHA-256 of the encoded form, base64url."""
        return digest_of(self.encoded)


def encode_disclosure(salt: bytes, name: str, value: Any) -> str:
    """Write the disclosure of an object member: base64url of ``[salt, name, value]``."""
    return base64url(disclosure_text(salt, name, value))


def disclosure_text(salt: bytes, name: str, value: Any) -> bytes:
    """Write the JSON whose base64url is the disclosure of an object member."""
    return to_json([base64url(salt), name, value])


def digest_of(encoded: str, algorithm: str = "sha-256") -> str:
    """Hash the characters of a disclosure as they stand (RFC 9901 §4.2.3).

    ``algorithm`` is a name of the IANA registry "Named Information Hash Algorithm" out of SHA-2.
    """
    return base64url(_HASHES[algorithm](encoded.encode("ascii")).digest())


def known_hash(algorithm: object) -> bool:
    """Say whether ``_sd_alg`` names a hash that we use."""
    return isinstance(algorithm, str) and algorithm in _HASHES


def parse_disclosure(encoded: str) -> Disclosure:
    """Read a disclosure of an object member or of an array element.

    Raises ``MalformedReceipt`` (``MalformedEncoding``, ``MalformedJson`` or ``ReservedClaimName``
    where that says more).
    """
    data = from_base64url(encoded)
    parts = from_json(data)
    text = data.decode("utf-8")
    if not isinstance(parts, list) or len(parts) not in _LENGTHS or not isinstance(parts[0], str):
        raise MalformedReceipt("a disclosure is an array of salt, name and value, or of salt and value")
    if len(parts) == _OF_ELEMENT:
        return Disclosure(encoded, parts[0], None, parts[1], text)
    salt, name, value = parts
    if not isinstance(name, str):
        raise MalformedReceipt("a disclosure's claim name is text")
    if name in _RESERVED_NAMES:
        raise ReservedClaimName("a disclosure may not name a claim _sd or ...")
    return Disclosure(encoded, salt, name, value, text)
