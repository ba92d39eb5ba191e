"""The modules of a QR code (ISO/IEC 18004): one byte segment, the checkerboard mask, made quickly.

``segno`` tries eight masks and places module by module: 9 ms a code, 2 ms with a given mask, on
the road of every receipt that is shown or mailed. Here everything that depends only on the size of
the code is worked out once, from ``segno``'s own tables and patterns, and a code is then a few
operations on long integers: 0.1 ms. ``tests/unit/test_qr.py`` holds every version and level to
``segno``'s result for a full code (in others ``segno`` pads with one zero byte too many, which
readers pass over), and reads codes of all sizes back with a decoder.

A reader finds the mask in the format information whichever it is; the choice among masks only
avoids unlucky patterns, which the base64url of random bytes does not make.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain, zip_longest
from operator import itemgetter
from typing import Any, Final

import segno
from segno import consts, encoder

CHECKERBOARD: Final = 0
"""Mask reference 000: a module flips where row + column is even (ISO/IEC 18004 §7.8.2)."""

_LEVELS: Final = (("H", consts.ERROR_LEVEL_H), ("Q", consts.ERROR_LEVEL_Q), ("M", consts.ERROR_LEVEL_M))
"""Strongest first; M (15 %) is the least we use: enough for a crease in thermal paper."""
_PATTERNS: Final[Any] = encoder
_ECC: Final[Any] = consts.ECC
"""``segno``'s drawing of patterns and its table of blocks carry no types."""
_LONG_COUNT_FROM: Final = 10
"""From this version on the length of a byte segment is written in 16 bits instead of 8."""
_TIMING_COLUMN: Final = 6
_VERSIONS: Final = range(1, 41)


class QrTooLong(ValueError):
    """The text does not fit a QR code at level M (2,331 bytes)."""


@dataclass(frozen=True, slots=True)
class _Layout:
    """What one version and level fixes: where each bit goes, and how the codewords are split."""

    size: int
    blocks: tuple[tuple[int, int], ...]
    """Data and error correction codewords of each block."""
    bits: int
    mask: int
    pick: Any
    """Takes the modules, row by row, out of ``bits`` + ``"01"``."""


def qr_rows(text: str) -> list[str]:
    """Return the rows of the smallest code for ``text`` at level M or better, ``1`` for a dark module.

    The level is raised to Q or H where that takes no more room. Raises ``QrTooLong``.
    """
    payload = text.encode("utf-8")
    return rows_at(payload, *_smallest(len(payload)))


def rows_at(payload: bytes, version: int, level: str) -> list[str]:
    """Return the rows of the code of that version (1 to 40) and level (``M``, ``Q``, ``H``); the payload must fit."""
    layout = _layout(version, level)
    codewords = int.from_bytes(_interleaved(_data(payload, version, layout), layout.blocks), "big")
    spare = layout.bits % 8  # remainder bits, all zero
    bits = format((codewords << spare) ^ layout.mask, f"0{layout.bits}b")
    modules = "".join(layout.pick(f"{bits}01"))
    return [modules[at : at + layout.size] for at in range(0, len(modules), layout.size)]


def _smallest(length: int) -> tuple[int, str]:
    for version in _VERSIONS:
        header = 4 + (16 if version >= _LONG_COUNT_FROM else 8)
        for name, level in _LEVELS:
            if header + 8 * length <= 8 * sum(data for data, _ in _blocks(version, level)):
                return version, name
    raise QrTooLong("too long for a QR code")


@cache
def _blocks(version: int, level: int) -> tuple[tuple[int, int], ...]:
    return tuple(
        (group.num_data, group.num_total - group.num_data)
        for group in _ECC[version][level]
        for _ in range(group.num_blocks)
    )


def _data(payload: bytes, version: int, layout: _Layout) -> bytes:
    """Write mode, length, payload, terminator and padding (§7.4)."""
    counter = 16 if version >= _LONG_COUNT_FROM else 8
    head = (0b0100 << counter | len(payload)) << 8 * len(payload) | int.from_bytes(payload, "big")
    written = (head << 4).to_bytes(len(payload) + 1 + counter // 8, "big")
    room = sum(data for data, _ in layout.blocks) - len(written)
    return written + (b"\xec\x11" * (room // 2 + 1))[:room]


def _interleaved(data: bytes, blocks: Sequence[tuple[int, int]]) -> bytes:
    """Split into blocks, add their error correction, and take one codeword of each in turn (§7.6)."""
    pieces, corrections, start = [], [], 0
    for length, extra in blocks:
        piece = data[start : start + length]
        pieces.append(piece)
        corrections.append(_correction(piece, extra))
        start += length
    columns = chain(zip_longest(*pieces), zip(*corrections, strict=True))
    return bytes([codeword for column in columns for codeword in column if codeword is not None])


def _correction(piece: bytes, extra: int) -> bytes:
    """Divide by the generator polynomial (§7.5.2): the remainder is held as one integer."""
    multiples, top, keep = _multiples(extra), 8 * (extra - 1), (1 << 8 * extra) - 1
    remainder = 0
    for codeword in piece:
        remainder = (remainder << 8 & keep) ^ multiples[codeword ^ remainder >> top]
    return remainder.to_bytes(extra, "big")


@cache
def _multiples(extra: int) -> tuple[int, ...]:
    """Every multiple of the generator polynomial of that degree, without its leading term, as integers."""
    exponents, logarithms = _field()
    generator = [1]
    for power in range(extra):
        shifted = [0, *(exponents[logarithms[term] + power] if term else 0 for term in generator)]
        generator = [high ^ low for high, low in zip([*generator, 0], shifted, strict=True)]
    tail = generator[1:]
    return tuple(
        int.from_bytes(
            bytes(exponents[logarithms[term] + logarithms[factor]] if factor and term else 0 for term in tail)
        )
        for factor in range(256)
    )


@cache
def _field() -> tuple[list[int], list[int]]:
    """Exponents (twice round) and logarithms of GF(256) with the polynomial 0x11D (§7.5.2)."""
    exponents, logarithms, value = [0] * 510, [0] * 256, 1
    for power in range(255):
        exponents[power] = exponents[power + 255] = value
        logarithms[value] = power
        value = value << 1 ^ (0x11D if value & 0x80 else 0)
    return exponents, logarithms


@cache
def _layout(version: int, level: str) -> _Layout:
    empty = _PATTERNS.make_matrix(17 + 4 * version, 17 + 4 * version)
    size = len(empty)
    _PATTERNS.add_finder_patterns(empty, size, size)
    _PATTERNS.add_alignment_patterns(empty, size, size)
    patterns = segno.make_qr(
        "0", error=level, version=version, mask=CHECKERBOARD, mode="byte", boost_error=False
    ).matrix
    places = [(row, column) for row, column in _path(size) if empty[row][column] not in (0, 1)]
    bit_at = {place: bit for bit, place in enumerate(places)}
    fixed = len(places)
    cells = (bit_at.get((row, column), fixed + patterns[row][column]) for row in range(size) for column in range(size))
    mask = "".join("1" if (row + column) % 2 == 0 else "0" for row, column in places)
    blocks = _blocks(version, dict(_LEVELS)[level])
    return _Layout(size, blocks, fixed, int(mask, 2), itemgetter(*cells))


def _path(size: int) -> Iterator[tuple[int, int]]:
    """Go through the columns in pairs from the right, up and down in turn (§7.7.3)."""
    upwards = True
    for right in (column for column in range(size - 1, 0, -1) if (column - (column > _TIMING_COLUMN)) % 2):
        for row in range(size - 1, -1, -1) if upwards else range(size):
            yield row, right
            yield row, right - 1
        upwards = not upwards
