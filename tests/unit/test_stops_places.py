import json
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receipt_service.demo.stops.places import COMMUNES, commune_of, public_place

CATALOGUE = Path(__file__).parents[2] / "schemas" / "catalogue" / "communes-2026.json"


def test_every_commune_exists():
    known = json.dumps(json.loads(CATALOGUE.read_bytes()))
    assert [code for code in COMMUNES if f'"{code}"' not in known] == []


@pytest.mark.parametrize(
    ("latitude", "longitude", "commune"),
    [
        (51.5074, -0.1278, "75104"),  # Charing Cross: the Marais
        (51.5560, -0.2795, "92051"),  # Wembley, north-west: Neuilly
        (51.4894, 0.0676, "94080"),  # Woolwich, east: Vincennes
    ],
)
def test_london_is_laid_over_paris(latitude, longitude, commune):
    assert commune_of(latitude, longitude) == commune


@given(latitude=st.floats(-90, 90), longitude=st.floats(-180, 180))
def test_every_point_has_one_commune_and_keeps_it(latitude, longitude):
    commune = commune_of(latitude, longitude)
    assert commune in COMMUNES
    commune_of.cache_clear()
    assert commune_of(latitude, longitude) == commune


def test_other_towns_are_spread_over_the_communes():
    cells = [(53.4 + math.sin(step) / 5, -2.2 + math.cos(step * 7) / 5) for step in range(400)]
    assert len({commune_of(*cell) for cell in cells}) > 50


@pytest.mark.parametrize(
    ("street", "place"),
    [
        ("On or near Bury Road", "Bury Road"),
        ("On or near Supermarket", "Abords d'un supermarché"),
        ("Waterside", "Waterside"),
        ("On or near Service Route No 3", "Desserte 3"),
        ("On or near A118", "A118"),
        ("On or near No Location", ""),
        ("On or near ", ""),
        ("", ""),
        (None, "Voie publique"),
    ],
)
def test_the_place_is_put_into_words(street, place):
    assert public_place(street) == place
