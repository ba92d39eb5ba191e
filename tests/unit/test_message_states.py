"""The states of a message: what may follow what, and in which the sealed envelope exists."""

import pytest

from receipt_service.domain.message import (
    ALLOWED_MOVES,
    FINAL,
    HOLDS_ENVELOPE,
    LONGEST_WINDOW,
    WINDOWS,
    MessageState,
    born_as,
    may_move,
)
from receipt_service.domain.recipient import Channel


def test_every_state_has_its_moves():
    assert set(ALLOWED_MOVES) == set(MessageState)


def test_final_states_hold_no_envelope_and_lead_nowhere():
    assert {
        MessageState.DELIVERED,
        MessageState.UNDELIVERABLE,
        MessageState.EXPIRED,
        MessageState.HANDED_OVER,
        MessageState.DECLINED,
    } == FINAL
    assert not FINAL & HOLDS_ENVELOPE


def test_shredded_envelope_never_comes_back():
    gone = set(MessageState) - HOLDS_ENVELOPE

    assert not [(old, new) for old in gone for new in ALLOWED_MOVES[old] if new in HOLDS_ENVELOPE]


def test_message_that_holds_an_envelope_can_always_expire():
    waiting = HOLDS_ENVELOPE - {MessageState.SENDING}

    assert all(may_move(state, MessageState.EXPIRED) for state in waiting)


def test_nothing_is_sent_again_after_acceptance():
    reachable, todo = set(), {MessageState.ACCEPTED}
    while todo:
        state = todo.pop()
        reachable.add(state)
        todo |= ALLOWED_MOVES[state] - reachable

    assert MessageState.SENDING not in reachable


@pytest.mark.parametrize(
    ("channel", "state"),
    [
        (Channel.SMS, MessageState.QUEUED),
        (Channel.EMAIL, MessageState.QUEUED),
        (Channel.SCREEN, MessageState.HANDED_OVER),
        (Channel.PAPER, MessageState.HANDED_OVER),
        (Channel.DECLINED, MessageState.DECLINED),
    ],
)
def test_channel_decides_how_a_message_is_born(channel: Channel, state: MessageState):
    assert born_as(channel) is state


def test_windows_are_a_day_and_three():
    assert {channel: window.total_seconds() / 3600 for channel, window in WINDOWS.items()} == {
        Channel.SMS: 24,
        Channel.EMAIL: 72,
    }
    assert WINDOWS[Channel.EMAIL] == LONGEST_WINDOW
