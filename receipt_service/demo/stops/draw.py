"""Choices that look random and are always the same for the same seed and record."""

import hashlib
from collections.abc import Sequence
from typing import TypeVar

_T = TypeVar("_T")


class Draw:
    """A stream of choices from BLAKE2b in counter mode: the same in every process and Python version."""

    def __init__(self, seed: int, purpose: str, record: bytes) -> None:
        """One stream per purpose, so that a new choice in one does not move the choices of another."""
        self._key = hashlib.blake2b(record, key=f"{seed}/{purpose}".encode()).digest()
        self._block = b""
        self._counter = 0

    def below(self, bound: int) -> int:
        """Give a whole number from 0 up to and without ``bound`` (at most 2^32; the bias is below 2^-32)."""
        if len(self._block) < 8:  # noqa: PLR2004 - one choice takes eight bytes
            self._block = hashlib.blake2b(self._counter.to_bytes(8), key=self._key).digest()
            self._counter += 1
        taken, self._block = self._block[:8], self._block[8:]
        return int.from_bytes(taken) * bound >> 64

    def pick(self, choices: Sequence[_T]) -> _T:
        """Give one of the choices, each as likely."""
        return choices[self.below(len(choices))]

    def share(self, shares: dict[_T, int]) -> _T:
        """Give one of the keys, as likely as its value says out of the sum of all."""
        point = self.below(sum(shares.values()))
        for choice, size in shares.items():
            if point < size:
                return choice
            point -= size
        raise AssertionError("a point below the sum lies in one of the shares")

    def bytes(self, count: int) -> bytes:
        """Give ``count`` bytes."""
        return bytes(self.below(256) for _ in range(count))
