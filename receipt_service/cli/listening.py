"""How a process begins and listens, the same for ``api`` and ``serve``."""

import signal
import types
from typing import Any

import click
import uvicorn
from fastapi import FastAPI

from receipt_service import telemetry
from receipt_service.config import ApiSettings, CoreSettings

host_option = click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
port_option = click.option("--port", default=8000, show_default=True, type=click.IntRange(0, 65_535), help="Port.")


def begin(process: str, settings: CoreSettings) -> None:
    """Before anything personal is in memory: no core dumps, and events instead of other people's logs."""
    telemetry.forbid_core_dumps()
    telemetry.configure(process, level=settings.log_level)


def _taken_note_of(number: int, frame: types.FrameType | None) -> None:
    """Do nothing."""


def listen(app: FastAPI | str, host: str, port: int, settings: ApiSettings, **more: Any) -> None:
    """Serve until SIGTERM or SIGINT. No access log: its lines would hold receipt numbers and addresses."""
    for number in (signal.SIGTERM, signal.SIGINT):
        # When uvicorn has ended in order it raises the signal again: an end in order is no failure.
        signal.signal(number, _taken_note_of)
    uvicorn.run(
        app,
        host=host,
        port=port,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=settings.shutdown_grace_seconds,
        ws="none",
        **more,
    )
