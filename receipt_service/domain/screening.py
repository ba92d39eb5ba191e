"""What officers write in their own words, held against what it may not say (CSI R.434-16, DESIGN.md "Identity").

A text is refused when it holds a control character, the person's identity or contact, anyone's plate,
telephone, address or document number, a web link, a naming of anyone, or, where it gives reasons, a
protected characteristic; and a place when it is a dwelling's address. The refusal names the field and
the rule, never the words.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from receipt_service.domain import screening_numbers as numbers
from receipt_service.domain.screening_names import IdentityMarks, tells_birth_date, tells_contact, tells_name
from receipt_service.domain.screening_vocabulary import OPINION, PROTECTED_PHRASES, PROTECTED_WORDS, harmless
from receipt_service.domain.screening_words import Word, has_control_character, spell, unaccented, words


@dataclass(frozen=True, slots=True)
class Profile:
    """Which screens a kind of text goes through; identity and contact always."""

    protected: bool = False
    opinions: bool = False
    """Convictions too; off where an event's circumstances must say who demonstrates against whom."""
    numbers: bool = True
    """Plates, documents and long numbers; off for references, which are numbers by nature."""
    place: bool = False


REASONS: Final = Profile(protected=True, opinions=True)
CIRCUMSTANCES: Final = Profile(protected=True)
EVENT: Final = Profile()
PLACE: Final = Profile(place=True)
AREA: Final = Profile()
"""A requisition's places: streets and limits, house numbers included, as the magistrate drew them."""
SITE: Final = Profile(numbers=False)
REFERENCE: Final = Profile(numbers=False)

_STREET: Final = (
    r"(?:rue|avenue|ave|av|boulevard|blvd|bld|bd|place|impasse|allee|chemin|route|quai|cours|square|passage|villa|cite"
    r"|ruelle|sentier|faubourg|fbg|rond point|voie|esplanade|promenade|hameau|residence|lotissement|chaussee|montee"
    r"|traverse|venelle|mail|sente|clos)"
)
_UNIT: Final = frozenset(
    """
    hall quai sortie entree voie terminal porte station parking ligne tram tramway zone secteur niveau km pk rn rd d n a
    borne portique acces gate bus metro rer lot peage gare etage numerote autoroute nationale departementale route
    rural vicinal communal poste caisse allee passage batiment janvier fevrier mars avril mai juin juillet aout
    septembre octobre novembre decembre couloir rame voiture wagon arret plateforme pont aire echangeur
    """.split()
)
_NUMBER_FIRST: Final = re.compile(
    rf"(?:^|(?P<before>\w+) )(?P<number>\d{{1,4}})(?: (?:bis|ter|quater|[a-d]))? (?:de la |de l |du |des |de )?{_STREET}\b"
)
_NUMBER_WORD: Final = re.compile(r"\b(?:numero|no|n) (?:o )?\d{1,4}\b")
_NUMBER_LAST: Final = re.compile(
    r"\b(?:rue|avenue|av|boulevard|bd|impasse|allee|chemin|ruelle|venelle|sente|faubourg)\b(?: \w+){1,8}?"
    r" (?P<before>\w+) (?P<number>\d{1,4})(?: (?:bis|ter|quater))?$"
)
_HAS_STREET: Final = re.compile(rf"\b{_STREET}\b")
_DWELLING: Final = re.compile(
    r"\b(?:domiciles?|appartements?|appart|appts?|apt|logements?|habitations?|chez|digicode|interphone|sonnette"
    r"|boites? aux lettres|palier|(?:sa|son|leur) (?:maison|pavillon|immeuble|residence|chambre|studio|caravane)"
    r"|maison de (?:m|mme|monsieur|madame)|chambre (?:\d+|d hotel)|studio \d+|foyer|hlm"
    r"|(?:escalier|esc|batiment|bat|porte|apt|lot|bloc) (?:[a-z]|\d{1,4}) (?:escalier|esc|batiment|bat|porte|apt|etage)"
    r"|porte (?:droite|gauche|face)|(?:\d{1,2}(?:er|e|eme|ieme)?|premier|deuxieme|troisieme|quatrieme|cinquieme|dernier"
    r"|\d{1,2} (?:er|e|eme|ieme)) etages?|etages? \d{1,2}|a l etage)\b"
)
_PUBLIC_FLOOR: Final = re.compile(
    r"\b(?:gare|centre|galerie|parking|aeroport|terminal|tribunal|mairie|prefecture|hopital|magasin|station|hall|musee)\b"
)
_DIGIT: Final = re.compile(r"\d")
_NAMES_SOMEONE: Final = re.compile(
    r"(?<![A-Za-z])(?:M|Mr|Mme|Mlle|MM|Mrs|Ms)\.?\s+[A-Z]"
    r"|(?<!rue )(?<!Rue )\b[Mm](?:onsieur|adame|ademoiselle)\s+(?!(?:le|la|les|l)\b)[A-Za-z]"
    r"|\b(?:pre|de|sur)?nomme(?:e|s|es)?\s+[A-Z]|\bs[' ]appel(?:le|ait|ant)\s+\w|\bse\s+nomm(?:e|ait|ant)\s+\w"
)
_BORN: Final = re.compile(
    r"\bné(?:e|s|es)?\s+(?:le|en|à|a)\b|\bnee\s+(?:le|en|a)\b|\bne\s+(?:le|en)\s+\d", re.IGNORECASE
)
_MIGHT_NAME: Final = re.compile(r"(?<![A-Za-z])M(?:r|me|lle|M|rs|s)?\.?\s|onsieur|adame|ademoiselle|nomm|appel")


def needs_closer_look(joined: str, marks: IdentityMarks) -> bool:
    """Whether any of several texts, joined by line breaks, might break a rule that ``findings_in`` checks.

    The way of nearly every request: one pass over all texts instead of one for each.
    """
    found = words(joined)
    return (
        _DIGIT.search(joined) is not None
        or has_control_character(joined.replace("\n", " "))
        or numbers.MIGHT_MATCH.search(joined) is not None
        or not PROTECTED_WORDS.keys().isdisjoint(found)
        or not PROTECTED_PHRASES.keys().isdisjoint(found)
        or marks.suspects(found)
        or _MIGHT_NAME.search(unaccented(joined)) is not None
        or _BORN.search(joined) is not None
        or _DWELLING.search(" ".join(found)) is not None
    )


def findings_in(text: str, profile: Profile, marks: IdentityMarks) -> tuple[str, ...]:
    """Return the codes of the rules that a text breaks, in the order of ``rule_texts``; empty when sound."""
    if has_control_character(text):
        return ("text.control_character",)
    spelled = spell(text)
    joined = " ".join(word.folded for word in spelled)
    return tuple(
        rule
        for rule, broken in (
            ("text.identity", _tells_identity(text, spelled, marks)),
            ("text.names_person", _NAMES_SOMEONE.search(unaccented(text).replace("’", "'")) is not None),
            *_numbers(text, profile),
            ("text.protected", profile.protected and bool(_protected(spelled, joined, profile))),
            ("place.dwelling", profile.place and _is_dwelling(joined)),
            ("place.street_number", profile.place and _has_street_number(joined)),
        )
        if broken
    )


def _tells_identity(text: str, spelled: Sequence[Word], marks: IdentityMarks) -> bool:
    """Whether name, birth or contact of the person stands in the text, or anybody's birth."""
    return (
        tells_name(spelled, marks)
        or tells_birth_date(spelled, marks)
        or tells_contact(spelled, marks)
        or _BORN.search(text) is not None
    )


def _numbers(text: str, profile: Profile) -> Iterable[tuple[str, bool]]:
    """Yield the screens for numbers and addresses, on the text without accents."""
    if numbers.MIGHT_MATCH.search(text) is None:
        return
    plain = unaccented(text)
    link = numbers.has_link(plain)
    yield "text.link", link
    if not profile.numbers:
        yield "text.contact", numbers.has_address(plain)
        return
    plate, contact = numbers.has_plate(plain), numbers.has_contact(plain)
    yield "text.contact", contact
    yield "text.plate", plate
    yield "text.number", not (link or plate or contact) and numbers.has_document_number(plain)
    yield "place.coordinates", profile.place and numbers.has_coordinates(plain)


def _protected(spelled: Sequence[Word], joined: str, profile: Profile) -> set[str]:
    """Return the categories of protected characteristics that a text mentions."""
    categories: set[str] = set()
    for word in {word.folded for word in spelled}:
        category = PROTECTED_WORDS.get(word)
        if category is not None and not harmless(word, joined):
            categories.add(category)
        categories |= {kind for pattern, kind in PROTECTED_PHRASES.get(word, ()) if pattern.search(joined)}
    return categories if profile.opinions else categories - {OPINION}


def _is_dwelling(joined: str) -> bool:
    """Whether a place is somebody's home; a floor of a station or a shop is not."""
    match = _DWELLING.search(joined)
    return match is not None and not ("etage" in match[0] and _PUBLIC_FLOOR.search(joined) is not None)


def _has_street_number(joined: str) -> bool:
    """Whether a place is given as a house number in a street; ``quai 4``, ``PK 12`` and dates are not."""
    if _HAS_STREET.search(joined) is None:
        return False
    return (
        any(match["before"] not in _UNIT for match in _NUMBER_FIRST.finditer(joined))
        or _NUMBER_WORD.search(joined) is not None
        or any(match["before"] not in _UNIT for match in _NUMBER_LAST.finditer(joined))
    )
