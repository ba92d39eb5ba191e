"""Issuing: the one place where check, person and recipient meet, and where they part again.

What leaves is the receipt (to the officer's screen), sealed envelopes (to the outbox) and the stub, which has no
identity in it. A repeated request is recognised when its record is written, not before: so a new request, which is
almost every one, costs no look-up, and two processes can't both believe that they are the first.
"""

import secrets
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple, Protocol

from receipt_service.crypto.derivation import derive
from receipt_service.crypto.sealing import Sealer
from receipt_service.crypto.signing import Signer
from receipt_service.domain.catalogue import Catalogue
from receipt_service.domain.check import Check, Officer
from receipt_service.domain.check_request import CheckRequest
from receipt_service.domain.correction import Replaced
from receipt_service.domain.envelope import Envelope, sealing_info
from receipt_service.domain.groups import SALT_INFOS, Moment, claims_of
from receipt_service.domain.identifiers import MessageId, StubId
from receipt_service.domain.link import ReceiptLink
from receipt_service.domain.log_head import LogHead
from receipt_service.domain.message import HOLDS_ENVELOPE, WINDOWS, MessageState, born_as
from receipt_service.domain.receipt import Draft, Receipt, draft_receipt
from receipt_service.domain.receipt_number import ENTROPY_BYTES, receipt_number_from
from receipt_service.domain.recipient import Channel
from receipt_service.domain.rules import validate
from receipt_service.domain.territory import Territory
from receipt_service.errors import ConfigurationError, IdempotencyInProgress, InvalidCheck, Unavailable, Violation
from receipt_service.issuance.abreast import others_come_this_far
from receipt_service.issuance.idempotency import Repeatable, ReplayKey, ReplayKeys, lookup_of
from receipt_service.issuance.replay import Earlier, rebuild
from receipt_service.issuance.row_ids import RowIds
from receipt_service.issuance.submission import Issued, MessageStatus, Submission
from receipt_service.storage.issuances import NewIssuance, NewMessage
from receipt_service.storage.stubs import pack_leaf, pack_texts

LATE_AFTER: Final = timedelta(minutes=15)
_MAIN_LANGUAGE: Final = "fr"
_FIELD_OF_CHANNEL: Final = {Channel.SCREEN: "on_screen", Channel.PAPER: "on_paper"}


class Officers(Protocol):
    """What issuing asks the directory (``issuance.directory``)."""

    async def by_subject(self, subject: str) -> Officer:
        """Find the officer whom a token names. Raises ``OfficerUnknown``."""

    async def by_number(self, number: str) -> Officer | None:
        """Find an active officer by number."""


class EarlierChecks(Protocol):
    """What issuing asks about the past (``issuance.reads``)."""

    async def bases_of(self, receipt_number: str) -> tuple[str, ...] | None:
        """Give the legal bases of an earlier check, the main one first; None if there is no such check."""

    async def request(self, lookup: bytes) -> Earlier | None:
        """Find an earlier request by its lookup HMAC."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Issuer:
    """What issuing works with; the composition root puts it together once for each process."""

    url: str
    """Origin of the service: ``iss`` of every attestation."""
    catalogue: Catalogue
    territory: Territory
    officers: Officers
    earlier: EarlierChecks
    replay_keys: ReplayKeys
    signer_at: Callable[[datetime], Signer]
    sealer_at: Callable[[datetime], Sealer]
    """Raises ``Unavailable`` while there is no key to seal to."""
    commit: Callable[[NewIssuance], Coroutine[None, None, bool]]
    """``GroupCommit.commit``."""
    offered: frozenset[Channel] = frozenset(Channel)
    """The channels that this installation can send by."""
    log_head: Callable[[], LogHead | None] = lambda: None
    """The newest tree of the log that is kept; never waits (``bootstrap.log_head``)."""
    late_after: timedelta = LATE_AFTER
    """From the device's record to ours: what took longer is marked late."""
    row_ids: RowIds = field(default_factory=RowIds, repr=False)
    in_progress: set[bytes] = field(default_factory=set, repr=False)
    """Lookups of the requests in the hands of this process."""


async def issue(submission: Submission, *, issuer: Issuer, now: datetime) -> Issued:
    """Register a check and give its receipt; a repeated request gets the same receipt and sends nothing again.

    Raises ``OfficerUnknown``, ``InvalidCheck``, ``IdempotencyInProgress``, ``IdempotencyConflict``,
    ``ReplayWindowClosed``, ``Unavailable``, and ``ConfigurationError`` when no key signs now. A refused request
    leaves nothing behind. After ``Unavailable`` the check may be registered: the client repeats the request with the
    same Idempotency-Key and learns it.
    """
    lookup = lookup_of(issuer.replay_keys.lookup_key, submission.subject, submission.idempotency_key)
    with carrying_out(lookup, issuer.in_progress):
        officer = await issuer.officers.by_subject(submission.subject)
        try:
            prepared = await prepare(submission, officer, lookup, issuer, now)
        except (InvalidCheck, Unavailable, ConfigurationError):
            # What was valid then may be too old now, or a key missing: a registered check still gets its receipt.
            earlier = await issuer.earlier.request(lookup)
            if earlier is None:
                raise
            return rebuild(earlier, submission, issuer.replay_keys, now)
        if await issuer.commit(prepared.rows):
            return prepared.issued
        earlier = await issuer.earlier.request(lookup)
        if earlier is None:
            raise Unavailable("the record of an earlier request can't be read")
        return rebuild(earlier, submission, issuer.replay_keys, now)


@dataclass(frozen=True, slots=True, repr=False)
class Prepared:
    """A receipt that is signed and sealed, and exists as soon as ``rows`` are committed."""

    rows: NewIssuance
    issued: Issued


@dataclass(frozen=True, slots=True)
class Amending:
    """What a correction adds to a check: the receipt that it replaces, and what its fingerprint covers beside."""

    replaces: Replaced | None = None
    beside: tuple[str | None, ...] = ()


_NEW: Final = Amending()


async def prepare(
    submission: Submission, officer: Officer, lookup: bytes, issuer: Issuer, now: datetime, amending: Amending = _NEW
) -> Prepared:
    """Write, sign and seal a receipt; nothing is stored yet. Raises as ``issue`` does."""
    await others_come_this_far()
    check = await _check(submission, officer, issuer, now, amending.replaces)
    await others_come_this_far()
    key = issuer.replay_keys.current(now)
    written = _write(check, submission, key, issuer, now, amending.replaces)
    await others_come_this_far()
    receipt = written.signed()
    await others_come_this_far()
    messages = tuple(_messages(submission, receipt, written.link, issuer, now))
    await others_come_this_far()
    fingerprint = key.fingerprint(submission.request, submission.person, submission.recipient, *amending.beside)
    rows = _rows(check, receipt, written, messages, Repeatable(lookup, fingerprint, key.period), now)
    statuses = tuple(MessageStatus(Channel(made.channel), MessageState(made.state)) for made in messages)
    return Prepared(rows, Issued(receipt=receipt, link=written.link, messages=statuses, replayed=False))


@contextmanager
def carrying_out(lookup: bytes, in_progress: set[bytes]) -> Iterator[None]:
    """Keep a second request with the same key out of this process. Raises ``IdempotencyInProgress``."""
    if lookup in in_progress:
        raise IdempotencyInProgress("this request is being carried out")
    in_progress.add(lookup)
    try:
        yield
    finally:
        in_progress.discard(lookup)


async def _check(
    submission: Submission, officer: Officer, issuer: Issuer, now: datetime, replaces: Replaced | None
) -> Check:
    """Hold the request against the catalogue. Raises ``InvalidCheck`` with every violation."""
    request = submission.request
    ordered_by = None if request.ordered_by is None else await issuer.officers.by_number(request.ordered_by)
    parents = [use.parent_receipt_number for use in request.legal_bases if use.parent_receipt_number is not None]
    check = validate(
        request,
        officer,
        issuer.catalogue,
        issuer.territory,
        submission.person,
        submission.recipient,
        parent_bases=await issuer.earlier.bases_of(parents[0]) if parents else None,
        ordered_by=ordered_by,
        now=now,
        replaces=replaces,
    )
    if missing := set(submission.recipient.channels) - issuer.offered:
        raise InvalidCheck(tuple(_not_offered(channel) for channel in sorted(missing)))
    return check


def _not_offered(channel: Channel) -> Violation:
    return Violation(
        field=f"/recipient/{_FIELD_OF_CHANNEL.get(channel, channel.value)}",
        rule="channel_not_offered",
        fr="Ce canal n'est pas proposé ici : choisissez-en un autre.",
        en="This channel is not offered here: choose another one.",
    )


class _Written(NamedTuple):
    """A receipt that lacks its signature, and the link to it."""

    draft: Draft
    link: ReceiptLink
    signer: Signer

    def __repr__(self) -> str:
        """Show nothing: a repr ends up in logs."""
        return "_Written(…)"

    def signed(self) -> Receipt:
        """Sign it."""
        return self.draft.signed(self.signer.sign(self.draft.signing_input))


def _write(
    check: Check, submission: Submission, key: ReplayKey, issuer: Issuer, now: datetime, replaces: Replaced | None
) -> _Written:
    """Write the receipt under a new number."""
    number = receipt_number_from(secrets.token_bytes(ENTROPY_BYTES))
    seed = key.seed(submission.subject, submission.idempotency_key, number)
    claims = claims_of(
        check,
        submission.person,
        receipt_number=number,
        recorded_at=now,
        catalogue=issuer.catalogue,
        moment=Moment(late_from=_late_from(submission.request, issuer, now), replaces=replaces, log=issuer.log_head()),
    )
    signer = issuer.signer_at(now)
    draft = draft_receipt(
        claims,
        salts=derive(seed, SALT_INFOS),
        issuer=issuer.url,
        kid=signer.kid,
        issued_on=now.astimezone(UTC).date(),
    )
    return _Written(draft, ReceiptLink(number, seed, submission.person), signer)


def _late_from(request: CheckRequest, issuer: Issuer, now: datetime) -> datetime | None:
    """Return when the device recorded the check, where that is long enough ago to be said."""
    given = request.recorded_by_device_at
    return given if given is not None and now - given > issuer.late_after else None


def _messages(
    submission: Submission, receipt: Receipt, link: ReceiptLink, issuer: Issuer, now: datetime
) -> Iterator[NewMessage]:
    """Make one message for each channel that the person chose; those to be sent are sealed."""
    recipient = submission.recipient
    channels = recipient.channels
    first = issuer.row_ids.take(now, len(channels))
    for offset, channel in enumerate(channels):
        message_id, state = MessageId(first + offset), born_as(channel)
        if state not in HOLDS_ENVELOPE:
            yield NewMessage(message_id, channel.value, state.value)
            continue
        sealer = issuer.sealer_at(now)
        to = recipient.sms if channel is Channel.SMS else recipient.email
        envelope = Envelope(
            to=to or "", receipt=receipt.compact, seed=link.seed, languages=_languages(submission.request)
        ).encode()
        sealed = sealer.seal(envelope, sealing_info(message_id, sealer.epoch, channel))
        yield NewMessage(
            message_id, channel.value, state.value, sealer.epoch, sealed, due_at=now, expires_at=now + WINDOWS[channel]
        )


def _languages(request: CheckRequest) -> tuple[str, ...]:
    second = request.second_language
    return (_MAIN_LANGUAGE,) if second is None else (_MAIN_LANGUAGE, second)


def _rows(
    check: Check,
    receipt: Receipt,
    written: _Written,
    messages: tuple[NewMessage, ...],
    record: Repeatable,
    now: datetime,
) -> NewIssuance:
    return NewIssuance(
        stub_id=StubId(messages[0].id),
        receipt_number=written.link.receipt_number,
        leaf=pack_leaf(receipt.leaf),
        disclosures=pack_texts(written.draft.stub_texts),
        officer_number=check.officer.number,
        unit_code=check.officer.service.code,
        checked_at=check.checked_at,
        committed_at=now,
        messages=messages,
        lookup=record.lookup,
        fingerprint=record.fingerprint,
        replay_period=record.period,
    )
