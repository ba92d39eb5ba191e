"""Forks API and worker processes that die where they are told: ``python -m tests.support.crash_nursery``.

A process of the service takes a second to start, most of it imports. This program imports once and forks, so that a
life costs a tenth of that; what a child runs is what ``receipt-service api`` or ``worker`` runs, put together by
``bootstrap``. The places to die are put around it from here: the product holds no code for it, except the worker's
``after``. Death is SIGKILL, sent by the process to itself: nothing is flushed, closed or rolled back.

Orders come as JSON lines on stdin, one answer each on stdout; one child at a time.
"""

import ctypes
import functools
import gc
import json
import os
import random
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Engine, event

from receipt_service import telemetry
from receipt_service.bootstrap import application, event_loop, worker_process
from receipt_service.cli.listening import begin, listen
from receipt_service.config.loading import load
from receipt_service.config.processes import ApiSettings, WorkerSettings
from receipt_service.delivery.channels.email_smtp import SmtpEmail
from receipt_service.delivery.channels.sms_twilio import TwilioSms
from receipt_service.delivery.worker.loop import Worker
from receipt_service.delivery.worker.pace import Pace
from receipt_service.issuance.group_commit import GroupCommit
from receipt_service.storage.issuances import Register

PR_SET_PDEATHSIG = 1
WRITER = "group-commit"
LONGEST_COMMIT_SECONDS = 0.004
Hook = Callable[[str], None]


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(60)  # the signal is on its way, if this thread is not the one that takes it


class Fate:
    """Counts how often points are passed, and dies at the appointed one."""

    def __init__(self, point: str | None, nth: int) -> None:
        self.point = point
        self._left = nth
        self._lock = threading.Lock()

    def __call__(self, point: str) -> None:
        if point == self.point:
            with self._lock:
                self._left -= 1
                if self._left == 0:
                    die()


def arm_issuing(after: Fate) -> None:
    """Put the points of issuing in place: around the hand-over, within the commit, and behind it."""
    hand_over, register = GroupCommit.commit, Register.__call__

    async def commit(self: GroupCommit, issuance: Any) -> bool:
        after("sealed")
        return await hand_over(self, issuance)

    def registered(self: Register, batch: Any) -> list[bool]:
        news = register(self, batch)
        after("after_commit")
        return news

    def before_commit() -> None:
        if threading.current_thread().name == WRITER:
            after("before_commit")
            if after.point == "during_commit":
                threading.Timer(random.uniform(0, LONGEST_COMMIT_SECONDS), after, ["during_commit"]).start()

    def before_statement(_c: Any, _k: Any, statement: str, *_: Any) -> None:
        if statement.lstrip().startswith("WITH record"):  # PostgreSQL commits with the statement
            before_commit()

    GroupCommit.commit = commit  # type: ignore[method-assign]
    Register.__call__ = registered  # type: ignore[method-assign]
    event.listen(Engine, "commit", lambda _: before_commit())
    event.listen(Engine, "before_cursor_execute", before_statement)


class AroundRequests:
    """ASGI: the points before a check is read, before its answer leaves, and behind it."""

    def __init__(self, app: Any, after: Fate) -> None:
        self.app = app
        self.after = after

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or scope["path"] != "/v1/checks":
            await self.app(scope, receive, send)
            return
        self.after("received")
        status = 0

        async def watched(message: Any) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                if status == 201:
                    self.after("before_answer")
            await send(message)
            if message["type"] == "http.response.body" and status == 201:
                self.after("after_answer")

        await self.app(scope, receive, watched)


def run_api(order: dict[str, Any]) -> None:
    after = Fate(order["point"], order["nth"])
    arm_issuing(after)
    settings = load(ApiSettings)
    begin("api", settings)
    app = application.build_application(settings)
    build = app.build_middleware_stack
    app.build_middleware_stack = lambda: AroundRequests(build(), after)  # type: ignore[method-assign]
    listen(app, "127.0.0.1", order["port"], settings)


def arm_sending(after: Fate) -> None:
    """The attempt is on record, the envelope open, the provider not yet asked."""
    for channel in (TwilioSms, SmtpEmail):
        send: Any = channel.send

        def sending(self: Any, dispatch: Any, send: Any = send) -> Any:
            after("before_send")
            return send(self, dispatch)

        channel.send = sending  # type: ignore[method-assign, assignment]


def brisk(pace: Pace) -> Pace:
    """The same worker with a shorter memory; the settings already shorten lease and grace."""
    second = timedelta(seconds=1)
    return replace(pace, follow_after=second / 2, look_again=second * 3, upkeep_every=second / 4, keys_every=second / 4)


def run_worker(order: dict[str, Any]) -> None:
    after = Fate(order["point"], order["nth"])
    arm_sending(after)
    ahead = timedelta(hours=order["hours"])
    put_together = worker_process._pace
    worker_process._pace = lambda settings: brisk(put_together(settings))
    assert Worker.__init__.__kwdefaults__ is not None
    Worker.__init__.__kwdefaults__["clock"] = lambda: datetime.now(UTC) + ahead
    settings = load(WorkerSettings)
    telemetry.forbid_core_dumps()
    telemetry.configure("worker", level=settings.log_level)
    event_loop.run(worker_process.run_worker(settings, after=after))


def become(order: dict[str, Any]) -> None:
    """Be the process that was ordered, in a child just forked."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for stream in (1, 2):
        os.dup2(log, stream)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for name in [name for name in os.environ if name.startswith("RECEIPT_")]:
        del os.environ[name]
    os.environ.update(order["settings"])
    random.seed()
    {"api": run_api, "worker": run_worker}[order["role"]](order)


def spawn(order: dict[str, Any]) -> int:
    child = os.fork()
    if child:
        return child
    status = 1
    with suppress(BaseException):
        try:
            become(order)
            status = 0
        except BaseException:
            traceback.print_exc()
            raise
    os._exit(status)


def ended(child: int, seconds: float) -> int | None:
    """Wait for the child; its exit code, negative for a signal, or None while it lives."""
    end = time.monotonic() + seconds
    while True:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() >= end:
            return None
        time.sleep(0.003)


def main() -> None:
    application.load_law = functools.cache(application.load_law)  # type: ignore[assignment]
    worker_process.load_catalogues = functools.cache(worker_process.load_catalogues)  # type: ignore[assignment]
    application.load_law()
    worker_process.load_catalogues()
    gc.freeze()
    child = 0
    answer: int | None = None
    for line in sys.stdin:
        order = json.loads(line)
        match order["do"]:
            case "start":
                answer = child = spawn(order)
            case "wait":
                answer = ended(child, order["seconds"])
            case "signal":
                os.kill(child, order["number"])
                answer = None
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
