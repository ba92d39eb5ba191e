"""Every code is read back by an independent decoder, whatever the mask."""

import random
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receipt_service.delivery.rendering.qr import QUIET_ZONE, qr_svg
from tests.support.pixels import pixels_of_svg, read_svg
from tests.support.receipts import sample_link

URL = sample_link().url("https://recepisse.example")


def test_the_link_is_read_back():
    assert read_svg(qr_svg(URL)) == URL


@pytest.mark.parametrize("seed", range(300))
def test_random_links_are_read_back(seed):
    letters = random.Random(seed)  # noqa: S311 - not a secret
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
    root = ET.fromstring(svg)  # noqa: S314 - our own
    assert root.attrib["role"] == "img"
    assert root.attrib["aria-label"] == 'Code "QR" <du> récépissé & lien'
    assert svg.count("http") == 1  # the namespace
    assert "<script" not in svg
