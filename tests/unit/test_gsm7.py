# ruff: noqa: RUF001 - the confusable characters are the subject
"""Folding and counting, held against Twilio's own calculator."""

import json
import string
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receipt_service.delivery.rendering import gsm7

VECTORS = json.loads((Path(__file__).parents[1] / "vectors/sms/sms_segments_twilio.json").read_text("utf-8"))
PLAIN = [vector for vector in VECTORS if not vector["smartEncoding"]]
FRENCH = "àâäæçéèêëîïôöœùûüÿÀÂÄÆÇÉÈÊËÎÏÔÖŒÙÛÜŸ"


@pytest.mark.parametrize("vector", PLAIN, ids=range(len(PLAIN)))
def test_counts_equal_twilios(vector):
    counted = gsm7.count(vector["text"])
    assert (counted.encoding, counted.segments, counted.units) == (
        vector["encoding"],
        vector["segments"],
        vector["units"],
    )


def test_the_vectors_hold_both_encodings_and_long_texts():
    assert {(v["encoding"], v["segments"] > 1) for v in PLAIN} == {
        ("GSM-7", False), ("GSM-7", True), ("UCS-2", False), ("UCS-2", True),
    }  # fmt: skip


def test_the_tables_have_their_size():
    assert len(gsm7.BASIC) == len(set(gsm7.BASIC)) == 127
    assert len(gsm7.EXTENSION) == len(set(gsm7.EXTENSION)) == 10
    assert not set(gsm7.BASIC) & set(gsm7.EXTENSION)


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Récépissé de contrôle d’identité", "Récépissé de controle d'identité"),
        ("« forêt » – œuvre — Ça va… 12 €", '" foret " - oeuvre - Ça va... 12 €'),
        ("déçu, français, ÇA", "décu, francais, ÇA"),
        ("À L’ŒIL, ÊTRE, LAÇAGE", "A L'OEIL, ETRE, LAÇAGE"),
        ("n° 12\u00a0bis\u202fB", "no 12 bis B"),
        ("île, maïs, Noël, où, dû, L’Haÿ-les-Roses", "ile, mais, Noel, où, du, L'Hay-les-Roses"),
        ("Łódź, İstanbul, ışık, Đặng, Øresund, straße", "Lodz, Istanbul, isik, Dang, Øresund, straße"),
        ("e\u0301te\u0301 decompose\u0302", "été decompose"),
        ("½ ﬁn ℡ Ⅻ", "1/2 fin TEL XII"),
        ("a\tb\r\nc\rd\u2028e", "a b\nc d\ne"),
        ("Иван 王", "???? ?"),
        ("zero\u200bwidth\ufeff\u202e", "zerowidth"),
        ("\x1b\x00\x7f\x9b", ""),
    ],
)
def test_folds_what_french_texts_hold(text, folded):
    assert gsm7.fold(text) == folded


@pytest.mark.parametrize("letter", FRENCH)
def test_every_french_letter_becomes_letters(letter):
    folded = gsm7.fold(letter)
    assert gsm7.is_gsm7(folded)
    assert folded in (letter, unicodedata.normalize("NFKD", letter)[0], "oe", "OE")


def test_every_letter_of_the_civil_registry_becomes_letters():
    """Latin-1, Latin Extended-A and Additional: the letters of European and Vietnamese names."""
    latin = [chr(code) for code in [*range(0xC0, 0x180), *range(0x1E00, 0x1E9F), *range(0x1EA0, 0x1EFA)]]
    lost = [
        char
        for char in latin
        if unicodedata.category(char).startswith("L") and not gsm7.fold(char).strip("'.").isalpha()
    ]
    assert lost == []


def test_the_escape_is_no_character():
    assert not gsm7.is_gsm7("a\x1be")
    with pytest.raises(ValueError, match="outside the GSM-7 alphabet"):
        gsm7.septets("a\x1be")
    assert gsm7.fold("a\x1be") == "ae"


def test_what_the_alphabet_has_is_kept():
    kept = (gsm7.BASIC + gsm7.EXTENSION).replace("\r", "").replace("\f", "")
    assert gsm7.fold(kept) == kept
    assert gsm7.septets("€" + string.ascii_letters) == 2 + 52


@given(st.text())
def test_folded_text_is_gsm7_and_folding_twice_changes_nothing(text):
    folded = gsm7.fold(text)
    assert gsm7.is_gsm7(folded)
    assert "\x1b" not in folded
    assert gsm7.fold(folded) == folded
    assert gsm7.count(folded).encoding == "GSM-7"


@given(st.text(alphabet=st.sampled_from(gsm7.BASIC + gsm7.EXTENSION), max_size=700))
def test_a_count_never_cuts_an_escaped_character(text):
    counted = gsm7.count(text)
    size = gsm7.septets(text)
    fewest = 1 if size <= gsm7.SINGLE_SEPTETS else -(-size // gsm7.SEGMENT_SEPTETS)
    assert fewest <= counted.segments <= (1 if size <= gsm7.SINGLE_SEPTETS else -(-size // (gsm7.SEGMENT_SEPTETS - 1)))
