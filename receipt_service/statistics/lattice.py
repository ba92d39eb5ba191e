"""The lattice: every table, area and period that a figure may be about. What is not here is never counted.

A cell is one number of one table: "checks in November 2026, in the département 75, whose basis was X and that ended
with Y". Tables cross two dimensions at most, areas are official (territory and directory), periods are months of the
calendar and sums of them. The grid is fixed on purpose: the cell key method protects a cell, not the difference of two
cells that somebody chose freely (``docs/statistics-method.md``).

Codes are texts. Areas: ``F`` (France), ``D75`` (département), ``C75110`` (commune), ``U<unit code>`` (a unit and all
that stands below it). The rollup alone also knows ``L<unit code>``: the own checks of a unit that has units below it.
"""

import re
from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final, NamedTuple

RECORD_KEY_MODULUS: Final = 2**16
"""Record keys and their sums are reduced by it: enough for any p-table, and a sum never outgrows its column."""


class Dimension(StrEnum):
    """What a check can be counted by."""

    BASIS = "basis"
    """Code of the main legal basis, the first one on the receipt."""
    REASON = "reason"
    MEASURE = "measure"
    OUTCOME = "outcome"
    HOUR_BAND = "hour_band"
    """Three hours of the place's own clock: ``00-03`` … ``21-24``."""
    SELECTION = "selection"
    """How the officer says the person was chosen."""
    CHANNEL = "channel"
    """How the receipt was handed over or sent."""
    DELIVERY = "delivery"
    """What became of a message (``Delivery``)."""
    DELIVERY_DELAY = "delivery_delay"
    """Seconds from the creation of a message to its delivery, in bands (``DELAY_BANDS``)."""
    OPERATION = "operation"
    """Reference of the operation that the check was part of."""
    RECORD = "record"
    """Completeness and agreement of what was recorded (``RecordMark``)."""

    __hash__ = str.__hash__
    """As equal to its text as the members are; the enumeration's own hash is neither that nor fast."""


class RecordMark(StrEnum):
    """Values of the dimension ``record``.

    A check has ``complete``, or some of the first three; and may be ``late``, or a ``correction``.
    """

    REASON_MISSING = "reason_missing"
    """Neither a reason of the catalogue nor a reason in words."""
    REQUISITION_MISSING = "requisition_missing"
    """A basis of the check rests on a requisition, and none is named."""
    REQUISITION_OUTSIDE = "requisition_outside"
    """The check lies outside the communes or the period of a requisition that it names."""
    COMPLETE = "complete"
    """None of the above."""
    LATE = "late"
    """Recorded more than ``facts.LATE_AFTER`` after the check."""
    CORRECTION = "correction"
    """The receipt takes the place of an earlier one."""

    __hash__ = str.__hash__


class Delivery(StrEnum):
    """Values of the dimension ``delivery``, one for each message that has come to rest."""

    DELIVERED = "delivered"
    """The handset or the mailbox confirmed."""
    SENT = "sent"
    """The provider took it; no notice about the rest of the way."""
    NOT_DELIVERED = "not_delivered"
    """Undeliverable, expired, or waiting for an operator as a dead letter."""
    SHOWN = "shown"
    """On the officer's screen."""
    PRINTED = "printed"
    DECLINED = "declined"
    """The person wanted no receipt."""

    __hash__ = str.__hash__


HOUR_BANDS: Final = tuple(f"{hour:02d}-{hour + 3:02d}" for hour in range(0, 24, 3))

DELAY_BANDS: Final[Mapping[str, int]] = MappingProxyType(
    {"0-5": 5, "5-15": 15, "15-60": 60, "60-300": 300, "300-1800": 1800, "1800-7200": 7200, "7200-86400": 86400}
)
"""Bands of ``delivery_delay`` with their upper bounds in seconds, not included; ``LAST_DELAY_BAND`` takes the rest."""
LAST_DELAY_BAND: Final = "86400-"

_PARTITIONS: Final = frozenset({Dimension.BASIS, Dimension.HOUR_BAND, Dimension.SELECTION})


def partitions(dimension: Dimension) -> bool:
    """Say whether each check has exactly one value of it, so that the cells of a table add up to the total."""
    return dimension in _PARTITIONS


class Table(NamedTuple):
    """One table: its code is the names of its dimensions joined by ``*``."""

    code: str
    dimensions: tuple[Dimension, ...]


def _table(*dimensions: Dimension) -> Table:
    return Table("*".join(dimensions) or "total", dimensions)


TABLES: Final[tuple[Table, ...]] = (
    _table(),
    _table(Dimension.BASIS),
    _table(Dimension.REASON),
    _table(Dimension.MEASURE),
    _table(Dimension.OUTCOME),
    _table(Dimension.HOUR_BAND),
    _table(Dimension.SELECTION),
    _table(Dimension.CHANNEL),
    _table(Dimension.DELIVERY),
    _table(Dimension.DELIVERY_DELAY),
    _table(Dimension.OPERATION),
    _table(Dimension.RECORD),
    _table(Dimension.BASIS, Dimension.OUTCOME),
    _table(Dimension.REASON, Dimension.OUTCOME),
    _table(Dimension.BASIS, Dimension.SELECTION),
    _table(Dimension.HOUR_BAND, Dimension.OUTCOME),
    _table(Dimension.MEASURE, Dimension.OUTCOME),
    _table(Dimension.BASIS, Dimension.RECORD),
    _table(Dimension.SELECTION, Dimension.OUTCOME),
)
"""Every table, in the order in which they are shown."""

TABLE_OF: Final[Mapping[str, Table]] = MappingProxyType({table.code: table for table in TABLES})
MESSAGE_DIMENSIONS: Final = frozenset({Dimension.DELIVERY, Dimension.DELIVERY_DELAY})
"""Counted once for each message when it comes to rest, not when the check is registered."""
_OF_COMMUNES: Final = tuple(TABLE_OF[code] for code in ("total", "basis", "outcome", "hour_band", "selection"))


class AreaLevel(StrEnum):
    """The kinds of area."""

    FRANCE = "france"
    DEPARTMENT = "department"
    COMMUNE = "commune"
    UNIT = "unit"

    __hash__ = str.__hash__


FRANCE: Final = "F"
_LEVELS: Final = MappingProxyType(
    {"F": AreaLevel.FRANCE, "D": AreaLevel.DEPARTMENT, "C": AreaLevel.COMMUNE, "U": AreaLevel.UNIT}
)


def tables_of(level: AreaLevel) -> tuple[Table, ...]:
    """Return the tables that are kept for areas of that level: all of them, five for communes."""
    return _OF_COMMUNES if level is AreaLevel.COMMUNE else TABLES


def department_area(code: str) -> str:
    """Return the area of a département (``75``, ``2A``, ``971``)."""
    return f"D{code}"


def commune_area(code: str) -> str:
    """Return the area of a commune or municipal arrondissement by its INSEE code."""
    return f"C{code}"


def unit_area(code: str) -> str:
    """Return the area of a unit together with all units below it."""
    return f"U{code}"


def own_area(code: str) -> str:
    """Return the area, known to the rollup alone, of the own checks of a unit that has units below it."""
    return f"L{code}"


def level_of(area: str) -> AreaLevel:
    """Return the level of an area's code. Raises ``ValueError`` for anything else, the rollup's ``L`` included."""
    level = _LEVELS.get(area[:1])
    if level is None or (level is AreaLevel.FRANCE) != (area == FRANCE):
        raise ValueError("not the code of an area")
    return level


def code_of(area: str) -> str:
    """Return the code of département, commune or unit without the letter before it; nothing for France."""
    return area[1:]


Month = int
"""A month of the calendar, in the local time of the place: 202611 is November 2026."""

Period = str
"""``2026-11`` (month), ``2026-Q4`` (quarter) or ``2026`` (year)."""

_QUARTER: Final = 3
_PERIOD: Final = re.compile(r"(?P<year>[0-9]{4})(?:-(?:(?P<month>0[1-9]|1[0-2])|Q(?P<quarter>[1-4])))?")


def months_of(period: Period) -> tuple[Month, ...]:
    """Return the months of a period, in order. Raises ``ValueError`` when it is none."""
    parts = _PERIOD.fullmatch(period)
    if parts is None:
        raise ValueError("a period is written 2026-11, 2026-Q4 or 2026")
    year = int(parts["year"]) * 100
    if parts["month"]:
        return (year + int(parts["month"]),)
    if parts["quarter"]:
        first = 3 * int(parts["quarter"]) - 2
        return tuple(year + month for month in range(first, first + 3))
    return tuple(year + month for month in range(1, 13))


def period_of(month: Month) -> Period:
    """Return a month as a period: ``2026-11`` of 202611."""
    return f"{month // 100:04d}-{month % 100:02d}"


def parts_of(period: Period) -> tuple[Period, ...]:
    """Return the periods within one: a quarter's months, a year's months and quarters. Raises ``ValueError``."""
    months = months_of(period)
    if len(months) == 1:
        return ()
    inside = tuple(map(period_of, months))
    return inside if len(months) == _QUARTER else (*inside, *(f"{period}-Q{quarter}" for quarter in range(1, 5)))


class CellKey(NamedTuple):
    """Which cell: ``a`` and ``b`` are the values of the table's dimensions, empty where there is none."""

    table: str
    month: Month
    area: str
    a: str
    b: str


class Cell(NamedTuple):
    """A cell's true content: number of checks, and sum of their record keys modulo ``RECORD_KEY_MODULUS``."""

    key: CellKey
    n: int
    k: int
