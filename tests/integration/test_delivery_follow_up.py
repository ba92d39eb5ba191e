"""After acceptance: the provider's last word, the erasure of the text there, and the evidence of it."""

from datetime import timedelta

from receipt_service.delivery.channel import Failed, Gone, Pending, Reached, Redacted, Unanswered
from receipt_service.delivery.worker.follow_up import GONE_AT_PROVIDER, NO_REPORT
from receipt_service.domain.message import MessageState
from tests.support.deliveries import OutboxUnderTest


def test_failure_after_acceptance_is_final_and_erased_too(post_office: OutboxUnderTest):
    message = post_office.post()
    post_office.provider.status_answer = Failed("30005")
    post_office.drain()
    post_office.clock.move(seconds=6)
    post_office.drain()

    found = post_office.message(message)
    assert (found.state, found.last_code) == (MessageState.UNDELIVERABLE, "30005")
    assert post_office.attempts(message)[0].redacted_at == post_office.clock.now


def test_pending_message_is_asked_for_less_and_less_often(post_office: OutboxUnderTest):
    message = post_office.post()
    post_office.provider.status_answer = Pending()
    post_office.drain()

    waits = []
    for _ in range(20):
        due = post_office.message(message).due_at
        assert due is not None
        waits.append(due - post_office.clock.now)
        post_office.clock.now = due
        post_office.drain()

    assert waits[0] == timedelta(seconds=5)
    assert waits == sorted(waits)
    assert waits[-1] == timedelta(hours=1)


def test_operator_that_never_reports_is_asked_for_three_days_then_the_text_is_erased(post_office: OutboxUnderTest):
    message = post_office.post()
    post_office.provider.status_answer = Pending()
    post_office.drain()
    while post_office.message(message).due_at is not None:
        post_office.clock.now = post_office.message(message).due_at
        post_office.drain()

    found = post_office.message(message)
    assert (found.state, found.last_code) == (MessageState.ACCEPTED, NO_REPORT)
    assert timedelta(hours=72) <= post_office.clock.now - found.created_at <= timedelta(hours=74)
    assert post_office.attempts(message)[0].redacted_at is not None


def test_message_gone_at_the_provider_needs_no_erasure(post_office: OutboxUnderTest):
    message = post_office.post()
    post_office.provider.status_answer = Gone()
    post_office.provider.redact_answer = Gone()
    post_office.drain()
    post_office.clock.move(seconds=6)
    post_office.drain()

    found = post_office.message(message)
    assert (found.state, found.due_at, found.last_code) == (MessageState.ACCEPTED, None, GONE_AT_PROVIDER)
    assert post_office.attempts(message)[0].provider_ref is None


def test_redaction_is_tried_until_the_provider_confirms_it(post_office: OutboxUnderTest):
    message = post_office.post()
    post_office.provider.status_answer = Reached()
    post_office.provider.redact_answer = Unanswered("503")
    post_office.drain()
    for _ in range(5):
        post_office.clock.move(minutes=2)
        post_office.drain()
    attempt = post_office.attempts(message)[0]
    assert post_office.state(message) is MessageState.DELIVERED
    assert (attempt.provider_ref is not None, attempt.redacted_at) == (True, None)

    post_office.provider.redact_answer = Redacted()
    post_office.clock.move(minutes=2)
    post_office.drain()
    attempt = post_office.attempts(message)[0]
    assert (attempt.provider_ref, attempt.redacted_at) == (None, post_office.clock.now)


def test_text_is_not_erased_before_the_message_is_final(post_office: OutboxUnderTest):
    post_office.post()
    post_office.provider.status_answer = Pending()
    post_office.drain()
    post_office.clock.move(hours=1)
    post_office.drain()

    assert post_office.provider.redacted == set()
