"""The session key: encrypts supervisors' cookies. Made by the first API process, shared by all, lost without harm.

Whoever deletes it ends every session, and nothing else: supervisors sign in again.
"""

import secrets
from pathlib import Path
from typing import Final

from receipt_service.bootstrap.key_files import create_once, read_private
from receipt_service.crypto.cookie_cipher import KEY_BYTES, CookieCipher
from receipt_service.errors import ConfigurationError

_FILE: Final = "session.key"
_ENCRYPTED: Final = b"-----BEGIN ENCRYPTED"  # no such file is ours: an encrypted one isn't read


def load_or_make_session_key(folder: Path) -> CookieCipher:
    """Read the key, made (mode 0600) if there is none yet.

    Raises ``ConfigurationError`` where the folder can't be used, or others may read the key.
    """
    path = folder / _FILE
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            create_once(path, secrets.token_bytes(KEY_BYTES))
    except OSError as error:
        raise ConfigurationError(f"cannot use {folder}: {error.strerror}") from error
    return CookieCipher(read_private(path, encrypted_marker=_ENCRYPTED))
