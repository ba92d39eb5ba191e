# ruff: noqa: RUF001 - the confusable characters are the subject
"""The alphabet of a short message: folding into GSM-7, and counting segments as the provider bills them.

A single letter outside the GSM 7-bit default alphabet (3GPP TS 23.038 §6.2.1) turns the whole
message into UCS-2 and more than halves its capacity; French ``ê ô ç œ ’`` are such letters. So the
texts we send are folded first: what the alphabet has stays (``é è à ù É Ç``), what it lacks becomes
the nearest thing that a reader of French takes for the same (``ê`` → ``e``, ``œ`` → ``oe``,
``«`` → ``"``). A letter of another script has no such neighbour and becomes ``?``: the texts are
French, and the page and the e-mail keep the original spelling.
"""

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum

BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
"""The 127 characters of one septet; position 0x1B, the escape to the extension table, is not a character."""

EXTENSION = "\f^{}\\[~]|€"
"""The characters of two septets (escape + code)."""

_BASIC = frozenset(BASIC)
_EXTENSION = frozenset(EXTENSION)
_ALPHABET = _BASIC | _EXTENSION

_SIGNS = {
    "’": "'", "‘": "'", "‚": "'", "‛": "'", "ʼ": "'", "ʹ": "'", "′": "'", "´": "'", "`": "'",
    "«": '"', "»": '"', "“": '"', "”": '"', "„": '"', "‟": '"', "″": '"', "‹": "'", "›": "'",
    "‐": "-", "‑": "-", "‒": "-", "–": "-", "—": "-", "―": "-", "−": "-", "•": "-", "·": ".", "‧": ".",
    "…": "...", "⁄": "/", "×": "x", "÷": "/", "°": "o", "№": "No", "©": "(c)", "®": "(r)", "¢": "c", "¦": "|",
    "±": "+/-", "≤": "<=", "≥": ">=", "→": "->", "←": "<-", "µ": "u", "¶": "§",
}  # fmt: skip
"""Typographic signs and their plain neighbours."""

_LETTERS = {
    "œ": "oe", "Œ": "OE", "ð": "d", "Ð": "D", "þ": "th", "Þ": "TH", "ŋ": "ng", "Ŋ": "NG", "ə": "e", "Ə": "E",
    "ĸ": "k", "ẞ": "SS", "ʒ": "z", "Ʒ": "Z", "ĳ": "ij", "Ĳ": "IJ", "ı": "i",
}  # fmt: skip
"""Latin letters whose Unicode name doesn't end in a plain letter."""

_LATIN_NAME = re.compile(
    r"LATIN (?P<case>SMALL|CAPITAL|LETTER SMALL CAPITAL)(?: LETTER| LIGATURE)?(?: [A-Z-]+)*?"
    r" (?P<letter>[A-Z]{1,2})(?: WITH .*)?",
)

SINGLE_SEPTETS = 160
"""Septets of a message that fits one segment."""

SEGMENT_SEPTETS = 153
"""Septets of each segment of a longer one: 6 octets go to the concatenation header (3GPP TS 23.040 §9.2.3.24)."""

_SEGMENT_BITS = 1120
_HEADER_BITS = 48


class Encoding(StrEnum):
    """How the message will travel."""

    GSM_7 = "GSM-7"
    UCS_2 = "UCS-2"


@dataclass(frozen=True, slots=True)
class SegmentCount:
    """What a text costs: ``units`` is its size in septets, headers included, as Twilio's calculator counts it."""

    encoding: Encoding
    segments: int
    units: float


class _Folding(dict[int, str]):
    """A table for ``str.translate`` that works out each character once."""

    def __missing__(self, code: int) -> str:
        folded = _fold_character(chr(code))
        self[code] = folded
        return folded


def _fold_character(char: str) -> str:
    if char in "\r\f\t\v":
        return " "
    if char in _ALPHABET:
        return char
    known = _SIGNS.get(char) or _LETTERS.get(char)
    return known or _fold_by_category(char, unicodedata.category(char))


def _fold_by_category(char: str, category: str) -> str:
    if category == "Zs":
        return " "
    if category in {"Zl", "Zp"}:
        return "\n"
    if category in {"Cc", "Cf", "Mn", "Mc", "Me"}:
        return ""  # controls (the escape 0x1B among them), joiners, combining marks
    decomposed = unicodedata.normalize("NFKD", char)
    if decomposed != char:
        return "".join(_fold_character(part) for part in decomposed)
    named = _LATIN_NAME.fullmatch(unicodedata.name(char, ""))
    if named is not None:
        return named["letter"].lower() if named["case"] == "SMALL" else named["letter"]
    return "" if category == "Lm" else "?"


_FOLDING = _Folding()


def fold(text: str) -> str:
    """Return ``text`` in letters of the GSM-7 alphabet; folding twice changes nothing more.

    Line breaks stay, as line feeds; other controls go, the escape character 0x1B first of all: on the
    wire it would join with the next septet into some other character.
    """
    return unicodedata.normalize("NFC", text.replace("\r\n", "\n")).translate(_FOLDING)


def is_gsm7(text: str) -> bool:
    """Tell whether every character is in the basic or the extension table (0x1B itself is in neither)."""
    return _ALPHABET.issuperset(text)


def septets(text: str) -> int:
    """Return the length of a GSM-7 text in septets.

    Raises:
        ValueError: a character is outside the alphabet; the message doesn't show it.

    """
    if not is_gsm7(text):
        raise ValueError("the text has a character outside the GSM-7 alphabet")
    return len(text) + sum(map(text.count, EXTENSION))


def count(text: str) -> SegmentCount:
    """Count the segments of ``text`` as it stands, without folding it.

    The rule of 3GPP TS 23.040: one segment carries 1120 bits; in a longer message each segment
    gives 48 of them to its header, and neither an escaped character nor a surrogate pair is cut in two.
    """
    if is_gsm7(text):
        encoding = Encoding.GSM_7
        if (size := septets(text)) <= SINGLE_SEPTETS:
            return SegmentCount(encoding, 1, float(size))
        sizes = [14 if char in _EXTENSION else 7 for char in text]
    else:
        encoding = Encoding.UCS_2
        sizes = [16 if ord(char) <= 0xFFFF else 32 for char in text]  # noqa: PLR2004
    total = sum(sizes)
    if total <= _SEGMENT_BITS:
        return SegmentCount(encoding, 1, total / 7)
    segments = _pack(sizes, _SEGMENT_BITS - _HEADER_BITS)
    return SegmentCount(encoding, segments, (total + segments * _HEADER_BITS) / 7)


def _pack(sizes: list[int], capacity: int) -> int:
    segments, free = 1, capacity
    for size in sizes:
        if size > free:
            segments, free = segments + 1, capacity
        free -= size
    return segments
