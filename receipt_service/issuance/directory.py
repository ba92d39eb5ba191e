"""The directory in use: officers looked up for every check, and files imported whole or not at all."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, Engine

from receipt_service.domain.catalogue import Catalogue
from receipt_service.domain.check import Officer
from receipt_service.domain.directory import Fault, Known, OfficerEntry, UnitEntry, check_directory
from receipt_service.domain.directory_csv import read_directory
from receipt_service.domain.territory import Territory
from receipt_service.errors import OfficerUnknown
from receipt_service.storage import directory
from receipt_service.storage.engine import reading, writing

FRESH_SECONDS: Final = 2.0
"""How long a process may go on with what it knew before an import."""
_REMEMBERED: Final = 100_000


class OfficerDirectory:
    """Officers by subject and by number, remembered until the directory changes."""

    def __init__(self, engine: Engine, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._engine = engine
        self._clock = clock
        self._by_subject: dict[str, Officer | None] = {}
        self._by_number: dict[str, Officer | None] = {}
        self._revision = -1
        self._asked_at = float("-inf")
        self._asking = asyncio.Lock()

    async def by_subject(self, subject: str) -> Officer:
        """Find the officer whom a token names. Raises ``OfficerUnknown`` when there is none, or none active."""
        officer = await self._find(self._by_subject, subject, directory.officer_by_subject)
        if officer is None:
            raise OfficerUnknown("the token names no active officer of the directory")
        return officer

    async def by_number(self, number: str) -> Officer | None:
        """Find an active officer by number."""
        return await self._find(self._by_number, number, directory.officer_by_number)

    async def _find(
        self,
        known: dict[str, Officer | None],
        key: str,
        question: Callable[[Connection, str], Officer | None],
    ) -> Officer | None:
        if self._clock() - self._asked_at > FRESH_SECONDS:
            await self._refresh()
        if key in known:
            return known[key]
        revision, officer = await asyncio.to_thread(self._ask, question, key)
        if len(known) >= _REMEMBERED:
            known.clear()
        if revision == self._revision:
            known[key] = officer
        return officer

    async def _refresh(self) -> None:
        async with self._asking:
            if self._clock() - self._asked_at <= FRESH_SECONDS:
                return  # another request asked meanwhile
            revision = await asyncio.to_thread(self._ask_revision)
            if revision != self._revision:
                self._by_subject.clear()
                self._by_number.clear()
                self._revision = revision
            self._asked_at = self._clock()

    def _ask(self, question: Callable[[Connection, str], Officer | None], key: str) -> tuple[int, Officer | None]:
        with reading(self._engine) as connection:
            return directory.revision(connection), question(connection, key)

    def _ask_revision(self) -> int:
        with reading(self._engine) as connection:
            return directory.revision(connection)


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectoryReport:
    """What came of an import. With a fault nothing was imported."""

    faults: tuple[Fault, ...]
    encoding: str
    units: int = 0
    """Units that the file names."""
    officers: int = 0
    units_changed: int = 0
    """Units that are new or different now."""
    officers_changed: int = 0
    officers_deactivated: int = 0
    """Officers that a complete file no longer names."""

    @property
    def imported(self) -> bool:
        """Whether the directory now says what the file says."""
        return not self.faults


def import_directory(
    engine: Engine, data: bytes, *, catalogue: Catalogue, territory: Territory, now: datetime, complete: bool = False
) -> DirectoryReport:
    """Import a directory file (docs/directory.md): all of it, or nothing and the report of every bad line.

    Units and officers that it names are added or replaced; importing the same file again changes nothing. The others
    stay as they are, unless the file is ``complete``: then officers that it doesn't name are made inactive. Units
    are never removed, since stubs name them.
    """
    file = read_directory(data)
    with writing(engine) as connection:
        directory.lock(connection)
        known = Known(catalogue, territory, directory.units(connection), directory.officers(connection))
        faults = tuple(sorted([*file.faults, *check_directory(file.placed, known, file.mentioned)]))
        if faults:
            return DirectoryReport(faults=faults, encoding=file.encoding)
        units = {each.entry.code: each.entry for each in file.placed if isinstance(each.entry, UnitEntry)}
        officers = {each.entry.number: each.entry for each in file.placed if isinstance(each.entry, OfficerEntry)}
        gone = [
            replace(officer, active=False)
            for number, officer in known.officers.items()
            if complete and number not in officers and officer.active
        ]
        changed_units = [unit for code, unit in units.items() if known.units.get(code) != unit]
        changed_officers = [entry for number, entry in officers.items() if known.officers.get(number) != entry]
        if changed_units or changed_officers or gone:
            directory.save(connection, changed_units, [*changed_officers, *gone])
            directory.count_import(connection, now)
    return DirectoryReport(
        faults=(),
        encoding=file.encoding,
        units=len(units),
        officers=len(officers),
        units_changed=len(changed_units),
        officers_changed=len(changed_officers),
        officers_deactivated=len(gone),
    )
