"""Group commit: one thread registers, in one durable commit, all checks that gathered during the last one.

A commit costs one flush of the disk whatever it holds, so under load many checks share it, and alone a check waits
for nobody. The writer is called once for what a few turns of the event loop bring: called for each check, it would take
the interpreter away from the next one, to commit little. A check that can't be stored fails alone. A client that
goes away does not take its check with it: once handed over it is committed, and the repeat of the request finds it.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final, NamedTuple

from sqlalchemy.exc import OperationalError

from receipt_service.errors import Unavailable
from receipt_service.storage.issuances import NewIssuance

BATCH_LIMIT: Final = 64
WAITING_LIMIT: Final = 512
GATHERING_TURNS: Final = 4
"""How many turns of the event loop, each a few milliseconds when it is busy, may bring more before the writer is
called; a turn that brings nothing ends the gathering, so a check that comes alone waits for one idle turn."""
TIMEOUT_SECONDS: Final = 15.0
NOT_CONFIRMED: Final = "the database did not confirm the check"

Registrar = Callable[[Sequence[NewIssuance]], list[bool]]
Outcome = bool | Unavailable


class _Waiting(NamedTuple):
    issuance: NewIssuance
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[bool]


class _Attendant:
    """Serves the clients of one event loop: calls the writer for them, and ends their waiting after a while.

    One call for all that come together and one timer for all, instead of one each.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, seconds: float, call_writer: Callable[[], None]) -> None:
        self._loop = loop
        self._seconds = seconds
        self._call_writer = call_writer
        self._calling = False
        self._came = 0
        self._turns = 0
        self._until: deque[tuple[float, asyncio.Future[bool]]] = deque()
        self._ticking = False

    def attend(self, future: asyncio.Future[bool]) -> None:
        """Call the writer soon; let ``future`` fail with ``Unavailable`` if it is not done in time."""
        self._came += 1
        if not self._calling:
            self._calling = True
            self._loop.call_soon(self._call)
        self._until.append((self._loop.time() + self._seconds, future))
        if not self._ticking:
            self._tick()

    def _call(self) -> None:
        """Call the writer once a turn has brought nothing more, or enough turns have passed."""
        if self._came and self._turns < GATHERING_TURNS:
            self._came = 0
            self._turns += 1
            self._loop.call_soon(self._call)
            return
        self._calling = False
        self._turns = 0
        self._call_writer()

    def _tick(self) -> None:
        now = self._loop.time()
        while self._until and (self._until[0][1].done() or self._until[0][0] <= now):
            _, future = self._until.popleft()
            if not future.done():
                future.set_exception(Unavailable("the check was not confirmed in time"))
        self._ticking = bool(self._until)
        if self._ticking:
            self._loop.call_later(min(1.0, max(self._until[0][0] - now, 0.001)), self._tick)


class GroupCommit:
    """The writer thread and the checks that wait for it."""

    def __init__(
        self,
        register: Registrar,
        *,
        waiting_limit: int = WAITING_LIMIT,
        batch_limit: int = BATCH_LIMIT,
        timeout_seconds: float = TIMEOUT_SECONDS,
    ) -> None:
        """Start the thread. ``register`` commits a batch and says which of it are new; it runs in that thread alone."""
        self._register = register
        self._timeout_seconds = timeout_seconds
        self._attendants: dict[asyncio.AbstractEventLoop, _Attendant] = {}
        self._waiting_limit = waiting_limit
        self._batch_limit = batch_limit
        self._waiting: deque[_Waiting] = deque()
        self._in_hand = 0
        self._closing = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="group-commit", daemon=True)
        self._thread.start()

    async def commit(self, issuance: NewIssuance) -> bool:
        """Return once the check is durable: True if it is new, False if its request was registered before.

        Raises ``Unavailable`` when too many wait, when this process is ending, or when the database did not confirm
        it (in time); then it may have been stored all the same, and the repeat of the request will tell.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[bool] = loop.create_future()
        with self._changed:
            if self._closing:
                raise Unavailable("this process is ending")
            if len(self._waiting) + self._in_hand >= self._waiting_limit:
                raise Unavailable("too many checks are waiting to be stored")
            self._waiting.append(_Waiting(issuance, loop, future))
        attendant = self._attendants.get(loop)
        if attendant is None:
            attendant = self._attendants[loop] = _Attendant(loop, self._timeout_seconds, self._call_writer)
        attendant.attend(future)
        return await future

    def _call_writer(self) -> None:
        with self._changed:
            self._changed.notify()

    def close(self, timeout_seconds: float = 20) -> bool:
        """Commit what waits, then end the thread; False if it is still at it after ``timeout_seconds``."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join(timeout_seconds)
        return not self._thread.is_alive()

    @property
    def is_alive(self) -> bool:
        """Tell whether checks can be stored; part of readiness."""
        return self._thread.is_alive() and not self._closing

    def _run(self) -> None:
        while batch := self._next_batch():
            outcomes = self._commit(batch)
            by_loop: dict[asyncio.AbstractEventLoop, list[tuple[_Waiting, Outcome]]] = {}
            for waiting, outcome in zip(batch, outcomes, strict=True):
                by_loop.setdefault(waiting.loop, []).append((waiting, outcome))
            for loop, settled in by_loop.items():
                with suppress(RuntimeError):  # the loop was closed: its clients are gone, their checks are stored
                    loop.call_soon_threadsafe(_settle, settled)

    def _next_batch(self) -> list[_Waiting]:
        """Wait for checks; an empty batch means that the thread should end."""
        with self._changed:
            self._in_hand = 0
            while not self._waiting and not self._closing:
                self._changed.wait()
            batch = [self._waiting.popleft() for _ in range(min(self._batch_limit, len(self._waiting)))]
            self._in_hand = len(batch)
            return batch

    def _commit(self, batch: Sequence[_Waiting]) -> list[Outcome]:
        try:
            return list(self._register([waiting.issuance for waiting in batch]))
        except OperationalError:
            return [
                Unavailable(NOT_CONFIRMED) for _ in batch
            ]  # the database itself: trying each alone would only take longer
        except Exception:  # noqa: BLE001 - whatever it is, it must not end the only writer
            if len(batch) == 1:
                return [Unavailable(NOT_CONFIRMED)]  # without the database's words: they quote values
            return [outcome for waiting in batch for outcome in self._commit([waiting])]


def _settle(settled: Sequence[tuple[_Waiting, Outcome]]) -> None:
    for waiting, outcome in settled:
        if waiting.future.done():  # cancelled: the client went away
            continue
        if isinstance(outcome, Unavailable):
            waiting.future.set_exception(outcome)
        else:
            waiting.future.set_result(outcome)
