"""HMAC-SHA256 (RFC 2104) under keys that stay, and HKDF-SHA256 (RFC 5869) on it. Bytes in, bytes out.

A key's two blocks are hashed once, then copied for each message: half the cost of ``hmac.digest``, which also lets
go of the interpreter lock on every call, so that each would wait for whatever other thread took it. Held to RFC
4231's and RFC 5869's vectors, to ``hmac`` and to ``cryptography``'s HKDF by tests.
"""

from collections.abc import Iterable
from hashlib import sha256
from typing import Final

HASH_BYTES: Final = 32
_BLOCK_BYTES: Final = 64
_INNER: Final = bytes(byte ^ 0x36 for byte in range(256))
_OUTER: Final = bytes(byte ^ 0x5C for byte in range(256))


class KeyedHash:
    """HMAC-SHA256 under one key. Safe to share between threads."""

    __slots__ = ("_inner", "_outer")

    def __init__(self, key: bytes) -> None:
        """Take a key of any length (RFC 2104 §2)."""
        block = (key if len(key) <= _BLOCK_BYTES else sha256(key).digest()).ljust(_BLOCK_BYTES, b"\0")
        self._inner = sha256(block.translate(_INNER))
        self._outer = sha256(block.translate(_OUTER))

    def __repr__(self) -> str:
        """Show nothing: what is inside is as good as the key."""
        return "KeyedHash(…)"

    def digest(self, message: bytes) -> bytes:
        """Give the 32 bytes of a message's HMAC."""
        inner = self._inner.copy()
        inner.update(message)
        outer = self._outer.copy()
        outer.update(inner.digest())
        return outer.digest()


_NO_SALT: Final = KeyedHash(bytes(HASH_BYTES))


def derive(secret: bytes, infos: Iterable[bytes], length: int = 16) -> tuple[bytes, ...]:
    """Derive one output of ``length`` bytes for each ``info``, without a salt (RFC 5869 §3.1).

    ``secret`` must itself be random or a key: HKDF does not make a weak secret strong.
    Raises ``ValueError`` for a length beyond 255 blocks (RFC 5869 §2.3).
    """
    if not 0 < length <= 255 * HASH_BYTES:
        raise ValueError("HKDF-SHA256 gives between 1 and 8160 bytes")
    key = KeyedHash(_NO_SALT.digest(secret))
    return tuple([_expand(key, info, length) for info in infos])


def _expand(key: KeyedHash, info: bytes, length: int) -> bytes:
    block = key.digest(info + b"\x01")
    output = block
    counter = 1
    while len(output) < length:
        counter += 1
        block = key.digest(block + info + bytes((counter,)))
        output += block
    return output[:length]
