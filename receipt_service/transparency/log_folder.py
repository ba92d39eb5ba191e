"""The log's folder: tiles, entry bundles and checkpoints as files, laid out as a web server can serve them.

What a checkpoint covers is on the disk before the checkpoint is: files are written aside, made durable and put into
their place in one step. A tile's file never changes; only checkpoints and the policy are replaced.
"""

import fcntl
import os
import shutil
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Final

from receipt_service.durable_files import replace_whole, sync_folder
from receipt_service.errors import ReceiptServiceError, Unavailable
from receipt_service.tlog.checkpoint import parse_checkpoint
from receipt_service.tlog.notation import MalformedLogText
from receipt_service.tlog.note import parse_note
from receipt_service.tlog.tiles import WIDTH, Tile

CHECKPOINT: Final = "checkpoint"
"""The newest one (C2SP tlog-tiles, Checkpoints)."""
WITNESSED: Final = "checkpoint.witnessed"
"""The newest one that enough witnesses cosigned."""
ANCHOR: Final = "checkpoint.anchor"
"""The newest one that is kept for good (``anchors.AnchorKeeper``): what receipts name as the tree before them."""
POLICY: Final = "policy"
"""What the log proposes to whoever trusts it: its keys, its witnesses, their quorum (C2SP tlog-policy)."""
_MODE: Final = 0o644
_WRITERS: Final = 8


class TileDiffers(ReceiptServiceError):
    """A file of the log would have to change: something is wrong with the folder or with the database."""


class LogFolder:
    """The files of one log. Any number of readers; one process writes at a time."""

    def __init__(self, root: Path) -> None:
        """``root`` is made when something is first written."""
        self._root = root

    def read(self, path: str) -> bytes | None:
        """Read a file by its path below the log's address; ``None`` where there is none.

        The path is one that this program wrote itself (``Tile.path``) or a checkpoint: never a reader's.
        """
        try:
            return (self._root / path).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None

    def read_tile(self, tile: Tile) -> bytes:
        """Read a tile or bundle, or where it has grown meanwhile, a wider one of its place, which begins like it.

        Raises ``Unavailable`` when none is there.
        """
        found = self.read(tile.path)
        if found is None and tile.width < WIDTH:
            found = self.read(tile.full.path)
        if found is None:
            widths = sorted(self._widths(tile), reverse=True)
            found = self.read(Tile(tile.level, tile.index, widths[0]).path) if widths else None
        if found is None:
            raise Unavailable(f"the log's folder lacks {tile.path}")
        return found

    def _widths(self, tile: Tile) -> list[int]:
        """List the wider partial forms of a tile: a folder that was written anew has the last ones alone."""
        try:
            names = [path.name for path in (self._root / f"{tile.full.path}.p").iterdir()]
        except (FileNotFoundError, NotADirectoryError):
            return []
        return [int(name) for name in names if name.isdecimal() and int(name) >= tile.width]

    def write_tiles(self, tiles: Iterable[tuple[Tile, bytes]]) -> None:
        """Write tiles and bundles, and return once they are on the disk; one that is there stays as it is.

        Raises ``TileDiffers`` for one that is there and is another, and ``OSError``.
        """
        new: list[tuple[Path, bytes]] = []
        folders: set[Path] = set()
        for tile, content in tiles:
            path = self._root / tile.path
            if path.parent not in folders:
                self._make_folder(path.parent)
                folders.add(path.parent)
            there = self.read(tile.path)
            if there is None:
                new.append((path, content))
            elif there != content:
                raise TileDiffers(f"{tile.path} is there and holds something else")
        with ThreadPoolExecutor(_WRITERS) as writers:  # a disk takes several at once in the time of one
            list(writers.map(lambda file: replace_whole(file[0], file[1], _MODE), new))
            list(writers.map(sync_folder, folders))

    def write_checkpoint(self, name: str, note: bytes) -> None:
        """Put a checkpoint, or the policy, in the place of the one before it, for good. Raises ``OSError``."""
        self.replace_checkpoint(name, note, lambda _: True)

    def replace_checkpoint(self, name: str, note: bytes, may_replace: Callable[[bytes | None], bool]) -> bool:
        """Put a checkpoint in the place of one that may be replaced, and say whether it was. Raises ``OSError``.

        ``may_replace`` is asked with the one that is there, and no thread or process writes a checkpoint of this
        folder between the question and the end: publisher and witnesses' cosignatures meet here.
        """
        self._make_folder(self._root)
        handle = os.open(self._root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            if not may_replace(self.read(name)):
                return False
            replace_whole(self._root / name, note, _MODE)
            sync_folder(self._root)
        finally:
            os.close(handle)
        return True

    def drop_partials(self, tiles: Iterable[Tile]) -> None:
        """Remove the partial forms of tiles that are full (tlog-tiles allows it). A crash on the way is no harm."""
        for tile in tiles:
            if tile.width == WIDTH:
                with suppress(FileNotFoundError):
                    shutil.rmtree(self._root / f"{tile.path}.p")

    def _make_folder(self, folder: Path) -> None:
        """Make a folder, and each one above it, durably."""
        missing = []
        while not folder.is_dir():
            missing.append(folder)
            folder = folder.parent
        for each in reversed(missing):
            each.mkdir(exist_ok=True)
            sync_folder(each.parent)


def size_of(note: bytes | None) -> int:
    """Return the size of a checkpoint as it lies here; below every other where there is none that can be read."""
    try:
        return -1 if note is None else parse_checkpoint(parse_note(note).text).size
    except MalformedLogText:
        return -1
