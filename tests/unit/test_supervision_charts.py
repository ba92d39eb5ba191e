"""The dashboard's drawings: the numbers they are given, in a form that screen readers, phones and the policy take."""

import re
import xml.etree.ElementTree as ET
from itertools import pairwise

import pytest

from receipt_service.web.supervision.charts import LONGEST_PERCENT, Bar, bar_chart

SVG = "{http://www.w3.org/2000/svg}"


def drawn(*bars, **more):
    text = bar_chart("c", bars, **{"title": "By month", "description": "Two bars.", **more})
    return ET.fromstring(str(text)), str(text)


def widths(root):
    return [float(bar.get("width").removesuffix("%")) for bar in root.iter(f"{SVG}rect")]


def test_bars_are_as_long_as_their_numbers():
    root, _ = drawn(Bar(label="A", text="200", value=200), Bar(label="B", text="50", value=50))

    assert widths(root) == [LONGEST_PERCENT, LONGEST_PERCENT / 4]
    assert [text.text for text in root.iter(f"{SVG}text")] == ["A", "200", "B", "50"]


def test_what_is_not_shown_has_words_and_no_bar():
    root, _ = drawn(Bar(label="A", text="200", value=200), Bar(label="B", text="not shown", value=None))

    assert len(widths(root)) == 1
    assert root.findall(f"{SVG}text")[-1].text == "not shown"
    assert root.findall(f"{SVG}text")[-1].get("class") == "none"


def test_the_drawing_is_named_and_described():
    root, _ = drawn(Bar(label="A", text="1", value=1))
    named = {each.get("id"): each.text for each in root if each.tag in {f"{SVG}title", f"{SVG}desc"}}

    assert root.get("role") == "img"
    assert [named[each] for each in root.get("aria-labelledby").split()] == ["By month", "Two bars."]


def test_an_interval_is_drawn_where_it_lies_and_everything_stays_inside():
    root, _ = drawn(
        Bar(label="A", text="50 %", value=0.5, low=0.4, high=0.6), Bar(label="B", text="9 %", value=0.09, low=0, high=1)
    )
    lines = [
        (float(line.get("x1")[:-1]), float(line.get("x2")[:-1]))
        for line in root.iter(f"{SVG}line")
        if line.get("class") == "interval"
    ]

    assert widths(root)[0] == pytest.approx(LONGEST_PERCENT / 2)
    assert lines[0] == pytest.approx((LONGEST_PERCENT * 0.4, LONGEST_PERCENT * 0.6), abs=0.01)
    assert max(end for line in lines for end in line) <= LONGEST_PERCENT


def test_groups_have_headings_once_and_nothing_overlaps():
    bars = [Bar(label=f"value {n}", text=str(n), value=n, heading="first" if n < 3 else "second") for n in range(1, 5)]
    root, _ = drawn(*bars)
    tops = [int(bar.get("y")) for bar in root.iter(f"{SVG}rect")]

    assert [text.text for text in root.iter(f"{SVG}text") if text.get("class") == "heading"] == ["first", "second"]
    assert min(after - before for before, after in pairwise(tops)) >= 40
    assert int(root.get("height")) > max(tops) + 14


def test_a_long_label_goes_on_in_a_second_line():
    root, _ = drawn(Bar(label="Bande frontalière, gares, ports, aéroports, trains, péages", text="1", value=1))
    labels = [text.text for text in root.iter(f"{SVG}text") if text.get("class") == "label"]

    assert " ".join(labels) == "Bande frontalière, gares, ports, aéroports, trains, péages"
    assert max(map(len, labels)) <= 38


def test_words_stay_words_and_no_style_or_script_gets_in():
    hostile = '<script>alert(1)</script>" onload="x'
    root, text = drawn(Bar(label=hostile, text=hostile, value=1), title=hostile, description=hostile)

    assert [each.tag for each in root.iter() if "script" in each.tag] == []
    assert re.findall(r"\s(?:style|on[a-z]+)=", text.replace("&#34; onload=", "")) == []


def test_nothing_but_zeros_is_drawn_without_fault():
    root, _ = drawn(Bar(label="A", text="0", value=0))

    assert widths(root) == [0]
