"""An ASGI program on a port of its own, in a thread of the demonstration's process."""

import threading
import time
from types import TracebackType
from typing import Any, Final, Self

import uvicorn

from receipt_service.errors import Unavailable

_START_SECONDS: Final = 10.0


class _QuietServer(uvicorn.Server):
    """uvicorn takes over the process's signals unless told not to; a thread can't."""

    def install_signal_handlers(self) -> None:
        """Leave signals to the main thread."""


class ThreadedServer:
    """Serves ``app`` on loopback while the context lasts."""

    def __init__(self, app: Any, port: int) -> None:
        """``port`` is free, see ``service_processes.free_port``."""
        self.url = f"http://127.0.0.1:{port}"
        self._server = _QuietServer(
            uvicorn.Config(app, host="127.0.0.1", port=port, log_config=None, access_log=False, lifespan="off")
        )
        self._thread = threading.Thread(target=self._server.run, daemon=True, name=f"demo-{port}")

    def __enter__(self) -> Self:
        """Start and wait until it listens. Raises ``Unavailable``."""
        self._thread.start()
        end = time.monotonic() + _START_SECONDS
        while not self._server.started:
            if time.monotonic() > end or not self._thread.is_alive():
                raise Unavailable("a stand-in of the demonstration does not start")
            time.sleep(0.01)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Finish the requests at hand and stop."""
        self._server.should_exit = True
        self._thread.join(_START_SECONDS)
