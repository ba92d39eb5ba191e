"""What a monitor remembers beside its mirror: when it last saw something new, and checkpoints that contradict."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from receipt_service.durable_files import replace_whole, sync_folder
from receipt_service.errors import ConfigurationError

_SEEN: Final = "seen-at"
_EVIDENCE: Final = "evidence"
_MODE: Final = 0o644


class FolderMemory:
    """Two things in the folder of a mirror; neither is part of what is served."""

    def __init__(self, folder: Path) -> None:
        """``folder`` is made when something is first kept."""
        self._folder = folder

    def seen_at(self) -> datetime | None:
        """Return when something new was last seen. Raises ``ConfigurationError`` for a file that says no time."""
        try:
            return datetime.fromisoformat((self._folder / _SEEN).read_text("ascii").strip()).astimezone(UTC)
        except FileNotFoundError:
            return None
        except ValueError as error:
            raise ConfigurationError(f"{self._folder / _SEEN}: not a time") from error

    def note_seen(self, now: datetime) -> None:
        """Remember a time, durably."""
        self._write(self._folder / _SEEN, f"{now.isoformat()}\n".encode("ascii"))

    def keep_evidence(self, name: str, note: bytes) -> None:
        """Keep a checkpoint; one of that name that is there stays."""
        path = self._folder / _EVIDENCE / name
        if not path.exists():
            self._write(path, note)

    def evidence(self) -> list[Path]:
        """Return what was kept."""
        return sorted((self._folder / _EVIDENCE).glob("*.checkpoint"))

    def _write(self, path: Path, content: bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_whole(path, content, _MODE)
        sync_folder(path.parent)
