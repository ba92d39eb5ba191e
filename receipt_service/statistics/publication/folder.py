"""The folder that is published: written beside its place, durably, and put into it by one rename."""

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from receipt_service.durable_files import sync_folder, write_new
from receipt_service.errors import ConfigurationError, Unavailable


def published_folder(root: Path, period: str) -> Path:
    """Return where a quarter's files are once they are published."""
    return root / period


def draft_folder(root: Path, period: str) -> Path:
    """Return where they are before: hidden, and never served."""
    return root / f".{period}.draft"


@contextmanager
def only_publisher(root: Path) -> Iterator[None]:
    """Hold the lock of the open data's folder, made if need be.

    Raises ``Unavailable`` while another command publishes, ``ConfigurationError`` when the folder can't be used.
    """
    try:
        root.mkdir(mode=0o755, parents=True, exist_ok=True)
        handle = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise ConfigurationError(f"cannot use {root}: {error.strerror}") from error
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Unavailable(f"{root}: another command is publishing") from error
        yield
    finally:
        os.close(handle)


def write_draft(root: Path, period: str, files: Mapping[str, bytes]) -> None:
    """Write the files one after the other, each on the disk before the next begins.

    So where the last one is whole, all are. Raises ``ConfigurationError`` when one can't be written.
    """
    draft = draft_folder(root, period)
    try:
        draft.mkdir(mode=0o755)
        for name, content in files.items():
            write_new(draft / name, content, 0o644)
        sync_folder(draft)
        sync_folder(root)
    except OSError as error:
        raise ConfigurationError(f"cannot write {draft}: {error.strerror}") from error


def read_files(folder: Path) -> dict[str, bytes]:
    """Read all files of a folder, hidden ones included; nothing when there is none. No folder below it is entered.

    Raises ``ConfigurationError`` when one can't be read.
    """
    try:
        return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise ConfigurationError(f"cannot read {folder}: {error.strerror}") from error


def put_in_place(root: Path, period: str) -> Path:
    """Rename the draft to what is served, and make that last. Raises ``ConfigurationError``."""
    place = published_folder(root, period)
    try:
        draft_folder(root, period).rename(place)
        sync_folder(root)
    except OSError as error:
        raise ConfigurationError(f"cannot put {place} in its place: {error.strerror}") from error
    return place
