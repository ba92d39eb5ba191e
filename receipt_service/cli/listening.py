"""How a process begins and listens, the same for ``api`` and ``serve``."""

from typing import Any

import click
import uvicorn
from fastapi import FastAPI
from uvicorn.supervisors import Multiprocess

from receipt_service import telemetry
from receipt_service.bootstrap import memory
from receipt_service.cli.bound_socket import bind, serve_until_told
from receipt_service.config.processes import ApiSettings
from receipt_service.environment import CoreSettings
from receipt_service.errors import ReceiptServiceError, Unavailable

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


def listen(app: FastAPI, host: str, port: int, settings: ApiSettings) -> None:
    """Serve in this process until SIGTERM or SIGINT.

    Raises ``ConfigurationError`` when the address cannot be had, and what kept the application from starting.
    """
    listening = bind(host, port, waiting=_WAITING_CONNECTIONS)
    memory.settle()
    server = uvicorn.Server(_config(app, settings))
    serve_until_told(server, listening)
    fault: ReceiptServiceError | None = getattr(app.state, "start_fault", None)
    if fault is not None:
        raise fault
    if not server.started:
        raise Unavailable("the service did not start; its events say why")


def listen_with_workers(factory: str, host: str, port: int, settings: ApiSettings, workers: int) -> None:
    """Serve in several processes on one address; each builds its own application by ``factory``."""
    listening = bind(host, port, waiting=_WAITING_CONNECTIONS)
    listening.set_inheritable(True)
    config = _config(factory, settings, factory=True, workers=workers)
    Multiprocess(config, sockets=[listening]).run()
