"""Secrets that a browser keeps for us: AES-256-GCM, so that neither it nor anybody else can read or change them."""

import secrets
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from receipt_service.errors import ConfigurationError

KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12


class CookieCipher:
    """Encrypts and decrypts under one key. Nonces are random: good for 2^32 cookies under one key."""

    def __init__(self, key: bytes) -> None:
        """Take 32 bytes; raises ``ConfigurationError`` for any other number."""
        if len(key) != KEY_BYTES:
            raise ConfigurationError(f"a session key has {KEY_BYTES} bytes")
        self._cipher = AESGCM(key)

    def encrypt(self, plaintext: bytes, purpose: bytes) -> bytes:
        """Encrypt; only the same ``purpose`` opens it, so that one cookie cannot stand in for another."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, plaintext, purpose)

    def decrypt(self, ciphertext: bytes, purpose: bytes) -> bytes | None:
        """Decrypt; None for whatever was not encrypted under this key for this purpose."""
        nonce, rest = ciphertext[:_NONCE_BYTES], ciphertext[_NONCE_BYTES:]
        try:
            return self._cipher.decrypt(nonce, rest, purpose)
        except (InvalidTag, ValueError):
            return None
