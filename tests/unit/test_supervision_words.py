"""The dashboard's words: every code that can come up has a name in both languages, and numbers are written well."""

import json
from importlib import resources

import pytest

from receipt_service.bootstrap.resources import read_schema
from receipt_service.domain.directory import UnitEntry
from receipt_service.statistics.answers import Offer, Structure
from receipt_service.statistics.lattice import AreaLevel, Dimension
from receipt_service.statistics.questions import Split
from receipt_service.storage.releases import Release
from receipt_service.web.supervision import views
from receipt_service.web.supervision.words import LANGUAGES, Words, catalogue_of, texts
from tests.support.checks import NOW

CATALOGUE = catalogue_of(read_schema("catalogue", "catalogue-2026.1.json"))


def words(language):
    return Words(language=language, catalogue=CATALOGUE, units={}, area_name={"D75": "Paris"}.get)


def unit(code, parent=None, department=None):
    return UnitEntry(code=code, name=code, parent_code=parent, force="PN", department=department, commune=None)


def offer(units, top, *periods):
    entries = {each.code: each for each in units}
    released = tuple(Release(period, NOW, "x", 1.0) for period in periods)
    return Offer(Structure(1, entries).scope_of(top), entries, released)


def test_both_languages_say_the_same_things():
    french, english = (dict(texts(language)) for language in LANGUAGES)

    assert french.keys() == english.keys()
    fields = {key: {part.split("}")[0] for part in text.split("{")[1:]} for key, text in french.items()}
    assert {key: {part.split("}")[0] for part in text.split("{")[1:]} for key, text in english.items()} == fields


def test_no_text_is_left_that_nothing_says():
    sources = [*(resources.files("receipt_service.web") / "templates").iterdir()]
    sources += [*(resources.files("receipt_service.web") / "supervision").iterdir()]
    sources += [resources.files("receipt_service.web") / "routes" / "supervision.py"]
    source = "".join(each.read_text() for each in sources if each.name.endswith((".html", ".py")))
    composed = ("month.", "quarter.", "view.", "views.", "by.", "areas.", "periods.", "mark.", "method.", "note.")
    values = tuple(f"{dimension}." for dimension in Dimension)

    assert [key for key in texts("fr") if f'"{key}"' not in source and not key.startswith((*composed, *values))] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_view_division_and_fixed_value_has_a_name(language):
    said = words(language)
    for group, each in views.views_of(AreaLevel.UNIT).items():
        assert said.say(f"views.{group}")
        assert all(said.say(f"view.{view}") for view in each)
    assert all(said.division(division) for division in [*Dimension, *Split])
    for dimension, values in views.CLOSED.items():
        assert [value for value in values if said.value(dimension, value) in {value, ""}] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_codes_of_the_catalogue_have_its_names(language):
    said = words(language)
    for dimension, kind in (
        ("basis", "bases"),
        ("reason", "reasons"),
        ("outcome", "outcomes"),
        ("measure", "measures"),
    ):
        for code, entry in getattr(CATALOGUE, kind).items():
            assert said.value(dimension, code) == entry.label[language]


def test_the_fixed_lists_are_the_catalogues():
    assert set(views.CLOSED[Dimension.SELECTION]) == set(CATALOGUE.selection_modes)


@pytest.mark.parametrize(
    ("language", "written"),
    [
        ("fr", ["1\u202f234\u202f567", "12,5", "40,0\u202f%", "8 s", "2,5 min", "2 h", "3e trimestre 2026"]),
        ("en", ["1,234,567", "12.5", "40.0%", "8 s", "2.5 min", "2 h", "third quarter of 2026"]),
    ],
)
def test_numbers_and_periods_are_written_as_the_language_does(language, written):
    said = words(language)

    assert [
        said.number(1_234_567),
        said.number(12.5, 1),
        said.percent(0.4),
        said.duration(8),
        said.duration(150),
        said.duration(7200),
        said.period("2026-Q3"),
    ] == written


def test_areas_and_other_values_are_named():
    said = words("en")

    assert (said.area("F"), said.area("D75"), said.area("D93"), said.area("UPN-75")) == (
        "All of France",
        "Paris (75)",
        "93",
        "PN-75",
    )
    assert (said.value("basis", "other"), said.value("hour_band", "03-06")) == (
        "Other values, together",
        "3:00 to 6:00",
    )
    assert said.value("basis", "NEW-CODE") == "NEW-CODE"


def test_an_offer_lists_the_readers_areas_and_no_other():
    tree = [unit("PN"), unit("PN-75", "PN", "75"), unit("PN-75-10", "PN-75", "75"), unit("PN-93", "PN", "93")]

    whole = views.areas_in(offer(tree, "PN"), "UPN")
    part = views.areas_in(offer(tree, "PN-75"), "UPN-75")

    assert [(each.value, each.depth) for each in whole["units"]] == [
        ("UPN", 0),
        ("UPN-75", 1),
        ("UPN-75-10", 2),
        ("UPN-93", 1),
    ]
    assert [each.value for each in whole["departments"]] == ["D75", "D93"]
    assert [each.value for each in whole["france"]] == ["F"]
    assert {name: [each.value for each in group] for name, group in part.items()} == {
        "units": ["UPN-75", "UPN-75-10"],
        "departments": ["D75"],
    }


def test_of_very_many_units_the_upper_ones_are_listed_and_the_chosen_one():
    tree = [unit("PN"), *(unit(f"D{n}", "PN") for n in range(20))]
    tree += [unit(f"D{n}-{m}", f"D{n}") for n in range(20) for m in range(100)]

    listed = [each.value for each in views.areas_in(offer(tree, "PN"), "UD3-7")["units"]]

    assert len(listed) == 22
    assert "UD3-7" in listed


def test_the_first_page_shows_the_latest_quarter_else_the_latest_month():
    tree = [unit("PN")]

    assert views.usual_period(offer(tree, "PN", "2025", "2026-06", "2026-07", "2026-Q2")) == "2026-Q2"
    assert views.usual_period(offer(tree, "PN", "2026-06", "2026-07")) == "2026-07"
    assert views.periods_in(offer(tree, "PN", "2026-06", "2026-07", "2026-Q2")) == {
        3: ("2026-Q2",),
        1: ("2026-07", "2026-06"),
    }


def test_files_of_words_are_plain():
    for language in LANGUAGES:
        content = resources.files("receipt_service.web") / "texts" / f"supervision.{language}.json"
        assert all(isinstance(text, str) and text for text in json.loads(content.read_bytes()).values())
