"""Checkpoints that a followed log has signed and that were refused: what a log can't deny having said."""

from hashlib import sha256
from pathlib import Path
from typing import Final

from receipt_service.durable_files import replace_whole, sync_folder
from receipt_service.tlog.checkpoint import Checkpoint

_MODE: Final = 0o644
_MOST: Final = {"fork": 1000, "unproven": 100}
"""Files of each kind and log. Anybody can make ``unproven`` ones, by sending a log's newest checkpoint with a proof
that fails; of a ``fork``, only who has the log's key."""


class Evidence:
    """The folder ``evidence``: for each refused checkpoint what was cosigned last, an empty line, and what was refused.

    Both are signed notes as they came, so anybody who has the log's key can check them.
    """

    def __init__(self, folder: Path) -> None:
        """``folder`` is made with the first file."""
        self._folder = folder

    def keep(self, kind: str, refused: Checkpoint, refused_note: bytes, cosigned_note: bytes) -> bool:
        """Write one down; ``False`` when it is there already or there are too many. Raises ``OSError``."""
        log = f"{kind}-{sha256(refused.origin.encode()).hexdigest()[:16]}"
        path = self._folder / f"{log}-{refused.size}-{refused.root.hex()[:16]}"
        self._folder.mkdir(mode=0o755, parents=True, exist_ok=True)
        if path.exists() or sum(1 for _ in self._folder.glob(f"{log}-*")) >= _MOST[kind]:
            return False
        replace_whole(path, cosigned_note + b"\n" + refused_note, _MODE)
        sync_folder(self._folder)
        return True

    def count(self, kind: str) -> int:
        """Count the files of a kind."""
        return sum(1 for _ in self._folder.glob(f"{kind}-*"))
