"""Sealed envelopes: recipient and receipt of each message that is not settled yet, and nothing older.

They have a table to themselves because they are large and short-lived: what one leaves free, the next one takes,
and the outbox stays as small as its settled rows. The database ties the two together (``storage.outbox``): a row
stands here exactly while its message is queued, sending, unknown or a dead letter. It is written once, with the
message; the move that settles the message deletes it, by trigger; nothing else can.
"""

from sqlalchemy import Column, Connection, ForeignKey, LargeBinary, String, func, select
from sqlmodel import Field, SQLModel

from receipt_service.storage.engine import ROW_NUMBER, SWEPT_AT_ONCE, table_of


class EnvelopeRow(SQLModel, table=True):
    """What only the worker that holds the private key of ``epoch`` can open."""

    __tablename__ = "envelope"
    __table_args__ = ({"postgresql_with": SWEPT_AT_ONCE},)

    message_id: int = Field(
        sa_column=Column(
            ROW_NUMBER,
            ForeignKey("message.sealed_id", name="fk_envelope_message", deferrable=True, initially="DEFERRED"),
            primary_key=True,
            autoincrement=False,
        )
    )
    epoch: str = Field(sa_column=Column(String(20), nullable=False, index=True))
    ciphertext: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


_envelope = table_of(EnvelopeRow)


def epoch_is_needed(connection: Connection, epoch: str) -> bool:
    """Tell whether an envelope is sealed to that epoch, so that its private key must stay."""
    return connection.execute(select(_envelope.c.epoch).where(_envelope.c.epoch == epoch).limit(1)).first() is not None


def count(connection: Connection) -> int:
    """Count the envelopes; a full scan, for operators and tests."""
    return int(connection.execute(select(func.count()).select_from(_envelope)).scalar_one())
