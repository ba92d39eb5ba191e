"""Rows as issuing writes them, with made-up content: for tests of what happens to them afterwards."""

import secrets
from datetime import UTC, datetime, timedelta

from receipt_service.domain.canonical import base64url
from receipt_service.domain.epoch import epoch_of
from receipt_service.domain.identifiers import MessageId, StubId
from receipt_service.domain.message import HOLDS_ENVELOPE, WINDOWS, born_as
from receipt_service.domain.receipt_number import receipt_number_from
from receipt_service.domain.recipient import Channel
from receipt_service.issuance.row_ids import RowIds
from receipt_service.storage.issuances import NewIssuance, NewMessage, Register
from receipt_service.storage.stubs import pack_disclosures, pack_leaf

_ROW_IDS = RowIds()
NOW = datetime(2026, 11, 23, 14, 5, 30, 123456, tzinfo=UTC)
LEAF = ".".join((base64url(b'{"alg":"ES256"}'), base64url(b'{"iss":"x"}'), "A" * 86))
DISCLOSURES = tuple(
    base64url(f'["{"s" * 22}","{name}",{{"é":"€","n":1}}]'.encode())
    for name in ("legal_basis", "consequences", "when_where", "officer")
)


def an_issuance(*channels: Channel, at: datetime = NOW, envelope: bytes = b"sealed", **changed) -> NewIssuance:
    """One check as it is registered, sent through ``channels`` (an SMS unless told otherwise)."""
    first = _ROW_IDS.take(at, max(len(channels), 1))
    fields = {
        "stub_id": StubId(first),
        "receipt_number": receipt_number_from(secrets.token_bytes(16)),
        "leaf": pack_leaf(LEAF),
        "disclosures": pack_disclosures(DISCLOSURES),
        "officer_number": "1234567",
        "unit_code": "PN-75-10",
        "checked_at": at - timedelta(minutes=3),
        "committed_at": at,
        "messages": tuple(
            a_message(MessageId(first + offset), channel, at, envelope)
            for offset, channel in enumerate(channels or (Channel.SMS,))
        ),
        "lookup": secrets.token_bytes(16),
        "fingerprint": secrets.token_bytes(16),
        "replay_period": 498_000,
    }
    return NewIssuance(**{**fields, **changed})


def a_message(message_id: MessageId, channel: Channel, at: datetime, envelope: bytes) -> NewMessage:
    state = born_as(channel)
    if state not in HOLDS_ENVELOPE:
        return NewMessage(message_id, channel.value, state.value)
    return NewMessage(
        message_id, channel.value, state.value, epoch_of(at), envelope, due_at=at, expires_at=at + WINDOWS[channel]
    )


def store(engine, *issuances: NewIssuance) -> list[MessageId]:
    """Register checks and give the number of each one's first message."""
    register = Register(engine)
    try:
        assert register(issuances) == [True] * len(issuances)
    finally:
        register.close()
    return [issuance.messages[0].id for issuance in issuances]
