"""Folding: one form for every spelling of a word, so that accents, case and punctuation hide nothing."""

import re
import unicodedata
from typing import Final, NamedTuple

_MARKS: Final = re.compile(r"[\u0300-\u036f\u0483-\u0489\u0591-\u05bd\u064b-\u065f\u0670\u06d6-\u06dc]+")
_LIGATURES: Final = str.maketrans({"œ": "oe", "æ": "ae", "ø": "o", "đ": "d", "ð": "d", "ł": "l", "ı": "i", "þ": "th"})
WORD: Final = re.compile(r"[^\W\d_]+|\d+")
_INVISIBLE: Final = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\ufff0-\uffff"
    r"\ud800-\udfff\ue000-\uf8ff\U000e0000-\U0010ffff]"
)


class Word(NamedTuple):
    """One word of a text: folded, as typed (without accents), and what stands between it and the one before."""

    folded: str
    typed: str
    gap: str


def has_control_character(text: str) -> bool:
    """Whether the text holds a control, format, private or unassigned character, or a line break."""
    return not text.isprintable() and _INVISIBLE.search(text) is not None


def unaccented(text: str) -> str:
    """Return the text without combining marks, compatibility forms resolved, case kept."""
    return text if text.isascii() else _MARKS.sub("", unicodedata.normalize("NFKD", text))


def fold(text: str) -> str:
    """Return the text without accents and case; ligatures are spelled out."""
    if text.isascii():
        return text.lower()
    return unaccented(text).casefold().translate(_LIGATURES)


def words(text: str) -> list[str]:
    """Return the folded words of a text; letters and digits part."""
    return WORD.findall(fold(text))


def spell(text: str) -> list[Word]:
    """Return the words with their typed form and the gap before each."""
    base = unaccented(text)
    found: list[Word] = []
    end = 0
    for match in WORD.finditer(base):
        typed = match[0]
        found.append(Word(typed.casefold().translate(_LIGATURES), typed, base[end : match.start()]))
        end = match.end()
    return found
