"""What free text may not hold, and what it must be free to say."""

import pytest

from receipt_service.domain.person import IdentityNotEstablished, NotEstablishedReason
from receipt_service.domain.recipient import Recipient
from receipt_service.domain.screening_names import IdentityMarks
from tests.support.screening import marks_of, screened


@pytest.mark.parametrize(
    "text",
    [
        "Benali a pris la fuite",
        "BENALI a pris la fuite",
        "bénali prend la fuite",
        "a couru vers B.E.N.A.L.I. puis",
        "b e n a l i",
        "Ben-Ali a couru",
        "l'ami de Benali93",
        "Karim refuse",
        "yanis refuse",
        "K. Benali",
        "né le 17/05/1990",
        "naissance 17.05.90",
        "1990-05-17",
        "17051990",
        "170590",
        "17 mai 1990",
        "17 MAI 90",
        "May 17, 1990",
        "mai 1990",
        "05/1990",
        "Né à Lille",
        "nee le 4 juin",
        "joint au 0639980142",
        "joint au 06 39 98 01 42",
        "639 980 142",
        "compte kbenali75",
        "k.benali75",
    ],
)
def test_the_persons_identity_is_refused_in_every_spelling(text):
    assert "text.identity" in screened(text)


@pytest.mark.parametrize(
    "text",
    [
        "Devant le lycée, a jeté un sachet",
        "Course de Karima ou de Benalixandre",
        "Trois vols entre 17 h et 19 h depuis le 5 mai",
        "Le 17 novembre, à 5 h 17",
        "A couru vers la rue Benali-Mansour",
        "Sortie de la station Karim-Belkacem",
        "RN 90, sens 17",
    ],
)
def test_texts_that_only_resemble_the_identity_pass(text):
    assert screened(text) == set()


@pytest.mark.parametrize(
    ("family", "given", "text"),
    [
        ("Le", "Van", "le sac a été jeté sur le quai"),
        ("Le", "Van", "Le sac a été jeté"),
        ("Li", "Na", "a lié le sac au vélo"),
        ("Petit", "Rose", "un petit sachet rose jeté au sol"),
        ("Petit", "Rose", "Petit sachet jeté"),
        ("Dupont", "Jean", "caché sous le tablier du pont"),
        ("Tour", "Marie", "fait le tour du véhicule"),
        ("De La Tour", "Guy", "revient autour de la tour"),
        ("Martin", "Denis", "vers la gare Saint-Denis puis rue Saint-Martin"),
        ("Sa", "An", "un an après, sa voiture"),
        ("Marchand", "Clair", "a menacé un marchand de journaux en plein jour clair"),
        ("O", "Y", "il y a eu un jet de bouteille"),
        ("Roux", "Pierre", "jet de pierre sur le bus"),
        ("Petit", "Rose", "UN PETIT SACHET ROSE"),
        ("Le", "Van", "LE SAC EST RESTE"),
        ("Paris", "Claire", "Tribunal judiciaire de Paris"),
    ],
)
def test_names_that_are_everyday_words_do_not_hinder_writing(family, given, text):
    found = screened(text, marks=marks_of(family, given, email=None))
    assert "text.identity" not in found


@pytest.mark.parametrize(
    ("family", "given", "text"),
    [
        ("Le", "Van", "M. Le refuse de répondre"),
        ("Le", "Van", "Van Le refuse"),
        ("Le", "Van", "il s'agit de LE, qui refuse"),
        ("Le", "An", "contrôle de Le An"),
        ("Li", "Na", "Li refuse"),
        ("Li", "Na", "monsieur li refuse"),
        ("Li", "Na", "LI NA"),
        ("Petit", "Rose", "le nommé petit"),
        ("Petit", "Rose", "Rose Petit"),
        ("Petit", "Rose", "petit rose a fui, petit, rose petit"),
        ("Petit", "Rose", "un certain PETIT a fui"),
        ("Petit", "Rose", "puis Petit a fui"),
        ("Petit", "Rose", "Petit a fui"),
        ("Petit", "Rose", "PETIT A FUI"),
        ("Petit", "Rose", "R. Petit"),
        ("De La Tour", "Guy", "Guy de la Tour"),
        ("O", "Yun", "Yun O"),
        ("Dupont", "Jean", "Dupont refuse"),
        ("Dupont", "Jean", "jean-dupont"),
        ("Dupont", "Jean", "JeanDupont"),
        ("Lœb", "Noël", "loeb refuse"),
        ("Иванов", "Пётр", "иванов refuse"),
        ("Nguyễn", "Thị", "NGUYEN refuse"),
        ("Müller", "Jörg", "muller"),
        ("Jaurès", "Jean", "rue Jean Jaurès"),
        ("Martin", "Denis", "à la gare, Martin a fui"),
        ("Martin", "Denis", "à la gare Martin a fui"),
    ],
)
def test_names_that_are_everyday_words_are_still_seen_when_they_are_meant(family, given, text):
    assert "text.identity" in screened(text, marks=marks_of(family, given, email=None))


@pytest.mark.parametrize(
    "text",
    [
        "avec M. Durand",
        "M Durand",
        "Mme Durand",
        "chez monsieur Durand",
        "le nommé Ali",
        "s'appelle Zoé",
        "se nomme Zoé",
    ],
)
def test_naming_anyone_is_refused(text):
    assert "text.names_person" in screened(text)


@pytest.mark.parametrize(
    "text", ["avis à Monsieur le procureur", "rue Monsieur-le-Prince", "PM en renfort", "madame la commissaire"]
)
def test_functions_are_not_names(text):
    assert screened(text) == set()


@pytest.mark.parametrize(
    "text",
    [
        "AB-123-CD",
        "ab-123-cd",
        "AB 123 CD",
        "ab123cd",
        "AB.123.CD",
        "véhicule AB-123-CD gris",
        "1234 AB 75",
        "123ABC75",
        "12 abc 2a",
        "1234AB971",
        "AB 123 C",
    ],
)
def test_number_plates_are_refused(text):
    assert "text.plate" in screened(text)


@pytest.mark.parametrize(
    "text",
    [
        "appel au 115 et attente",
        "le 115 et le 17",
        "à 14 h 30",
        "de 22h à 23h45",
        "10 km/h à 20 m",
        "entre le 12 mai 24 et ce jour",
        "RN 20, PK 12+300",
        "ligne 13, sortie 2",
    ],
)
def test_times_and_distances_are_not_plates(text):
    assert screened(text) == set()


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("06 12 34 56 78", "text.contact"),
        ("0612345678", "text.contact"),
        ("06.12.34.56.78", "text.contact"),
        ("+33 6 12 34 56 78", "text.contact"),
        ("0033612345678", "text.contact"),
        ("+44 20 7946 0958", "text.contact"),
        ("a@b.fr", "text.contact"),
        ("jean (at) b.fr", "text.contact"),
        ("compte @zozo93", "text.contact"),
        ("voir https://exemple.fr/x", "text.link"),
        ("www.exemple.fr", "text.link"),
        ("exemple.com", "text.link"),
        ("1 90 12 75 123 456 78", "text.number"),
        ("190057512345678", "text.number"),
        ("290052A12345678", "text.number"),
        ("carte 880692310285", "text.number"),
        ("passeport 12AB34567", "text.number"),
        ("CNI X4RTBPFW4", "text.number"),
        ("CNI T7X62TZ79", "text.number"),
    ],
)
def test_numbers_and_addresses_that_identify_are_refused(text, rule):
    assert rule in screened(text)


@pytest.mark.parametrize(
    "text",
    [
        "une\nligne",
        "tab\tulation",
        "z\u200bro",
        "r\u202etl",
        "nul\x00",
        "\ufeffdebut",
        "esc\x1b[1m",
        "soft\u00adhyphen",
    ],
)
def test_control_and_invisible_characters_are_refused(text):
    assert screened(text) == {"text.control_character"}


def test_french_typography_passes():
    assert screened("Sac « noir », vu à 14 h : « jeté » : d’où l’intervention… 20 €") == set()


def test_a_person_without_identity_leaves_no_marks():
    marks = IdentityMarks.of(IdentityNotEstablished(reason=NotEstablishedReason.REFUSED), Recipient(declined=True))
    assert screened("a pris la fuite à notre vue", marks=marks) == set()
