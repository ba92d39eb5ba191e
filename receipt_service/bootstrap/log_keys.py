"""The log's keys, and beside them the record of what they signed last.

``ed25519.seed`` and ``ml-dsa-44.seed`` hold the 32 bytes that each key grows from; ``origin`` holds the name that the
log has for ever. ``last-signed`` is the newest checkpoint that was signed, without its signatures: would-be sequencers
share this folder and lock it, so that one signs at a time, and each holds the next tree against it.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from receipt_service.bootstrap.key_files import only_writer, read_public, write_durably
from receipt_service.bootstrap.seed_files import load_signing_keys, make_seeds
from receipt_service.errors import ConfigurationError, Unavailable
from receipt_service.tlog.checkpoint import Checkpoint, parse_checkpoint
from receipt_service.tlog.notation import MalformedLogText
from receipt_service.tlog.note import SignatureType
from receipt_service.transparency.checkpoints import CheckpointSigner

_ORIGIN: Final = "origin"
_LAST: Final = "last-signed"


def has_log_keys(folder: Path) -> bool:
    """Say whether the folder holds a log's keys."""
    return (folder / _ORIGIN).exists()


def make_log_keys(folder: Path, origin: str) -> CheckpointSigner:
    """Make the keys, mode 0600. Raises ``ConfigurationError`` when there are some: a log keeps its keys."""
    with only_writer(folder):
        if has_log_keys(folder):
            raise ConfigurationError(f"{folder} already has the keys of a log; a log keeps its keys")
        make_seeds(folder)
        write_durably(folder / _ORIGIN, f"{origin}\n".encode())
    return load_log_keys(folder)


def load_log_keys(folder: Path) -> CheckpointSigner:
    """Read the keys. Raises ``ConfigurationError`` when there are none, one is damaged, or others may read it."""
    return CheckpointSigner(load_signing_keys(folder, read_origin(folder), ed25519=SignatureType.ED25519))


def read_origin(folder: Path) -> str:
    """Read the log's name. Raises ``ConfigurationError`` when there are no keys."""
    if not has_log_keys(folder):
        raise ConfigurationError(f"{folder} holds no keys of a log; use: receipt-service keys log")
    return read_public(folder / _ORIGIN).decode().strip()


class LastSignedFile:
    """``last-signed`` in the folder of the keys; ``transparency.publishing.LastSigned``."""

    def __init__(self, folder: Path) -> None:
        """``folder`` is that of the keys."""
        self._folder = folder

    @contextmanager
    def held(self) -> Iterator[None]:
        """Lock the folder. Raises ``Unavailable`` while another process holds it."""
        handle = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise Unavailable("another process is publishing the log") from None
            yield
        finally:
            os.close(handle)

    def read(self) -> Checkpoint | None:
        """Return the checkpoint signed last; ``None`` before the first. Raises ``ConfigurationError``."""
        path = self._folder / _LAST
        if not path.exists():
            return None
        try:
            return parse_checkpoint(read_public(path).decode())
        except (MalformedLogText, UnicodeDecodeError):
            raise ConfigurationError(f"{path}: not a checkpoint") from None

    def write(self, checkpoint: Checkpoint) -> None:
        """Replace it, and return once it is on the disk."""
        write_durably(self._folder / _LAST, checkpoint.text.encode())
