"""The log's keys, and beside them the record of what they signed last.

``ed25519.seed`` and ``ml-dsa-44.seed`` hold the 32 bytes that each key grows from; ``origin`` holds the name that the
log has for ever. ``last-signed`` is the newest checkpoint that was signed, without its signatures: would-be sequencers
share this folder and lock it, so that one signs at a time, and each holds the next tree against it.
"""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from receipt_service.bootstrap.key_files import only_writer, read_public, write_durably
from receipt_service.bootstrap.seed_files import make_seed, read_seed
from receipt_service.crypto.note_signing import Ed25519Signer, MlDsa44Signer
from receipt_service.errors import ConfigurationError, Unavailable
from receipt_service.tlog.checkpoint import Checkpoint, parse_checkpoint
from receipt_service.tlog.notation import MalformedLogText
from receipt_service.tlog.note import SignatureType, VerifierKey
from receipt_service.transparency.checkpoints import CheckpointKey, CheckpointSigner

_ORIGIN: Final = "origin"
_LAST: Final = "last-signed"
_SIGNERS: Final[dict[str, tuple[SignatureType, Callable[[bytes], Ed25519Signer | MlDsa44Signer]]]] = {
    "ed25519.seed": (SignatureType.ED25519, Ed25519Signer),
    "ml-dsa-44.seed": (SignatureType.COSIGNATURE_ML_DSA_44, MlDsa44Signer),
}


def origin_of(public_url: str) -> str:
    """Name the log by its address without the scheme (C2SP tlog-tiles, Parameters)."""
    parts = urlsplit(public_url)
    return f"{parts.netloc}{parts.path}/log"


def has_log_keys(folder: Path) -> bool:
    """Say whether the folder holds a log's keys."""
    return (folder / _ORIGIN).exists()


def make_log_keys(folder: Path, origin: str) -> CheckpointSigner:
    """Make the keys, mode 0600. Raises ``ConfigurationError`` when there are some: a log keeps its keys."""
    with only_writer(folder):
        if has_log_keys(folder):
            raise ConfigurationError(f"{folder} already has the keys of a log; a log keeps its keys")
        for name in _SIGNERS:
            make_seed(folder / name)
        write_durably(folder / _ORIGIN, f"{origin}\n".encode())
    return load_log_keys(folder)


def load_log_keys(folder: Path) -> CheckpointSigner:
    """Read the keys. Raises ``ConfigurationError`` when there are none, one is damaged, or others may read it."""
    origin = read_origin(folder)
    keys = []
    for name, (kind, signer_of) in _SIGNERS.items():
        signer = signer_of(read_seed(folder / name))
        keys.append(CheckpointKey(VerifierKey(origin, kind, signer.public_key), signer.sign))
    return CheckpointSigner(keys)


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
