"""Entries of the log by themselves: is this a signed JWT of a registered type, and whose signature is it.

As strict as ``verify.verifier`` on a bare leaf, which ``tests/unit/test_audit_entries.py`` holds it to; apart from it
because an audit must not know what a person or a disclosure is, and because it looks at thousands a second.
"""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any, Final, NamedTuple

from receipt_service.audit.findings import AuditFault, Code
from receipt_service.crypto.verification import holds, low_s, read_signature
from receipt_service.domain.attestation import ALG, DIGESTS, SD_ALG, TYP, VCT
from receipt_service.domain.canonical import from_base64url, from_json
from receipt_service.domain.log_entry import LONGEST_ENTRY, EntryKind
from receipt_service.domain.log_record import FACTS, RECORD_TYP, RECORD_TYPES
from receipt_service.errors import MalformedReceipt
from receipt_service.verify.trust_root import TrustRoot

_PARTS: Final = 3
_DAY_SECONDS: Final = 86_400
_LAST_DAY: Final = 253_402_214_400
"""Midnight of 9999-12-31, the last day that a date can name."""
_DIGEST: Final = "[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]"
_ALL_DIGESTS: Final = re.compile(" ".join([_DIGEST] * DIGESTS))
_ONE_DIGEST: Final = re.compile(_DIGEST)
_CONCEALED: Final = frozenset({"iss", "vct", "iat", "_sd", "_sd_alg"})
_OPEN: Final = frozenset({"iss", "vct", "iat", FACTS})
_KINDS: Final[Mapping[str, EntryKind]] = {
    VCT: EntryKind.ATTESTATION,
    **{vct: kind for kind, vct in RECORD_TYPES.items()},
}


class CheckedEntry(NamedTuple):
    """An entry whose signature holds."""

    kind: EntryKind
    issued_on: date
    """UTC."""
    digests: tuple[str, ...]
    """Five of an attestation, one of a concealed record, none of an open one."""
    packed: str
    """As ``storage.stubs`` keeps a leaf. Base64url has one canonical form, so it is equal where the leaf is."""


class _Header(NamedTuple):
    typ: str
    kid: str
    text: str


class EntryVerifier:
    """Checks any number of entries under one trust root; safe to share."""

    def __init__(self, trust_root: TrustRoot) -> None:
        """``trust_root`` says whose entries may stand in the log."""
        self._trust_root = trust_root

    def check(self, entry: bytes) -> CheckedEntry:
        """Check one entry. Raises ``AuditFault``: unreadable, unknown type, unknown key, signature, period."""
        header, payload, text, signed, encoded = _take_apart(entry)
        kind, day = _kind_and_day(header, payload)
        digests = _digests(kind, payload)
        numbers = read_signature(_signature(encoded))
        if numbers is None or not low_s(numbers[1]):
            raise AuditFault(Code.ENTRY_UNREADABLE, "the signature is not in its one form")
        key = self._trust_root.key(payload["iss"], header.kid)
        if key is None:
            raise AuditFault(Code.ENTRY_KEY_UNKNOWN, "the trust root has no such key of this issuer")
        if not holds(key.public_key, *numbers, signed):
            raise AuditFault(Code.ENTRY_SIGNATURE_INVALID, "the signature is not the key's over these bytes")
        if not key.signs_on(day):
            raise AuditFault(Code.ENTRY_KEY_OUTSIDE_PERIOD, "issued on a day on which this key does not sign")
        return CheckedEntry(kind, day, digests, f"{header.text}\n{text}\n{encoded}")


def day_of(entry: bytes) -> date:
    """Read the day of an entry without believing it. Raises ``AuditFault`` for one that can't be read."""
    header, payload, *_ = _take_apart(entry)
    return _kind_and_day(header, payload)[1]


def _take_apart(entry: bytes) -> tuple[_Header, Any, str, bytes, str]:
    """Return header, payload, the payload's text, the bytes that are signed, and the signature in base64url."""
    try:
        text = entry.decode("ascii")
        parts = text.split(".")
        if len(entry) > LONGEST_ENTRY or len(parts) != _PARTS:
            raise AuditFault(Code.ENTRY_UNREADABLE, "not a JWS in compact form")
        header, payload, signature = parts
        data = from_base64url(payload)
        end = len(header) + 1 + len(payload)
        return _header(header), from_json(data), data.decode(), entry[:end], signature
    except (UnicodeDecodeError, MalformedReceipt) as error:
        raise AuditFault(Code.ENTRY_UNREADABLE, "not a JWS in the one form that is accepted") from error


def _signature(encoded: str) -> bytes:
    try:
        return from_base64url(encoded)
    except MalformedReceipt as error:
        raise AuditFault(Code.ENTRY_UNREADABLE, "the signature is not in its one form") from error


@lru_cache(maxsize=64)
def _header(text: str) -> _Header:
    data = from_base64url(text)
    header = from_json(data)
    if not isinstance(header, dict) or header.keys() != {"alg", "kid", "typ"} or header["alg"] != ALG:
        raise AuditFault(Code.ENTRY_UNREADABLE, "the header is not alg ES256, a kid and a type")
    if not isinstance(header["kid"], str) or not header["kid"] or header["typ"] not in {TYP, RECORD_TYP}:
        raise AuditFault(Code.ENTRY_UNREADABLE, "the header is not alg ES256, a kid and a type")
    return _Header(header["typ"], header["kid"], data.decode())


def _kind_and_day(header: _Header, payload: Any) -> tuple[EntryKind, date]:
    if not isinstance(payload, dict) or not isinstance(payload.get("iss"), str) or not payload["iss"]:
        raise AuditFault(Code.ENTRY_UNREADABLE, "the payload is not an object with an issuer")
    vct = payload.get("vct")
    kind = _KINDS.get(vct) if isinstance(vct, str) else None
    if kind is None or (kind is EntryKind.ATTESTATION) != (header.typ == TYP):
        raise AuditFault(Code.ENTRY_TYPE_UNKNOWN, "of a type that is not registered")
    seconds = payload.get("iat")
    if type(seconds) is not int or seconds % _DAY_SECONDS or not 0 <= seconds <= _LAST_DAY:
        raise AuditFault(Code.ENTRY_UNREADABLE, "iat is not midnight of a day")
    return kind, _day(seconds)


@lru_cache(maxsize=64)
def _day(seconds: int) -> date:
    return datetime.fromtimestamp(seconds, tz=UTC).date()


def _digests(kind: EntryKind, payload: Mapping[str, Any]) -> tuple[str, ...]:
    """Read the digests, sorted and different, as many as the kind has."""
    if kind is not EntryKind.ATTESTATION and payload.keys() == _OPEN:
        return ()
    given = payload.get("_sd")
    if payload.keys() != _CONCEALED or payload["_sd_alg"] != SD_ALG or not isinstance(given, list):
        raise AuditFault(Code.ENTRY_UNREADABLE, "the payload has other members than its type's")
    form, number = (_ALL_DIGESTS, DIGESTS) if kind is EntryKind.ATTESTATION else (_ONE_DIGEST, 1)
    try:
        sound = form.fullmatch(" ".join(given)) is not None
    except TypeError:  # one is not a text
        sound = False
    if not sound or len(set(given)) != number or given != sorted(given):
        raise AuditFault(Code.ENTRY_UNREADABLE, "the digests are not different ones of 32 bytes, sorted")
    return tuple(given)
