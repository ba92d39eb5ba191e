"""Whatever is sent to a witness, by an honest log, a forking one or anybody else, it cosigns one history only."""

import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from receipt_service.bootstrap.witness_folder import load_witness
from receipt_service.witness.protocol import Refused
from tests.support.merkle_by_definition import consistency_path
from tests.support.witnesses import LOG, a_witness, leaves, request, signed, times_of

SIZES = st.integers(0, 40)
LARGEST = 40


class WitnessMachine(RuleBasedStateMachine):
    """A log whose operator writes as many histories as they like, and signs them all."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.witness = a_witness(Path(self.folder.name) / "w", keys=(LOG,))
        self.keys = self.witness._cosigner.verifiers
        self.histories: list[list[bytes]] = []
        self.cosigned: list[list[bytes]] = []
        self.sent: list[tuple[bytes, list[bytes]]] = []
        self.times: list[int] = []

    def teardown(self) -> None:
        self.folder.cleanup()

    def send(self, body: bytes, tree: list[bytes]) -> bool:
        self.sent.append((body, tree))
        try:
            answer = self.witness.add_checkpoint(body)
        except Refused:
            return False
        self.times += times_of(answer, tree, self.keys)[:1]
        self.cosigned.append(tree)
        return True

    @property
    def last(self) -> list[bytes]:
        return self.cosigned[-1] if self.cosigned else []

    @initialize()
    def begin(self):
        self.histories.append(leaves(LARGEST))

    @rule(at=SIZES, of=st.integers(0, 100))
    def fork(self, at, of):
        """Write another history that leaves one of the others at some size."""
        begin = self.histories[of % len(self.histories)][:at]
        self.histories.append(leaves(LARGEST, f"branch {len(self.histories)}", begin))

    @rule(more=SIZES)
    def grow(self, more):
        """An honest log that goes on from what was cosigned last is never refused."""
        history = next(one for one in self.histories if one[: len(self.last)] == self.last)
        tree = history[: min(LARGEST, len(self.last) + more)]
        assert self.send(request(tree, len(self.last)), tree)

    @rule(of=st.integers(0, 100), size=SIZES, old=SIZES)
    def send_any(self, of, size, old):
        """Any tree of any history, with the proof that belongs to it: forks, roll-backs, jumps."""
        tree = self.histories[of % len(self.histories)][:size]
        accepted = self.send(request(tree, old), tree)
        before = self.cosigned[-2] if accepted and len(self.cosigned) > 1 else []
        assert not accepted or tree[: len(before)] == before

    @rule(of=st.integers(0, 100), other=st.integers(0, 100), size=SIZES)
    def send_with_a_proof_of_another(self, of, other, size):
        """A tree with the proof of another history, from the size that was cosigned last."""
        tree = self.histories[of % len(self.histories)][:size]
        donor = self.histories[other % len(self.histories)][:size]
        old = len(self.last)
        proof = consistency_path(old, donor) if 0 < old <= size else []
        self.send(request(tree, old, proof, signed(tree, (LOG,))), tree)

    @rule(which=st.integers(0, 1000))
    def replay(self, which):
        if self.sent:
            self.send(*self.sent[which % len(self.sent)])

    @rule()
    def restart(self):
        self.witness = load_witness(Path(self.folder.name) / "w")

    @invariant()
    def one_history(self):
        """Each cosigned tree begins with the one before: so any two are one the other's beginning."""
        for before, after in zip(self.cosigned, self.cosigned[1:], strict=False):
            assert after[: len(before)] == before
        assert self.times == sorted(self.times)

    @invariant()
    def it_remembers(self):
        (log,) = self.witness.followed()
        assert log.checkpoint.size == len(self.last)


def test_a_witness_cosigns_one_history_only():
    run_state_machine_as_test(WitnessMachine, settings=settings(settings(), stateful_step_count=30))
