"""What officers write in their own words, held against what it may not say (CSI R.434-16, DESIGN.md "Identity").

A text is refused when it holds a control character, the person's identity or contact, anyone's plate,
telephone, address or document number, a web link, a naming of anyone, or, where it gives reasons, a
protected characteristic; and a place when it is a dwelling's address. The refusal names the field and
the rule, never the words.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from receipt_service.domain import screening_numbers as numbers
from receipt_service.domain.screening_names import IdentityMarks, tells_birth_date, tells_contact, tells_name
from receipt_service.domain.screening_phrases import PHRASES, categories_of, is_harmless
from receipt_service.domain.screening_vocabulary import OPINION, PROTECTED_WORDS
from receipt_service.domain.screening_words import Word, has_control_character, listed, quick_words, spell, unaccented


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
    listed(
        """
    hall quai sortie entree voie terminal porte station parking ligne tram tramway zone secteur niveau km pk rn rd d n a
    borne portique acces gate bus metro rer lot peage gare etage numerote autoroute nationale departementale route
    rural vicinal communal poste caisse allee passage batiment janvier fevrier mars avril mai juin juillet aout
    septembre octobre novembre decembre couloir rame voiture wagon arret plateforme pont aire echangeur
    """
    )
)
_NUMBER_FIRST: Final = re.compile(
    rf"(?:^|(?P<before>\w+) )\d{{1,4}}(?: (?:bis|ter|quater|[a-d]))? (?:de la |de l |du |des |de )?{_STREET}\b"
)
_NUMBER_WORD: Final = re.compile(r"\b(?:numero|no|n) (?:o )?\d{1,4}\b")
_NUMBER_LAST: Final = re.compile(
    r"\b(?:rue|avenue|av|boulevard|bd|impasse|allee|chemin|ruelle|venelle|sente|faubourg)\b(?: \w+){0,8}?"
    r" (?P<before>\w+) \d{1,4}(?: (?:bis|ter|quater))?$"
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
_NAMES_SOMEONE: Final = re.compile(
    r"(?<![A-Za-z])(?:M|Mr|Mme|Mlle|MM|Mrs|Ms)\.?\s+[A-Z]"
    r"|(?<!rue )(?<!Rue )\b[Mm](?:onsieur|adame|ademoiselle)\s+(?!(?:le|la|les|l)\b)[A-Za-z]"
    r"|\b(?:pre|de|sur)?nomme(?:e|s|es)?\s+[A-Z]|\bs[' ]appel(?:le|ait|ant)\s+\w|\bse\s+nomm(?:e|ait|ant)\s+\w"
)
_BORN: Final = re.compile(
    r"\bné(?:e|s|es)?\s+(?:le|en|à|a)\b|\bnee\s+(?:le|en|a)\b|\bne\s+(?:le|en)\s+\d", re.IGNORECASE
)
_RUN_OF_DIGITS: Final = re.compile(r"\d+")
_ADDRESS_WORDS: Final = frozenset(("www", "http", "https", "arobase", "at"))
_TOP_LEVELS: Final = frozenset(numbers.TOP_LEVELS)
_NAMING_WORDS: Final = frozenset(
    (
        *("m", "mr", "mme", "mlle", "mm", "mrs", "ms", "monsieur", "madame", "mademoiselle", "appelle", "appelait"),
        *("appelant", "ne", "nee", "nes", "nees"),
        *(
            f"{prefix}nomm{ending}"
            for prefix in ("", "de", "pre", "sur")
            for ending in ("e", "ee", "es", "ees", "ait", "ant")
        ),
    )
)
_DWELLING_WORDS: Final = frozenset(
    (
        *("domicile", "domiciles", "appartement", "appartements", "appart", "apparts", "appt", "appts", "apt"),
        *("logement", "logements", "habitation", "habitations", "chez", "digicode", "interphone", "sonnette", "boite"),
        *("boites", "palier", "maison", "pavillon", "immeuble", "residence", "chambre", "studio", "caravane", "foyer"),
        *("hlm", "escalier", "esc", "batiment", "bat", "porte", "etage", "etages", "lot", "bloc"),
    )
)
_PROTECTED_TRIGGERS: Final = PROTECTED_WORDS.keys() | PHRASES.keys()
_TRIGGERS: Final = frozenset(_ADDRESS_WORDS | _NAMING_WORDS | _DWELLING_WORDS | _PROTECTED_TRIGGERS)


class Suspicion(NamedTuple):
    """Which screens a set of texts has to go through; none for nearly every request."""

    control: bool
    names: bool
    digits: bool
    addresses: bool
    protected: bool
    dwelling: bool


EVERYTHING: Final = Suspicion(control=True, names=True, digits=True, addresses=True, protected=True, dwelling=True)


def suspicion_of(texts: Sequence[str], marks: IdentityMarks) -> Suspicion | None:
    """Say which screens several texts may fail; ``None`` when they are sound.

    One quick pass over all texts instead of every screen over each of them. It may suspect wrongly;
    it never clears what ``findings_in`` would refuse (a property test holds the two together).
    """
    joined = "\n".join(texts)
    found = quick_words(joined)
    if found is None:
        return EVERYTHING
    control = not all(map(str.isprintable, texts))
    runs = _RUN_OF_DIGITS.findall(joined)
    names = marks.suspects(found) or (bool(runs) and marks.suspects_figures(runs))
    digits = bool(runs)
    addresses = "@" in joined or ("." in joined and not _TOP_LEVELS.isdisjoint(found))
    if _TRIGGERS.isdisjoint(found):
        if not (control or names or digits or addresses):
            return None
        return Suspicion(control, names, digits, addresses, protected=False, dwelling=False)
    return Suspicion(
        control,
        names or not _NAMING_WORDS.isdisjoint(found),
        digits,
        addresses or not _ADDRESS_WORDS.isdisjoint(found),
        protected=not _PROTECTED_TRIGGERS.isdisjoint(found),
        dwelling=not _DWELLING_WORDS.isdisjoint(found),
    )


def findings_in(
    text: str, profile: Profile, marks: IdentityMarks, suspicion: Suspicion = EVERYTHING
) -> tuple[str, ...]:
    """Return the codes of the rules that a text breaks, in the order of ``rule_texts``; empty when sound."""
    if suspicion.control and has_control_character(text):
        return ("text.control_character",)
    protected = profile.protected and suspicion.protected
    dwelling = profile.place and suspicion.dwelling
    figures = len("".join(_RUN_OF_DIGITS.findall(text))) if suspicion.digits and profile.numbers else 0
    street = profile.place and figures > 0
    spelled = spell(text) if suspicion.names or protected or dwelling or street else []
    joined = " ".join([word.folded for word in spelled])
    found: list[str] = []
    if suspicion.names:
        found += _names(text, spelled, marks)
    if suspicion.addresses:
        found += _addresses(unaccented(text))
    if figures:
        found += _numbers(unaccented(text), profile, figures)
    if protected and _protected(spelled, joined, profile):
        found.append("text.protected")
    if dwelling and _is_dwelling(joined):
        found.append("place.dwelling")
    if street and _has_street_number(joined):
        found.append("place.street_number")
    return tuple(dict.fromkeys(found))


def _names(text: str, spelled: Sequence[Word], marks: IdentityMarks) -> Iterator[str]:
    """Yield what names the person, or anyone."""
    if _tells_identity(text, spelled, marks):
        yield "text.identity"
    if _NAMES_SOMEONE.search(unaccented(text).replace("’", "'")) is not None:
        yield "text.names_person"


def _tells_identity(text: str, spelled: Sequence[Word], marks: IdentityMarks) -> bool:
    """Whether name, birth or contact of the person stands in the text, or anybody's birth."""
    return (
        tells_name(spelled, marks)
        or tells_birth_date(spelled, marks)
        or tells_contact(spelled, marks)
        or _BORN.search(text) is not None
    )


def _addresses(plain: str) -> Iterator[str]:
    """Yield the screens for addresses that the text, without accents, fails."""
    if numbers.has_link(plain):
        yield "text.link"
    if numbers.has_address(plain):
        yield "text.contact"


def _numbers(plain: str, profile: Profile, figures: int) -> Iterator[str]:
    """Yield the screens for numbers that the text, without accents and with so many figures, fails."""
    if numbers.has_phone(plain, figures):
        yield "text.contact"
    elif numbers.has_plate(plain):
        yield "text.plate"
    elif numbers.has_document_number(plain, figures):
        yield "text.number"
    if profile.place and numbers.has_coordinates(plain):
        yield "place.coordinates"


def _protected(spelled: Sequence[Word], joined: str, profile: Profile) -> set[str]:
    """Return the categories of protected characteristics that a text mentions."""
    categories: set[str] = set()
    for word in {word.folded for word in spelled}:
        category = PROTECTED_WORDS.get(word)
        if category is not None and not is_harmless(word, joined):
            categories.add(category)
        categories.update(categories_of(word, joined))
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
