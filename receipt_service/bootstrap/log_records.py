"""The log's records put together: the issuer's key of the moment, and a salt that nobody else has."""

import secrets
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from receipt_service.crypto.signing import Signer
from receipt_service.domain.log_entry import EntryKind
from receipt_service.domain.log_record import SALT_BYTES, LogRecord, SignRecord, write_record


def record_signer(issuer: str, signer_at: Callable[[datetime], Signer]) -> SignRecord:
    """Return what writes the log's records of this issuer."""

    def sign(kind: EntryKind, facts: Mapping[str, Any], now: datetime) -> LogRecord:
        signer = signer_at(now)
        return write_record(
            kind,
            facts,
            issuer=issuer,
            kid=signer.kid,
            issued_on=now.astimezone(UTC).date(),
            sign=signer.sign,
            salt=secrets.token_bytes(SALT_BYTES),
        )

    return sign
