"""Protected characteristics, dwellings and house numbers: what is refused, and what facts need."""

import pytest

from receipt_service.domain.screening import CIRCUMSTANCES, EVENT, PLACE, REASONS, REFERENCE
from tests.support.screening import screened


@pytest.mark.parametrize(
    "text",
    [
        "individu de type maghrébin",
        "type nord-africain",
        "homme d'origine africaine",
        "d’origine étrangère",
        "originaire du Mali",
        "un Malien",
        "deux Roumaines",
        "un Noir qui court",
        "homme noir",
        "femme de couleur",
        "homme à la peau mate",
        "couleur de peau",
        "un arabe",
        "des Roms",
        "un gitan",
        "gens du voyage",
        "femme voilée",
        "portait le voile",
        "porte une kippa",
        "un musulman",
        "juif",
        "homosexuel",
        "travesti",
        "handicapé",
        "en fauteuil roulant",
        "malade mental",
        "parle mal le français",
        "accent étranger",
        "nom à consonance",
        "apparence physique",
        "cheveux crépus",
        "barbu",
        "jeune homme",
        "groupe de jeunes",
        "individu de 20 ans",
        "âgé de 17 ans",
        "SDF",
        "sans-papiers",
        "sans domicile fixe",
        "migrants",
        "quartier sensible",
        "militant syndicaliste",
        "gilet jaune",
        "AFRICAIN",
        "africaine",
        "l’étranger a couru",
        "personne étrangère",
        "faciès",
        "un protestant",
        "la rousse a couru",
        "un clandestin",
        "groupe de musulmans devant une école juive",
    ],
)
def test_protected_characteristics_are_refused(text):
    assert "text.protected" in screened(text)


@pytest.mark.parametrize(
    "text",
    [
        "sac noir jeté au sol",
        "véhicule noir sans plaque",
        "vêtu d'un manteau blanc et d'un sac noir",
        "objet d'origine frauduleuse",
        "colis d’origine inconnue",
        "véhicule immatriculé à l'étranger",
        "plaque étrangère",
        "plaque belge illisible",
        "véhicule immatriculé en Pologne, plaque polonaise",
        "provocation à la haine raciale",
        "violences à caractère raciste",
        "injure antisémite",
        "stationnement sur place handicapés",
        "emplacement réservé aux personnes handicapées",
        "présence d'un black bloc",
        "visage dissimulé par un foulard",
        "bateau à voile",
        "angle mort, mur aveugle",
        "jeune conducteur sans disque A",
        "homme vu en train de forcer une portière",
        "depuis 2 ans, rixes chaque samedi",
        "édifice religieux visé par des menaces",
        "gros sac laissé sur le quai",
        "menaces contre une école juive",
        "lieu de culte musulman visé par des tags",
        "menace terroriste islamiste",
        "devant le restaurant chinois",
        "permis invalide, titre périmé",
        "vente clandestine de cigarettes",
        "en protestant contre l'évacuation",
        "bruit sourd puis fuite",
        "est resté muet, assiste à la scène",
        "chien de race sans muselière",
        "station Croix-Rousse",
        "aire d'accueil des gens du voyage",
        "marchait en file indienne",
    ],
)
def test_words_that_describe_facts_pass(text):
    assert screened(text) == set()


def test_convictions_may_stand_in_the_circumstances_of_an_event_and_not_in_the_reasons():
    text = "Rixe annoncée entre militants d'ultra-gauche et d'ultra-droite"
    assert "text.protected" in screened(text, REASONS)
    assert screened(text, CIRCUMSTANCES) == set()


def test_the_name_of_an_event_is_not_a_reason():
    assert screened("Marche des fiertés LGBT", EVENT) == set()


@pytest.mark.parametrize(
    "text",
    [
        "au domicile",
        "Appartement 12, rue Pasteur",
        "chez Durand",
        "appt 3",
        "rue Pasteur, 3e étage",
        "3ème étage",
        "digicode 12A4",
        "devant sa maison",
        "chambre 214",
        "chambre d'hôtel",
        "bâtiment B escalier 2",
        "porte gauche",
        "interphone",
        "à l’étage",
    ],
)
def test_dwellings_are_refused_as_a_place(text):
    assert "place.dwelling" in screened(text, PLACE)


@pytest.mark.parametrize(
    "text",
    [
        "12 rue Pasteur",
        "12, rue de la Paix",
        "12 bis avenue Foch",
        "12bis av. Foch",
        "au 12 de la rue Pasteur",
        "à hauteur du 5 boulevard Voltaire",
        "rue Pasteur n°12",
        "rue Pasteur, numéro 12",
        "rue Pasteur 12",
        "avenue du Général Leclerc, 12 ter",
        "3 impasse des Lilas",
        "12 place de la République",
    ],
)
def test_house_numbers_are_refused_as_a_place(text):
    assert "place.street_number" in screened(text, PLACE)


@pytest.mark.parametrize(
    "text",
    [
        "Parvis de la gare du Nord",
        "rue de la Paix",
        "Place du 8 mai 1945",
        "rue du 19 mars 1962",
        "avenue du 11 novembre 1918",
        "Place du 8 mai 1945, rue de la gare",
        "angle de la rue Pasteur et du boulevard Voltaire",
        "Station Stalingrad, ligne 5, quai 2",
        "Gare de Lyon, hall 2, quai 11",
        "RN 20, PK 12+300, sens province",
        "A86, sortie 9",
        "Route départementale 12",
        "Porte de Bagnolet",
        "Carrefour des 4 chemins",
        "Hall de la gare, 2e étage",
        "Place Monsieur-le-Prince",
        "rue de la Chambre de commerce",
        "On or near Petrol Station",
        "On or near Church Road",
        "Église Saint-Denys",
        "Mosquée de Paris, parvis",
        "Villa Médicis",
        "Aéroport, terminal 2E, porte 12",
        "Avenue de Verdun, sortie 4",
    ],
)
def test_public_places_pass(text):
    assert screened(text, PLACE) == set()


def test_coordinates_are_no_place_in_words():
    assert "place.coordinates" in screened("48.880931, 2.355323", PLACE)


def test_references_are_numbers_by_nature_and_still_never_a_name_or_an_address():
    assert screened("24123000123/7 NOR INTC1327617A", REFERENCE) == set()
    assert "text.identity" in screened("24/118 Benali", REFERENCE)
    assert "text.contact" in screened("a@b.fr", REFERENCE)
