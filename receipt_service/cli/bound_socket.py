"""An address taken and served until the process is told to end: the same for the service and for a witness."""

import contextlib
import signal
import socket
import types

import uvicorn

from receipt_service import telemetry
from receipt_service.errors import ConfigurationError


def bind(host: str, port: int, *, waiting: int) -> socket.socket:
    """Take the address; ``waiting`` connections may queue. Raises ``ConfigurationError`` when it cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listening = socket.create_server((host, port), family=family, backlog=waiting)
    except OSError as error:
        raise ConfigurationError(f"cannot listen on {host} port {port}: {error.strerror or 'unknown host'}") from None
    telemetry.logger().info("listening", port=listening.getsockname()[1])
    return listening


def serve_until_told(server: uvicorn.Server, listening: socket.socket) -> None:
    """Serve until SIGTERM or SIGINT; ``server.started`` tells afterwards whether it ever did."""
    for number in (signal.SIGTERM, signal.SIGINT):
        # When uvicorn has ended in order it raises the signal again: an end in order is no failure.
        signal.signal(number, _taken_note_of)
    with contextlib.suppress(SystemExit):  # a start that failed: the caller tells it in our words
        server.run(sockets=[listening])


def _taken_note_of(number: int, frame: types.FrameType | None) -> None:
    """Do nothing."""
