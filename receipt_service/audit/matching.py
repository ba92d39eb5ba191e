"""Matching: what somebody presents, held against the stub-book and the log by the exact bytes of its leaf.

What was presented comes in already verified and without its person group (``bootstrap.audit``): nothing here can store,
tell or log an identity, since it never sees one.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import Connection, Engine

from receipt_service.audit.comparing import STUB_GROUPS, compare_disclosures
from receipt_service.audit.findings import AuditFault, Code
from receipt_service.audit.lawful import GRACE, Deletions
from receipt_service.audit.log_walk import leaf_of
from receipt_service.audit.records import CheckEntry, check_correction
from receipt_service.domain.canonical import base64url
from receipt_service.domain.identifiers import StubId
from receipt_service.errors import NotFound
from receipt_service.storage import audited, audited_records, stubs
from receipt_service.storage.audited import StubRow
from receipt_service.storage.engine import reading
from receipt_service.storage.log_entries import leaf_key
from receipt_service.tlog.merkle import BadProof, leaf_hash
from receipt_service.tlog.notation import MalformedLogText
from receipt_service.tlog.note import BadSignature
from receipt_service.tlog.trust import CheckedCheckpoint

_GROUPS: Final = frozenset(STUB_GROUPS)
MOST_WAITING: Final = 20_000
"""Of a longer queue only the newest are looked at: what waits longer than a minute is suppressed anyway."""


class Outcome(StrEnum):
    """What matching found, told apart as DESIGN.md asks ("The log"). Codes never change their meaning."""

    AUTHENTIC_LOGGED = "authentic_logged"
    AUTHENTIC_NOT_YET_LOGGED = "authentic_not_yet_logged"
    AUTHENTIC_NEVER_LOGGED = "authentic_never_logged"
    """Proof of misbehaviour: the issuer signed it and kept it out of the log."""
    LOGGED_STUB_MISSING = "logged_stub_missing"
    """Proof of deletion."""
    LOGGED_STUB_LAWFULLY_DELETED = "logged_stub_lawfully_deleted"
    STUB_DIFFERS = "stub_differs"
    FORGED = "forged"
    SIGNER_UNKNOWN = "signer_unknown"
    """Nothing speaks against it but that no trusted key signed it."""


class State(StrEnum):
    """What became of an authentic receipt since: told beside the outcome, and no fault."""

    STANDS = "stands"
    REPLACED = "replaced"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Presented:
    """Something presented, verified. The identity, if it was shown, is not in it."""

    status: str
    """``passed``, ``failed`` or ``indeterminate`` (``verify.verdict.Status``)."""
    reasons: tuple[str, ...] = ()
    view: str | None = None
    leaf: str | None = None
    """Exact characters; set when passed."""
    issued_on: date | None = None
    disclosures: Mapping[str, str] = field(default_factory=dict)
    """The groups shown, without the person's: base64url by the group's name."""
    receipt_number: str | None = None
    identity_shown: bool = False

    @property
    def leaf_hash(self) -> str:
        """The leaf hash in hexadecimal (RFC 6962 §2.1); empty where there is no leaf to believe in."""
        return "" if self.leaf is None else leaf_hash(self.leaf.encode("ascii")).hex()


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """What matching found."""

    outcome: Outcome
    presented: Presented
    leaf_hash: str | None = None
    """Hexadecimal (RFC 6962 §2.1)."""
    index: int | None = None
    log_size: int | None = None
    log_root: str | None = None
    witnesses: int | None = None
    quorum_reached: bool | None = None
    compared: tuple[str, ...] = ()
    """Groups that were shown and are held against the stub."""
    differing: tuple[str, ...] = ()
    """``leaf``, or groups, in which the stub differs; ``columns`` for what the book finds it by; ``correction`` where
    the row of one is not what its record says."""
    erased: tuple[str, ...] = ()
    """Groups of the stub that a retention rule took, whose record is in the log."""
    state: State | None = None
    """``None`` where there is no stub to say so."""
    proof: bytes | None = field(default=None, repr=False)
    """The tlog-proof file; not part of ``to_json``."""

    def to_json(self) -> dict[str, Any]:
        """Write the match: codes, hashes and names of groups, nothing of what they say."""
        presented = self.presented
        return {
            "version": 1,
            "outcome": self.outcome.value,
            "verdict": presented.status,
            "reasons": list(presented.reasons),
            "view": presented.view,
            "issued_on": None if presented.issued_on is None else presented.issued_on.isoformat(),
            "leaf_hash": self.leaf_hash,
            "index": self.index,
            "log_size": self.log_size,
            "log_root": self.log_root,
            "witnesses": self.witnesses,
            "quorum_reached": self.quorum_reached,
            "compared": list(self.compared),
            "differing": list(self.differing),
            "erased": list(self.erased),
            "state": None if self.state is None else self.state.value,
        }


Prove = Callable[[bytes], bytes]
"""Gives the proof file of a leaf hash; raises ``NotFound`` (``transparency.proving``)."""
CheckProof = Callable[[bytes, bytes], tuple[int, CheckedCheckpoint]]
"""Checks a leaf hash and its proof file under the auditor's policy; returns the index and the checkpoint. Raises
``BadProof``, ``BadSignature`` and ``MalformedLogText``."""


@dataclass(frozen=True, slots=True)
class _Place:
    index: int
    stub_id: StubId | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Matcher:
    """Matches any number of receipts."""

    engine: Engine
    prove: Prove
    check_proof: CheckProof
    check_entry: CheckEntry

    def match(self, presented: Presented, now: datetime) -> Match:
        """Match what was presented. Raises ``Unavailable`` for a database or folder that does not answer."""
        if presented.status != "passed" or presented.leaf is None:
            outcome = Outcome.FORGED if presented.status == "failed" else Outcome.SIGNER_UNKNOWN
            return Match(outcome=outcome, presented=presented)
        leaf = presented.leaf.encode("ascii")
        hashed = leaf_hash(leaf)
        with reading(self.engine) as connection:
            place = self._place(connection, hashed)
            stub = self._stub(connection, presented, place)
            waits = stub is not None and self._waits(connection, stub, now)
            gone = self._gone(connection, place, now)
            waits = waits or (place is None and stub is None and self._leaf_waits(connection, leaf, now))
            state, sound = self._state(connection, stub)
        differing = self._differing(presented, leaf, stub, gone) or (() if sound else ("correction",))
        proved = self._proved(hashed)
        outcome = _outcome(
            proved=proved is not None,
            waits=waits or (proved is None and place is not None and _is_new(stub, now)),
            stub=stub is not None,
            all_gone=gone >= _GROUPS,
            differs=bool(differing),
        )
        found = Match(
            outcome=outcome,
            presented=presented,
            leaf_hash=hashed.hex(),
            compared=tuple(name for name in presented.disclosures if stub is not None and name not in gone),
            differing=differing,
            erased=tuple(name for name in STUB_GROUPS if name in gone),
            state=state,
        )
        return found if proved is None else _with_proof(found, *proved)

    def _place(self, connection: Connection, hashed: bytes) -> _Place | None:
        places = audited.places_of(connection, [leaf_key(hashed)]).get(leaf_key(hashed), [])
        return None if not places else _Place(places[0].place, places[0].stub_id)

    def _stub(self, connection: Connection, presented: Presented, place: _Place | None) -> StubRow | None:
        """Find the stub by the leaf's place in the log, else by the receipt number if that was shown."""
        if place is not None and place.stub_id is not None:
            return audited.stubs_of(connection, [place.stub_id]).get(place.stub_id)
        if presented.receipt_number is None:
            return None
        stub_id = stubs.id_of_number(connection, presented.receipt_number)
        return None if stub_id is None else audited.stubs_of(connection, [stub_id]).get(stub_id)

    def _gone(self, connection: Connection, place: _Place | None, now: datetime) -> frozenset[str]:
        if place is None or place.stub_id is None:
            return frozenset()
        deletions = Deletions(self.check_entry, lambda _, hashed: self._proved(hashed) is not None, now)
        return deletions.of_stubs(connection, {place.stub_id: place.index}).get(place.stub_id, frozenset())

    def _state(self, connection: Connection, stub: StubRow | None) -> tuple[State | None, bool]:
        """Tell what became of a stub, and whether the row that says so is what its signed record says."""
        if stub is None:
            return None, True
        row = audited_records.correction_of(connection, stub.id)
        if row is None:
            return State.STANDS, True
        ids = [row.old_stub_id, *([] if row.new_stub_id is None else [row.new_stub_id])]
        leaves = audited.packed_leaves_of(connection, ids)
        state = State.CANCELLED if row.new_stub_id is None else State.REPLACED
        try:
            check_correction(row, leaves, self.check_entry)
        except AuditFault:
            return state, False
        return state, True

    def _waits(self, connection: Connection, stub: StubRow, now: datetime) -> bool:
        return _is_new(stub, now) and stub.id in audited.waiting_of(connection, [stub.id])

    def _leaf_waits(self, connection: Connection, leaf: bytes, now: datetime) -> bool:
        """Look for a bare leaf among what waits: nothing else leads from it to its stub."""
        waiting = audited.waiting_ids(connection, MOST_WAITING)
        for first in range(0, len(waiting), 1000):
            found = audited.stubs_of(connection, waiting[first : first + 1000])
            for stub in found.values():
                if leaf_of(stub.leaf) == leaf:
                    return _is_new(stub, now)
        return False

    def _differing(
        self, presented: Presented, leaf: bytes, stub: StubRow | None, gone: frozenset[str]
    ) -> tuple[str, ...]:
        if stub is None:
            return ()
        if leaf_of(stub.leaf) != leaf:
            return ("leaf",)
        kept = {base64url(text.encode()) for text in stub.disclosures.split("\n")}
        shown = tuple(
            name for name, encoded in presented.disclosures.items() if encoded not in kept and name not in gone
        )
        if shown:
            return shown
        try:
            fault = compare_disclosures(stub, self.check_entry(leaf), gone)
        except AuditFault:
            fault = Code.STUB_ALTERED
        if fault is None:
            return ()
        return ("columns",) if fault is Code.COLUMNS_DIFFER else ("disclosures",)

    def _proved(self, hashed: bytes) -> tuple[bytes, int, CheckedCheckpoint] | None:
        try:
            proof = self.prove(hashed)
            return proof, *self.check_proof(hashed, proof)
        except (NotFound, BadProof, BadSignature, MalformedLogText):
            return None


def _is_new(stub: StubRow | None, now: datetime) -> bool:
    return stub is not None and stub.committed_at >= now - GRACE


def _outcome(*, proved: bool, waits: bool, stub: bool, all_gone: bool, differs: bool) -> Outcome:
    if not proved:
        return Outcome.AUTHENTIC_NOT_YET_LOGGED if waits else Outcome.AUTHENTIC_NEVER_LOGGED
    if differs or not (stub or all_gone):
        return Outcome.STUB_DIFFERS if differs else Outcome.LOGGED_STUB_MISSING
    return Outcome.LOGGED_STUB_LAWFULLY_DELETED if all_gone else Outcome.AUTHENTIC_LOGGED


def _with_proof(found: Match, proof: bytes, index: int, checked: CheckedCheckpoint) -> Match:
    return replace(
        found,
        index=index,
        log_size=checked.checkpoint.size,
        log_root=checked.checkpoint.root.hex(),
        witnesses=len(checked.cosignatures),
        quorum_reached=checked.quorum_reached,
        proof=proof,
    )
