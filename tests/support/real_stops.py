"""The shared London stops as stubs, each on its own day: read, mapped and held against the law by the product's code.

What registering adds to that is left out: no signature, no sealed message, no server. Statistics read none of them.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from receipt_service.bootstrap.law import Law
from receipt_service.demo.stops.mapping import MappedStop, Replay, map_stop
from receipt_service.demo.stops.records import StopRecord, read_stops
from receipt_service.demo.stops.roster import Roster
from receipt_service.domain.check import Officer
from receipt_service.domain.groups import claims_of
from receipt_service.domain.receipt import draft_receipt
from receipt_service.domain.receipt_number import receipt_number_from
from receipt_service.domain.rules import validate
from receipt_service.errors import InvalidCheck
from receipt_service.storage.issuances import NewIssuance
from receipt_service.storage.stubs import pack_texts
from receipt_service.web.requests import read_check
from tests.support.issuances import an_issuance

STOPS = Path(__file__).parents[3] / "shared" / "data" / "met_stops_2024-09_2025-04.csv.gz"
PARIS = ZoneInfo("Europe/Paris")
REGISTERED_AFTER = timedelta(minutes=4)


@dataclass
class StopStubs:
    """Makes the stubs, and counts what became of the rows: replayed, and refused by what they lack."""

    law: Law
    roster: Roster
    officers: Mapping[str, Officer]
    """By subject."""
    rows: Counter[str] = field(default_factory=Counter)
    units: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Checks by month and by the unit whose officer the replay drew."""
    _seen: set[bytes] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._by_number = {officer.number: officer for officer in self.officers.values()}

    def issuances(self) -> Iterator[NewIssuance]:
        """Make a stub of each valid row, once. Raises ``AssertionError`` where the product disagrees about that."""
        for record in read_stops(STOPS):
            assert isinstance(record, StopRecord)
            stop = map_stop(record, self._replay(record.at))
            try:
                issuance = self._issuance(record, stop)
            except InvalidCheck:
                assert stop.gap is not None
                self.rows[stop.gap] += 1
                continue
            assert stop.gap is None
            if record.fingerprint in self._seen:
                self.rows["replayed"] += 1
                continue
            self._seen.add(record.fingerprint)
            self.rows["issued"] += 1
            self.units[stop.body["checked_at"][:7], stop.officer.unit] += 1
            yield issuance

    def _replay(self, at: datetime) -> Replay:
        """As if the stop were replayed the moment it happens: then it stays on its day."""
        return Replay(seed=2026, secret=bytes(32), before=at, roster=self.roster, zone=PARIS)

    def _issuance(self, record: StopRecord, stop: MappedStop) -> NewIssuance:
        checked_at = datetime.fromisoformat(stop.body["checked_at"])
        now = checked_at + REGISTERED_AFTER
        request, person, recipient = read_check(json.dumps(stop.body).encode(), now)
        officer = self.officers[stop.officer.subject]
        check = validate(
            request,
            officer,
            self.law.current,
            self.law.territory,
            person,
            recipient,
            parent_bases=None,
            ordered_by=self._by_number.get(request.ordered_by or ""),
            now=now,
        )
        number = receipt_number_from(hashlib.sha256(record.fingerprint).digest()[:16])
        claims: Any = claims_of(check, person, receipt_number=number, recorded_at=now, catalogue=self.law.current)
        salts = [bytes([index]) * 16 for index in range(5)]
        draft = draft_receipt(claims, salts=salts, issuer="https://x", kid="x", issued_on=now.date())
        return an_issuance(
            *recipient.channels,
            at=now,
            receipt_number=number,
            disclosures=pack_texts(draft.stub_texts),
            officer_number=officer.number,
            unit_code=officer.service.code,
            checked_at=checked_at,
        )
