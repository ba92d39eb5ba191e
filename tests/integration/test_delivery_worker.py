"""The worker on real rows of both databases: what each answer of a provider leaves behind."""

from datetime import timedelta

import pytest

from receipt_service.delivery.channel import Capabilities, SmsContent
from receipt_service.domain.envelope import Envelope
from receipt_service.domain.message import Configuration, MessageState, Permanent, Transient, Unknown
from receipt_service.domain.recipient import Channel
from receipt_service.storage.attempts import AttemptOutcome
from tests.support.deliveries import OutboxUnderTest, ScriptedChannel, render_text

E_MAIL_ONLY = Capabilities(looks_up=False, follows_up=False, redacts=False)


def test_message_is_sent_once_followed_and_redacted(post_office: OutboxUnderTest):
    message = post_office.post(to="+33639980001")

    assert post_office.drain() == 1
    assert post_office.state(message) is MessageState.ACCEPTED
    assert post_office.envelope_of(message) is None

    post_office.clock.move(seconds=10)
    assert post_office.drain() == 0
    assert post_office.state(message) is MessageState.DELIVERED
    (attempt,) = post_office.attempts(message)
    assert attempt.outcome is AttemptOutcome.ACCEPTED
    assert (attempt.provider_ref, attempt.redacted_at) == (None, post_office.clock.now)
    assert post_office.provider.redacted == {ref for ref, _, _ in post_office.provider.taken}
    assert len(post_office.provider.taken) == 1


def test_mail_is_final_when_accepted(post_office: OutboxUnderTest):
    message = post_office.post(channel=Channel.EMAIL, to="a@exemple.fr")
    channel = ScriptedChannel(post_office.provider, E_MAIL_ONLY)

    post_office.drain(channels={Channel.EMAIL: channel})
    post_office.clock.move(hours=5)
    post_office.drain(channels={Channel.EMAIL: channel})

    found = post_office.message(message)
    assert (found.state, found.due_at) == (MessageState.ACCEPTED, None)
    assert post_office.provider.calls == 1


def test_permanent_refusal_is_never_repeated(post_office: OutboxUnderTest):
    message = post_office.post()
    post_office.provider.script = [Permanent("21614")]

    post_office.drain()
    post_office.clock.move(hours=30)
    post_office.drain()

    assert post_office.message(message).state is MessageState.UNDELIVERABLE
    assert post_office.message(message).last_code == "21614"
    assert post_office.envelope_of(message) is None
    assert post_office.provider.calls == 1


def test_transient_refusal_is_tried_again_when_due_and_no_sooner(post_office: OutboxUnderTest):
    message = post_office.post()
    post_office.provider.script = [Transient("429", retry_after=timedelta(seconds=90))]

    assert post_office.drain() == 1
    assert post_office.message(message).due_at == post_office.clock.now + timedelta(seconds=90)
    post_office.clock.move(seconds=89)
    assert post_office.drain() == 0
    post_office.clock.move(seconds=1)
    assert post_office.drain() == 1

    assert post_office.state(message) is MessageState.ACCEPTED
    assert [attempt.code for attempt in post_office.attempts(message)] == ["429", None]


def test_message_that_always_fails_expires_at_the_end_of_its_window(post_office: OutboxUnderTest):
    message = post_office.post()
    post_office.provider.script = [Transient("30001")] * 1000

    for _ in range(60):
        post_office.drain()
        post_office.clock.move(minutes=30)

    assert post_office.message(message).state is MessageState.EXPIRED
    assert post_office.envelope_of(message) is None
    assert 20 < post_office.provider.calls < 60
    window_end = post_office.message(message).expires_at
    assert window_end is not None
    assert all(attempt.started_at < window_end for attempt in post_office.attempts(message))


def test_wrong_configuration_becomes_a_dead_letter_that_keeps_its_envelope_until_the_window_ends(
    post_office: OutboxUnderTest,
):
    message = post_office.post()
    post_office.provider.script = [Configuration("20003")]

    post_office.drain()
    assert post_office.state(message) is MessageState.DEAD_LETTER
    assert post_office.envelope_of(message) is not None
    post_office.clock.move(hours=24)
    post_office.drain()

    assert post_office.state(message) is MessageState.EXPIRED
    assert post_office.envelope_of(message) is None


def test_lost_answer_of_a_taken_message_is_looked_up_and_not_sent_again(post_office: OutboxUnderTest):
    message = post_office.post()
    post_office.provider.script = [("takes", Unknown("timeout"))]

    post_office.drain()
    assert post_office.state(message) is MessageState.UNKNOWN
    post_office.clock.move(seconds=119)
    assert post_office.drain() == 0
    assert post_office.state(message) is MessageState.UNKNOWN
    post_office.clock.move(seconds=1)
    assert post_office.drain() == 0

    assert post_office.state(message) is MessageState.ACCEPTED
    assert post_office.envelope_of(message) is None
    (attempt,) = post_office.attempts(message)
    assert attempt.outcome is AttemptOutcome.ACCEPTED
    assert attempt.provider_ref == post_office.provider.taken[0][0]
    assert len(post_office.provider.taken) == 1


def test_lost_answer_of_a_message_the_provider_lacks_is_sent_again(post_office: OutboxUnderTest):
    message = post_office.post()
    post_office.provider.script = [Unknown("disconnected")]

    post_office.drain()
    post_office.clock.move(seconds=120)
    assert post_office.drain() == 1

    assert post_office.state(message) is MessageState.ACCEPTED
    assert len(post_office.provider.taken) == 1
    assert [attempt.outcome for attempt in post_office.attempts(message)] == [
        AttemptOutcome.TRANSIENT,
        AttemptOutcome.ACCEPTED,
    ]


def test_mail_with_a_lost_answer_is_sent_again_after_the_grace(post_office: OutboxUnderTest):
    message = post_office.post(channel=Channel.EMAIL, to="a@exemple.fr")
    post_office.provider.script = [("takes", Unknown("disconnected"))]
    channel = ScriptedChannel(post_office.provider, E_MAIL_ONLY)

    post_office.drain(channels={Channel.EMAIL: channel})
    post_office.clock.move(seconds=121)
    post_office.drain(channels={Channel.EMAIL: channel})

    assert post_office.state(message) is MessageState.ACCEPTED
    assert len(post_office.provider.taken) == 2
    assert [attempt.outcome for attempt in post_office.attempts(message)] == [
        AttemptOutcome.UNKNOWN,
        AttemptOutcome.ACCEPTED,
    ]


def test_fault_in_a_channel_is_taken_for_a_lost_answer(post_office: OutboxUnderTest):
    message = post_office.post()
    post_office.provider.script = [RuntimeError("a fault of ours")]

    post_office.drain()

    assert post_office.state(message) is MessageState.UNKNOWN
    assert post_office.message(message).last_code == "channel_fault"


@pytest.mark.parametrize("batch", [1, 7, 100])
def test_many_messages_each_arrive_once(post_office: OutboxUnderTest, batch: int):
    messages = [post_office.post(to=f"+336399800{number:02}") for number in range(40)]
    post_office.pace = post_office.pace.__class__(concurrency=batch)

    assert post_office.drain() == 40

    assert {post_office.state(message) for message in messages} == {MessageState.ACCEPTED}
    assert len({text for _, _, text in post_office.provider.taken}) == len(post_office.provider.taken) == 40


def test_one_message_that_cannot_be_rendered_does_not_stop_the_others(post_office: OutboxUnderTest):
    good = post_office.post()
    spoiled = post_office.post(to="+33639980666")
    garbled = post_office.post(envelope=bytes(99))

    def render(envelope: Envelope) -> SmsContent:
        if envelope.to.endswith("666"):
            raise ValueError(envelope.to)
        return render_text(envelope)

    post_office.drain(render=render)

    found = {
        message: (post_office.state(message), post_office.message(message).last_code) for message in (spoiled, garbled)
    }
    assert found == {
        spoiled: (MessageState.DEAD_LETTER, "unrenderable"),
        garbled: (MessageState.DEAD_LETTER, "unopenable"),
    }
    assert post_office.state(good) is MessageState.ACCEPTED
    assert len(post_office.provider.taken) == 1
