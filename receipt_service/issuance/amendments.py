"""The rows of corrections and cancellations: who may, whether it still can be, and all of it or nothing."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from sqlalchemy import Connection, Engine

from receipt_service.domain.check import Officer
from receipt_service.domain.correction import Succession
from receipt_service.domain.log_entry import EntryKind
from receipt_service.errors import AlreadyAmended, NotFound, StubErased
from receipt_service.storage import corrections, directory, fold_queue, idempotency, issuances, log_queue, stubs
from receipt_service.storage.corrections import NewCorrection
from receipt_service.storage.engine import reading, writing
from receipt_service.storage.idempotency import IdempotencyRecord
from receipt_service.storage.issuances import NewIssuance
from receipt_service.storage.stubs import StoredStub

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A receipt that somebody asks to have corrected."""

    stub: StoredStub
    succession: Succession
    first_recorded_at: datetime
    """When the check was first recorded, before any correction."""
    by_supervisor: bool
    """Whether the reader supervises the check's unit: then the time to correct is not limited."""


class Amendments:
    """Corrections and cancellations in the database, each in one transaction and off the event loop."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def target(self, receipt_number: str, *, reader: Officer, supervises: bool) -> Target:
        """Find a receipt for its own officer, or a supervisor of its unit or of one above it.

        Raises ``NotFound`` for everybody else too, and ``StubErased``.
        """
        return await self._ask(lambda connection: _target(connection, receipt_number, reader, supervises=supervises))

    async def succession(self, stub: StoredStub) -> Succession:
        """Tell what became of a stub."""
        return await self._ask(lambda connection: corrections.succession(connection, stub.id))

    async def commit(self, row: NewCorrection, registers: NewIssuance | IdempotencyRecord) -> bool:
        """Replace or cancel, whole or not at all; ``False`` when a request with the same key was carried out before.

        ``registers`` is the check that takes the place, or for a cancellation the record of its request. Raises
        ``AlreadyAmended`` when the receipt was replaced or cancelled meanwhile.
        """
        return await asyncio.to_thread(self._commit, row, registers)

    def _commit(self, row: NewCorrection, registers: NewIssuance | IdempotencyRecord) -> bool:
        with writing(self._engine) as connection:
            if isinstance(registers, NewIssuance):
                new = issuances.register_within(connection, registers)
            else:
                new = idempotency.add(connection, registers)
            if not new:
                return False
            if not corrections.add(connection, row):
                raise AlreadyAmended("replaced or cancelled before")
            fold_queue.withdraw(connection, row.old_stub_id, now=row.corrected_at)
            log_queue.ask(connection, EntryKind.CORRECTION, row.record)
        return True

    async def _ask(self, question: Callable[[Connection], Result]) -> Result:
        return await asyncio.to_thread(self._read, question)

    def _read(self, question: Callable[[Connection], Result]) -> Result:
        with reading(self._engine) as connection:
            return question(connection)


def _target(connection: Connection, number: str, reader: Officer, *, supervises: bool) -> Target:
    stub = stubs.find_by_number(connection, number)
    if stub is None:
        raise NotFound("no check of yours has this number")
    by_supervisor = supervises and directory.is_within(connection, unit=stub.unit_code, top=reader.service.code)
    if stub.officer_number != reader.number and not by_supervisor:
        raise NotFound("no check of yours has this number")
    if not all(stub.disclosures):
        raise StubErased("what would be corrected is erased")
    first = stubs.find_by_id(connection, corrections.first_of(connection, stub.id))
    return Target(
        stub=stub,
        succession=corrections.succession(connection, stub.id),
        first_recorded_at=(first or stub).committed_at,
        by_supervisor=by_supervisor,
    )
