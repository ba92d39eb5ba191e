"""The private keys of the sealing epochs: made ahead, kept outside the database, destroyed as soon as may be.

Two folders. ``private`` belongs to the workers alone (mode 0700, files 0600) and is never backed up;
``public`` is shared with the API, which seals to what it finds there. What a crash leaves:

* private half written, public half not: the next run derives the public half and writes it;
* public half without private half (the folder was lost): a new pair takes its place, and messages
  sealed to the old one become dead letters;
* tombstone written, key still there: the next run destroys the key.

The tombstone ``<epoch>.destroyed`` tells a key that we destroyed from one that is missing by mistake,
such as a folder that was not mounted: only the first lets a message expire.
"""

import os
import stat
import time
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from receipt_service.delivery.worker.faults import NO_FAULT, After
from receipt_service.domain import epoch as epochs
from receipt_service.domain.message import LONGEST_WINDOW
from receipt_service.durable_files import sync_folder
from receipt_service.errors import ConfigurationError, ReceiptServiceError
from receipt_service.telemetry import logger

_KEY, _PUBLIC, _TOMBSTONE = ".key", ".pub", ".destroyed"
_TOMBSTONES_KEPT = LONGEST_WINDOW * 10
_STRAY_SECONDS = 60
"""A half-written file older than this is a dead worker's. It is another name of the key's own inode, or of no key."""


class KeyDestroyed(ReceiptServiceError):
    """The epoch's key was destroyed on purpose: what was sealed to it can't be opened by anyone."""


class KeyMissing(ReceiptServiceError):
    """The epoch's key ought to be there and isn't: an operator's matter."""


class EpochKeys:
    """The two folders. Several workers may share them; none needs a lock."""

    def __init__(self, private: Path, public: Path, *, after: After = NO_FAULT) -> None:
        """Make the folders where they are absent.

        Raises:
            ConfigurationError: a folder can't be made or used, or others may read the private one.

        """
        self._private = private
        self._public = public
        self._after = after
        self._opened: dict[str, X25519PrivateKey] = {}
        try:
            private.mkdir(mode=0o700, parents=True, exist_ok=True)
            public.mkdir(mode=0o755, parents=True, exist_ok=True)
            if private.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
                raise ConfigurationError(f"{private}: others may use the epoch keys (chmod 700)")
        except OSError as error:
            raise ConfigurationError(f"the epoch keys' folders can't be used ({error.strerror})") from None

    def prepare(self, now: datetime) -> int:
        """Make the keys of the hours ahead, mend what a crash left, and withdraw public keys of past hours.

        Returns how many pairs were made. Idempotent, and safe beside other workers.
        """
        made = 0
        self._finish_destructions()
        for epoch in epochs.ahead(now):
            if self._tombstone(epoch).exists():
                continue
            if not self._key(epoch).exists():
                made += self._generate(epoch)
            try:
                self._publish(epoch)
            except KeyMissing:
                logger().error("delivery.epoch_key_unusable", epoch=epoch)
        self._withdraw(now)
        return made

    def private_key(self, epoch: str) -> X25519PrivateKey:
        """Return the key that opens what was sealed in ``epoch``.

        Raises:
            KeyDestroyed: it is gone for good.
            KeyMissing: it should be there and isn't, or its file is damaged.

        """
        opened = self._opened.get(epoch)
        if opened is None:
            opened = self._opened[epoch] = self._load(epoch)
        return opened

    def held(self) -> list[str]:
        """Name the epochs whose private key exists, the oldest first."""
        return _epochs_in(self._private, _KEY)

    def destroy(self, epoch: str) -> None:
        """Destroy a private key: overwritten, removed, and both made durable. Repeating it is harmless.

        On copy-on-write and flash storage the overwriting may leave the old block behind; there the
        folder belongs on an encrypted or a memory file system (docs/delivery.md).
        """
        self._opened.pop(epoch, None)
        _write_new(self._tombstone(epoch), b"", mode=0o600)
        sync_folder(self._private)
        self._after("epoch_condemned")
        self._public.joinpath(epochs.public_name(epoch)).unlink(missing_ok=True)
        self._erase(epoch)

    def prune(self, now: datetime) -> None:
        """Forget tombstones older than any message can be, and keys held in memory that others destroyed."""
        for epoch in _epochs_in(self._private, _TOMBSTONE):
            if now > epochs.starts_at(epoch) + _TOMBSTONES_KEPT and not self._key(epoch).exists():
                self._tombstone(epoch).unlink(missing_ok=True)
        for epoch in [epoch for epoch in self._opened if not self._key(epoch).exists()]:
            del self._opened[epoch]

    def _key(self, epoch: str) -> Path:
        return self._private / f"{epoch}{_KEY}"

    def _tombstone(self, epoch: str) -> Path:
        return self._private / f"{epoch}{_TOMBSTONE}"

    def _load(self, epoch: str) -> X25519PrivateKey:
        try:
            epochs.starts_at(epoch)
            if self._tombstone(epoch).exists():
                raise KeyDestroyed(epoch)
            return X25519PrivateKey.from_private_bytes(_read_private(self._key(epoch)))
        except (OSError, ValueError):
            raise KeyMissing(epoch) from None

    def _generate(self, epoch: str) -> bool:
        made = _write_new(self._key(epoch), X25519PrivateKey.generate().private_bytes_raw(), mode=0o600)
        sync_folder(self._private)
        self._after("epoch_key_written")
        return made

    def _publish(self, epoch: str) -> None:
        """Write the public half that belongs to the private one, unless it stands there already."""
        target = self._public / epochs.public_name(epoch)
        public = self._load(epoch).public_key().public_bytes_raw()
        with suppress(FileNotFoundError):
            if target.read_bytes() == public:
                return
        temporary = target.with_name(f".{target.name}.{os.getpid()}")
        temporary.unlink(missing_ok=True)
        _write_new(temporary, public, mode=0o644)
        temporary.replace(target)
        sync_folder(self._public)
        self._after("epoch_published")

    def _withdraw(self, now: datetime) -> None:
        for epoch in _epochs_in(self._public, _PUBLIC):
            if epochs.is_over(epoch, now):
                self._public.joinpath(epochs.public_name(epoch)).unlink(missing_ok=True)

    def _finish_destructions(self) -> None:
        for stray in self._private.glob(".*.new"):
            with suppress(FileNotFoundError):
                if time.time() - stray.stat().st_mtime > _STRAY_SECONDS:
                    stray.unlink()
        for epoch in _epochs_in(self._private, _TOMBSTONE):
            if self._key(epoch).exists():
                self.destroy(epoch)

    def _erase(self, epoch: str) -> None:
        path = self._key(epoch)
        try:
            handle = os.open(path, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except FileNotFoundError:
            return
        try:
            os.write(handle, bytes(max(os.fstat(handle).st_size, epochs.PUBLIC_KEY_BYTES)))
            os.fsync(handle)
        finally:
            os.close(handle)
        self._after("epoch_overwritten")
        path.unlink(missing_ok=True)
        sync_folder(self._private)


def _epochs_in(folder: Path, suffix: str) -> list[str]:
    found = []
    for path in folder.glob(f"*{suffix}"):
        with suppress(ValueError):
            epochs.starts_at(path.name.removesuffix(suffix))
            found.append(path.name.removesuffix(suffix))
    return sorted(found)


def _write_new(path: Path, data: bytes, *, mode: int) -> bool:
    """Create a file with all its bytes or not at all; False when it exists already."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.new")
    temporary.unlink(missing_ok=True)
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
    try:
        os.fchmod(handle, mode)
        os.write(handle, data)
        os.fsync(handle)
    finally:
        os.close(handle)
    try:
        path.hardlink_to(temporary)
    except FileExistsError:
        return False
    finally:
        temporary.unlink()
    return True


def _read_private(path: Path) -> bytes:
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        status = os.fstat(handle)
        if status.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise PermissionError("others may read the epoch key")
        return os.read(handle, 4096)
    finally:
        os.close(handle)
