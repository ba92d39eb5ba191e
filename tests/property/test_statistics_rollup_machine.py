"""Whatever happens, and whenever it is folded: the cells are those that a rebuild makes of the stubs."""

import random
import shutil
import tempfile
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test
from sqlalchemy import text

from receipt_service.domain.message import MessageState
from receipt_service.storage import attempts, fold_queue, outbox, rollup
from receipt_service.storage.attempts import AttemptOutcome
from receipt_service.storage.engine import open_engine, reading, writing
from receipt_service.storage.issuances import Register
from tests.support import stub_facts
from tests.support.issuances import NOW

UNITS = ("N", "N1", "N2", "N11", "N12")
LEASE = timedelta(seconds=60)
_numbers = count()
AFTER = {
    MessageState.ACCEPTED: AttemptOutcome.ACCEPTED,
    MessageState.UNDELIVERABLE: AttemptOutcome.PERMANENT,
    MessageState.DEAD_LETTER: AttemptOutcome.CONFIGURATION,
    MessageState.DELIVERED: AttemptOutcome.ACCEPTED,
}


class RollupMachine(RuleBasedStateMachine):
    """Checks are registered, sent, corrected, folded, rebuilt; units move."""

    def __init__(self) -> None:
        super().__init__()
        self.engine = open_engine(self.new_database())
        self.register = Register(self.engine)
        self.folding = stub_facts.rollup(self.engine, clock=lambda: self.now)
        self.now: datetime = NOW
        self.stubs: list[int] = []
        self.parents: dict[str, str | None] = {"N": None}

    def new_database(self) -> str:
        raise NotImplementedError

    def teardown(self) -> None:
        self.check()
        self.register.close()
        self.engine.dispose()

    @rule(seed=st.integers(0, 2**32), number=st.integers(1, 4))
    def issue(self, seed, number):
        chance = random.Random(seed)
        batch = [stub_facts.a_stub_by_chance(chance, chance.choice(UNITS), self.now) for _ in range(number)]
        assert self.register(batch) == [True] * number
        assert self.register(batch) == [False] * number, "a repeated request is queued once"
        self.stubs += [each.stub_id for each in batch]
        self.now += timedelta(seconds=20)

    @rule(state=st.sampled_from(list(AFTER)), limit=st.integers(1, 3))
    def send(self, state, limit):
        with writing(self.engine) as connection:
            for leased in outbox.lease(connection, now=self.now, until=self.now + LEASE, limit=limit):
                begun = attempts.begin(connection, [leased.id], lease=leased.leased_until, provider="p", now=self.now)
                assert attempts.finish(connection, begun[leased.id], AFTER[state], now=self.now, code="c")
                due = self.now if state is MessageState.ACCEPTED else None
                assert outbox.settle(
                    connection, leased.id, state, now=self.now, lease=leased.leased_until, due_at=due, code="c"
                )

    @rule(delivered=st.booleans())
    def follow_up(self, delivered):
        state = MessageState.DELIVERED if delivered else MessageState.UNDELIVERABLE
        self.now += timedelta(seconds=40)
        with writing(self.engine) as connection:
            for message in outbox.take_followed(connection, now=self.now, again_at=self.now + LEASE, limit=2):
                assert outbox.settle(connection, message, state, now=self.now, expected=MessageState.ACCEPTED)

    @rule()
    def replay_dead_letters(self):
        with writing(self.engine) as connection:
            outbox.replay_all(connection, now=self.now)

    @rule(hours=st.sampled_from([25, 80]))
    def windows_end(self, hours):
        self.now += timedelta(hours=hours)
        with writing(self.engine) as connection:
            outbox.expire(connection, now=self.now)

    @precondition(lambda self: self.stubs)
    @rule(seed=st.integers(0, 2**32))
    def correct(self, seed):
        """Another stub takes the place of one."""
        chance = random.Random(seed)
        old = self.stubs.pop(chance.randrange(len(self.stubs)))
        new = stub_facts.a_stub_by_chance(chance, chance.choice(UNITS), self.now)
        assert self.register([new]) == [True]
        with writing(self.engine) as connection:
            fold_queue.withdraw(connection, old, now=self.now)
        self.stubs.append(new.stub_id)

    @rule(limit=st.integers(1, 5))
    def fold(self, limit):
        assert self.folding.fold(limit).rows <= limit

    @rule(seed=st.integers(0, 2**32))
    def move_units(self, seed):
        chance = random.Random(seed)
        order = list(UNITS)
        chance.shuffle(order)
        known = [unit for unit in order if chance.random() < 0.7 or unit in self.parents]
        self.parents = {
            unit: chance.choice([None, *known[:place]]) for place, unit in enumerate(known)
        }  # fmt: skip
        stub_facts.place_units(self.engine, self.parents, self.now)

    @rule()
    def rebuild(self):
        rebuilt = self.folding.rebuild()
        with reading(self.engine) as connection:
            assert fold_queue.waiting(connection).rows == 0
            assert rollup.count_cells(connection) == (rebuilt.cells, rebuilt.officer_cells)
            assert rebuilt.stubs == connection.execute(text("SELECT count(*) FROM stub")).scalar_one()

    @rule()
    def check(self):
        """Fold all there is; a rebuild changes nothing then."""
        while self.folding.fold(7).rows:
            pass
        with reading(self.engine) as connection:
            folded = rollup.all_rows(connection)
        self.folding.rebuild()
        with reading(self.engine) as connection:
            assert folded == rollup.all_rows(connection)
        france = sum(row.n for row in folded[0] if (row.area, row.table_code) == ("F", "total"))
        assert france == len(self.stubs)


def play(machine):
    run_state_machine_as_test(machine, settings=settings(max_examples=15, stateful_step_count=25, deadline=None))


@pytest.mark.timeout(600)
def test_the_cells_are_those_of_a_rebuild_on_sqlite(sqlite_template: Path):
    with tempfile.TemporaryDirectory() as folder:

        class OnSqlite(RollupMachine):
            def new_database(self) -> str:
                path = Path(folder) / f"{next(_numbers)}.db"
                shutil.copyfile(sqlite_template, path)
                return f"sqlite:///{path}"

        play(OnSqlite)


@pytest.mark.needs_postgres
@pytest.mark.timeout(600)
def test_the_cells_are_those_of_a_rebuild_on_postgresql(postgres_server, postgres_template):
    class OnPostgresql(RollupMachine):
        def new_database(self) -> str:
            self.name = f"rollup_{next(_numbers)}"
            return postgres_server.create(self.name, postgres_template)

        def teardown(self) -> None:
            super().teardown()
            postgres_server.drop(self.name)

    play(OnPostgresql)
