"""Whatever is registered, sequenced, published and interrupted, in any order: one history, each check once."""

import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from receipt_service.bootstrap.log_keys import LastSignedFile
from receipt_service.domain.log_entry import EntryKind
from receipt_service.storage import log_queue, log_tree
from receipt_service.storage.engine import open_engine, writing
from receipt_service.tlog.hash_reader import HashReader
from receipt_service.tlog.merkle import leaf_hash, verify_consistency
from receipt_service.tlog.proof import parse_proof
from receipt_service.tlog.trust import check_logged
from receipt_service.transparency.log_folder import LogFolder
from receipt_service.transparency.proving import Proofs
from receipt_service.transparency.sequencing import sequence
from tests.support.logs import CHECKS, open_log, register

STEPS = ("write_tiles", "drop_partials", "write", "write_checkpoint", "note_published")


class Cut(Exception):
    """The process ends here."""


class LogMachine(RuleBasedStateMachine):
    template: Path

    def __init__(self):
        super().__init__()
        self.base = Path(tempfile.mkdtemp(prefix="rs-log-"))
        database = self.base / "receipts.db"
        shutil.copyfile(self.template, database)
        self.engine = open_engine(f"sqlite:///{database}")
        self.log = open_log(self.engine, self.base)
        self.texts: list[str] = []
        self.signed = []

    @initialize(count=st.integers(0, 300))
    def begin(self, count):
        if count:
            self.texts += register(self.engine, count)

    @rule(count=st.integers(1, 40))
    def register(self, count):
        self.texts += register(self.engine, count)

    @rule()
    def record(self):
        text = f"record.number.{len(self.texts)}"
        with writing(self.engine) as connection:
            log_queue.ask(connection, EntryKind.KEY_CHANGE, text)
        self.texts.append(text)

    @rule(limit=st.integers(1, 60))
    def sequence(self, limit):
        sequence(self.engine, limit)

    @rule()
    def publish(self):
        self.log.publisher(sign=self.sign).publish()

    @rule(
        step=st.sampled_from(["write_tiles", "drop_partials", "write_checkpoint", "write", "note_published"]),
        after=st.booleans(),
    )
    def publish_and_end_at(self, step, after):
        """Publish, and end before or after a step."""
        owner = {"write": LastSignedFile, "note_published": log_tree}.get(step, LogFolder)
        whole = getattr(owner, step)

        def cut(*arguments, **named):
            if after:
                whole(*arguments, **named)
            raise Cut

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(owner, step, cut)
            with suppress(Cut):
                self.log.publisher(sign=self.sign).publish()

    @precondition(lambda self: self.signed)
    @rule()
    def write_the_folder_anew(self):
        """The folder is lost and written from the database; a checkpoint of before may stand or not."""
        note = self.log.folder.read("checkpoint")
        shutil.rmtree(self.log.root, ignore_errors=True)
        list(self.log.publisher().rebuild())
        if note is not None:
            self.log.folder.write_checkpoint("checkpoint", note)

    def sign(self, checkpoint, now):
        self.signed.append(checkpoint)
        return self.log.signer.sign(checkpoint, now)

    @invariant()
    def one_history_was_signed(self):
        for earlier, later in zip(self.signed, self.signed[1:], strict=False):
            assert earlier.size <= later.size
            if earlier.size == later.size:
                assert earlier.root == later.root
        if len(self.signed) > 1 and self.signed[-2].size:
            earlier, last = self.signed[-2:]
            proof = HashReader(last.size, self.log.folder.read_tile).consistency_proof(earlier.size)
            verify_consistency(earlier.size, earlier.root, last.size, last.root, proof)

    def teardown(self):
        while sequence(self.engine, 100):
            pass
        self.log.publisher(sign=self.sign).publish()
        if self.texts:
            assert sorted(self.log.entries()) == sorted(self.texts)
            self.one_history_was_signed()
            proofs = Proofs(self.engine, self.log.folder)
            for text in self.texts[:: max(1, len(self.texts) // 5)]:
                hashed = leaf_hash(text.encode())
                check_logged(hashed, parse_proof(proofs.of_leaf(hashed)), self.log.policy, CHECKS)
        self.engine.dispose()
        shutil.rmtree(self.base)


def test_no_order_of_events_makes_two_histories(sqlite_template):
    LogMachine.template = sqlite_template
    run = settings(max_examples=25, stateful_step_count=25)
    run_state_machine_as_test(LogMachine, settings=run)
