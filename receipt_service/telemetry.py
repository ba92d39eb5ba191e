"""Operational logs that cannot carry an identity: JSON lines on stderr, from an allow-list of fields.

Three gates, because a log is copied to places that nobody remembers:

1. our own events keep only the fields named in ``FIELDS``, and of those only short values made of
   plain identifier characters; the rest is dropped and counted;
2. what other libraries log (twilio prints telephone numbers, aiohttp prints URLs) is reduced to the
   logger's name and level: their text never appears, at no level;
3. an exception is logged as its types and our own stack frames, never its message: a driver's
   message quotes the values it refused.

"The log" alone means the transparency log elsewhere in this program; here we say events.
"""

import contextlib
import ctypes
import logging
import re
import resource
import sys
import threading
import traceback
import types
from collections.abc import Iterator, Mapping, MutableMapping
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, Final, cast

import orjson
import structlog

FIELDS: Final[Mapping[str, str]] = {
    "attempts": "how many attempts a message has had",
    "bound": "a limit that was reached (rows, bytes, requests)",
    "channel": "sms, email, screen, paper, declined",
    "code": "a provider's or the operating system's short code",
    "command": "the sub-command that runs",
    "count": "how many things the event is about",
    "database": "the kind of database: sqlite or postgresql",
    "duration_ms": "how long it took, in milliseconds",
    "epoch": "a sealing epoch, e.g. 2026-11-23T14Z",
    "kid": "a key's public identifier (RFC 7638 thumbprint) or a replay key's name",
    "lag_seconds": "how long the row of a queue that has waited longest has waited, in seconds",
    "message": "a message's own random number, which opens nothing",
    "method": "an HTTP method",
    "migration": "a database migration's identifier",
    "occurrence": "the number of one internal error, also shown to the client",
    "outcome": "how an attempt ended",
    "port": "a TCP port",
    "problem": "the last part of a problem's type",
    "provider": "which provider's client",
    "purpose": "what a key or a task is for",
    "reason": "a stable code from our own code",
    "role": "officer, supervisor, auditor or dpo",
    "route": "a route's template, never a path",
    "setting": "a setting's name, never its value",
    "signal": "a signal's name",
    "state": "a message's state",
    "status": "an HTTP status",
    "version": "the version of the program or of a catalogue",
    "witness": "the name that the log's policy gives a witness",
    "workers": "how many processes",
}
"""The allow-list, with meanings; docs/events.md prints it."""

_MESSAGE_ID_FIELDS: Final = frozenset({"message", "occurrence"})
_EVENT: Final = re.compile(r"[a-z0-9_.]{1,64}")
_VALUE: Final = re.compile(r"[A-Za-z0-9_.:/{}\-]{0,96}")
_TELLTALE: Final = re.compile(r"[0-9]{8}|[0-9A-HJKMNP-TV-Z]{26}")
"""Eight digits in a row may be a telephone number, 26 Crockford letters a receipt number."""
_THUMBPRINT: Final = re.compile(r"[A-Za-z0-9_\-]{43}")
_LEVELS: Final = {"DEBUG": 10, "INFO": 20, "WARNING": 30, "ERROR": 40}
_PACKAGE_FOLDER: Final = str(Path(__file__).resolve().parent)
_PR_SET_DUMPABLE: Final = 4
_MAX_FRAMES: Final = 12
_MAX_CAUSES: Final = 6

Logger = structlog.typing.FilteringBoundLogger


class _Drops:
    """How many fields and events were dropped since the process started."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.total = 0

    def add(self, number: int) -> None:
        with self._lock:
            self.total += number


_drops = _Drops()


def dropped() -> int:
    """Return how many fields this process has refused to log since it started."""
    return _drops.total


def logger() -> Logger:
    """Return the logger of our own events; bind only fields of ``FIELDS`` to it."""
    return cast("Logger", structlog.get_logger())


def _keeps(name: str, value: object) -> bool:
    """Tell whether a field may be written: its name is listed and its value can't be free text."""
    if name not in FIELDS:
        return False
    if name in _MESSAGE_ID_FIELDS and isinstance(value, int):
        return True
    if value is None or isinstance(value, bool | int | float):
        # Telephone numbers are numbers too; nothing we count or time reaches eight digits.
        return value is None or abs(value) < 10_000_000  # noqa: PLR2004
    if not isinstance(value, str) or not _VALUE.fullmatch(value):
        return False
    if name in _MESSAGE_ID_FIELDS or (name == "kid" and _THUMBPRINT.fullmatch(value)):
        return True
    return not _TELLTALE.search(value)


def _own_frames(exception: BaseException) -> Iterator[str]:
    """Yield our own frames as ``module:line``; other people's frames say nothing we need."""
    for frame in traceback.extract_tb(exception.__traceback__)[-40:]:
        if frame.filename.startswith(_PACKAGE_FOLDER):
            module = frame.filename[len(_PACKAGE_FOLDER) + 1 :].removesuffix(".py").replace("/", ".")
            yield f"{module}:{frame.name}:{frame.lineno}"


def describe_exception(exception: BaseException) -> dict[str, Any]:
    """Return the types along the chain of causes and our own frames; never a message or an argument."""
    kinds: list[str] = []
    frames: list[str] = []
    current: BaseException | None = exception
    seen: set[int] = set()
    while current is not None and id(current) not in seen and len(kinds) < _MAX_CAUSES:
        seen.add(id(current))
        kinds.append(f"{type(current).__module__}.{type(current).__qualname__}")
        frames.extend(_own_frames(current))
        current = current.__cause__ or current.__context__
    return {"exception": kinds, "frames": frames[-_MAX_FRAMES:]}


def _allow(_: object, method: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
    """Keep the allowed fields; say how many were dropped."""
    name = event.pop("event", "")
    exc_info = event.pop("exc_info", None)
    kept = {field: value for field, value in event.items() if _keeps(field, value)}
    lost = len(event) - len(kept)
    line: dict[str, Any] = {"at": datetime.now(UTC).isoformat(timespec="milliseconds"), "level": method}
    if isinstance(name, str) and _EVENT.fullmatch(name) and not _TELLTALE.search(name):
        line["event"] = name
    else:
        line["event"], lost = "unnamed", lost + 1
    line.update(kept)
    if exc_info is True:
        exc_info = sys.exc_info()[1]
    elif isinstance(exc_info, tuple):
        exc_info = exc_info[1]
    if isinstance(exc_info, BaseException):
        line.update(describe_exception(exc_info))
    if lost:
        _drops.add(lost)
        line["dropped"] = lost
    return line


class _Writer:
    """One line, one write: lines of several threads never mix."""

    def __init__(self) -> None:
        self.process = "unconfigured"
        self.stream: IO[bytes] | None = None
        self._lock = threading.Lock()

    def write(self, line: Mapping[str, Any]) -> None:
        data = orjson.dumps({**line, "process": self.process}) + b"\n"
        # A closed or full stderr must never fail a request.
        with self._lock, contextlib.suppress(OSError, ValueError, AttributeError):
            stream = self.stream or sys.stderr.buffer
            stream.write(data)
            stream.flush()

    def __call__(self, _: object, __: str, line: Mapping[str, Any]) -> str:
        self.write(line)
        raise structlog.DropEvent


_writer = _Writer()


class _Foreign(logging.Handler):
    """Where every other library's records end: their name and level survive, their text does not."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line about the record; ``handleError`` of the base class would print its arguments."""
        with contextlib.suppress(Exception):
            event: dict[str, Any] = {"event": "foreign", "exc_info": record.exc_info}
            fields = dict(_allow(None, record.levelname.lower(), event))
            fields["logger"] = record.name.split(".", maxsplit=1)[0][:40]
            _writer.write(fields)


def _catch_uncaught() -> None:
    """Replace the interpreter's last-resort printers, which show messages and arguments."""

    def uncaught(_: type[BaseException], exception: BaseException, __: types.TracebackType | None) -> None:
        logger().error("uncaught_exception", exc_info=exception)

    def in_thread(arguments: threading.ExceptHookArgs) -> None:
        if arguments.exc_value is not None and not isinstance(arguments.exc_value, SystemExit):
            uncaught(arguments.exc_type, arguments.exc_value, None)

    def unraisable(arguments: Any) -> None:
        if arguments.exc_value is not None:
            uncaught(arguments.exc_type, arguments.exc_value, None)

    sys.excepthook = uncaught
    threading.excepthook = in_thread
    sys.unraisablehook = unraisable


def _use_level(level: str) -> None:
    structlog.configure(
        processors=[_allow, _writer],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level.upper()]),
        cache_logger_on_first_use=False,
    )


def configure(process: str, *, level: str = "INFO", stream: IO[bytes] | None = None) -> None:
    """Set up events for this process, and take over everything that other code would print.

    ``process`` is one of ``api``, ``worker``, ``serve``…; ``level`` one of DEBUG, INFO, WARNING,
    ERROR and concerns our own events: of other libraries we note WARNING and above.
    """
    _writer.process, _writer.stream = process, stream
    _use_level(level)
    logging.raiseExceptions = False
    logging.captureWarnings(capture=True)
    root = logging.getLogger()
    root.handlers[:] = [_Foreign(logging.WARNING)]
    root.setLevel(logging.WARNING)
    for name in list(logging.root.manager.loggerDict):
        silenced = logging.getLogger(name)
        silenced.handlers.clear()
        silenced.propagate = True
        silenced.setLevel(logging.NOTSET)
    _catch_uncaught()


def forbid_core_dumps() -> None:
    """Leave no memory image behind when the process dies: memory holds identities.

    ``RLIMIT_CORE`` alone does not stop a core that is piped to a collector (core(5)), so on Linux the
    process is also marked as not dumpable, which keeps other users' debuggers out as well.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


# A program that forgot to configure must not fall back on structlog's printer, which shows everything.
_use_level("INFO")
