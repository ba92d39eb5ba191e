"""Numbers and addresses that identify: plates, telephones, e-mail, documents, social security, links.

Each pattern is looked for in the text as typed (accents removed, case kept), because capitals tell
``AA 123 AA`` from words.
"""

import re
from typing import Final

from receipt_service.domain.screening_words import listed

_L: Final = "[A-HJ-NP-TV-Z]"  # a plate of today has no I, O or U
_S: Final = r"[\s.\-_/·]?"
_PLATE: Final = re.compile(
    rf"(?<![^\W_])(?=(?:(?P<siv>{_L}{{2}}{_S}\d{{3}}{_S}{_L}{{2}})"
    rf"|(?P<fni>\d{{1,4}}{_S}(?P<series>[A-Z]{{2,3}}){_S}(?:0[1-9]|[1-8]\d|9[0-5]|2[AB]|97[1-8]))"
    rf"|(?P<moped>[A-Z]{{1,2}}{_S}\d{{2,3}}{_S}[A-Z]))(?![^\W_]))",
    re.IGNORECASE,
)
"""All three series at once, and overlapping: ``12 km 34 AB 75`` holds a plate behind a distance."""
_NOT_PLATE_LETTERS: Final = frozenset(
    listed(
        """
    km cm mm kg mg ml cl kmh min mn ans an hrs sec rue bis ter bd av pl mai jui aou sep oct nov dec jan fev mar avr jun
    jul et ou de du le la au en a par eur euro er re ieme eme nd rd th no nb pk rn rd da st ste
    """
    )
)

_SHORTEST_PHONE: Final = 7
_LONG: Final = 9
_SHORTEST_NIR: Final = 12  # 2A and 2B stand for two of the thirteen
_PHONE_FRENCH: Final = re.compile(r"(?<![\d])0\s?[1-9](?:[\s.\-_/]*\d){8}(?!\d)")
_PHONE_ABROAD: Final = re.compile(r"(?:\+|(?<!\d)00)\s?[1-9](?:[\s.\-_/()]*\d){6,14}")
_EMAIL: Final = re.compile(
    r"[^\s@]+\s?@\s?[^\s@]+\.[^\s@]+|\b[\w.\-]+\s?(?:\(at\)|\[at\]|\barobase\b)\s?[\w.\-]+", re.IGNORECASE
)
_HANDLE: Final = re.compile(r"(?<!\w)@\w{2,}")
TOP_LEVELS: Final = (
    "fr",
    "com",
    "org",
    "net",
    "eu",
    "io",
    "info",
    "re",
    "paris",
    "gouv",
    "app",
    "me",
    "gg",
    "ly",
    "co",
)
_URL: Final = re.compile(
    rf"\bhttps?\b\s?:|\bwww\.|\b[a-z0-9\-]{{2,}}\.(?:{'|'.join(TOP_LEVELS)})\b(?!\.\s)", re.IGNORECASE
)
_NIR: Final = re.compile(
    r"(?<!\d)[12378][\s.\-]?\d{2}[\s.\-]?(?:0[1-9]|1[0-2]|[2-9]\d)[\s.\-]?(?:\d{2}|2[AB])[\s.\-]?\d{3}[\s.\-]?\d{3}"
    r"(?:[\s.\-]?\d{2})?(?!\d)",
    re.IGNORECASE,
)
_LONG_NUMBER: Final = re.compile(r"(?<!\d)\d(?:[\s.\-]?\d){8,}(?!\d)")
_DOCUMENT: Final = re.compile(
    r"(?<![^\W_])(?!natinf\d)(?:\d{2}[A-Z]{2}\d{5}"  # passport, driving licence
    r"|(?=[A-Z]*\d[A-Z]*\d)[B-DF-HJ-NP-TV-Z0-9]{9}"  # identity card of today
    r"|(?=[A-Z]*\d[A-Z]*\d[A-Z]*\d)(?=\d*[A-Z])[A-Z0-9]{8,14})(?![^\W_])",
    re.IGNORECASE,
)
_COORDINATES: Final = re.compile(r"(?<![\d.])-?\d{1,3}[.,]\d{4,}")


def has_plate(text: str) -> bool:
    """Whether a French number plate stands in the text: SIV, FNI or moped, in any writing."""
    return any(_is_plate(match) for match in _PLATE.finditer(text))


def _is_plate(match: re.Match[str]) -> bool:
    """Tell ``AB 123 CD`` from ``le 115 et`` and ``1234 AB 75`` from ``10 km 30``; a moped's needs its capitals."""
    if match["siv"] is not None:
        siv = match["siv"]
        spaced = siv.islower() and siv[2].isspace() and siv[-3].isspace()
        return not (spaced and {siv[:2], siv[-2:]} & _NOT_PLATE_LETTERS)
    if match["fni"] is not None:
        return match["series"].lower() not in _NOT_PLATE_LETTERS
    return match["moped"].isupper()


def has_phone(text: str, figures: int) -> bool:
    """Whether a telephone number stands in the text, which has this many digits."""
    return figures >= _SHORTEST_PHONE and (
        _PHONE_FRENCH.search(text) is not None or _PHONE_ABROAD.search(text) is not None
    )


def has_address(text: str) -> bool:
    """Whether an e-mail address or an account name stands in the text."""
    return _EMAIL.search(text) is not None or _HANDLE.search(text) is not None


def has_link(text: str) -> bool:
    """Whether a web address stands in the text."""
    return _URL.search(text) is not None


def has_document_number(text: str, figures: int) -> bool:
    """Whether a social-security number, an identity document's number or any run of nine digits does.

    ``figures`` is how many digits the text has.
    """
    return (
        (figures >= _LONG and _LONG_NUMBER.search(text) is not None)
        or (figures >= _SHORTEST_NIR and _NIR.search(text) is not None)
        or _DOCUMENT.search(text) is not None
    )


def has_coordinates(text: str) -> bool:
    """Whether geographic coordinates of address precision stand in the text."""
    return _COORDINATES.search(text) is not None
