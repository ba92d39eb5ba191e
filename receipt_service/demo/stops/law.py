"""From English search powers to the French bases that fit best: what ``docs/stops-mapping.md`` tells in full.

English law searches a person under a named power; French law controls an identity under article 78-2 and
what follows it. No power has an exact counterpart, so each is given the basis whose *condition* is
nearest: reasonable suspicion becomes a plausible reason (78-2 al. 2 or 3), an area authorised by a senior
officer becomes a prosecutor's requisition (78-2-2). The result is plausible data, not a legal opinion.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Condition(StrEnum):
    """What the French basis rests on: the code of the basis for the person."""

    COMMITTED = "CPP-78-2-AL2"
    PREPARING = "CPP-78-2-AL3"
    REQUISITION = "CPP-78-2-2-I"


VEHICLE_BASES: Final = {
    Condition.COMMITTED: "CPP-78-2-3",
    Condition.PREPARING: "CPP-78-2-3",
    Condition.REQUISITION: "CPP-78-2-2-II",
}
"""The basis on which a vehicle is opened; only an OPJ may."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grounds:
    """The French side of one power and object of search."""

    condition: Condition
    offence: str
    """The offence suspected, in words with its article; for a requisition, the code of its group."""
    reasons: tuple[str, ...]
    """Codes of the catalogue."""
    facts: str | None
    """Objective facts in words, as an officer would write them; never about the person's looks."""
    offence_class: str = "delit"
    reported: bool = False
    """Somebody told the officers, rather than that they saw it."""
    fined: bool = False
    """An ``amende forfaitaire délictuelle`` exists for the offence (CPP 495-17)."""


_WEAPONS: Final = "Port ou transport d'arme sans motif légitime (CSI L.317-8)"
_ACT: Final = "Vol ou tentative de vol (CP 311-1, 311-13)"

DRUGS: Final = Grounds(
    condition=Condition.COMMITTED,
    offence="Usage ou détention de stupéfiants (CSP L.3421-1, CP 222-37)",
    reasons=("REMISE_OBJET",),
    facts="Échange d'un sachet contre un billet, vu par la patrouille.",
    fined=True,
)
STOLEN: Final = Grounds(
    condition=Condition.COMMITTED,
    offence="Vol ou recel (CP 311-1, 321-1)",
    reasons=("SIGNALEMENT",),
    facts="Objets portés conformes à un signalement de vol du jour.",
    fined=True,
    reported=True,
)
WEAPONS: Final = Grounds(
    condition=Condition.COMMITTED,
    offence=_WEAPONS,
    reasons=("APPEL",),
    facts="Témoin signalant un couteau montré dans la rue.",
    reported=True,
)
FIREARMS: Final = Grounds(
    condition=Condition.COMMITTED,
    offence="Port d'arme de catégorie B sans autorisation (CP 222-54)",
    reasons=("APPEL",),
    facts="Témoin signalant une arme à feu à cet endroit.",
    reported=True,
)
FIREWORKS: Final = Grounds(
    condition=Condition.COMMITTED,
    offence="Détention d'artifices de divertissement sans motif légitime (CP 322-11-1)",
    reasons=("ACTE_OBSERVE",),
    facts="Tirs d'artifice entendus, tubes vides au sol.",
)
DAMAGE: Final = Grounds(
    condition=Condition.PREPARING,
    offence="Dégradation du bien d'autrui (CP 322-1)",
    reasons=("PREPARATIFS",),
    facts="Outils sortis devant un rideau métallique fermé.",
)
SMUGGLING: Final = Grounds(
    condition=Condition.COMMITTED,
    offence="Détention de marchandises de contrebande (C. douanes 414)",
    reasons=("ACTE_OBSERVE",),
    facts="Cartons sans marque passés d'un véhicule à l'autre.",
)
WILDLIFE: Final = Grounds(
    condition=Condition.COMMITTED,
    offence="Atteinte à une espèce protégée (C. env. L.415-3)",
    reasons=("OBJET_VISIBLE",),
    facts="Filets et cages de capture à l'entrée d'un site protégé.",
)
OTHER_OFFENCE: Final = Grounds(
    condition=Condition.COMMITTED,
    offence=_ACT,
    reasons=("FUITE",),
    facts="Fuite à pied depuis le lieu d'une infraction signalée.",
)
PREPARED_PROTEST: Final = Grounds(
    condition=Condition.PREPARING,
    offence="Entrave à la circulation (C. route L.412-1)",
    reasons=("PREPARATIFS",),
    facts="Matériel de blocage déchargé près de la chaussée.",
)
WEAPONS_AREA: Final = Grounds(condition=Condition.REQUISITION, offence="ARMES", reasons=("REQUISITION",), facts=None)
TERRORISM_AREA: Final = Grounds(
    condition=Condition.REQUISITION, offence="TERRORISME", reasons=("REQUISITION",), facts=None
)

_BY_OBJECT: Final = {
    "Stolen goods": STOLEN,
    "Offensive weapons": WEAPONS,
    "Firearms": FIREARMS,
    "Fireworks": FIREWORKS,
    "Controlled drugs": DRUGS,
    "Psychoactive substances": DRUGS,
    "Articles for use in criminal damage": DAMAGE,
    "Articles for use in theft": STOLEN,
    "Game or poaching equipment": WILDLIFE,
    "Seals or hunting equipment": WILDLIFE,
    "Evidence of wildlife offences": WILDLIFE,
    "Goods on which duty has not been paid etc.": SMUGGLING,
    "Crossbows": WEAPONS,
    "Anything to threaten or harm anyone": WEAPONS,
    "Evidence of offences under the Act": OTHER_OFFENCE,
    "Detailed object of search unavailable": OTHER_OFFENCE,
    "": OTHER_OFFENCE,
}
_BY_ACT: Final = {
    "Misuse of Drugs Act 1971": DRUGS,
    "Psychoactive Substances Act 2016": DRUGS,
    "Firearms Act 1968": FIREARMS,
    "Crossbows Act 1987": WEAPONS,
    "Criminal Justice Act 1988": WEAPONS,
    "Criminal Justice and Public Order Act 1994": WEAPONS_AREA,
    "Terrorism Act 2000": TERRORISM_AREA,
    "Customs and Excise Management Act 1979": SMUGGLING,
    "Aviation Security Act 1982": STOLEN,
    "Public Stores Act 1875": STOLEN,
    "Sporting events (Control of Alcohol etc.) Act 1985": FIREWORKS,
    "Sporting Events (Control of Alcohol etc.) Act 1985": FIREWORKS,
    "Poaching Prevention Act 1862": WILDLIFE,
    "Deer Act 1991": WILDLIFE,
    "Wildlife and Countryside Act 1981": WILDLIFE,
    "Protection of Badgers Act 1992": WILDLIFE,
    "Conservation of Seals Act 1970": WILDLIFE,
    "Hunting Act 2004": WILDLIFE,
    "Environmental Protection Act 1990": SMUGGLING,
    "Public Order Act 2023": PREPARED_PROTEST,
}
_PACE: Final = "Police and Criminal Evidence Act 1984"


def grounds_for(legislation: str, search_object: str) -> Grounds | None:
    """Give the French grounds for a power and object, ``None`` for a power that is missing or unknown.

    ``legislation`` is the source's text, e.g. ``Misuse of Drugs Act 1971 (section 23)``; the section does
    not matter, the Act does. Under PACE the object decides.
    """
    act = legislation.partition(" (section")[0].partition(" (s36")[0].strip()
    if act == _PACE:
        return _BY_OBJECT.get(search_object, OTHER_OFFENCE)
    return _BY_ACT.get(act)


class Measures(StrEnum):
    """How the source's kind of search is carried out."""

    PERSON = "Person search"
    PERSON_AND_VEHICLE = "Person and Vehicle search"
    VEHICLE = "Vehicle search"


def outcomes_for(outcome: str, grounds: Grounds | None) -> tuple[str, ...] | None:
    """Give the French outcomes for the source's, ``None`` for an outcome that is unknown.

    A community resolution, a caution and a penalty notice exist only in England; a fixed fine stands for
    them where France has one for that offence (AFD), a report to the prosecutor otherwise. An empty
    outcome is what older months write for "nothing found".
    """
    codes = _OUTCOMES.get(outcome.casefold())
    if codes == ("AFD",) and not (grounds is not None and grounds.fined):
        return ("PV_CONVOC",)
    return codes


_OUTCOMES: Final = {
    "": ("LIBRE",),
    "nothing found - no further action": ("LIBRE",),
    "a no further action disposal": ("LIBRE",),
    "no further action": ("LIBRE",),
    "arrest": ("INTERPEL",),
    "suspect arrested": ("INTERPEL",),
    "community resolution": ("AFD",),
    "local resolution": ("AFD",),
    "khat or cannabis warning": ("AFD",),
    "offender given drugs possession warning": ("AFD",),
    "penalty notice for disorder": ("VERBAL",),
    "offender given penalty notice": ("VERBAL",),
    "caution (simple or conditional)": ("PV_CONVOC",),
    "offender cautioned": ("PV_CONVOC",),
    "summons / charged by post": ("PV_CONVOC",),
    "suspect summonsed to court": ("PV_CONVOC",),
    "article found - detailed outcome unavailable": ("SAISIE",),
}
