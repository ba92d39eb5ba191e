"""The keys behind a repeated request: one lasting key to find the record, one for each hour to rebuild the receipt.

The folder (mode 0700) holds ``lookup.key`` and ``replay-EPOCH.key`` (32 random bytes each, 0600); all API processes
share it. A replay key is made in its hour and destroyed a window (72 h) after the hour's end: overwritten, flushed,
unlinked, and the folder flushed. From then on nobody can rebuild a seed or test a guess about a body, whatever backup
of the database they have; the folder itself must be in no backup.
"""

import os
import secrets
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

from receipt_service.bootstrap.key_files import create_once, read_private, remove_durably
from receipt_service.crypto.derivation import KeyedHash
from receipt_service.domain.epoch import LENGTH, epoch_of, starts_at
from receipt_service.errors import ConfigurationError
from receipt_service.issuance.idempotency import KEY_BYTES, ReplayKey, period_at, period_start

LOOKUP_FILE = "lookup.key"
_PREFIX, _SUFFIX = "replay-", ".key"
_NEVER_ENCRYPTED = b"-----BEGIN ENCRYPTED"


class ReplayKeyFolder:
    """The folder and what of it is in memory; ``issuance.idempotency.ReplayKeys``. Safe between threads."""

    def __init__(self, folder: Path, *, window: timedelta, now: datetime) -> None:
        """Read the folder, or begin it: a new one gets its lookup key.

        Raises ``ConfigurationError`` where it can't be used, where others may read it, or where it has replay keys
        and no lookup key: a new one would take every repeat for a new check.
        """
        self._folder = folder
        self._window = window
        self._keys: dict[int, ReplayKey] = {}
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if folder.stat().st_mode & 0o077:
                raise ConfigurationError(f"{folder}: others may use the replay keys (chmod 700)")
        except OSError as error:
            raise ConfigurationError(f"cannot use {folder}: {error.strerror}") from error
        self.lookup_key = self._lookup_key()
        self.maintain(now)

    def current(self, now: datetime) -> ReplayKey:
        """Give the replay key of this hour, made if it is the first request of the hour."""
        period = period_at(now)
        return self._keys.get(period) or self._load_or_make(period)

    def of_period(self, period: int, now: datetime) -> ReplayKey | None:
        """Give the key of an earlier hour; None once it is destroyed, or due to be."""
        if self._is_over(period, now):
            return None
        key = self._keys.get(period)
        if key is None and self._path(period).exists():
            key = self._keys[period] = ReplayKey(period, self._read(self._path(period)))
        return key

    def maintain(self, now: datetime) -> int:
        """Destroy what is over, on the disk and in this process, and make the next hour's key. Run it every minute.

        Returns how many key files were destroyed. Repeating it is harmless, and so is a crash within it.
        """
        for period in [period for period in self._keys if self._is_over(period, now)]:
            del self._keys[period]
        destroyed = 0
        for path in sorted(self._folder.glob(f"{_PREFIX}*{_SUFFIX}")):
            with suppress(ValueError):
                period = period_at(starts_at(path.name.removeprefix(_PREFIX).removesuffix(_SUFFIX)))
                if self._is_over(period, now):
                    destroyed += _destroy(path)
        for moment in (now, now + LENGTH):
            if period_at(moment) not in self._keys:
                self._load_or_make(period_at(moment))
        return destroyed

    def _is_over(self, period: int, now: datetime) -> bool:
        return now >= period_start(period) + LENGTH + self._window

    def _path(self, period: int) -> Path:
        return self._folder / f"{_PREFIX}{epoch_of(period_start(period))}{_SUFFIX}"

    def _lookup_key(self) -> KeyedHash:
        path = self._folder / LOOKUP_FILE
        if not path.exists() and any(self._folder.glob(f"{_PREFIX}*{_SUFFIX}")):
            raise ConfigurationError(f"{path} is missing beside its replay keys: restore it, repeats depend on it")
        _make(path)
        return KeyedHash(self._read(path))

    def _load_or_make(self, period: int) -> ReplayKey:
        path = self._path(period)
        _make(path)
        key = self._keys[period] = ReplayKey(period, self._read(path))
        return key

    def _read(self, path: Path) -> bytes:
        secret = read_private(path, encrypted_marker=_NEVER_ENCRYPTED)
        if len(secret) != KEY_BYTES:
            raise ConfigurationError(f"{path}: damaged")
        return secret


def _make(path: Path) -> None:
    """Create a key file with all its bytes, unless another process was first."""
    if path.exists():
        return
    try:
        create_once(path, secrets.token_bytes(KEY_BYTES))
    except OSError as error:
        raise ConfigurationError(f"cannot write {path}: {error.strerror}") from error


def _destroy(path: Path) -> bool:
    """Overwrite, flush, remove; False where another process was first."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise ConfigurationError(f"cannot destroy {path}: {error.strerror}") from error
    try:
        os.write(handle, bytes(KEY_BYTES))
        os.fsync(handle)
    finally:
        os.close(handle)
    remove_durably(path)
    return True
