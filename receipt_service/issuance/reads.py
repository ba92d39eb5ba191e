"""Reading what was issued: a stub by its number, the state of a check for its officer or their hierarchy."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from sqlalchemy import Connection, Engine

from receipt_service.domain.check import Officer
from receipt_service.domain.correction import Succession
from receipt_service.domain.disclosure import parse_disclosure
from receipt_service.domain.groups import STUB_GROUPS, Group
from receipt_service.domain.receipt_number import parse_receipt_number
from receipt_service.domain.stub import ReducedStub, Stub
from receipt_service.errors import MalformedReceipt, NotFound, StubErased
from receipt_service.issuance.replay import Earlier
from receipt_service.issuance.submission import MessageStatus
from receipt_service.storage import corrections, directory, idempotency, outbox, stubs
from receipt_service.storage.engine import reading

Result = TypeVar("Result")
_LEGAL_BASIS = STUB_GROUPS.index(Group.LEGAL_BASIS)


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageReport:
    """One message and where it stands. Never to whom."""

    status: MessageStatus
    created_at: datetime
    settled_at: datetime | None
    expires_at: datetime | None
    code: str | None
    """Stable code of the last refusal or delay."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckReport:
    """A check as its officer or their hierarchy may follow it."""

    receipt_number: str
    officer_number: str
    unit_code: str
    checked_at: datetime
    recorded_at: datetime
    messages: tuple[MessageReport, ...]
    succession: Succession


@dataclass(frozen=True, slots=True, kw_only=True)
class StubReport:
    """A stub as whoever has its number may read it, and what became of it."""

    stub: Stub | ReducedStub
    succession: Succession
    erased: tuple[Group, ...] = ()
    """Groups that were let go of when their time of retention was over."""


class Reads:
    """Questions to the database, each in one transaction and off the event loop."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def stub(self, receipt_number: str) -> StubReport:
        """Give the stub of a number in any form that people type. Raises ``NotFound`` and ``StubErased``."""
        number = _canonical(receipt_number)
        return await self._read(lambda connection: _stub(connection, number))

    async def check(self, receipt_number: str, *, reader: Officer, supervises: bool) -> CheckReport:
        """Report on a check to its own officer, and to a supervisor of its unit or of one above it.

        Raises ``NotFound`` for everybody else too: who may not read a check may not learn that it exists.
        """
        number = _canonical(receipt_number)
        report = await self._read(lambda connection: _report(connection, number, reader, supervises=supervises))
        if report is None:
            raise NotFound("no check of yours has this number")
        return report

    async def bases_of(self, receipt_number: str) -> tuple[str, ...] | None:
        """Give the legal bases of an earlier check, the main one first; None if there is no such check."""
        try:
            report = await self.stub(receipt_number)
        except (NotFound, StubErased):
            return None
        if report.succession.cancelled or Group.LEGAL_BASIS in report.erased:
            return None
        bases = parse_disclosure(report.stub.disclosures[_LEGAL_BASIS]).value["bases"]
        return tuple(basis["code"] for basis in bases)

    async def request(self, lookup: bytes) -> Earlier | None:
        """Find an earlier request by its lookup HMAC."""
        return await self._read(lambda connection: _request(connection, lookup))

    async def _read(self, question: Callable[[Connection], Result]) -> Result:
        return await asyncio.to_thread(self._ask, question)

    def _ask(self, question: Callable[[Connection], Result]) -> Result:
        with reading(self._engine) as connection:
            return question(connection)


def _canonical(receipt_number: str) -> str:
    try:
        return parse_receipt_number(receipt_number)
    except MalformedReceipt as error:
        raise NotFound("not a receipt number") from error


def _report(connection: Connection, number: str, reader: Officer, *, supervises: bool) -> CheckReport | None:
    stub = stubs.find_by_number(connection, number)
    if stub is None:
        return None
    theirs = stub.officer_number == reader.number
    if not theirs and not (
        supervises and directory.is_within(connection, unit=stub.unit_code, top=reader.service.code)
    ):
        return None
    return CheckReport(
        receipt_number=stub.receipt_number,
        officer_number=stub.officer_number,
        unit_code=stub.unit_code,
        checked_at=stub.checked_at,
        recorded_at=stub.committed_at,
        messages=tuple(
            MessageReport(
                status=MessageStatus(message.channel, message.state),
                created_at=message.created_at,
                settled_at=message.settled_at,
                expires_at=message.expires_at,
                code=message.last_code,
            )
            for message in outbox.of_stub(connection, stub.id)
        ),
        succession=corrections.succession(connection, stub.id),
    )


def _stub(connection: Connection, number: str) -> StubReport:
    found = stubs.find_by_number(connection, number)
    if found is None:
        if stubs.was_erased(connection, number):
            raise StubErased("the stub of this number was let go of")
        raise NotFound("no stub has this number")
    erased = tuple(group for group, disclosure in zip(STUB_GROUPS, found.disclosures, strict=True) if not disclosure)
    stub: Stub | ReducedStub = Stub(found.leaf, found.disclosures)
    if erased:
        stub = ReducedStub(found.leaf, tuple(filter(None, found.disclosures)))
    return StubReport(stub=stub, succession=corrections.succession(connection, found.id), erased=erased)


def _request(connection: Connection, lookup: bytes) -> Earlier | None:
    record = idempotency.find(connection, lookup)
    if record is None:
        return None
    stub = stubs.find_by_id(connection, record.stub_id)
    if stub is None:
        return None
    messages = outbox.of_stub(connection, stub.id)
    return Earlier(record, stub, tuple(MessageStatus(message.channel, message.state) for message in messages))
