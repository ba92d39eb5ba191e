"""Every language has every text, with the same placeholders; dates read as people of that language write them."""

import dataclasses
import json
import string

import pytest

from receipt_service.delivery.rendering.labels import FOLDER, FRENCH, chosen, labels, languages
from receipt_service.domain.check import BasisUse
from tests.support.rendered_receipts import CATALOGUE_FILE, catalogue

FILES = {language: json.loads((FOLDER / f"{language}.json").read_text("utf-8")) for language in languages()}


def placeholders(text: str) -> set[str]:
    return {f"{name}:{form}" for _, name, form, _ in string.Formatter().parse(text) if name is not None}


@pytest.mark.parametrize("language", languages())
def test_every_language_has_every_text(language):
    assert FILES[language].keys() == FILES[FRENCH].keys()
    for key, text in FILES[language].items():
        french = FILES[FRENCH][key]
        assert type(text) is type(french), key
        if isinstance(text, list):
            assert len(text) == len(french), key
        else:
            assert text.strip(), key
            names = {each.partition(":")[0] for each in placeholders(text)}
            assert names == {each.partition(":")[0] for each in placeholders(french)}, key
            assert {each.partition(":")[2] for each in placeholders(text)} <= {"", "02"}, key


@pytest.mark.parametrize("language", languages())
def test_the_catalogue_speaks_every_language_of_the_texts(language):
    assert language in catalogue().languages


def test_every_fact_of_a_basis_has_its_words():
    """A fact without a label would stop the mail of a check that is rightly registered."""
    silent = {"code", "notice_reference", "requisition"}
    facts = {field.name for field in dataclasses.fields(BasisUse)} - silent
    assert {f"fact.{name}" for name in facts} <= FILES[FRENCH].keys()


def test_every_kind_of_basis_has_its_title():
    families = {str(basis.family) for basis in catalogue().bases.values()}
    assert {f"{kind}.{family}" for family in families for kind in ("title", "sms.title")} <= FILES[FRENCH].keys()


def test_every_zone_of_the_territory_has_its_words():
    territory = json.loads((CATALOGUE_FILE.parent / "communes-2026.json").read_text("utf-8"))
    zones = {entry["zone"] for entry in territory["departments"].values()} | set(territory["zones"].values())
    assert sorted(zone for zone in zones if f"zone.{zone}" not in FILES[FRENCH]) == []


def test_french_comes_first_and_unknown_languages_are_left_out():
    assert languages()[0] == FRENCH
    assert chosen(()) == ("fr",)
    assert chosen(("en",)) == ("fr", "en")
    assert chosen(("en", "fr", "xx", "en", "../fr")) == ("fr", "en")


@pytest.mark.parametrize(
    ("language", "iso", "zone", "written"),
    [
        ("fr", "2026-11-23T14:05:00+01:00", "Europe/Paris", "lundi 23 novembre 2026 à 14 h 05 (heure de Paris, UTC+1)"),
        ("en", "2026-11-23T04:05:00+01:00", "Europe/Paris", "Monday 23 November 2026 at 04:05 (Paris time, UTC+1)"),
        ("fr", "2026-05-01T00:00:00-04:00", "America/Guadeloupe",
         "vendredi 1er mai 2026 à 0 h 00 (heure de Guadeloupe, UTC-4)"),
        ("en", "2026-05-01T23:59:59-09:30", "Pacific/Marquesas",
         "Friday 1 May 2026 at 23:59 (Marquesas time, UTC-9:30)"),
        ("fr", "2026-05-01T12:00:00+05:45", "Asia/Kathmandu", "vendredi 1er mai 2026 à 12 h 00 (UTC+5:45)"),
    ],
)  # fmt: skip
def test_a_moment_is_that_of_the_place(language, iso, zone, written):
    assert labels(language).moment(iso, zone).replace("\u00a0", " ") == written


@pytest.mark.parametrize(
    ("text", "written"),
    [("1990-05-01", "1er mai 1990"), ("1990-05", "mai 1990"), ("1990", "1990"), ("1990-00", "1990-00"), ("", "")],
)
def test_a_birth_date_may_be_partly_known(text, written):
    assert labels("fr").partial_day(text) == written


def test_an_unknown_key_is_a_fault_of_ours():
    with pytest.raises(KeyError):
        labels("fr")("no.such.text")
    with pytest.raises(KeyError):
        labels("fr")("date.months")
