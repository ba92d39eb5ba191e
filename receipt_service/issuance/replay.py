"""Rebuilding a receipt for a repeated request: leaf and four disclosures from the stub, the person from the body."""

import hmac
from dataclasses import dataclass
from datetime import datetime

from receipt_service.crypto.derivation import derive
from receipt_service.domain.disclosure import digest_of, encode_disclosure
from receipt_service.domain.groups import SALT_INFOS, Group, person_claims
from receipt_service.domain.link import ReceiptLink
from receipt_service.domain.receipt import Receipt
from receipt_service.domain.receipt_number import canonical_receipt_number
from receipt_service.domain.stub import Stub
from receipt_service.errors import IdempotencyConflict, ReplayWindowClosed
from receipt_service.issuance.idempotency import ReplayKey, ReplayKeys, RequestPart
from receipt_service.issuance.submission import Issued, MessageStatus, Submission
from receipt_service.storage.idempotency import IdempotencyRecord
from receipt_service.storage.stubs import StoredStub

_PERSON_SALT_INFO = SALT_INFOS[tuple(Group).index(Group.PERSON)]


@dataclass(frozen=True, slots=True)
class Earlier:
    """An earlier request: its record, its stub, and its messages as they are now."""

    record: IdempotencyRecord
    stub: StoredStub
    messages: tuple[MessageStatus, ...]


def require_same(earlier: Earlier, keys: ReplayKeys, now: datetime, parts: tuple[RequestPart, ...]) -> ReplayKey:
    """Give the replay key of an earlier request that this one repeats.

    Raises ``IdempotencyConflict`` for another request, ``ReplayWindowClosed`` when the key is destroyed.
    """
    key = keys.of_period(earlier.record.replay_period, now)
    if key is None:
        raise ReplayWindowClosed(canonical_receipt_number(earlier.stub.receipt_number))
    if not hmac.compare_digest(key.fingerprint(*parts), earlier.record.fingerprint):
        raise IdempotencyConflict("this Idempotency-Key came before with another body")
    return key


def rebuild(
    earlier: Earlier, submission: Submission, keys: ReplayKeys, now: datetime, beside: tuple[str | None, ...] = ()
) -> Issued:
    """Give the same receipt and link again, to the byte. ``beside`` is what a correction says beside the check.

    Raises ``IdempotencyConflict`` when the body is another one, and ``ReplayWindowClosed`` when the replay key is
    destroyed, or when this version of the program would write the person differently: the check is registered then,
    and nobody can rebuild its receipt.
    """
    parts = (submission.request, submission.person, submission.recipient, *beside)
    key = require_same(earlier, keys, now, parts)
    number = canonical_receipt_number(earlier.stub.receipt_number)
    seed = key.seed(submission.subject, submission.idempotency_key, number)
    (salt,) = derive(seed, (_PERSON_SALT_INFO,))
    person = encode_disclosure(salt, Group.PERSON.value, person_claims(submission.person))
    receipt = Receipt.from_stub(Stub(earlier.stub.leaf, earlier.stub.disclosures), person)
    if digest_of(person) not in receipt.leaf_claims()["_sd"]:
        raise ReplayWindowClosed(number)
    link = ReceiptLink(number, seed, submission.person)
    return Issued(receipt=receipt, link=link, messages=earlier.messages, replayed=True)
