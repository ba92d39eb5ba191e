"""API and delivery worker in one process, each on its own event loop, and the log: how the embedded service runs."""

import asyncio
import threading
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from fastapi import APIRouter, FastAPI
from sqlalchemy import Engine

from receipt_service.bootstrap import event_loop
from receipt_service.bootstrap.application import ApiProcess
from receipt_service.bootstrap.law import load_law
from receipt_service.bootstrap.log import log_beside
from receipt_service.bootstrap.log_proofs import proofs_in
from receipt_service.bootstrap.statistics import folding_beside
from receipt_service.bootstrap.worker_process import build_worker
from receipt_service.config.processes import EmbeddedSettings
from receipt_service.delivery import heartbeat
from receipt_service.storage.engine import open_engine
from receipt_service.web.app import create_app

if TYPE_CHECKING:
    from receipt_service.delivery.worker.loop import Worker


class EmbeddedWorker:
    """A worker in a thread of its own, with its own event loop, so that setting a PDF never delays a request."""

    def __init__(self, settings: EmbeddedSettings, engine: Engine) -> None:
        self._settings = settings
        self._engine = engine
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._worker: Worker | None = None
        self._fault: Exception | None = None
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._run, name="delivery-worker", daemon=True)

    def start(self) -> None:
        """Start the thread; return once its keys are there. Raises ``ConfigurationError``."""
        self._thread.start()
        self._started.wait()
        if self._fault is not None:
            raise self._fault

    def stop(self) -> None:
        """Let the worker finish what is in hand, and end the thread."""
        if self._loop is not None and self._stop is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join()

    def wake(self) -> None:
        """Tell the worker that there is a message."""
        if self._worker is not None:
            self._worker.wake()

    @property
    def is_alive(self) -> bool:
        """Whether the thread runs and gave a sign of life lately."""
        return self._thread.is_alive() and heartbeat.is_alive(self._settings.sealing_keys, datetime.now(UTC))

    def _run(self) -> None:
        event_loop.run(self._main())

    async def _main(self) -> None:
        with ExitStack() as beside:
            try:
                self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
                self._worker = build_worker(
                    self._settings, self._engine, proof_of=proofs_in(self._settings.log, self._engine)
                )
                beside.enter_context(folding_beside(self._settings, self._engine))
                beside.enter_context(log_beside(self._settings, self._engine))
            except Exception as error:  # noqa: BLE001 - raised again by start, in the thread that asked
                self._fault = error
                return
            finally:
                self._started.set()
            await self._worker.run(self._stop)


def build_embedded(settings: EmbeddedSettings, *pages: APIRouter) -> FastAPI:
    """Build the API with a worker beside it; ``pages`` are more routers. Raises ``ConfigurationError``."""
    engine = open_engine(settings.database, pool_size=settings.database_connections)
    worker = EmbeddedWorker(settings, engine)
    return create_app(ApiProcess(settings, load_law(), engine, worker).services, *pages)
