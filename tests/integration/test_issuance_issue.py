"""Issuing: one commit of stub, sealed messages and record; the same receipt for a repeat, and nothing for a refusal."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from receipt_service.crypto.opening import CannotOpen, Opener
from receipt_service.domain.envelope import sealing_info
from receipt_service.domain.groups import Group, person_claims
from receipt_service.domain.identifiers import MessageId
from receipt_service.domain.message import MessageState
from receipt_service.domain.recipient import Channel, Recipient
from receipt_service.errors import (
    IdempotencyConflict,
    IdempotencyInProgress,
    InvalidCheck,
    OfficerUnknown,
    ReplayWindowClosed,
    Unavailable,
)
from receipt_service.storage import outbox, stubs
from receipt_service.storage.engine import reading
from tests.support.checks import NOT_ASKED, NOW, PERSON, catalogue, situation
from tests.support.issuing import BASIS, WINDOW

ALL = Recipient(sms="+33639980001", email="zoe@example.org", on_screen=True, on_paper=True)
ONE = {"stub": 1, "message": 1, "idempotency": 1}
NOTHING = {"stub": 0, "message": 0, "idempotency": 0}


@pytest.mark.parametrize("person", [PERSON, NOT_ASKED], ids=["established", "not established"])
def test_every_legal_basis_gives_a_receipt_and_its_stub(issuing, person):
    for code in sorted(catalogue().bases):
        given = situation(code)
        if given.person is NOT_ASKED and person is PERSON:
            continue  # no basis of this check allows to ask who it is
        issued = issuing.issue(issuing.submission(replace(given, person=person)))
        with reading(issuing.engine) as connection:
            stored = stubs.find_by_number(connection, issued.receipt_number)
        assert stored is not None
        assert (stored.leaf, stored.disclosures) == (issued.receipt.stub.leaf, issued.receipt.stub.disclosures)
        assert issued.receipt.disclosure(Group.PERSON).value == person_claims(person)
        assert issued.receipt.parse(issued.receipt.compact) == issued.receipt
        assert asyncio.run(issuing.issuer.earlier.bases_of(issued.receipt_number)) == tuple(
            use.code for use in given.request.legal_bases
        )


def test_a_check_that_follows_another_one_finds_its_stub(issuing):
    parent = issuing.issue(issuing.submission())
    alone = situation("CESEDA-L812-2-2")
    after = replace(
        alone.request,
        legal_bases=(replace(alone.request.legal_bases[-1], parent_receipt_number=str(parent.receipt_number)),),
        reasons=tuple(sorted(catalogue().bases["CESEDA-L812-2-2"].reasons)[:1]),
    )
    child = issuing.issue(issuing.submission(replace(alone, request=after, person=NOT_ASKED)))
    assert child.receipt.disclosure(Group.LEGAL_BASIS).value["bases"][0]["parent_receipt_number"] == str(
        parent.receipt_number
    )
    unknown = replace(after.legal_bases[0], parent_receipt_number="0" * 26)
    with pytest.raises(InvalidCheck):
        issuing.issue(issuing.submission(replace(alone, request=replace(after, legal_bases=(unknown,)))))


def test_one_commit_holds_a_stub_a_message_for_each_channel_and_a_record(issuing):
    issued = issuing.issue(issuing.submission(recipient=ALL))
    assert issuing.rows() == {"stub": 1, "message": 4, "idempotency": 1}
    assert [(status.channel, status.state) for status in issued.messages] == [
        (Channel.SMS, MessageState.QUEUED),
        (Channel.EMAIL, MessageState.QUEUED),
        (Channel.SCREEN, MessageState.HANDED_OVER),
        (Channel.PAPER, MessageState.HANDED_OVER),
    ]
    assert not issued.replayed


def test_declining_leaves_a_stub_and_a_final_message(issuing):
    issued = issuing.issue(issuing.submission(recipient=Recipient(declined=True)))
    assert [(status.channel, status.state) for status in issued.messages] == [(Channel.DECLINED, MessageState.DECLINED)]
    assert issuing.rows() == ONE


def test_the_worker_gets_what_it_needs_and_nobody_else_can_read_it(issuing):
    submission = issuing.submission(situation(BASIS).change(second_language="en"), recipient=ALL)
    issued = issuing.issue(submission)
    opened = issuing.envelopes()
    assert [(channel, envelope.to) for channel, envelope in opened] == [
        (Channel.SMS, "+33639980001"),
        (Channel.EMAIL, "zoe@example.org"),
    ]
    for _, envelope in opened:
        assert envelope.receipt == issued.receipt.compact
        assert envelope.seed == issued.link.seed
        assert envelope.languages == ("fr", "en")
    assert "+336" not in repr(opened)
    assert PERSON.family_name not in repr((opened, issued, submission))


def test_an_envelope_opens_as_its_own_message_only(issuing):
    issuing.issue(issuing.submission(recipient=ALL))
    with reading(issuing.engine) as connection:
        (number, channel, epoch, sealed), *_ = connection.exec_driver_sql(
            "SELECT id, channel, epoch, ciphertext FROM message JOIN envelope ON message_id = id ORDER BY id"
        ).all()
    opener = Opener(issuing.private_key, epoch)
    for wrong in (
        sealing_info(MessageId(number + 1), epoch, Channel(channel)),
        sealing_info(MessageId(number), "2026-11-23T13Z", Channel(channel)),
        sealing_info(MessageId(number), epoch, Channel.EMAIL),
        b"",
    ):
        with pytest.raises(CannotOpen):
            opener.open(bytes(sealed), wrong)


def test_nothing_of_the_person_or_the_recipient_is_in_the_database(issuing, tmp_path):
    submission = issuing.submission(recipient=ALL)
    issued = issuing.issue(submission)
    if issuing.engine.dialect.name == "sqlite":
        stored = b"".join(path.read_bytes() for path in tmp_path.glob("receipts.db*"))
    else:
        with reading(issuing.engine) as connection:
            stored = b"".join(
                repr(tuple(bytes(cell) if isinstance(cell, memoryview) else cell for cell in row)).encode()
                for table in ("stub", "message", "idempotency")
                for row in connection.exec_driver_sql(f"SELECT * FROM {table}")  # noqa: S608
            )
    assert issued.receipt.leaf.rpartition(".")[2].encode() in stored  # the signature: we do look at the right place
    for secret in (
        PERSON.family_name,
        PERSON.given_names,
        PERSON.birth_date,
        PERSON.birth_place,
        ALL.sms,
        ALL.email,
        submission.idempotency_key,
        issued.receipt.disclosure(Group.PERSON).salt,
        issued.receipt.disclosures[2],
    ):
        assert secret.encode() not in stored
    assert issued.link.seed not in stored


def test_a_repeat_gets_the_same_receipt_link_and_messages_as_they_are_now(issuing):
    submission = issuing.submission(recipient=ALL)
    first = issuing.issue(submission)
    with issuing.engine.begin() as connection:
        (leased,) = outbox.lease(connection, now=NOW, until=NOW + timedelta(minutes=1), limit=1, channels=[Channel.SMS])
        assert outbox.settle(connection, leased.id, MessageState.UNDELIVERABLE, now=NOW, code="30003")
    again = issuing.issue(submission, NOW + timedelta(hours=71))
    assert again.receipt.compact == first.receipt.compact
    assert again.link.url("https://h") == first.link.url("https://h")
    assert again.replayed
    assert [status.state for status in again.messages] == [
        MessageState.UNDELIVERABLE,
        MessageState.QUEUED,
        MessageState.HANDED_OVER,
        MessageState.HANDED_OVER,
    ]
    assert issuing.rows() == {"stub": 1, "message": 4, "idempotency": 1}


def test_a_repeat_is_answered_though_the_check_has_become_too_old_to_be_taken(issuing):
    submission = issuing.submission()
    first = issuing.issue(submission)
    later = NOW + WINDOW - timedelta(minutes=1)
    with pytest.raises(InvalidCheck):
        issuing.issue(replace(submission, idempotency_key="another"), later)
    assert issuing.issue(submission, later).receipt.compact == first.receipt.compact


def test_another_process_rebuilds_it_too(issuing):
    submission = issuing.submission()
    first = issuing.issue(submission)
    other = issuing.beside()
    try:
        assert other.issue(submission).receipt.compact == first.receipt.compact
    finally:
        other.close()
    assert issuing.rows() == ONE


def test_after_the_replay_key_is_destroyed_nobody_can_and_the_client_is_told_its_number(issuing):
    submission = issuing.submission()
    first = issuing.issue(submission)
    end = NOW.replace(minute=0, second=0) + timedelta(hours=1) + WINDOW
    assert issuing.issue(submission, end - timedelta(seconds=1)).replayed
    for now in (end, end + timedelta(days=300)):
        issuing.replay_keys.maintain(now)
        issuing.publish_key(now)
        with pytest.raises(ReplayWindowClosed) as closed:
            issuing.issue(submission, now)
        assert closed.value.receipt_number == first.receipt_number
    assert issuing.rows() == ONE


@pytest.mark.parametrize(
    "change",
    [
        {"recipient": Recipient(sms="+33639980002")},
        {"recipient": Recipient(sms="+33639980001", on_screen=True)},
        {"person": NOT_ASKED},
        {"person": replace(PERSON, birth_date="1990-05-18")},
        {"request": replace(situation(BASIS).request, second_language="en")},
        {"request": replace(situation(BASIS).request, checked_at=NOW - timedelta(minutes=11))},
    ],
)
def test_the_same_key_with_another_body_is_a_conflict(issuing, change):
    submission = issuing.submission()
    issuing.issue(submission)
    with pytest.raises(IdempotencyConflict):
        issuing.issue(replace(submission, **change))
    assert issuing.rows() == ONE


def test_an_invalid_body_under_a_used_key_is_a_conflict_as_well(issuing):
    submission = issuing.submission()
    issuing.issue(submission)
    with pytest.raises(IdempotencyConflict):
        issuing.issue(replace(submission, request=replace(submission.request, outcomes=())))


def test_the_same_key_of_another_officer_is_another_request(issuing):
    submission = issuing.submission()
    issuing.officers.known["other"] = replace(issuing.officers.known["agent"], number="7777777")
    first, second = issuing.issue(submission), issuing.issue(replace(submission, subject="other"))
    assert first.receipt_number != second.receipt_number
    assert issuing.rows() == {"stub": 2, "message": 2, "idempotency": 2}


def test_subject_and_key_can_not_be_shifted_into_each_other(issuing):
    submission = issuing.submission(idempotency_key="bc")
    officer = issuing.officers.known["agent"]
    issuing.officers.known |= {"a": officer, "ab": officer}
    issuing.issue(replace(submission, subject="a", idempotency_key="bc"))
    issuing.issue(replace(submission, subject="ab", idempotency_key="c"))
    assert issuing.rows()["stub"] == 2


def test_a_request_in_hand_is_in_progress(issuing):
    submission = issuing.submission()

    async def twice():
        return await asyncio.gather(issuing.aissue(submission), issuing.aissue(submission), return_exceptions=True)

    first, second = asyncio.run(twice())
    assert not isinstance(first, BaseException)
    assert isinstance(second, IdempotencyInProgress)
    assert issuing.rows() == ONE
    assert issuing.issuer.in_progress == set()
    assert issuing.issue(submission).replayed


def test_two_processes_with_the_same_request_register_one_check(issuing):
    other = issuing.beside()
    submissions = [issuing.submission() for _ in range(20)]

    async def race():
        both = [process.aissue(each) for each in submissions for process in (issuing, other)]
        return await asyncio.gather(*both)

    try:
        results = asyncio.run(race())
    finally:
        other.close()
    for first, second in zip(results[::2], results[1::2], strict=True):
        assert first.receipt.compact == second.receipt.compact
        assert {first.replayed, second.replayed} == {True, False}
    assert issuing.rows() == {"stub": 20, "message": 20, "idempotency": 20}


def test_a_client_that_goes_away_leaves_a_registered_check(issuing):
    submission = issuing.submission()

    async def leave():
        task = asyncio.create_task(issuing.aissue(submission))
        await asyncio.sleep(0)  # it runs up to the point where it waits for the commit
        assert issuing.issuer.in_progress
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(leave())
    assert issuing.issuer.in_progress == set()
    again = issuing.issue(submission)
    assert issuing.rows() == ONE
    assert issuing.issue(submission).receipt.compact == again.receipt.compact


def test_a_refused_check_leaves_nothing_and_its_key_stays_free(issuing):
    submission = issuing.submission()
    with pytest.raises(InvalidCheck) as refused:
        issuing.issue(replace(submission, request=replace(submission.request, reasons=("NO-SUCH",))))
    assert refused.value.violations
    assert issuing.rows() == NOTHING
    assert not issuing.issue(submission).replayed


def test_an_officer_who_is_not_in_the_directory_issues_nothing(issuing):
    with pytest.raises(OfficerUnknown):
        issuing.issue(issuing.submission(subject="stranger"))
    assert issuing.rows() == NOTHING


def test_without_a_sealing_key_of_the_hour_nothing_is_accepted_but_what_needs_no_sealing(issuing):
    later = NOW + timedelta(hours=1)
    with pytest.raises(Unavailable):
        issuing.issue(issuing.submission(), later)
    assert issuing.rows() == NOTHING
    issuing.issue(issuing.submission(recipient=Recipient(on_screen=True)), later)
    assert issuing.rows() == ONE


def test_a_channel_that_is_not_offered_is_refused_by_name(issuing):
    issuing.issuer = replace(issuing.issuer, offered=frozenset({Channel.SCREEN}))
    with pytest.raises(InvalidCheck) as refused:
        issuing.issue(issuing.submission(recipient=ALL))
    assert [violation.field for violation in refused.value.violations] == [
        "/recipient/email",
        "/recipient/on_paper",
        "/recipient/sms",
    ]
    assert issuing.rows() == NOTHING


def test_many_checks_at_once_share_commits_and_are_all_there(issuing):
    async def many():
        return await asyncio.gather(*(issuing.aissue(issuing.submission(recipient=ALL)) for _ in range(150)))

    numbers = {issued.receipt_number for issued in asyncio.run(many())}
    assert len(numbers) == 150
    assert issuing.rows() == {"stub": 150, "message": 600, "idempotency": 150}


def test_requests_in_hand_take_each_step_together(issuing):
    steps = []
    plain = issuing.issuer

    def noting(step, find):
        def found(now):
            steps.append(step)
            return find(now)

        return found

    issuing.issuer = replace(
        plain, signer_at=noting("write", plain.signer_at), sealer_at=noting("seal", plain.sealer_at)
    )

    async def three():
        await asyncio.gather(*(issuing.aissue(issuing.submission()) for _ in range(3)))

    asyncio.run(three())
    assert steps == ["write"] * 3 + ["seal"] * 3


def test_a_refused_request_does_not_hold_up_those_beside_it(issuing):
    async def four():
        sound = [issuing.aissue(issuing.submission()) for _ in range(3)]
        return await asyncio.gather(
            issuing.aissue(issuing.submission(subject="stranger")), *sound, return_exceptions=True
        )

    refused, *issued = asyncio.run(four())
    assert isinstance(refused, OfficerUnknown)
    assert len({each.receipt_number for each in issued}) == 3
    assert issuing.rows() == {"stub": 3, "message": 3, "idempotency": 3}
