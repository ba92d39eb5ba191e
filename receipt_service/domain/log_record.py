"""Records of the log that are not attestations: signed like one, and as silent about what they are about.

A record is an issuer-signed JWT with one digest (RFC 9901): whoever is to know its facts has the disclosure, and
everybody else sees that on some day such a record was made. Facts that are for everybody, of a change of keys say,
stand in it openly. What each kind's facts are called stands in ``docs/log-records.md``.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from receipt_service.domain.attestation import ALG, SD_ALG, midnight
from receipt_service.domain.canonical import base64url, to_json
from receipt_service.domain.log_entry import LONGEST_ENTRY, EntryKind
from receipt_service.errors import MalformedReceipt

RECORD_TYP: Final = "log-record+sd-jwt"
SALT_BYTES: Final = 16
FACTS: Final = "facts"
"""Name of the one disclosure's claim."""
RECORD_TYPES: Final[Mapping[EntryKind, str]] = {
    EntryKind.KEY_CHANGE: "urn:fr:recepisse:journal:cles:1",
    EntryKind.DAILY_CLOSING: "urn:fr:recepisse:journal:cloture:1",
    EntryKind.DELETION: "urn:fr:recepisse:journal:effacement:1",
    EntryKind.CORRECTION: "urn:fr:recepisse:journal:rectification:1",
}
"""``vct`` of each kind; the number is the version of its facts."""
_SIGNATURE_BYTES: Final = 64


@dataclass(frozen=True, slots=True)
class LogRecord:
    """A signed record. ``disclosure`` is base64url, ``None`` for facts that stand openly."""

    kind: EntryKind
    text: str
    disclosure: str | None


SignRecord = Callable[[EntryKind, Mapping[str, Any], datetime], LogRecord]
"""Conceals facts under a fresh salt and signs them with the issuer's key of that moment (``bootstrap.log_records``)."""


def write_record(
    kind: EntryKind,
    facts: Mapping[str, Any],
    *,
    issuer: str,
    kid: str,
    issued_on: date,
    sign: Callable[[bytes], bytes],
    salt: bytes | None,
) -> LogRecord:
    """Write and sign a record. ``salt``: 128 random bits or more, which conceal the facts; ``None`` shows them.

    ``issued_on`` is a UTC day: a time of day would say when what it is about happened. Raises ``MalformedReceipt``
    for facts too long for an entry of the log, a salt too short, or an attestation, which is no record.
    """
    if kind not in RECORD_TYPES or (salt is not None and len(salt) < SALT_BYTES):
        raise MalformedReceipt("no kind of record, or a salt of less than 128 bits")
    disclosure = None if salt is None else base64url(to_json([base64url(salt), FACTS, dict(facts)]))
    payload: dict[str, Any] = {"iss": issuer, "vct": RECORD_TYPES[kind], "iat": midnight(issued_on)}
    if disclosure is None:
        payload[FACTS] = dict(facts)
    else:
        payload |= {"_sd": [digest_of_facts(disclosure)], "_sd_alg": SD_ALG}
    header = {"alg": ALG, "kid": kid, "typ": RECORD_TYP}
    signing_input = f"{base64url(to_json(header))}.{base64url(to_json(payload))}".encode("ascii")
    signature = sign(signing_input)
    text = f"{signing_input.decode('ascii')}.{base64url(signature)}"
    if len(signature) != _SIGNATURE_BYTES or len(text) > LONGEST_ENTRY:
        raise MalformedReceipt("an ES256 signature has 64 bytes, and an entry of the log at most 65,535")
    return LogRecord(kind, text, disclosure)


def digest_of_facts(disclosure: str) -> str:
    """Return the digest of a disclosure (RFC 9901 §4.2.3)."""
    return base64url(hashlib.sha256(disclosure.encode("ascii")).digest())
