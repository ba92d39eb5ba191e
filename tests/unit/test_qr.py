"""Every code is read back by an independent decoder, whatever the mask."""

import random
from xml.etree import ElementTree as ET

import pytest
import segno
from hypothesis import given
from hypothesis import strategies as st
from segno import consts

from receipt_service.delivery.rendering.qr import QUIET_ZONE, qr_svg
from receipt_service.delivery.rendering.qr_matrix import QrTooLong, qr_rows, rows_at
from tests.support.pixels import pixels_of_svg, read_svg
from tests.support.receipts import sample_link

CODES = [(version, level) for version in range(1, 41) for level in "MQH"]
URL = sample_link().url("https://recepisse.example")


def test_the_link_is_read_back():
    assert read_svg(qr_svg(URL)) == URL


@pytest.mark.parametrize(("version", "level"), CODES)
def test_a_full_code_of_every_size_equals_segnos(version, level):
    capacity = consts.SYMBOL_CAPACITY[version][{"M": consts.ERROR_LEVEL_M, "Q": consts.ERROR_LEVEL_Q}.get(level, 2)]
    length = (capacity - (20 if version >= 10 else 12)) // 8
    payload = bytes(33 + (at * 7 + version) % 90 for at in range(length))
    expected = segno.make_qr(payload, error=level, version=version, mask=0, mode="byte", boost_error=False)
    assert rows_at(payload, version, level) == ["".join(map(str, row)) for row in expected.matrix]


@pytest.mark.parametrize("length", [1, 2, 14, 15, 62, 63, 150, 213, 214, 500, 1000, 1500, 2331])
def test_the_size_and_level_are_those_that_segno_chooses(length):
    text = "x" * length
    expected = segno.make_qr(text, error="m", mask=0)
    assert len(qr_rows(text)) == len(expected.matrix)
    assert read_svg(qr_svg(text)) == text


def test_what_does_not_fit_is_refused():
    with pytest.raises(QrTooLong):
        qr_svg("x" * 2332)


@pytest.mark.parametrize("seed", range(300))
def test_random_links_are_read_back(seed):
    letters = random.Random(seed)
    base64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    url = "https://recepisse.example/r#" + "".join(letters.choices(base64, k=letters.randint(60, 500)))
    assert read_svg(qr_svg(url)) == url


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=300))
def test_any_ascii_is_read_back(text):
    assert read_svg(qr_svg(text)) == text


def test_the_quiet_zone_is_there():
    pixels = pixels_of_svg(qr_svg(URL), 1)
    side = pixels.shape[0]
    dark = [(row, column) for row in range(side) for column in range(side) if pixels[row, column] == 0]
    assert min(min(at) for at in dark) == QUIET_ZONE
    assert max(max(at) for at in dark) == side - QUIET_ZONE - 1


def test_the_picture_is_xml_that_loads_nothing_and_says_what_it_is():
    svg = qr_svg(URL, title='Code "QR" <du> récépissé & lien')
    root = ET.fromstring(svg)
    assert root.attrib["role"] == "img"
    assert root.attrib["aria-label"] == 'Code "QR" <du> récépissé & lien'
    assert svg.count("http") == 1  # the namespace
    assert "<script" not in svg
