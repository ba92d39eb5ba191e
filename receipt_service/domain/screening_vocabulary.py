"""The words that free text may not hold, as data: protected characteristics, and ordinary words that are also names.

CSI R.434-16 forbids choosing persons by a physical characteristic or a distinctive sign; code pénal
225-1 lists the characteristics. The lists are folded (no accents, lower case) and matched on whole
words. Choices about false positives are explained in ``docs/catalogue.md``, "Screening".
"""

from collections.abc import Iterable
from typing import Final

from receipt_service.domain.screening_words import listed

ORIGIN: Final = "origin"
RELIGION: Final = "religion"
APPEARANCE: Final = "appearance"
LANGUAGE: Final = "language"
ORIENTATION: Final = "orientation"
HEALTH: Final = "health"
OPINION: Final = "opinion"
AGE: Final = "age"
HARDSHIP: Final = "hardship"


def _plural(*words: str) -> set[str]:
    """Return nouns with their plural."""
    return {form for word in words for form in (word, word + "s")}


def adjectives(*words: str) -> set[str]:
    """Return adjectives with feminine and plural; ``-en`` and ``-an`` also double their ``n``."""
    forms = set[str]()
    for word in words:
        feminine = word if word.endswith("e") else word + ("ne" if word.endswith("en") else "e")
        forms |= {word, feminine, word + "s", feminine + "s"}
    return forms


PEOPLES: Final = adjectives(
    *listed("""
    algerien marocain tunisien maghrebin libyen egyptien mauritanien malien senegalais ivoirien guineen congolais
    camerounais togolais beninois burkinabe nigerien nigerian ghaneen gambien gabonais angolais centrafricain tchadien
    soudanais ethiopien erythreen somalien rwandais burundais comorien malgache mauricien haitien dominicain jamaicain
    cubain bresilien surinamien surinamais guyanien venezuelien colombien peruvien bolivien equatorien chilien argentin
    mexicain antillais guadeloupeen martiniquais reunionnais guyanais mahorais caledonien kanak tahitien polynesien
    turc kurde syrien irakien iranien libanais palestinien jordanien yemenite saoudien afghan pakistanais bangladais
    bengali indien srilankais tamoul nepalais chinois japonais coreen mongol vietnamien cambodgien laotien thailandais
    philippin indonesien roumain bulgare albanais kosovar serbe croate bosniaque bosnien macedonien montenegrin moldave
    ukrainien russe bielorusse georgien armenien azeri tchetchene daghestanais ouzbek kazakh tadjik polonais lituanien
    letton estonien hongrois tcheque slovaque portugais espagnol italien africain asiatique caucasien europeen
    mediterraneen oriental balkanique slave scandinave indopakistanais nordafricain subsaharien
    """)
) | {"turque", "turques", "grec", "grecs", "grecque", "grecques"}

_ETHNIC: Final = (
    adjectives("arabe", "berbere", "kabyle", "touareg", "peul", "soninke", "bambara", "wolof", "tzigane", "tsigane")
    | adjectives("gitan", "manouche", "romanichel", "yeniche", "metis", "mulatre", "creole", "ethnique", "racise")
    | _plural("immigre", "immigree", "migrant", "migrante", "clandestin", "clandestine", "ethnie", "nationalite")
    | _plural("rebeu", "reubeu", "beur", "beurette", "renoi", "keubla", "black", "bougnoule", "bicot", "raton")
    | _plural("bamboula", "negre", "negresse", "negro", "youpin", "feuj", "niakoue", "chinetoque", "noich", "toubab")
    | _plural("babtou", "rom", "romani", "boumian", "bledard", "bledarde", "rital", "polak")
    | {"metisse", "metisses", "gitane", "gitanes", "crouille", "crouilles", "babylone", "gwer"}
)

RELIGIOUS: Final = (
    adjectives("musulman", "islamiste", "islamique", "juif", "israelite", "chretien", "catholique", "protestant")
    | adjectives("bouddhiste", "hindou", "hindouiste", "sikh", "mormon", "salafiste", "evangelique", "athee")
    | _plural("juive", "imam", "rabbin", "burqa", "burka", "niqab", "hijab", "jilbab", "tchador", "kippa", "turban")
    | _plural("djellaba", "qamis", "kamis", "abaya", "foulard", "barbu", "barbe", "religion", "islam")
    | {"coran", "torah"}
)

_LOOKS: Final = (
    _plural(
        "peau", "facies", "basane", "basanee", "barbiche", "dreadlock", "dread", "afro", "bride", "bridee", "cheveu"
    )
    | _plural("teint", "melanoderme", "tatoue", "tatouee", "tatouage", "obese", "corpulence", "moustachu", "chauve")
    | {"cheveux", "roux", "rousse", "rousses", "rouquin", "rouquine", "blond", "blonde", "blonds", "blondes"}
    | {"crepu", "crepus", "crepue", "crepues", "nain", "naine", "nains", "naines", "gros", "grosse"}
) - {"gros", "grosse"}  # "gros sac", "grosse somme": the noun for a person is rare

_INTIMATE: Final = (
    adjectives("homosexuel", "bisexuel", "transsexuel", "transgenre", "gay", "queer", "travesti", "effemine")
    | _plural("homosexuelle", "bisexuelle", "transsexuelle", "lesbienne", "pede", "tapette", "gouine", "tarlouze")
    | {"lgbt", "lgbtq", "lgbtqia", "gays", "trans", "homo", "homos"}
)

_CONDITIONS: Final = (
    adjectives("handicape", "invalide", "infirme", "paralytique", "schizophrene", "psychotique", "bipolaire")
    | adjectives("autiste", "trisomique", "epileptique", "diabetique", "seropositif", "sourd", "aveugle")
    | adjectives("toxicomane", "alcoolique", "depressif", "boiteux", "begue", "demente", "debile")
    | {"handicap", "handicaps", "vih", "sida", "enceinte", "enceintes", "grossesse", "autisme", "schizophrenie"}
) - {"autistee", "autistees"}

_CONVICTIONS: Final = (
    adjectives("syndicaliste", "gauchiste", "droitiste", "fasciste", "communiste", "anarchiste", "zadiste")
    | adjectives("royaliste", "trotskiste", "ecologiste", "independantiste", "autonomiste", "militant")
    | _plural("antifa", "cegetiste")
    | {"ultragauche", "ultradroite"}
)

_YEARS: Final = _plural("jeune", "ado", "adolescent", "adolescente", "vieillard", "gamin", "gamine", "senior", "mome")

_POVERTY: Final = _plural("clochard", "clocharde", "mendiant", "mendiante", "vagabond") | {"sdf", "sdfs"}

PROTECTED_WORDS: Final[dict[str, str]] = {
    word: category
    for words, category in (
        (PEOPLES | _ETHNIC, ORIGIN),
        (RELIGIOUS, RELIGION),
        (_LOOKS, APPEARANCE),
        (_INTIMATE, ORIENTATION),
        (_CONDITIONS, HEALTH),
        (_CONVICTIONS, OPINION),
        (_YEARS, AGE),
        (_POVERTY, HARDSHIP),
    )
    for word in words
}
"""Word → category; the phrases in which one is harmless stand in ``screening_phrases``."""

FUNCTION_WORDS: Final = frozenset(
    listed("""
    a au aux avec ce ces cet cette chez d dans de des donc du elle elles en est et eux il ils j je l la le les leur
    leurs lui m ma mais me mes mon n ne ni nos notre nous on ont or ou par pas pour pres qu que qui s sa sans se ses si
    son sont sous sur t ta te tes ton tu un une vers vos votre vous y an ans as ai
    """)
)
"""Words no French sentence does without, which are also names (Le, Sa, An, Y, Ma…)."""

_ORDINARY: Final = """
    abri aide aile air allee ami amie ange annee appel arbre arc argent arme art assise avril bague bain bal balle banc
    bar barbier bas bateau beau belle benoit berger bien blanc blanche bois bon bonne bord bouche boucher boulanger bout
    bras brave bref brun brune bus but cabane cadet caisse camp canal cap car carre carte cas casse cave chaise champ
    champs chance chant chapelle charge charpentier chasse chat chateau chaud chef chemin cher chevalier chevre chien
    cite clair claire clef clerc client clos coin col collet commerce comte conte coq corps cote cou coup cour courant
    courbe cours court cousin croix cuisine cure dame dames danse dent dernier deux dire dit doux droit drogue eau
    eglise enfant entree est etang etat ete face fait faure fer ferme fete feu fille fils fin fleur foi fois fond
    fontaine foret forge fort forte fou four franc france froid front fruit garcon garde gare gars gauche geant genre
    gens glace grand grande grande grange gris gros grosse groupe guerre guet habit hall haut haute herbe heure hiver
    homme hotel huit ile image issue jardin jeu jeudi jeune joie joly jour juge juin juste lac laine lame lampe lard
    large lecture legende leger lemaire leve libre lieu ligne lion lit livre loi loin long longue loup lundi lune main
    maire maison maitre mal manoir marais marchand marche marche mardi mari marine marque marron mars martin masse
    matin mauvais mer mere messager metier meunier midi mois moine monde mont mort mot moulin mouton moyen mur nez noel
    noir noire nom nord note nuit oeil oiseau once ordre ouest page pain paix palais papier parc parent paris part pas
    passage passe pauvre pays peau peintre pelle pere perle petit petite peur pied pierre pin place plage plan plein
    pluie poids point pont port porte portier poste poulain pre premier pres pretre prevot prince prix puits quai quart
    quatre quel rang rare reine renard repos rey riche rien rive riviere robe roc roche roi rond rose rouge route roux
    roy rue sac sage saint salle samedi sang savoir sec seigneur sel sept serre seul signe simple six soir sol soleil
    sort sous sud sur table taille tard temps terre tete texte thermes toit tour tout train tres trois vache vague val
    vallee vend vent ver verger verre vert verte veuve vide vie vieux vigne ville vin vite vivant vivier voie vol vrai
    ba pv tv cb bac id vu va et al ce do re mi fa la so
"""

COMMON_WORDS: Final = FUNCTION_WORDS | frozenset(listed(_ORDINARY)) - {"martin", "faure", "joly", "lemaire", "rey"}
"""Words that are both names and everyday French; they identify only beside other signs of a name."""

TOPONYMS: Final = frozenset(
    listed("""
    tribunal cour parquet commissariat brigade prefecture
    rue avenue av boulevard bd bld place pl square quai cours passage impasse allee allees chemin route voie pont port
    porte gare station metro arret parc jardin stade lycee college ecole universite faculte hopital clinique eglise
    cathedrale basilique chapelle mosquee synagogue temple cimetiere quartier cite residence faubourg fbg esplanade
    parvis rond carrefour centre marche halle halles theatre musee palais tour fort hotel mairie aeroport terminal
    peage aire zone lac etang plage ile col mont foret bois canal saint sainte st ste ligne tram tramway tunnel
    echangeur rocade sentier villa mail promenade galerie galeries campus gymnase piscine complexe espace salle cinema
    """)
)
"""Words after which a name is a place's: rue Jean-Jaurès, gare Saint-Charles."""

TOPONYM_ENDINGS: Final = frozenset(listed("street road avenue lane close way drive court gardens square park"))
"""English ones, after the name, for the foreign records that the demonstration replays."""

NAME_MARKERS: Final = frozenset(
    listed("""
    m mr mme mlle monsieur madame mademoiselle sieur nomme nommee denomme denommee prenomme prenommee surnomme surnommee
    appele appelee appelle nom prenom identifie identifiee chez
    """)
)
"""Words after which any word of the person's name is their name."""

VERBS_AFTER_A_NAME: Final = frozenset(
    listed("a est etait avait ne n se s refuse dit declare prend fuit court nie tente sort jette crie part ment")
)

GENERIC_REASONS: Final = frozenset(
    """
    controle|controle de routine|controle aleatoire|controle d identite|controle preventif|routine|ras|rien|neant|idem
    comportement suspect|attitude suspecte|individu suspect|personne suspecte|suspect|suspicion|louche|attitude louche
    comportement louche|comportement anormal|attitude anormale|nervosite|nerveux|nerveuse|personne nerveuse
    lieu propice aux infractions|lieu propice|lieu criminogene|secteur criminogene|quartier sensible|zone sensible
    zone de delinquance|lieu de delinquance|secteur sensible|secteur connu|lieu connu|defavorablement connu
    connu des services|connu des services de police|delit de facies|au hasard|hasard|verification|prevention
    securite|maintien de l ordre|ordre public|surveillance generale|patrouille|mission de securisation|vigipirate
    plan vigipirate|presence en ce lieu|presence sur les lieux|sans motif|aucun motif|motif legitime|test
    """.replace("\n", "|")
    .replace("    ", "")
    .split("|")
)
"""Folded sentences that state no objective fact (93-323 DC: the circumstances must be particular)."""


LONGEST_FORMULA: Final = 60
"""Characters, with room for accents and punctuation, beyond which a text is no formula."""


def is_generic(words: Iterable[str]) -> bool:
    """Whether a text, as folded words, says nothing in particular."""
    content = [word for word in words if len(word) > 1 or word.isdigit() or word in {"d", "l"}]
    return " ".join(content) in GENERIC_REASONS or len([w for w in content if w not in FUNCTION_WORDS]) < 2  # noqa: PLR2004
