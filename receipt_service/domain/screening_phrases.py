"""Protected characteristics that take more than one word to say, and words that some phrases make harmless.

Patterns run over a text's folded words joined by one space (``screening_words``). Each row has the
words that call for it, so that a text without them costs nothing.
"""

import re
from collections.abc import Iterator
from typing import Final

from receipt_service.domain.screening_vocabulary import (
    AGE,
    APPEARANCE,
    HARDSHIP,
    HEALTH,
    LANGUAGE,
    OPINION,
    ORIENTATION,
    ORIGIN,
    PEOPLES,
    RELIGION,
    RELIGIOUS,
    adjectives,
)

_PERSON: Final = (
    r"(?:homme|femme|individu|personne|type|mec|gars|garcon|fille|monsieur|dame|suspect|groupe|couple|conducteur"
    r"|conductrice|passager|passagere|pieton|population|communaute|mineur|majeur)s?"
)
_SOME: Final = r"(?:un|une|des|les|le|la|deux|trois|quatre|cinq|plusieurs|quelques)"
_ENDS: Final = r"(?=$| (?:qui|a|ont|est|sont|et|dans|sur|en|avec|se)\b)"
_COLOURS: Final = "noir noire noirs noires blanc blanche blancs blanches jaune jaunes"
_LAWFUL_ORIGINS: Final = (
    "frauduleuse|inconnue|delictueuse|criminelle|illicite|douteuse|indeterminee|animale|accidentelle|electrique"
    "|volontaire|militaire|chimique|suspecte|du constructeur"
)
_FROM_ABROAD: Final = (
    "vehicules?|plaques?|voitures?|camions?|immatriculations?|monnaies?|billets?|devises?|corps|objets?"
)

_ROWS: Final = (
    (_COLOURS, APPEARANCE, rf"\b{_PERSON} (?:\w+ )?(?:noire?|blanc|blanche|jaune)s?\b"),
    (_COLOURS, APPEARANCE, rf"\b{_SOME} (?:noire?|blanc|blanche|jaune)s?{_ENDS}"),
    ("couleur couleurs", APPEARANCE, rf"\b(?:{_PERSON}|gens|jeunes?) de couleur\b"),
    ("origine origines", ORIGIN, rf"\bd origine (?!{_LAWFUL_ORIGINS})"),
    ("origine origines", ORIGIN, r"\b(?:son|ses|leurs?) origines?\b"),
    ("origine origines", ORIGIN, r"\borigines? (?:ethnique|etrangere|sociale|geographique)"),
    ("originaire originaires", ORIGIN, r"\boriginaires? d"),
    ("etranger etrangere etrangers etrangeres", ORIGIN, r"(?<!\ba l )(?<!\bde l )\betrang(?:er|ere)s?\b"),
    ("race races", ORIGIN, r"(?<!\bchien de )(?<!\bchiens de )\braces?\b(?! canine| de chien)"),
    ("racial raciale", ORIGIN, r"(?<!haine )(?<!discrimination )(?<!injure )(?<!insulte )\braciale?\b"),
    ("voyage", ORIGIN, r"(?<!\baccueil des )\bgens du voyage\b"),
    ("papiers", ORIGIN, r"\bsans papiers\b"),
    ("immigration", ORIGIN, r"\bissue?s? de l immigration\b"),
    ("typee typees", ORIGIN, r"\btypees?\b"),
    ("latino indo extreme", ORIGIN, r"\btypes? (?:latino|indo|extreme orient)"),
    ("accent", LANGUAGE, r"\baccent\b(?! grave| aigu| circonflexe)"),
    ("parle parlent parlant parlait", LANGUAGE, r"\bparl(?:e|ent|ant|ait) (?:pas |mal |peu )*(?:le |l )?francais\b"),
    ("consonance consonances", LANGUAGE, r"\bconsonances?\b"),
    ("voilee voilees", RELIGION, rf"\b{_PERSON} (?:\w+ )?voilees?\b"),
    ("voile voiles", RELIGION, r"\bvoiles? (?:integral|islamique)|\bport\w* (?:un|le|du|son) voile\b"),
    ("apparence aspect", APPEARANCE, r"\b(?:apparence|aspect) (?:physique|ethnique|etrange?r|neglige|exterieur)"),
    ("physique physiques", APPEARANCE, r"\b(?:son|leur) physique\b|\bcaracteristiques? physiques?\b"),
    ("sexuelle", ORIENTATION, r"\b(?:orientation|preference|identite) sexuelle\b"),
    ("roulant", HEALTH, r"\bfauteuil roulant\b"),
    ("mental mentale mentaux", HEALTH, r"\b(?:malade|maladie|retard|sante|troubles?) ment(?:al|ale|aux)\b"),
    ("age agee ages agees", AGE, r"\bagee?s? (?:de|d)\b|\bpersonnes? agees?\b"),
    (
        "ans",
        AGE,
        r"(?<!\bdepuis )(?<!\ba )(?<!\bpendant )\b\d{1,2} ans\b(?! d emprison| de prison| apres| avant| plus)",
    ),
    ("abri abris domicile", HARDSHIP, r"\bsans (?:abris?|domicile)\b"),
    ("sensible sensibles populaire populaires", HARDSHIP, r"\bquartiers? (?:sensible|populaire)s?\b"),
    ("ultra extreme", OPINION, r"\b(?:ultra|extreme) (?:gauche|droite)\b"),
    ("gilet gilets", OPINION, r"\bgilets? jaunes?\b(?! fluo| de securite| haute| retro)"),
)

PHRASES: Final[dict[str, tuple[tuple[re.Pattern[str], str], ...]]] = {
    word: tuple((re.compile(pattern), category) for words, category, pattern in _ROWS if word in words.split())
    for word in {word for words, _, _ in _ROWS for word in words.split()}
}
"""Word that calls for them → patterns and what they mention."""


_PLACES_AND_PLATES: Final = (
    r"(?:plaque|frontiere|vehicule|voiture|camion|cote|autorite|restaurant|epicerie|commerce)s?|immatricul\w+|territoire"
    r"|littoral|eaux|police|douane|gendarmerie|consulat|ambassade|quartier|file"
)
_OF_WORSHIP: Final = (
    r"(?:ecole|eglise|lycee|college|cimetiere|edifice|etablissement|centre|association|commerce|restaurant|boucherie"
    r"|fete|site|menace|attentat|terrorisme?)s?|lieux?|culte"
)
_HARMLESS_AFTER: Final = (
    # Words, and what may stand before them.
    (PEOPLES, rf"(?:{_PLACES_AND_PLATES}) (?:\w+ )?"),
    (RELIGIOUS, rf"(?:{_OF_WORSHIP}) (?:\w+ )?"),
    (adjectives("handicape"), r"(?:place|emplacement|stationnement|parking|carte|macaron)s? (?:\w+ ){0,4}?"),
    (adjectives("invalide"), r"(?:permis|titre|billet|ticket|carte|document|passeport|les|des|aux) "),
    (adjectives("sourd"), r"(?:bruit|coup|choc|son)s? "),
    (adjectives("aveugle"), r"(?:angle|mur|attentat|violence|point)s? (?:mort )?"),
    (adjectives("clandestin"), r"(?:travail|vente|atelier|course|depot|abattage|soiree|commerce|transport|taxi)s? "),
    (adjectives("protestant"), "en "),
    (("foulard", "foulards"), r"(?:visage|nez|bouche)s? (?:\w+ ){0,4}"),
    (("rousse",), "croix "),
    (("etranger", "etrangere", "etrangers", "etrangeres"), rf"(?:{_FROM_ABROAD}|(?:a|de) l) "),
)
_HARMLESS_BEFORE: Final = (
    # Words, and what may stand after them.
    (("black", "blacks"), " blocs?"),
    (("jeune", "jeunes"), r" (?:conduct\w+|permis|sapeurs?)"),
    (("protestant", "protestants"), " (?:contre|bruyamment|vivement)"),
)


def _harmless_uses() -> Iterator[tuple[str, str]]:
    """Yield words with the phrases that make them harmless."""
    for words, before in _HARMLESS_AFTER:
        yield from ((word, rf"\b{before}{word}\b") for word in words)
    for words, after in _HARMLESS_BEFORE:
        yield from ((word, rf"\b{word}{after}\b") for word in words)


def _harmless_patterns() -> dict[str, re.Pattern[str]]:
    """Join the phrases of each word."""
    phrases: dict[str, list[str]] = {}
    for word, pattern in _harmless_uses():
        phrases.setdefault(word, []).append(pattern)
    return {word: re.compile("|".join(patterns)) for word, patterns in phrases.items()}


_HARMLESS: Final = _harmless_patterns()


def is_harmless(word: str, joined: str) -> bool:
    """Whether every use of the word in the text is a harmless one: ``plaque belge``, ``place handicapés``."""
    pattern = _HARMLESS.get(word)
    return pattern is not None and len(pattern.findall(joined)) >= f" {joined} ".count(f" {word} ")


def categories_of(word: str, joined: str) -> Iterator[str]:
    """Yield what the phrases around a word mention, unless its uses are harmless."""
    rows = PHRASES.get(word, ())
    if rows and not is_harmless(word, joined):
        for pattern, category in rows:
            if pattern.search(joined) is not None:
                yield category
