"""Correcting and cancelling: nothing is overwritten; a newer attestation, or a record alone, says what is wrong.

Rare beside issuing, and never in its way: each has a transaction of its own instead of a place in the group commit.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from receipt_service.domain.canonical import base64url
from receipt_service.domain.check import Officer, Quality, Service
from receipt_service.domain.correction import Replaced
from receipt_service.domain.disclosure import parse_disclosure
from receipt_service.domain.groups import STUB_GROUPS, Group
from receipt_service.domain.log_entry import EntryKind
from receipt_service.domain.log_record import LogRecord, SignRecord
from receipt_service.domain.rules_correction import require_sound
from receipt_service.errors import AlreadyAmended, CorrectionWindowClosed, InvalidCheck, Unavailable, Violation
from receipt_service.issuance.amendments import Amendments, Target
from receipt_service.issuance.idempotency import RequestPart, lookup_of
from receipt_service.issuance.issue import Amending, Issuer, carrying_out, prepare
from receipt_service.issuance.replay import Earlier, rebuild, require_same
from receipt_service.issuance.submission import Cancellation, Cancelled, Correction, Issued
from receipt_service.storage.corrections import NewCorrection
from receipt_service.storage.idempotency import IdempotencyRecord
from receipt_service.storage.stubs import StoredStub
from receipt_service.tlog.merkle import leaf_hash

OWN_CHECK_HOURS: Final = 72
"""How long an officer may correct their own check unless set otherwise."""
_CHECK: Final = "/check"
"""Where the check stands in the body of a correction."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Corrector:
    """What correcting works with; the composition root puts it together once for each process."""

    issuer: Issuer
    amendments: Amendments
    sign_record: SignRecord
    own_check: timedelta = timedelta(hours=OWN_CHECK_HOURS)
    """From the first record on: within it an officer corrects their own check; a supervisor always may."""


async def correct(correction: Correction, *, corrector: Corrector, now: datetime) -> Issued:
    """Replace a receipt by one for the corrected check; a repeated request gets the same receipt again.

    The new receipt bears the officer of the check, whoever corrects it. Raises ``NotFound``, ``AlreadyAmended``,
    ``CorrectionWindowClosed``, ``StubErased``, and all that ``issue`` raises.
    """
    issuer, submission = corrector.issuer, correction.submission
    beside = (correction.receipt_number, correction.reason.value, correction.explanation)
    lookup = lookup_of(issuer.replay_keys.lookup_key, submission.subject, submission.idempotency_key)
    with carrying_out(lookup, issuer.in_progress):
        reader = await issuer.officers.by_subject(submission.subject)
        earlier = await issuer.earlier.request(lookup)
        if earlier is not None:
            return rebuild(earlier, submission, issuer.replay_keys, now, beside)
        target = await corrector.amendments.target(
            correction.receipt_number, reader=reader, supervises=correction.supervises
        )
        _require_open(target, corrector.own_check, now)
        require_sound(correction.reason, correction.explanation, submission.person, submission.recipient)
        amending = Amending(_replaced(target.stub, correction), beside)
        try:
            prepared = await prepare(submission, _officer_of(target.stub), lookup, issuer, now, amending)
        except InvalidCheck as refused:
            raise InvalidCheck(tuple(_within_check(fault) for fault in refused.violations)) from None
        leaf = prepared.issued.receipt.leaf
        record = _record(target.stub.leaf, leaf, correction.reason.value, corrector, now)
        row = _row(target, correction, reader, record, now, new_stub_id=prepared.rows.stub_id)
        if await corrector.amendments.commit(row, prepared.rows):
            return prepared.issued
        return rebuild(await _earlier(issuer, lookup), submission, issuer.replay_keys, now, beside)


async def cancel(cancellation: Cancellation, *, corrector: Corrector, now: datetime) -> Cancelled:
    """Cancel a receipt; nothing takes its place. Raises as ``correct`` does, for what is no part of a check."""
    issuer = corrector.issuer
    parts = ("cancellation", cancellation.receipt_number, cancellation.reason.value, cancellation.explanation)
    lookup = lookup_of(issuer.replay_keys.lookup_key, cancellation.subject, cancellation.idempotency_key)
    with carrying_out(lookup, issuer.in_progress):
        reader = await issuer.officers.by_subject(cancellation.subject)
        earlier = await issuer.earlier.request(lookup)
        if earlier is not None:
            return await _cancelled_before(earlier, cancellation, parts, corrector, now)
        target = await corrector.amendments.target(
            cancellation.receipt_number, reader=reader, supervises=cancellation.supervises
        )
        _require_open(target, corrector.own_check, now)
        require_sound(cancellation.reason, cancellation.explanation)
        key = issuer.replay_keys.current(now)
        request = IdempotencyRecord(lookup, key.fingerprint(*parts), key.period, target.stub.id)
        record = _record(target.stub.leaf, None, cancellation.reason.value, corrector, now)
        if await corrector.amendments.commit(_row(target, cancellation, reader, record, now), request):
            return Cancelled(
                receipt_number=cancellation.receipt_number,
                reason=cancellation.reason.value,
                cancelled_at=now,
                replayed=False,
            )
        return await _cancelled_before(await _earlier(issuer, lookup), cancellation, parts, corrector, now)


async def _cancelled_before(
    earlier: Earlier, asked: Cancellation, parts: tuple[RequestPart, ...], corrector: Corrector, now: datetime
) -> Cancelled:
    require_same(earlier, corrector.issuer.replay_keys, now, parts)
    found = await corrector.amendments.succession(earlier.stub)
    if found.amended_at is None:
        raise Unavailable("the record of an earlier cancellation can't be read")
    return Cancelled(
        receipt_number=asked.receipt_number, reason=asked.reason.value, cancelled_at=found.amended_at, replayed=True
    )


async def _earlier(issuer: Issuer, lookup: bytes) -> Earlier:
    earlier = await issuer.earlier.request(lookup)
    if earlier is None:
        raise Unavailable("the record of an earlier request can't be read")
    return earlier


def _require_open(target: Target, own_check: timedelta, now: datetime) -> None:
    if not target.succession.is_effective:
        raise AlreadyAmended("replaced or cancelled before")
    if not target.by_supervisor and now - target.first_recorded_at > own_check:
        raise CorrectionWindowClosed("an officer's time to correct is over")


def _within_check(fault: Violation) -> Violation:
    return Violation(_CHECK + fault.field, fault.rule, fault.fr, fault.en)


def _claims(stub: StoredStub, group: Group) -> dict[str, Any]:
    value: dict[str, Any] = parse_disclosure(stub.disclosures[STUB_GROUPS.index(group)]).value
    return value


def _replaced(stub: StoredStub, correction: Correction) -> Replaced:
    return Replaced(
        receipt_number=stub.receipt_number,
        reason=correction.reason,
        checked_at=stub.checked_at,
        recorded_at=stub.committed_at,
    )


def _officer_of(stub: StoredStub) -> Officer:
    """Read the officer of the check as the receipt has them: their rank and service that day, not today's."""
    claims = _claims(stub, Group.OFFICER)
    service = claims["service"]
    return Officer(
        number=claims["number"],
        rank=claims["rank"],
        quality=Quality(claims["quality"]),
        service=Service(code=service["code"], name=service["name"], force=service["force"]),
    )


def _record(old_leaf: str, new_leaf: str | None, reason: str, corrector: Corrector, now: datetime) -> LogRecord:
    facts = {"replaced": _hash(old_leaf), "by": None if new_leaf is None else _hash(new_leaf), "reason": reason}
    return corrector.sign_record(EntryKind.CORRECTION, facts, now)


def _hash(leaf: str) -> str:
    return base64url(leaf_hash(leaf.encode("ascii")))


def _row(
    target: Target, asked: Correction | Cancellation, by: Officer, record: LogRecord, now: datetime, **new: Any
) -> NewCorrection:
    return NewCorrection(
        old_stub_id=target.stub.id,
        new_stub_id=new.get("new_stub_id"),
        reason=asked.reason.value,
        explanation=asked.explanation,
        officer_number=by.number,
        corrected_at=now,
        record=record.text,
        disclosure=record.disclosure or "",
    )
