"""The statistics key: made once, never anew, read by nobody but the process that folds."""

import secrets
from pathlib import Path
from typing import Final

from receipt_service.bootstrap.key_files import only_writer, read_private, write_durably
from receipt_service.domain.canonical import base64url, from_base64url
from receipt_service.errors import ConfigurationError, MalformedReceipt
from receipt_service.statistics.record_keys import KEY_BYTES, RecordKeys

_FILE: Final = "record.key"
_ENCRYPTED: Final = b"-----BEGIN ENCRYPTED"  # no such file is ours: an encrypted one isn't read


def has_statistics_key(folder: Path) -> bool:
    """Say whether the folder holds a statistics key."""
    return (folder / _FILE).exists()


def make_statistics_key(folder: Path) -> None:
    """Make the key, mode 0600. Raises ``ConfigurationError`` when there is one: it is never made anew."""
    with only_writer(folder):
        if has_statistics_key(folder):
            raise ConfigurationError(f"{folder} already has a statistics key; it is never made anew")
        write_durably(folder / _FILE, base64url(secrets.token_bytes(KEY_BYTES)).encode() + b"\n")


def load_record_keys(folder: Path) -> RecordKeys:
    """Read the key. Raises ``ConfigurationError`` when there is none, it is damaged, or others may read it."""
    path = folder / _FILE
    if not has_statistics_key(folder):
        raise ConfigurationError(f"{folder} holds no statistics key; use: receipt-service keys statistics")
    try:
        return RecordKeys(from_base64url(read_private(path, encrypted_marker=_ENCRYPTED).decode("ascii").strip()))
    except (MalformedReceipt, UnicodeDecodeError):
        raise ConfigurationError(f"{path}: not a statistics key") from None
