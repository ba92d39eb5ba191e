"""The stub-book: the leaf and the four disclosures that carry no identity. Rows are written once and never changed.

Leaf and disclosures are kept as the JSON that their base64url spells, one a line (the leaf: header, payload, and the
signature as it is). The characters that were signed come back exactly, since base64url has one canonical form and
compact JSON holds no raw line feed; they take a quarter less room; and whoever audits the book can read them. What they
have in common with all others of their day is stored once (``storage.frames``); the view ``whole_stub`` shows them
with it.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Column, ColumnElement, Connection, ForeignKey, LargeBinary, String, Text, func, select
from sqlmodel import Field, SQLModel

from receipt_service.domain.canonical import base64url, from_base64url
from receipt_service.domain.identifiers import StubId
from receipt_service.storage.engine import ROW_NUMBER, UtcDateTime, table_of
from receipt_service.storage.frames import Cut, Frame, FrameRow, join

DISCLOSURES = 4
LEAF_PARTS = 3
_NUMBER_LENGTH = 26
ERASED_MARK = "!"
"""How what stands in the place of a number begins, once a stub is erased whole; no number does."""


class StubRow(SQLModel, table=True):
    """One check, as the service remembers it. Its columns are an allow-list (tests/architecture)."""

    __tablename__ = "stub"

    id: int = Field(
        sa_column=Column(
            ROW_NUMBER,
            ForeignKey("message.id", name="fk_stub_message", deferrable=True, initially="DEFERRED", use_alter=True),
            primary_key=True,
            autoincrement=False,
        )
    )
    """The same number as the first message of the stub: so no stub is ever committed without a message."""
    checked_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    committed_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    frame_id: bytes = Field(sa_column=Column(LargeBinary(16), nullable=False))
    """What goes around the digests. A trigger sees that it is there: a foreign key would make PostgreSQL lock the one
    row of the day for every stub, and frames are never deleted."""
    receipt_number: str = Field(sa_column=Column(String(26), nullable=False, unique=True))
    officer_number: str = Field(sa_column=Column(String(20), nullable=False))
    unit_code: str = Field(sa_column=Column(String(40), nullable=False))
    digests: str = Field(sa_column=Column(Text, nullable=False))
    signature: str = Field(sa_column=Column(Text, nullable=False))
    disclosures: str = Field(sa_column=Column(Text, nullable=False))


_stub = table_of(StubRow)
_frame = table_of(FrameRow)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredStub:
    """A stub as it was written; ``disclosures`` are base64url, in the order of the receipt, without the person.

    One that was let go of since is an empty text.
    """

    id: StubId
    receipt_number: str
    leaf: str
    disclosures: tuple[str, ...]
    officer_number: str
    unit_code: str
    checked_at: datetime
    committed_at: datetime


def pack_disclosures(disclosures: Sequence[str]) -> str:
    """Turn four base64url disclosures into the four lines that are stored.

    Raises ``MalformedReceipt`` where one is not canonical base64url, and ``ValueError`` where there are not four, one
    is not UTF-8, or one spans lines, so that they could not be told apart.
    """
    return pack_texts([from_base64url(encoded) for encoded in disclosures])


def pack_texts(texts: Sequence[bytes]) -> str:
    """Join the JSON texts of four disclosures to the four lines that are stored; raises as ``pack_disclosures``."""
    packed = b"\n".join(texts).decode("utf-8")
    if len(texts) != DISCLOSURES or packed.count("\n") != DISCLOSURES - 1:
        raise ValueError("a stub keeps four disclosures of one line each")
    return packed


def pack_leaf(leaf: str) -> str:
    """Turn a leaf (a JWS in compact form) into the three lines that are stored.

    Raises ``MalformedReceipt`` and ``ValueError`` as ``pack_disclosures`` does.
    """
    header, payload, signature = leaf.split(".")
    packed = "\n".join((from_base64url(header).decode("utf-8"), from_base64url(payload).decode("utf-8"), signature))
    if packed.count("\n") != LEAF_PARTS - 1:
        raise ValueError("a leaf has a header and a payload of one line each")
    return packed


def unpack_leaf(packed: str) -> str:
    """Give back the leaf, byte for byte as it was signed."""
    header, payload, signature = packed.split("\n")
    return f"{base64url(header.encode('utf-8'))}.{base64url(payload.encode('utf-8'))}.{signature}"


def unpack_disclosures(packed: str) -> tuple[str, ...]:
    """Give back the four base64url disclosures, byte for byte as they were signed; empty where one was let go of."""
    return tuple(base64url(line.encode("utf-8")) for line in packed.split("\n")) if packed else ("",) * DISCLOSURES


def erased_number(receipt_number: str) -> str:
    """Return what stands in the place of a number: 150 bits of its SHA-256, from which nobody gets it back."""
    digest = base64url(hashlib.sha256(receipt_number.encode()).digest())
    return (ERASED_MARK + digest)[:_NUMBER_LENGTH]


def was_erased(connection: Connection, receipt_number: str) -> bool:
    """Tell whether a stub of this number was there and was let go of, whole."""
    query = select(_stub.c.id).where(_stub.c.receipt_number == erased_number(receipt_number))
    return connection.execute(query).first() is not None


def find_by_number(connection: Connection, receipt_number: str) -> StoredStub | None:
    """Find the stub of a receipt number in its canonical form."""
    return _find(connection, _stub.c.receipt_number == receipt_number)


def find_by_id(connection: Connection, stub_id: StubId) -> StoredStub | None:
    """Find a stub by its internal identifier."""
    return _find(connection, _stub.c.id == stub_id)


def id_of_number(connection: Connection, receipt_number: str) -> StubId | None:
    """Find the internal identifier of a receipt number in its canonical form, whatever else the row holds."""
    found = connection.execute(select(_stub.c.id).where(_stub.c.receipt_number == receipt_number)).scalar_one_or_none()
    return None if found is None else StubId(found)


def _find(connection: Connection, condition: ColumnElement[bool]) -> StoredStub | None:
    query = select(_stub, _frame.c.head, _frame.c.tail, _frame.c.catalogue).join(
        _frame, _frame.c.id == _stub.c.frame_id
    )
    row = connection.execute(query.where(condition)).one_or_none()
    if row is None:
        return None
    frame = Frame(bytes(row.frame_id), row.head, row.tail, row.catalogue)
    leaf, disclosures = join(Cut(frame, row.digests, row.signature, row.disclosures))
    return StoredStub(
        id=StubId(row.id),
        receipt_number=row.receipt_number,
        leaf=unpack_leaf(leaf),
        disclosures=unpack_disclosures(disclosures),
        officer_number=row.officer_number,
        unit_code=row.unit_code,
        checked_at=row.checked_at,
        committed_at=row.committed_at,
    )


def count(connection: Connection) -> int:
    """Count the stubs; a full scan, for operators and tests."""
    return int(connection.execute(select(func.count()).select_from(_stub)).scalar_one())
