"""Which views there are, and which questions of the lattice each one puts."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from receipt_service.statistics.answers import Offer
from receipt_service.statistics.lattice import (
    DELAY_BANDS,
    FRANCE,
    HOUR_BANDS,
    LAST_DELAY_BAND,
    AreaLevel,
    Delivery,
    Dimension,
    Period,
    RecordMark,
    code_of,
    department_area,
    level_of,
    months_of,
    parts_of,
    unit_area,
)
from receipt_service.statistics.questions import Split, divisions_of, splits_of

OVERVIEW: Final = "overview"
INDICATORS: Final = "indicators"
PLACES: Final = "places"
DELIVERY: Final = "delivery"
MOST_UNITS: Final = 300
MOST_PLACES: Final = 5
"""Départements whose communes one page shows; beyond it the page leads to each of them."""
_QUARTER_MONTHS: Final = 3
_GROUPS: Final[Mapping[str, tuple[str, ...]]] = {
    "main": (OVERVIEW, INDICATORS),
    "one": ("basis", "reason", "outcome", "measure", "hour_band", PLACES, "selection", DELIVERY, "record", "operation"),
    "two": (
        "basis*outcome",
        "reason*outcome",
        "hour_band*outcome",
        "measure*outcome",
        "selection*outcome",
        "basis*selection",
        "basis*record",
    ),
}
CLOSED: Final[Mapping[str, tuple[str, ...]]] = {
    Dimension.HOUR_BAND: HOUR_BANDS,
    Dimension.DELIVERY: tuple(Delivery),
    Dimension.DELIVERY_DELAY: (*DELAY_BANDS, LAST_DELAY_BAND),
    Dimension.RECORD: tuple(RecordMark),
    Dimension.CHANNEL: ("sms", "email", "screen", "paper", "declined"),
    Dimension.SELECTION: ("behaviour", "report", "requisition", "everyone", "random_draw"),
}
"""Every value of the dimensions that have a fixed list: what is not shown is listed too, as not shown."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A line of a list to choose from; ``depth`` is how far it stands in a tree."""

    value: str
    depth: int = 0


def views_of(level: AreaLevel) -> dict[str, tuple[str, ...]]:
    """Give the views of an area of a level, in groups."""
    tables = {"*".join(names) for names in divisions_of(level)}
    kept = {OVERVIEW, PLACES} if level is AreaLevel.COMMUNE else {OVERVIEW, PLACES, INDICATORS, DELIVERY}
    kept -= {PLACES} if level is AreaLevel.COMMUNE else set()
    return {group: tuple(view for view in views if view in tables | kept) for group, views in _GROUPS.items()}


def divisions_in(view: str, area: str, period: Period) -> list[tuple[str, ...]]:
    """Give the divisions of each question that a view puts about its area; ``places`` and ``indicators`` put others."""
    if view == OVERVIEW:
        months = len(months_of(period))
        times = [Split.MONTH] if months > 1 else []
        if months > _QUARTER_MONTHS:
            times = [Split.QUARTER, Split.MONTH]
        return [(split.value,) for split in (*times, *splits_of(level_of(area)))]
    if view == DELIVERY:
        return [(Dimension.CHANNEL.value,), (Dimension.DELIVERY.value,), (Dimension.DELIVERY_DELAY.value,)]
    return [tuple(view.split("*"))]


def places_of(offer: Offer, area: str) -> list[str]:
    """Give the départements to show beside a unit: those where it and the units below it are seated."""
    below = (choice.value for choice in _tree(_children(offer), code_of(area)))
    seats = {offer.units[code].department for code in below if code in offer.units}
    return [department_area(seat) for seat in sorted(seat for seat in seats if seat)]


def parts_in(division: str, offer: Offer, area: str, period: Period) -> tuple[str, ...]:
    """Give every value that a division could have here, where these are known: what is not shown is listed too."""
    if division == Split.UNIT:
        return tuple(sorted(code for code, unit in offer.units.items() if unit_area(unit.parent_code or "") == area))
    if division in {Split.MONTH, Split.QUARTER}:
        return tuple(part for part in parts_of(period) if ("Q" in part) == (division == Split.QUARTER))
    return CLOSED.get(division, ())


def areas_in(offer: Offer, chosen: str) -> dict[str, tuple[Choice, ...]]:
    """Give the areas that the reader may choose, in groups: units as a tree, départements, France.

    Of more than ``MOST_UNITS`` units only the upper ones are listed, and the one that is chosen now; those below are
    reached from the page of the unit above them.
    """
    children = _children(offer)
    tops = [code for code in offer.scope.units if _parent(offer, code) not in offer.scope.units]
    units = [Choice(unit_area(each.value), each.depth) for top in sorted(tops) for each in _tree(children, top)]
    deepest = max((unit.depth for unit in units), default=0)
    while deepest and sum(unit.depth <= deepest for unit in units) > MOST_UNITS:
        deepest -= 1
    units = [unit for unit in units if unit.depth <= deepest or unit.value == chosen]
    groups = {
        "units": tuple(units),
        "departments": tuple(Choice(department_area(code)) for code in sorted(offer.scope.departments)),
        "france": (Choice(FRANCE),) if offer.scope.france else (),
    }
    return {name: choices for name, choices in groups.items() if choices}


def periods_in(offer: Offer) -> dict[int, tuple[Period, ...]]:
    """Give the released periods by their length in months, the longest first, each group from the latest on."""
    periods = sorted((release.period for release in offer.periods), key=_order, reverse=True)
    return {length: tuple(group) for length, group in groupby(periods, key=lambda period: len(months_of(period)))}


def usual_period(offer: Offer) -> Period:
    """Choose the period to begin with: the latest quarter, else the latest month."""
    by_length = periods_in(offer)
    return (by_length.get(_QUARTER_MONTHS) or next(iter(by_length.values())))[0]


def _order(period: Period) -> tuple[int, int]:
    months = months_of(period)
    return len(months), months[-1]


def _parent(offer: Offer, code: str) -> str | None:
    return offer.units[code].parent_code if code in offer.units else None


def _children(offer: Offer) -> Mapping[str | None, list[str]]:
    children: dict[str | None, list[str]] = {}
    for code in sorted(offer.scope.units):
        children.setdefault(_parent(offer, code), []).append(code)
    return children


def _tree(children: Mapping[str | None, list[str]], top: str, depth: int = 0) -> Iterator[Choice]:
    """Walk down from a unit; the directory has no cycles (``domain.directory``)."""
    yield Choice(top, depth)
    for code in children.get(top, ()):
        yield from _tree(children, code, depth + 1)
