"""Does a text say who the person is? Names, birth date, telephone and e-mail, however they are written.

A name that is also an ordinary word (Le, Petit, Rose, Tour) can't be refused wherever the word stands,
and must not slip through where it is meant as the name. Such a word counts beside another of the
person's names, after ``M.``, ``Mme``, ``nommé``…, in capitals, or with a capital inside a sentence.
Every other name counts wherever it stands as a word, spelled out letter by letter too, unless it
is part of a place's name (``rue Jean-Jaurès``).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

from receipt_service.domain.person import IdentityEstablished, Person
from receipt_service.domain.recipient import Recipient
from receipt_service.domain.screening_vocabulary import (
    COMMON_WORDS,
    FUNCTION_WORDS,
    NAME_MARKERS,
    TOPONYM_ENDINGS,
    TOPONYMS,
    VERBS_AFTER_A_NAME,
)
from receipt_service.domain.screening_words import Word, quick_words, words

_MONTHS: Final = {
    word: number
    for number, names in enumerate(
        (
            "janvier janv january jan",
            "fevrier fev fevr february feb",
            "mars march mar",
            "avril avr april apr",
            "mai may",
            "juin june jun",
            "juillet juil july jul",
            "aout august aug",
            "septembre sept september sep",
            "octobre oct october",
            "novembre nov november",
            "decembre dec december",
        ),
        start=1,
    )
    for word in names.split()
}
_SHORTEST_SPELLED: Final = 3
_SHORTEST_LOCAL_PART: Final = 5
_SHORTEST_DATE: Final = 6
"""Digits of a whole date in one run: ``170590``."""
_REACH_OF_A_TOPONYM: Final = 4
_SENTENCE_ENDS: Final = ".!?:;"
_FIGURE: Final = re.compile(r"\d")
_NAME_GAP: Final = re.compile(r"[\s\-'’]*")


@dataclass(frozen=True, slots=True)
class IdentityMarks:
    """What of a person and a recipient may not stand in any text of the check."""

    family: tuple[str, ...]
    given: tuple[str, ...]
    telling: frozenset[str]
    """Words of the name that identify by themselves, and joined forms of the names."""
    ordinary: frozenset[str]
    """Words of the name that are everyday words too."""
    spelled: frozenset[str]
    """What neighbouring words may not join to: the names and the e-mail's name, without spaces."""
    birth_date: str
    contact_digits: str | None
    local_part: str | None

    @classmethod
    def of(cls, person: Person, recipient: Recipient) -> Self:
        """Collect the marks; nothing is kept beyond the caller's use."""
        family: tuple[str, ...] = ()
        given: tuple[str, ...] = ()
        birth_date = ""
        if isinstance(person, IdentityEstablished):
            family, given = _words_of(person.family_name), _words_of(person.given_names)
            birth_date = person.birth_date
        parts = {*family, *given}
        ordinary = frozenset([part for part in parts if _is_ordinary(part)])
        telling = frozenset((parts - ordinary) | _joined(family, given))
        local_part = _local_part(recipient.email) if recipient.email else None
        marks = [*telling, "".join(family), local_part or ""]
        return cls(
            family,
            given,
            telling,
            ordinary,
            frozenset([mark for mark in marks if len(mark) >= _SHORTEST_SPELLED]),
            birth_date,
            _subscriber_digits(recipient.sms) if recipient.sms else None,
            local_part,
        )

    def suspects(self, found: Sequence[str]) -> bool:
        """Whether a text of these words needs a closer look: cheap, and never wrong when it says no."""
        if not self.telling.isdisjoint(found) or not self.ordinary.isdisjoint(found):
            return True
        condensed = "".join(found)
        return any(mark in condensed for mark in self.spelled)

    def suspects_figures(self, runs: Sequence[str]) -> bool:
        """Whether these runs of digits may hold the birth date or the telephone number."""
        if self.contact_digits is not None and self.contact_digits in "".join(runs):
            return True
        year = self.birth_date[:4]
        return bool(year) and any(len(run) >= _SHORTEST_DATE or run in (year, year[2:]) for run in runs)


def _words_of(name: str) -> tuple[str, ...]:
    """Return the folded words of a name, by the quick way where it has no figures, which that way leaves out."""
    found = None if _FIGURE.search(name) is not None else quick_words(name)
    return tuple(words(name) if found is None else found)


def _is_ordinary(part: str) -> bool:
    """Whether a word of a name is no sign of the person by itself."""
    return part in COMMON_WORDS or part.isdigit() or (len(part) == 1 and part.isascii())


def _joined(family: Sequence[str], given: Sequence[str]) -> set[str]:
    """Return names written without a space: ``benali`` for Ben Ali, ``jeanmartin`` for Jean Martin."""
    whole = "".join(family)
    first = given[0] if given else ""
    every = "".join(given)
    forms = {whole if len(family) > 1 else "", every if len(given) > 1 else ""}
    if family and given:
        forms |= {whole + every, every + whole, whole + first, first + whole, first[0] + whole}
    return {form for form in forms if len(form) > _SHORTEST_SPELLED and form not in COMMON_WORDS}


def birth_of(date: str) -> tuple[int | None, int | None, int | None]:
    """Read ``YYYY``, ``YYYY-MM`` or ``YYYY-MM-DD``."""
    numbers = [int(part) if part.isascii() and part.isdigit() else None for part in date.split("-")[:3]]
    year, month, day = (*numbers, None, None, None)[:3]
    return year, month, day


def birth_digits(date: str) -> frozenset[str]:
    """Return the date as one run of digits, in every order and with two or four figures of the year."""
    year, month, day = birth_of(date)
    runs: set[str] = set()
    if year is not None and month is not None and day is not None:
        for y in (f"{year:04}", f"{year % 100:02}"):
            d, m = f"{day:02}", f"{month:02}"
            runs |= {d + m + y, y + m + d, m + d + y}
    return frozenset(runs)


def _subscriber_digits(number: str) -> str | None:
    """Return the last nine digits of a telephone number: what stays the same in every way of writing it."""
    digits = "".join(character for character in number if character.isdigit())
    return digits[-9:] if len(digits) >= 8 else None  # noqa: PLR2004 - the shortest subscriber number we take


def _local_part(email: str) -> str | None:
    """Return the folded name before the @ when it is long enough to mean someone."""
    folded = "".join(words(email.partition("@")[0]))
    return folded if len(folded) >= _SHORTEST_LOCAL_PART and folded not in COMMON_WORDS else None


def tells_name(text: Sequence[Word], marks: IdentityMarks) -> bool:
    """Whether the person's name stands in the text."""
    if not marks.family and not marks.given:
        return False
    shouting = _is_shouting(text)
    return (
        _tells_full_name(text, marks)
        or any(
            (word.folded in marks.telling and not _is_toponym(text, index))
            or (word.folded in marks.ordinary and _is_meant_as_name(text, index, marks, shouting=shouting))
            for index, word in enumerate(text)
        )
        or _is_spelled_out(text, marks)
    )


def _tells_full_name(text: Sequence[Word], marks: IdentityMarks) -> bool:
    """Whether the family name and a word of the given names stand side by side, in either order."""
    size = len(marks.family)
    if not size or not marks.given:
        return False
    for index in range(len(text) - size + 1):
        if any(text[index + offset].folded != part for offset, part in enumerate(marks.family)):
            continue
        neighbours = [text[place] for place in (index - 1, index + size) if 0 <= place < len(text)]
        if any(word.folded in marks.given and _is_pair(text[index], word) for word in neighbours):
            return True
    return False


def _is_pair(family: Word, given: Word) -> bool:
    """Tell ``Le An`` from ``le an``: words no sentence does without are a name only with capitals."""
    if family.folded in FUNCTION_WORDS or given.folded in FUNCTION_WORDS:
        return family.typed[0].isupper() and given.typed[0].isupper()
    return True


def _is_toponym(text: Sequence[Word], index: int) -> bool:
    """Whether the word is part of a place's name: ``rue Victor-Hugo``, ``gare Saint-Lazare``, ``Martin Street``."""
    following = text[index + 1] if index + 1 < len(text) else None
    if following is not None and following.folded in VERBS_AFTER_A_NAME and not following.typed[0].isupper():
        return False
    if following is not None and following.folded in TOPONYM_ENDINGS:
        return True
    for back in range(index, max(index - _REACH_OF_A_TOPONYM, 0), -1):
        if not _NAME_GAP.fullmatch(text[back].gap):
            return False
        if text[back - 1].folded in NAME_MARKERS:
            return False
        if text[back - 1].folded in TOPONYMS:
            return True
    return False


def _is_meant_as_name(text: Sequence[Word], index: int, marks: IdentityMarks, *, shouting: bool) -> bool:
    """Whether an everyday word stands for the person's name here."""
    word = text[index]
    capital = word.typed[0].isupper()
    if _is_toponym(text, index):
        return False
    if index and _announces_name(text[index - 1], marks):
        needs_capital = word.folded in FUNCTION_WORDS or text[index - 1].folded in {"m", "chez"}
        return capital or not needs_capital
    if len(word.folded) == 1:
        return False
    if word.typed.isupper() and not shouting:
        return True
    if not capital or word.folded in FUNCTION_WORDS:
        return False
    starts_sentence = index == 0 or any(mark in word.gap for mark in _SENTENCE_ENDS)
    following = text[index + 1].folded if index + 1 < len(text) else ""
    return following in VERBS_AFTER_A_NAME if starts_sentence or shouting else True


def _announces_name(before: Word, marks: IdentityMarks) -> bool:
    """Whether a name follows: after ``M.``, ``nommé``, ``chez``, or after the person's own initial."""
    initials = {part[0] for part in marks.given}
    return before.folded in NAME_MARKERS or (before.typed.isupper() and before.folded in initials)


def _is_shouting(text: Sequence[Word]) -> bool:
    """Whether the text is written in capitals, so that capitals say nothing."""
    letters = [word.typed for word in text if len(word.typed) > 1 and word.typed.isalpha()]
    return sum(typed.isupper() for typed in letters) * 2 > len(letters)


def _is_spelled_out(text: Sequence[Word], marks: IdentityMarks) -> bool:
    """Whether neighbouring words join to a name: ``B e n a l i``, ``Ben Ali`` (Benali); not ``du pont`` (Dupont)."""
    targets = marks.spelled - {marks.local_part}
    longest = max(map(len, targets), default=0)
    for start, word in enumerate(text):
        joined = word.folded
        letters = len(joined) == 1
        for following in text[start + 1 :]:
            joined += following.folded
            if len(joined) > longest:
                break
            letters = letters and len(following.folded) == 1
            if joined in targets and (letters or word.folded not in FUNCTION_WORDS):
                return letters or not _is_toponym(text, start)
    return False


def tells_birth_date(text: Sequence[Word], marks: IdentityMarks) -> bool:
    """Whether the person's date of birth stands in the text, in figures or words, in any order."""
    if not marks.birth_date:
        return False
    parts = [word.folded for word in text if word.folded not in {"er", "le", "de", "du", "of", "the", "th", "st", "nd"}]
    if not birth_digits(marks.birth_date).isdisjoint(parts):
        return True
    return any(_is_birth(parts[index : index + 3], marks) for index in range(len(parts)))


def _is_birth(parts: Sequence[str], marks: IdentityMarks) -> bool:
    """Whether up to three neighbouring words are the date, or its month and full year."""
    year, month, day = birth_of(marks.birth_date)
    if month is None:
        return False
    numbers = [int(part) if part.isascii() and part.isdigit() and len(part) < 5 else None for part in parts]  # noqa: PLR2004
    months = [_MONTHS.get(part) == month or number == month for part, number in zip(parts, numbers, strict=True)]
    if len(parts) >= 2 and ((months[0] and numbers[1] == year) or (numbers[0] == year and months[1])):  # noqa: PLR2004
        return True
    if day is None or len(parts) < 3:  # noqa: PLR2004
        return False
    years = [number is not None and number in {year, (year or 0) % 100} for number in numbers]
    days = [number == day for number in numbers]
    return (
        (days[0] and months[1] and years[2])
        or (years[0] and months[1] and days[2])
        or (months[0] and days[1] and years[2])
    )


def tells_contact(text: Sequence[Word], marks: IdentityMarks) -> bool:
    """Whether the recipient's telephone number or the name in their e-mail address stands in the text."""
    if marks.contact_digits is not None:
        digits = "".join(word.folded for word in text if word.folded.isdigit())
        if marks.contact_digits in digits:
            return True
    if marks.local_part is None:
        return False
    for start in range(len(text)):
        joined = ""
        for word in text[start:]:
            joined += word.folded
            if joined == marks.local_part:
                return True
            if len(joined) >= len(marks.local_part):
                break
    return False
