"""Repeated requests: the same receipt again, from the stub, the repeated body and a key that lives 72 h.

Nothing about the person is stored for this. ``lookup`` finds the record of a request, ``fingerprint`` tells whether
the body is the same, ``seed`` gives the receipt's salts again: three HMACs (RFC 2104) under keys of this process.
Follows draft-ietf-httpapi-idempotency-key-header-07.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

import orjson

from receipt_service.crypto.derivation import KeyedHash, derive
from receipt_service.domain.check_request import CheckRequest
from receipt_service.domain.link import SEED_BYTES
from receipt_service.domain.person import Person
from receipt_service.domain.recipient import Recipient

RequestPart = CheckRequest | Person | Recipient | str | None
"""What a request is told from others by."""
KEY_BYTES = 32
RECORD_BYTES = 16
"""HMACs are cut to 128 bits, the least that RFC 2104 §5 allows and enough against an attacker without the key."""

_PERIOD = timedelta(hours=1)
_UNIX_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FINGERPRINT = b"receipt-service/replay/v1/fingerprint"
_SEED = b"receipt-service/replay/v1/seed"


def period_at(moment: datetime) -> int:
    """Count the hours from 1970 to the one that a replay key belongs to."""
    return (moment - _UNIX_EPOCH) // _PERIOD


def period_start(period: int) -> datetime:
    """Give the first moment of a numbered hour."""
    return _UNIX_EPOCH + period * _PERIOD


class ReplayKey:
    """The replay key of one hour, already divided by purpose."""

    __slots__ = ("_for_fingerprints", "_for_seeds", "period")

    def __init__(self, period: int, secret: bytes) -> None:
        """``secret`` is ``KEY_BYTES`` random bytes."""
        self.period = period
        for_fingerprints, for_seeds = derive(secret, (_FINGERPRINT, _SEED), KEY_BYTES)
        self._for_fingerprints, self._for_seeds = KeyedHash(for_fingerprints), KeyedHash(for_seeds)

    def __repr__(self) -> str:
        """Name the hour, never show the key."""
        return f"ReplayKey(period={self.period})"

    def fingerprint(self, *parts: RequestPart) -> bytes:
        """Tell one request from another, whatever the order and spacing of its members: 16 bytes.

        ``parts`` are check, person and recipient; for a correction also which receipt it is about, and why.
        """
        body = orjson.dumps(parts)
        return self._for_fingerprints.digest(body)[:RECORD_BYTES]

    def seed(self, scope: str, idempotency_key: str, receipt_number: str) -> bytes:
        """Derive the seed of a receipt; only who has this key and the client's Idempotency-Key can."""
        return self._for_seeds.digest(_joined(scope, idempotency_key, receipt_number))[:SEED_BYTES]


class ReplayKeys(Protocol):
    """Where the keys come from (``bootstrap.replay_keys``)."""

    @property
    def lookup_key(self) -> KeyedHash:
        """The lasting key under which records are found."""

    def current(self, now: datetime) -> ReplayKey:
        """Give the key of this hour. Raises ``ConfigurationError`` where its file can't be made."""

    def of_period(self, period: int, now: datetime) -> ReplayKey | None:
        """Give the key of an earlier hour, None once it is destroyed."""


@dataclass(frozen=True, slots=True)
class Repeatable:
    """What a request stores so that it can be repeated; see ``storage.idempotency``."""

    lookup: bytes
    fingerprint: bytes
    period: int


def lookup_of(lookup_key: KeyedHash, scope: str, idempotency_key: str) -> bytes:
    """Name a request: 16 bytes that say nothing without the lasting key. Another scope is another request."""
    return lookup_key.digest(_joined("lookup", scope, idempotency_key))[:RECORD_BYTES]


def _joined(*parts: str) -> bytes:
    """Join texts so that no two lists of parts give the same bytes."""
    return b"".join(len(data).to_bytes(4, "big") + data for data in (part.encode("utf-8") for part in parts))
