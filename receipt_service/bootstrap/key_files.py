"""Key files: written atomically and durably, read only when nobody else could have.

A key file that others can read is a leaked key, and one that others can write is somebody else's
key: both are refused, loudly and before anything is signed.
"""

import fcntl
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from receipt_service.durable_files import replace_whole, sync_folder, write_new
from receipt_service.errors import ConfigurationError

_OURS_ALONE: Final = 0o600
_OTHERS_READ: Final = stat.S_IRWXG | stat.S_IRWXO
_OTHERS_WRITE: Final = stat.S_IWGRP | stat.S_IWOTH
_LARGEST: Final = 1 << 20


def write_durably(path: Path, data: bytes) -> None:
    """Replace ``path`` in one step, mode 0600; after a crash it holds the old bytes or the new.

    Raises ``ConfigurationError`` when the folder cannot be written.
    """
    try:
        replace_whole(path, data, _OURS_ALONE)
        sync_folder(path.parent)
    except OSError as error:
        raise ConfigurationError(f"cannot write {path}: {error.strerror}") from error


def create_once(path: Path, data: bytes) -> None:
    """Create ``path`` with all its bytes, mode 0600, unless another process was first: then its file stands.

    Raises ``OSError``.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    write_new(temporary, data, _OURS_ALONE)
    with suppress(FileExistsError):
        path.hardlink_to(temporary)
    temporary.unlink()
    sync_folder(path.parent)


def remove_durably(path: Path) -> None:
    """Remove a file, and make sure that a power cut does not bring it back."""
    try:
        path.unlink(missing_ok=True)
        sync_folder(path.parent)
    except OSError as error:
        raise ConfigurationError(f"cannot remove {path}: {error.strerror}") from error


def read_public(path: Path) -> bytes:
    """Read a file that anyone may read and nobody else may write."""
    return _read(path, forbidden=_OTHERS_WRITE, owner_only=False)


def read_private(path: Path, *, encrypted_marker: bytes) -> bytes:
    """Read a private key: encrypted, or ours alone (owner is this user, mode 0600 or less).

    Raises ``ConfigurationError`` otherwise, and for a symbolic link, which could lead anywhere.
    """
    data = _read(path, forbidden=_OTHERS_WRITE, owner_only=False)
    if encrypted_marker in data:
        return data
    return _read(path, forbidden=_OTHERS_READ, owner_only=True)


@contextmanager
def only_writer(folder: Path) -> Iterator[None]:
    """Hold the folder's lock, so that two commands never change it at once."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if folder.stat().st_mode & _OTHERS_WRITE:
            raise ConfigurationError(f"{folder}: others may write in this folder (chmod 700)")
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise ConfigurationError(f"cannot use {folder}: {error.strerror}") from error
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ConfigurationError(f"{folder}: another command is changing these keys") from error
        yield
    finally:
        os.close(handle)


def _read(path: Path, *, forbidden: int, owner_only: bool) -> bytes:
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise ConfigurationError(f"cannot read {path}: {error.strerror}") from error
    with os.fdopen(handle, "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise ConfigurationError(f"{path}: not a plain file")
        if status.st_mode & forbidden:
            raise ConfigurationError(f"{path}: others may use this file (chmod 600)")
        if owner_only and status.st_uid != os.geteuid():
            raise ConfigurationError(f"{path}: belongs to another user")
        data = file.read(_LARGEST + 1)
    if len(data) > _LARGEST:
        raise ConfigurationError(f"{path}: too large for a key file")
    return data
