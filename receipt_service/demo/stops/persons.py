"""Invented persons: names of people who live in France, with every spelling a form must survive.

Accents, hyphens, apostrophes, particles, several given names, a name of one letter group, births abroad,
birth dates of which only the year is known. None of them exists; the source holds no names at all.
"""

import re
import unicodedata
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Final

from receipt_service.demo.stops.draw import Draw

_FAMILY: Final = (
    "Abdallah", "Adjovi", "Aït-Ahmed", "Almeida", "Amrani", "André", "Aubert", "Ba", "Bachelet", "Bailly",
    "Baptiste", "Barbier", "Benali", "Ben Youssef", "Bernard", "Berthelot", "Bonnefoy", "Boucher", "Bouchareb", "Brun",
    "Camara", "Carpentier", "Césaire", "Charpentier", "Chen", "Chevalier", "Cissé", "Clément", "Coulibaly", "Crépin",
    "Da Silva", "D'Almeida", "de La Tour", "Delaunay", "Demirtaş", "Deschamps", "Diallo", "Diop", "Dos Santos",
    "Dubois", "Duchêne", "Dupont-Lévêque", "El Khoury", "El-Mansouri", "Étienne", "Faure", "Fernández", "Ferreira",
    "Fofana", "Fontaine",
    "Garcia", "Gauthier", "Gérard", "Girard", "Gonçalves", "Guérin", "Guillemot", "Haddad", "Hamidou", "Hébert",
    "Hernandez", "Hoarau", "Hüseyin", "Ibáñez", "Ilunga", "Jean-Baptiste", "Joly", "Kaboré", "Kacem", "Keïta",
    "Khelifi", "Kowalczyk", "Lacroix", "L'Haridon", "Lambert", "Lê", "Le Bihan", "Le Goff", "Lefèvre", "Legrand",
    "Lemaître", "Leroy", "Lopes", "M'Bow", "Maçon", "Malonga", "Mansour", "Marchand", "Marie-Sainte", "Martinez",
    "Mathieu", "Meyer", "Mohamed", "Moreau", "Müller", "N'Diaye", "N'Guessan", "Nguyễn", "Noël", "O'Brien",
    "Ouattara", "Özdemir", "Payet", "Pelletier", "Pérez", "Petit", "Pham", "Popescu", "Quéméneur", "Rakotomalala",
    "Renaud", "Rivière", "Rodrigues", "Roussel", "Sánchez", "Saïdi", "Schneider", "Sissoko", "Sørensen", "Sow",
    "Tchikaya", "Thiam", "Touré", "Trần", "Vasseur", "Vidal", "Wagner", "Weiß", "Wójcik", "Yıldız",  # noqa: RUF001 - a Turkish letter
    "Zaïdi", "Zerbib", "Ziani", "Zoungrana",
)  # fmt: skip
_GIVEN: Final = (
    "Abdoulaye", "Adèle", "Aïcha", "Aïssatou", "Alexandre", "Ali", "Aminata", "Anaïs", "André", "Anne-Sophie",
    "Antoine", "Aurélie", "Bakary", "Baptiste", "Benoît", "Bilal", "Camille", "Cédric", "Célestin", "Chloé",
    "Clémence", "Corentin", "Daniela", "Désiré", "Djibril", "Dylan", "Éléonore", "Elif", "Élodie", "Emeka",
    "Enzo", "Fatou", "Félix", "Fernando", "François", "Françoise", "Gaël", "Gaëtan", "Hadrien", "Hélène",
    "Hugo", "Ibrahim", "Inès", "Ioana", "Ismaël", "Jean-Christophe", "Jean-Paul", "Jérôme", "João", "Jules",
    "Kévin", "Khadija", "Koffi", "Laëtitia", "Léa", "Lou", "Loïc", "Luc", "Maël", "Mamadou",
    "Manon", "Marie-Ange", "Marie-Thérèse", "Mathéo", "Mehdi", "Mélanie", "Minh", "Moussa", "Nadia", "Naël",
    "Nathanaël", "Nicolas", "Noémie", "Océane", "Oumar", "Paul", "Pauline", "Quentin", "Rachid", "Raphaël",
    "Régis", "Romane", "Sacha", "Salomé", "Samba", "Sébastien", "Séverine", "Siham", "Sofiane", "Stéphane",
    "Théo", "Thi Mai", "Thomas", "Tiago", "Valérie", "Vincent", "Wassim", "Yann", "Yasmine", "Youssef",
    "Zacharie", "Zoé",
)  # fmt: skip
_BIRTH_PLACES: Final = (
    "Abidjan (Côte d'Ivoire)", "Alger (Algérie)", "Amiens", "Argenteuil", "Bamako (Mali)", "Basse-Terre",
    "Béziers", "Bobigny", "Bordeaux", "Brest", "Bucarest (Roumanie)", "Cayenne", "Châlons-en-Champagne", "Créteil",
    "Dakar (Sénégal)", "Évry-Courcouronnes", "Fès (Maroc)", "Fort-de-France", "Hô Chi Minh-Ville (Viêt Nam)",
    "Istanbul (Turquie)", "Kinshasa (République démocratique du Congo)", "L'Isle-Adam", "Le Havre", "Lille",
    "Lyon 8e arrondissement", "Mamoudzou", "Marseille 3e arrondissement", "Montreuil", "Nanterre", "Nîmes",
    "Paris 13e arrondissement", "Paris 19e arrondissement", "Pointe-à-Pitre", "Porto (Portugal)",
    "Saint-Denis (La Réunion)", "Saint-Étienne", "Strasbourg", "Sfax (Tunisie)", "Varsovie (Pologne)",
    "Vitry-sur-Seine",
)  # fmt: skip

IDENTITY_SHARES: Final = {
    "identity_card": 46, "residence_permit": 12, "passport": 8, "driving_licence": 9, "france_identite": 5,
    "other_document": 4, "witness": 2, "statement": 4,
    "refused": 3, "impossible": 3, "not_asked": 4,
}  # fmt: skip
"""Out of 100 persons, how the identity was established or why it was not. Invented, not measured."""
_NOT_ESTABLISHED: Final = frozenset({"refused", "impossible", "not_asked"})

_YEAR: Final = 365.25
_YOUNGEST: Final = 14
_YOUNGEST_ADULT: Final = 19
"""A year more than the law's, so that the year of birth alone shows it."""
_OLDEST: Final = 70
_STROKES: Final = str.maketrans({"ø": "o", "ł": "l", "ı": "i", "ß": "ss", "æ": "ae", "œ": "oe"})  # noqa: RUF001 - a Turkish letter
_WORD: Final = re.compile(r"[^\W_]+")


def person_for(
    draw: Draw, *, today: date, avoid: str, vehicle_only: bool = False, adult: bool = False
) -> Mapping[str, object]:
    """Give the ``person`` member of a request body.

    ``avoid`` is the free text of the same request: the service refuses text that holds the person's
    name, and a street may well be called like a person, so a name that stands in it is drawn again.
    ``vehicle_only``: nobody was asked for an identity. ``adult``: the outcome exists for adults only.
    """
    how = "not_asked" if vehicle_only else draw.share(IDENTITY_SHARES)
    if how in _NOT_ESTABLISHED:
        return {"identity": "not_established", "reason": how}
    taken = words(avoid)
    return {
        "identity": "established",
        "family_name": _unlike(taken, draw, _FAMILY),
        "given_names": _given_names(taken, draw),
        "birth_date": _birth_date(draw, today, _YOUNGEST_ADULT if adult else _YOUNGEST),
        "birth_place": draw.pick(_BIRTH_PLACES),
        "established_by": how,
    }


def words(text: str) -> frozenset[str]:
    """Give the words of a text, without case and accents."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c))
    return frozenset(_WORD.findall(plain.translate(_STROKES)))


def _unlike(taken: frozenset[str], draw: Draw, names: tuple[str, ...]) -> str:
    start = draw.below(len(names))
    return next(
        (name for name in names[start:] + names[:start] if not words(name) & taken),
        "Anonyme",
    )


def _given_names(taken: frozenset[str], draw: Draw) -> str:
    """One given name mostly, two or three sometimes, as on a French identity card."""
    count = draw.share({1: 60, 2: 28, 3: 12})
    return " ".join(dict.fromkeys(_unlike(taken, draw, _GIVEN) for _ in range(count)))


def _birth_date(draw: Draw, today: date, youngest: int) -> str:
    """Give a day in the lives of people up to 70; for a few only the year or the month is known."""
    span = int((_OLDEST - youngest) * _YEAR)
    born = (today - timedelta(days=int(youngest * _YEAR) + 1 + draw.below(span))).isoformat()
    return born[: draw.share({10: 97, 7: 1, 4: 2})]
