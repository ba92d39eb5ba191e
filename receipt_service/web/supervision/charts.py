"""Bar charts as SVG, drawn on the server: labels above bars, so that they read on a phone as on a desk.

Lengths across are percentages and heights are pixels: a chart takes the width that it is given and its text keeps its
size. Colours come from the style sheet; a ``style`` attribute would break the page's policy.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from textwrap import wrap
from typing import Final

from markupsafe import Markup, escape

LABEL_CHARACTERS: Final = 38
HEADING_CHARACTERS: Final = 32
"""Bold. Both fit a screen of 320 pixels, at letters of 14 pixels."""
LONGEST_PERCENT: Final = 76.0
"""Of the width, for the largest bar: what is left is for its number."""
_LINE, _BAR, _GAP = 18, 14, 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One bar. ``value`` None: nothing is shown, and ``text`` says so."""

    label: str
    text: str
    """The number, as it is written in the table."""
    value: float | None
    low: float | None = None
    high: float | None = None
    """Ends of the interval, where there is one."""
    kind: str = "plain"
    """``plain`` or ``merged``: a class of the style sheet."""
    heading: str = ""
    """Stands above the first bar of a group."""


def bar_chart(name: str, bars: Sequence[Bar], *, title: str, description: str, top: float | None = None) -> Markup:
    """Draw bars. ``name`` is unique on the page; ``top`` is what the largest bar could be, else the largest value.

    ``title`` and ``description`` are what a screen reader says in the drawing's place.
    """
    ends = [end for bar in bars for end in (bar.value, bar.high) if end is not None]
    scale = LONGEST_PERCENT / (top or max(ends, default=0) or 1)
    parts: list[Markup] = []
    y, heading = 0, ""
    for bar in bars:
        if bar.heading and bar.heading != heading:
            y += 6 if heading else 0
            heading = bar.heading
            for line in wrap(heading, HEADING_CHARACTERS):
                y += _LINE
                parts.append(_text(line, y - 5, "heading"))
        lines = wrap(bar.label, LABEL_CHARACTERS) or [""]
        for line in lines:
            y += _LINE
            parts.append(_text(line, y - 5, "label"))
        parts += _bar(bar, y, scale)
        y += _BAR + _GAP
    head = Markup(
        '<svg class="chart" role="img" aria-labelledby="{0}-t {0}-d" width="100%" height="{1}" '
        'xmlns="http://www.w3.org/2000/svg"><title id="{0}-t">{2}</title><desc id="{0}-d">{3}</desc>'
    ).format(name, y, title, description)
    return head + Markup("").join(parts) + Markup("</svg>")


def _text(content: str, y: int, kind: str) -> Markup:
    return Markup('<text class="{}" x="0" y="{}">{}</text>').format(kind, y, content)


def _bar(bar: Bar, y: int, scale: float) -> Iterator[Markup]:
    width = _percent(bar.value, scale)
    if bar.value is not None:
        yield Markup('<rect class="bar {}" x="0" y="{}" width="{}%" height="{}"/>').format(bar.kind, y, width, _BAR)
    end = width
    if bar.low is not None and bar.high is not None:
        low, end = _percent(bar.low, scale), max(width, _percent(bar.high, scale))
        middle = y + _BAR // 2
        for kind in ("halo", "interval"):  # the halo keeps the line apart from the bar that it lies on
            yield Markup('<line class="{0}" x1="{1}%" x2="{2}%" y1="{3}" y2="{3}"/>').format(
                kind, low, _percent(bar.high, scale), middle
            )
    kind = "none" if bar.value is None else "value"
    at = Markup('<text class="{}" x="{}%" dx="{}" y="{}">').format(kind, end, 0 if bar.value is None else 6, y + 12)
    yield at + escape(bar.text) + Markup("</text>")


def _percent(value: float | None, scale: float) -> float:
    return round(min(max(value or 0.0, 0.0) * scale, LONGEST_PERCENT), 2)
