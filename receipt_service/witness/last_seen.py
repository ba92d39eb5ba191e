"""What the witness has seen last of each log: one small file for each, durable before anybody is answered.

The whole worth of a witness is in these files. One that is missing, damaged or another log's stops the witness for
that log: to begin anew would be to forget, and a log could then have a second history cosigned. So the record of a
log that was never seen is a file too, made when the log is added.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

from receipt_service.durable_files import replace_whole, sync_folder
from receipt_service.errors import ReceiptServiceError
from receipt_service.tlog.checkpoint import Checkpoint, parse_checkpoint
from receipt_service.tlog.merkle import EMPTY_ROOT
from receipt_service.tlog.notation import MalformedLogText, read_number
from receipt_service.tlog.note import parse_note

_DIGEST, _ORIGIN, _COSIGNED = "sha256 ", "origin ", "cosigned "
_HEAD_LINES: Final = 3
_MODE: Final = 0o644
_LARGEST: Final = 1 << 21


class RecordDamaged(ReceiptServiceError):
    """What the witness has seen of a log is not known any more: it cosigns nothing of that log."""


@dataclass(frozen=True, slots=True)
class Seen:
    """The newest checkpoint that was cosigned of one log."""

    checkpoint: Checkpoint
    """Of size 0 where nothing was cosigned yet."""
    time: int
    """POSIX seconds of the cosignature; 0 before the first."""
    note: bytes
    """The checkpoint with the log's signatures and the witness's; empty before the first."""


class Turn:
    """The time in which nobody else changes the record of one log."""

    def __init__(self, path: Path, seen: Seen) -> None:
        self._path = path
        self.seen = seen

    def replace(self, seen: Seen) -> None:
        """Put a newer checkpoint in the record's place, and return once it is on the disk.

        Raises ``RecordDamaged`` for one of another log, or that would go back in size or time, and ``OSError``.
        """
        before = self.seen
        if seen.checkpoint.origin != before.checkpoint.origin:
            raise RecordDamaged("a record stays its log's")
        if seen.checkpoint.size < before.checkpoint.size or seen.time < before.time:
            raise RecordDamaged("a record never goes back")
        _write(self._path, _format(seen))
        self.seen = seen


class LastSeen:
    """The records of one witness, safe between threads and between processes that share the folder."""

    def __init__(self, folder: Path) -> None:
        """``folder`` is made when a log is added. Never put back from a copy: the copy is older."""
        self._folder = folder

    def begin(self, origin: str) -> None:
        """Make the record of a log that is followed from now on. One that is there stays as it is."""
        self._folder.mkdir(mode=0o755, parents=True, exist_ok=True)
        path = self._path(origin)
        with _locked(path):
            if not path.exists():
                _write(path, _format(Seen(Checkpoint(origin, 0, EMPTY_ROOT), 0, b"")))

    def read(self, origin: str) -> Seen:
        """Return what was seen last. Raises ``RecordDamaged``."""
        return _read(self._path(origin), origin)

    @contextmanager
    def turn(self, origin: str) -> Iterator[Turn]:
        """Keep everybody else from a log's record, and wait for whoever has it. Raises ``RecordDamaged``."""
        path = self._path(origin)
        with _locked(path):
            yield Turn(path, _read(path, origin))

    def _path(self, origin: str) -> Path:
        return self._folder / sha256(origin.encode()).hexdigest()


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    # Beside the record and not the record itself, which is replaced while it is locked.
    try:
        handle = os.open(path.with_suffix(".lock"), os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, _MODE)
    except OSError as error:
        raise RecordDamaged(f"cannot lock {path.name}: {error.strerror}") from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _format(seen: Seen) -> bytes:
    head = f"{_ORIGIN}{seen.checkpoint.origin}\n{_COSIGNED}{seen.time}\n"
    body = head.encode() + seen.note
    return f"{_DIGEST}{sha256(body).hexdigest()}\n".encode() + body


def _read(path: Path, origin: str) -> Seen:
    try:
        with path.open("rb") as file:
            whole = file.read(_LARGEST + 1)
    except OSError as error:
        raise RecordDamaged(f"the record {path.name} of a followed log: {error.strerror}") from error
    digest, _, body = whole.partition(b"\n")
    if digest != f"{_DIGEST}{sha256(body).hexdigest()}".encode():
        raise RecordDamaged(f"the record {path.name} is not as it was written")
    try:
        return _parse(body, origin)
    except (MalformedLogText, ValueError) as error:
        raise RecordDamaged(f"the record {path.name} cannot be read") from error


def _parse(body: bytes, origin: str) -> Seen:
    """Read a record's lines. Raises ``ValueError`` and ``MalformedLogText``."""
    named, cosigned, note = body.split(b"\n", _HEAD_LINES - 1)
    if named.decode() != f"{_ORIGIN}{origin}":
        raise MalformedLogText("another log's record")
    time = read_number(cosigned.decode().removeprefix(_COSIGNED))
    if not note:
        return Seen(Checkpoint(origin, 0, EMPTY_ROOT), time, note)
    checkpoint = parse_checkpoint(parse_note(note).text)
    if checkpoint.origin != origin:
        raise MalformedLogText("another log's checkpoint")
    return Seen(checkpoint, time, note)


def _write(path: Path, content: bytes) -> None:
    replace_whole(path, content, _MODE)
    sync_folder(path.parent)
