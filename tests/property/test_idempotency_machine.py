"""Whatever clients repeat, change or lose, and whenever processes restart: one check, one receipt for each request."""

import asyncio
import shutil
import tempfile
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from receipt_service.domain.recipient import Recipient
from receipt_service.errors import IdempotencyConflict, InvalidCheck, ReplayWindowClosed
from receipt_service.storage.engine import open_engine
from tests.support.checks import NOT_ASKED, NOW, PERSON, situation
from tests.support.issuing import BASIS, WINDOW, Issuing, Officers

KEYS = ("11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222")
SUBJECTS = ("agent", "colleague")
PERSONS = (PERSON, replace(PERSON, given_names="Zoé"), NOT_ASKED)
RECIPIENTS = (Recipient(sms="+33639980001"), Recipient(on_screen=True), Recipient(declined=True))


class IdempotencyMachine(RuleBasedStateMachine):
    """The model: what each (officer, key) was first accepted with, when, and the receipt it got."""

    template: Path

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        database = Path(self.folder.name) / "machine.db"
        shutil.copyfile(self.template, database)
        self.url = f"sqlite:///{database}"
        self.key = X25519PrivateKey.generate()
        self.given = situation(BASIS)
        self.officers = Officers(dict.fromkeys(SUBJECTS, self.given.officer))
        self.now = NOW
        self.process = self._start()
        self.accepted: dict[tuple[str, str], tuple[object, str, object]] = {}
        self.messages = 0

    def _start(self) -> Issuing:
        process = Issuing(open_engine(self.url), Path(self.folder.name), self.key, self.now, self.officers)
        process.publish_key(self.now)
        return process

    def teardown(self) -> None:
        self.process.close()
        self.folder.cleanup()

    @rule()
    def the_process_restarts(self):
        self.process.close()
        self.process = self._start()

    @rule(hours=st.sampled_from([1, 20, 71, 100]))
    def time_passes(self, hours):
        self.now += timedelta(hours=hours)
        self.process.publish_key(self.now)
        self.process.replay_keys.maintain(self.now)

    @rule(
        subject=st.sampled_from(SUBJECTS),
        key=st.sampled_from(KEYS),
        person=st.sampled_from(PERSONS),
        recipient=st.sampled_from(RECIPIENTS),
        fresh=st.booleans(),
        lost=st.booleans(),
    )
    def a_client_posts(self, subject, key, person, recipient, fresh, lost):
        """``fresh``: a check of just now, else of the beginning, too old some day. ``lost``: the client hangs up."""
        shift = self.now - NOW if fresh else timedelta(0)
        request = replace(self.given.request, checked_at=self.given.request.checked_at + shift)
        (basis,) = request.legal_bases
        requisition = replace(
            basis.requisition,
            signed_at=basis.requisition.signed_at + shift,
            starts_at=basis.requisition.starts_at + shift,
            ends_at=basis.requisition.ends_at + shift,
        )
        request = replace(request, legal_bases=(replace(basis, requisition=requisition),))
        submission = self.process.submission(
            subject=subject, idempotency_key=key, request=request, person=person, recipient=recipient
        )
        body = (request, person, recipient)
        before = self.accepted.get((subject, key))
        closed = None
        try:
            issued = self._post(submission, lost=lost)
        except InvalidCheck:
            assert before is None
            assert not fresh
        except IdempotencyConflict:
            assert before is not None
            assert before[0] != body
        except ReplayWindowClosed as refusal:
            closed = refusal.receipt_number
        else:
            number = f"{issued.receipt_number} {issued.receipt.compact} {issued.link.fragment}"
            assert issued.replayed == (before is not None or lost)
            if before is None:
                self.accepted[subject, key] = (body, number, self.now)
            else:
                assert before[:2] == (body, number)
        if closed is not None:
            assert before is not None
            assert before[1].startswith(closed)
            assert self.now - before[2] > WINDOW

    def _post(self, submission, *, lost):
        async def post():
            if lost:
                task = asyncio.create_task(self.process.aissue(submission, self.now))
                await asyncio.sleep(0.001)
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
            return await self.process.aissue(submission, self.now)

        if lost and (submission.subject, submission.idempotency_key) not in self.accepted:
            # Whether the first post got as far as being accepted is only known from the second.
            first = asyncio.run(post())
            return replace(first, replayed=True)
        return asyncio.run(post())

    @invariant()
    def there_is_one_check_for_each_request(self):
        rows = self.process.rows()
        assert rows == dict.fromkeys(("stub", "message", "idempotency"), len(self.accepted))


@pytest.mark.timeout(600)
def test_no_history_makes_two_checks_of_one_request(sqlite_template: Path):
    IdempotencyMachine.template = sqlite_template
    few = settings(max_examples=20, stateful_step_count=25, deadline=None)
    run_state_machine_as_test(IdempotencyMachine, settings=few)
