"""Group commit: shared commits, lone failures, bounds, and an end that loses nothing."""

import asyncio
import threading

import pytest
from sqlalchemy.exc import IntegrityError, OperationalError

from receipt_service.errors import Unavailable
from receipt_service.issuance.group_commit import GroupCommit
from tests.support.issuances import an_issuance


class Database:
    """Takes batches, slowly on demand, and refuses what the test wants refused."""

    def __init__(self, *, known=(), bad=(), held=False):
        self.batches = []
        self.known = set(known)
        self.bad = set(bad)
        self.error = IntegrityError("INSERT", None, Exception("CANARY"))
        self.free = threading.Event()
        self.asked = threading.Event()
        if not held:
            self.free.set()

    def __call__(self, batch):
        self.asked.set()
        assert self.free.wait(10)
        self.batches.append(len(batch))
        if self.bad & {item.lookup for item in batch}:
            raise self.error
        return [item.lookup not in self.known for item in batch]


@pytest.fixture
def group_commit():
    made = []

    def make(database, **options):
        made.append(GroupCommit(database, **options))
        return made[-1]

    yield make
    for each in made:
        each._register.free.set()
        assert each.close(10)


def run(group, *issuances):
    async def all_of_them():
        return await asyncio.gather(*(group.commit(each) for each in issuances), return_exceptions=True)

    return asyncio.run(all_of_them())


def test_what_waits_during_a_commit_shares_the_next_one(group_commit):
    database = Database(held=True)
    group = group_commit(database)

    async def gather():
        first = asyncio.create_task(group.commit(an_issuance()))
        await asyncio.to_thread(database.asked.wait, 10)
        others = [asyncio.create_task(group.commit(an_issuance())) for _ in range(20)]
        await asyncio.sleep(0)
        database.free.set()
        return await asyncio.gather(first, *others)

    assert asyncio.run(gather()) == [True] * 21
    assert database.batches == [1, 20]


def test_a_batch_has_a_limit(group_commit):
    database = Database(held=True)
    group = group_commit(database, batch_limit=8)

    async def gather():
        tasks = [asyncio.create_task(group.commit(an_issuance())) for _ in range(20)]
        await asyncio.sleep(0)
        database.free.set()
        return await asyncio.gather(*tasks)

    assert all(asyncio.run(gather()))
    assert max(database.batches) <= 8
    assert sum(database.batches) == 20


def test_each_learns_whether_it_is_new(group_commit):
    issuances = [an_issuance() for _ in range(6)]
    group = group_commit(Database(known={issuances[2].lookup, issuances[5].lookup}))
    assert run(group, *issuances) == [True, True, False, True, True, False]


def test_one_bad_check_harms_no_other_and_says_nothing_of_its_content(group_commit):
    issuances = [an_issuance() for _ in range(9)]
    group = group_commit(Database(bad={issuances[4].lookup}))
    results = run(group, *issuances)
    (failed,) = [result for result in results if result is not True]
    assert results[4] is failed
    assert isinstance(failed, Unavailable)
    assert "CANARY" not in str(failed)
    assert failed.__cause__ is None
    assert run(group, an_issuance()) == [True]


def test_a_database_that_is_away_fails_the_batch_at_once_and_not_each_check_in_turn(group_commit):
    issuances = [an_issuance() for _ in range(5)]
    database = Database(bad={issuances[0].lookup}, held=True)
    database.error = OperationalError("BEGIN", None, Exception("down"))
    group = group_commit(database)

    async def gather():
        tasks = [asyncio.create_task(group.commit(each)) for each in issuances]
        await asyncio.sleep(0)
        database.free.set()
        return await asyncio.gather(*tasks, return_exceptions=True)

    results = asyncio.run(gather())
    assert len(database.batches) <= 2
    assert any(isinstance(result, Unavailable) for result in results)
    assert run(group, an_issuance()) == [True]


def test_beyond_the_limit_a_check_is_refused_at_once(group_commit):
    database = Database(held=True)
    group = group_commit(database, waiting_limit=4)

    async def flood():
        tasks = [asyncio.create_task(group.commit(an_issuance())) for _ in range(9)]
        await asyncio.sleep(0.05)
        refused = [task for task in tasks if task.done()]
        database.free.set()
        return refused, await asyncio.gather(*tasks, return_exceptions=True)

    refused, results = asyncio.run(flood())
    assert len(refused) == 5
    assert all(isinstance(task.exception(), Unavailable) for task in refused)
    assert results.count(True) == 4


def test_who_waits_too_long_is_told_and_the_check_is_committed_all_the_same(group_commit):
    database = Database(held=True)
    group = group_commit(database, timeout_seconds=0.05)

    async def wait():
        with pytest.raises(Unavailable):
            await group.commit(an_issuance())
        with pytest.raises(Unavailable):
            await group.commit(an_issuance())
        database.free.set()

    asyncio.run(wait())
    assert group.close(10)
    assert sum(database.batches) == 2


def test_a_cancelled_client_does_not_take_its_check_along(group_commit):
    database = Database(held=True)
    group = group_commit(database)

    async def leave():
        task = asyncio.create_task(group.commit(an_issuance()))
        other = asyncio.create_task(group.commit(an_issuance()))
        await asyncio.to_thread(database.asked.wait, 10)
        task.cancel()
        await asyncio.sleep(0)
        database.free.set()
        assert await other

    asyncio.run(leave())
    assert sum(database.batches) == 2


def test_a_loop_that_is_gone_harms_nobody(group_commit):
    database = Database(held=True)
    group = group_commit(database)

    async def abandon():
        asyncio.create_task(group.commit(an_issuance()))  # noqa: RUF006 - abandoned on purpose
        await asyncio.sleep(0)

    asyncio.run(abandon())
    database.free.set()
    assert run(group, an_issuance()) == [True]
    assert sum(database.batches) == 2


def test_closing_commits_what_waits_and_takes_nothing_more(group_commit):
    database = Database(held=True)
    group = group_commit(database, batch_limit=2)

    async def close():
        tasks = [asyncio.create_task(group.commit(an_issuance())) for _ in range(7)]
        await asyncio.to_thread(database.asked.wait, 10)
        closing = asyncio.create_task(asyncio.to_thread(group.close, 10))
        while group.is_alive:  # noqa: ASYNC110 - the other thread has begun to close once it is not
            await asyncio.sleep(0.001)
        with pytest.raises(Unavailable):
            await group.commit(an_issuance())
        database.free.set()
        return await asyncio.gather(*tasks), await closing

    results, closed = asyncio.run(close())
    assert results == [True] * 7
    assert closed
    assert not group._thread.is_alive()
