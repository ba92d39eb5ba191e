"""The seeds that keys of notes grow from, as files: 32 bytes in base64, readable by their owner alone."""

from pathlib import Path
from typing import Final

from receipt_service.bootstrap.key_files import create_once, read_private
from receipt_service.crypto.note_signing import new_seed
from receipt_service.errors import ConfigurationError
from receipt_service.tlog.notation import MalformedLogText, base64, from_base64

_ENCRYPTED: Final = b"-----BEGIN ENCRYPTED"  # no such file is ours: an encrypted one isn't read


def make_seed(path: Path) -> None:
    """Draw a seed and write it, mode 0600, unless there is one. Raises ``ConfigurationError``."""
    try:
        create_once(path, base64(new_seed()).encode() + b"\n")
    except OSError as error:
        raise ConfigurationError(f"cannot write {path}: {error.strerror}") from error


def read_seed(path: Path) -> bytes:
    """Read a seed. Raises ``ConfigurationError`` when it is missing or damaged, or others may read it."""
    data = read_private(path, encrypted_marker=_ENCRYPTED)
    try:
        return from_base64(data.decode("ascii").removesuffix("\n"))
    except (MalformedLogText, UnicodeDecodeError):
        raise ConfigurationError(f"{path}: not a private key") from None
