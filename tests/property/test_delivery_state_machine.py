"""Any history of answers, deaths, waits and replays: nothing is lost, sent twice, or kept too long."""

import shutil
import tempfile
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from receipt_service.delivery.channel import Pending, Reached, Unanswered
from receipt_service.delivery.operations import replay_all
from receipt_service.domain.message import (
    FINAL,
    HOLDS_ENVELOPE,
    Configuration,
    MessageState,
    Permanent,
    Transient,
    Unknown,
    may_move,
)
from receipt_service.storage.engine import open_engine
from tests.support.deliveries import OutboxUnderTest

if TYPE_CHECKING:
    from receipt_service.domain.identifiers import MessageId

ANSWERS = st.sampled_from(
    [
        ("takes", Unknown("timeout")),
        None,
        ("takes", Unknown("disconnected")),
        Unknown("disconnected"),
        Transient("429", timedelta(seconds=30)),
        Transient("30001"),
        Permanent("21614"),
        Configuration("20003"),
        RuntimeError("a fault of ours"),
    ]
)
POINTS = ["leased", "answered", "settled", "recovered", "looked_up", "followed", "redacted", "redaction_recorded"]


class Deliveries(RuleBasedStateMachine):
    """Messages to different numbers, one provider that can be asked, workers that come and go."""

    template: Path

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="deliveries-"))
        database = self.folder / "receipts.db"
        shutil.copyfile(self.template, database)
        self.office = OutboxUnderTest(open_engine(f"sqlite:///{database}"), self.folder / "keys")
        self.messages: dict[MessageId, str] = {}
        self.seen: dict[MessageId, MessageState] = {}

    def teardown(self) -> None:
        self.office.engine.dispose()
        shutil.rmtree(self.folder)

    @rule()
    def post(self) -> None:
        to = f"+3363998{len(self.messages):04}"
        self.messages[self.office.post(to=to)] = to

    @rule(answers=st.lists(ANSWERS, min_size=1, max_size=4), new=st.integers(0, 2))
    def work(self, answers: list[object], new: int) -> None:
        for _ in range(new):
            self.post()
        self.office.provider.script = list(answers)
        self.office.drain()
        self.office.provider.script = []

    @rule(point=st.sampled_from(POINTS), answers=st.lists(ANSWERS, max_size=2))
    def die(self, point: str, answers: list[object]) -> None:
        self.post()
        self.office.provider.script = list(answers)
        self.office.crash_at(point)
        self.office.provider.script = []

    @rule(seconds=st.sampled_from([5, 61, 121, 3600, 6 * 3600]))
    def wait(self, seconds: int) -> None:
        self.office.clock.move(seconds=seconds)

    @rule(reachable=st.booleans(), final=st.booleans())
    def provider_changes(self, *, reachable: bool, final: bool) -> None:
        self.office.provider.look_up_answer = None if reachable else Unanswered("unreachable")
        self.office.provider.status_answer = Reached() if final else Pending()

    @rule()
    def replay(self) -> None:
        replay_all(self.office.engine, now=self.office.clock.now)

    @invariant()
    def nobody_gets_it_twice(self) -> None:
        counts = Counter(to for _, to, _ in self.office.provider.taken)
        assert set(counts.values()) <= {1}

    @invariant()
    def envelope_exists_exactly_while_it_is_needed(self) -> None:
        for message in self.messages:
            state = self.office.state(message)
            assert (self.office.envelope_of(message) is not None) == (state in HOLDS_ENVELOPE)

    @invariant()
    def no_final_state_is_left(self) -> None:
        for message in self.messages:
            old, new = self.seen.get(message), self.office.state(message)
            if old in FINAL or old is MessageState.ACCEPTED:
                assert new == old or may_move(old, new)
            self.seen[message] = new

    @invariant()
    def what_was_delivered_had_been_taken(self) -> None:
        taken = {to for _, to, _ in self.office.provider.taken}
        reached = {MessageState.ACCEPTED, MessageState.DELIVERED}
        assert all(to in taken for message, to in self.messages.items() if self.office.state(message) in reached)


class DeliveriesToTheEnd(Deliveries):
    """The same, and at the end the workers go on in peace until all is over."""

    def teardown(self) -> None:
        try:
            self.office.provider.look_up_answer = None
            self.office.provider.status_answer = Reached()
            for hours in (0, 1, 30, 1):
                self.office.clock.move(hours=hours)
                self.office.drain()
            for message, to in self.messages.items():
                state = self.office.state(message)
                assert state in FINAL, state
                if self.office.provider.texts_to(to):
                    assert state in {MessageState.DELIVERED, MessageState.EXPIRED}
            refs = {ref for ref, _, _ in self.office.provider.taken}
            found = {self.office.state(message) for message in self.messages}
            if MessageState.EXPIRED not in found:
                assert refs == self.office.provider.redacted
        finally:
            super().teardown()


def test_no_history_loses_or_doubles_a_message(sqlite_template: Path):
    DeliveriesToTheEnd.template = sqlite_template
    few = settings(
        max_examples=max(settings.default.max_examples // 2, 10) if settings.default else 10,
        stateful_step_count=8,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(DeliveriesToTheEnd, settings=few)
