"""How a process begins and listens, the same for ``api`` and ``serve``."""

import contextlib
import signal
import socket
import types
from typing import Any

import click
import uvicorn
from fastapi import FastAPI
from uvicorn.supervisors import Multiprocess

from receipt_service import telemetry
from receipt_service.bootstrap import memory
from receipt_service.config.processes import ApiSettings
from receipt_service.environment import CoreSettings
from receipt_service.errors import ConfigurationError, ReceiptServiceError, Unavailable

_WAITING_CONNECTIONS = 2048

host_option = click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
port_option = click.option("--port", default=8000, show_default=True, type=click.IntRange(0, 65_535), help="Port.")


def begin(process: str, settings: CoreSettings) -> None:
    """Before anything personal is in memory: no core dumps, and events instead of other people's logs."""
    telemetry.forbid_core_dumps()
    telemetry.configure(process, level=settings.log_level)


def _config(app: FastAPI | str, settings: ApiSettings, **more: Any) -> uvicorn.Config:
    """Set uvicorn up. No access log: its lines would hold receipt numbers and addresses."""
    return uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=settings.shutdown_grace_seconds,
        ws="none",
        **more,
    )


def _bound(host: str, port: int) -> socket.socket:
    """Take the address; whoever asked for it is told when it cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listening = socket.create_server((host, port), family=family, backlog=_WAITING_CONNECTIONS)
    except OSError as error:
        raise ConfigurationError(f"cannot listen on {host} port {port}: {error.strerror or 'unknown host'}") from None
    listening.set_inheritable(True)
    telemetry.logger().info("listening", port=listening.getsockname()[1])
    return listening


def _taken_note_of(number: int, frame: types.FrameType | None) -> None:
    """Do nothing."""


def listen(app: FastAPI, host: str, port: int, settings: ApiSettings) -> None:
    """Serve in this process until SIGTERM or SIGINT.

    Raises ``ConfigurationError`` when the address cannot be had, and what kept the application from starting.
    """
    listening = _bound(host, port)
    for number in (signal.SIGTERM, signal.SIGINT):
        # When uvicorn has ended in order it raises the signal again: an end in order is no failure.
        signal.signal(number, _taken_note_of)
    memory.settle()
    server = uvicorn.Server(_config(app, settings))
    with contextlib.suppress(SystemExit):  # a start that failed: told below, in our words
        server.run(sockets=[listening])
    fault: ReceiptServiceError | None = getattr(app.state, "start_fault", None)
    if fault is not None:
        raise fault
    if not server.started:
        raise Unavailable("the service did not start; its events say why")


def listen_with_workers(factory: str, host: str, port: int, settings: ApiSettings, workers: int) -> None:
    """Serve in several processes on one address; each builds its own application by ``factory``."""
    listening = _bound(host, port)
    config = _config(factory, settings, factory=True, workers=workers)
    Multiprocess(config, sockets=[listening]).run()
