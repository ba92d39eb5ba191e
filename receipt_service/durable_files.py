"""Files that no crash can tear: written aside, made durable, and put into their place in one step.

Bytes and paths only: who may read a file, and what its absence means, is for whoever keeps it.
"""

import os
from pathlib import Path


def write_new(path: Path, content: bytes, mode: int) -> None:
    """Create a file, and return once its bytes are on the disk. Raises ``FileExistsError``, and other ``OSError``."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def replace_whole(path: Path, content: bytes, mode: int) -> None:
    """Put a file in the place of the one before it: after a crash there is the old one or the new.

    That it is the new one is certain once the folder is synchronised (``sync_folder``), which may wait for others of
    the same folder. One writer at a time. Raises ``OSError``.
    """
    aside = path.with_name(f".{path.name}.new")
    aside.unlink(missing_ok=True)
    write_new(aside, content, mode)
    aside.replace(path)


def sync_folder(folder: Path) -> None:
    """Make what was created, renamed and removed in a folder durable. Raises ``OSError``."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
