"""Reckoning the indicators of the sheet from released cells: numbers in, figures out.

Nothing but what has been released is looked at, so an indicator can't say more than the figures beside it do. A share
is given only of a hundred or more, with an interval that holds both chance and protective noise; what can't be given
says why. Merged lines ("other values") give no share: which values they hold differs from table to table.
"""

import math
from calendar import monthrange
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple

from scipy.special import chdtrc

from receipt_service.statistics.indicator_sheet import SHEET, Texts
from receipt_service.statistics.lattice import (
    DELAY_BANDS,
    HOUR_BANDS,
    LAST_DELAY_BAND,
    Delivery,
    Month,
    Period,
    RecordMark,
    months_of,
    period_of,
)
from receipt_service.statistics.method.concentration import gini, location_quotient
from receipt_service.statistics.method.draw import Adherence
from receipt_service.statistics.method.intervals import LEAST_DENOMINATOR, rate

NOTHING_FOLLOWS: Final = "LIBRE"
"""The one outcome that excludes the others: the person was free to go. A hit is a check that ended otherwise."""
SEIZED: Final = "SAISIE"
FEWEST_PLACES: Final = 5
"""Fewest places whose concentration says anything."""
_MERGED: Final = ("*", "~")
"""How the values of merged lines begin; no code of the catalogue does."""
_SENT: Final = (Delivery.DELIVERED, Delivery.SENT, Delivery.NOT_DELIVERED)
_95: Final = 1.96

Released = Mapping[tuple[str, Period, str, str, str], int | None]
"""Shown count, or None where it is withheld, by table, period, area and the values of the table's dimensions."""


class Reason(StrEnum):
    """Why a figure is not given."""

    NOT_SHOWN = "not_shown"
    SMALL_DENOMINATOR = "small_denominator"
    FEW_PARTS = "few_parts"
    NOT_COUNTED = "not_counted"


WHY: Final[Mapping[Reason, Texts]] = {
    Reason.NOT_SHOWN: {
        "fr": "Un des nombres n’est pas montré : nul, petit, ou retenu pour en protéger un autre.",
        "en": "One of the counts is not shown: none, small, or withheld to protect another.",
    },
    Reason.SMALL_DENOMINATOR: {
        "fr": f"Moins de {LEAST_DENOMINATOR} contrôles : aucun taux n’est donné.",
        "en": f"Fewer than {LEAST_DENOMINATOR} checks: no rate is given.",
    },
    Reason.FEW_PARTS: {
        "fr": "Trop peu de lieux ou de périodes sont montrés pour en comparer.",
        "en": "Too few places or periods are shown to compare.",
    },
    Reason.NOT_COUNTED: {
        "fr": "Pas encore compté dans les périodes publiées.",
        "en": "Not counted yet in released periods.",
    },
}


class Measured(NamedTuple):
    """A figure. ``low`` and ``high`` hold 95 % (chance and noise), or are the band's ends; None where it is open."""

    value: float
    low: float | None
    high: float | None
    denominator: int | None = None
    """Checks, or messages, that a share is of."""
    chance: float | None = None
    """Probability of something as unusual by chance alone, where that is tested."""


class Figure(NamedTuple):
    """One figure of an indicator: of all checks where ``category`` is empty, else of those with that value."""

    indicator: str
    category: str
    result: Measured | Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Cells:
    """Released counts of one area and period, and what they are compared with."""

    released: Released
    period: Period
    area: str
    noise_variance: float
    """V of the perturbation, in checks squared."""
    requisition_bases: frozenset[str] = frozenset()
    """Legal bases that need a requisition."""
    places: tuple[str, ...] = ()
    """Areas directly below this one: départements, communes or units."""
    compared_with: str | None = None
    """An area around this one."""

    def count(self, table: str, a: str = "", b: str = "", *, area: str = "", period: Period = "") -> int | None:
        """Return a shown count; None where it is withheld, or where there is none."""
        return self.released.get((table, period or self.period, area or self.area, a, b))

    def values(self, table: str) -> list[str]:
        """Return the values of a table's first dimension, in order, merged lines left out."""
        found = {key[3] for key in self.released if key[:3] == (table, self.period, self.area)}
        return sorted(value for value in found if not value.startswith(_MERGED))

    def share(self, numerator: int | None, denominators: Sequence[int | None]) -> Measured | Reason:
        """Give a share of the sum of the denominators, or why not."""
        if numerator is None:
            return Reason.NOT_SHOWN
        total = 0
        for each in denominators:
            if each is None:
                return Reason.NOT_SHOWN
            total += each
        found = rate(numerator, total, noise_variance=self.noise_variance * len(denominators))
        return Reason.SMALL_DENOMINATOR if found is None else Measured(found.share, found.low, found.high, total)


Results = Iterator[tuple[str, Measured | Reason]]
"""Category and result."""
Reckoning = Callable[[Cells], Results]


def _counted(cells: Cells, shown: int | None, per: int = 1) -> Measured | Reason:
    if shown is None:
        return Reason.NOT_SHOWN
    noise = _95 * math.sqrt(cells.noise_variance)
    return Measured(shown / per, max(0.0, shown - noise) / per, (shown + noise) / per)


def _checks(cells: Cells) -> Results:
    yield "", _counted(cells, cells.count("total"))


def _checks_per_day(cells: Cells) -> Results:
    yield "", _counted(cells, cells.count("total"), sum(map(days_of, months_of(cells.period))))


def days_of(month: Month) -> int:
    """Return how many days a month has."""
    return monthrange(*divmod(month, 100))[1]


def _counts(table: str) -> Reckoning:
    def reckon(cells: Cells) -> Results:
        for value in cells.values(table):
            yield value, _counted(cells, cells.count(table, value))

    return reckon


def _checks_by_place(cells: Cells) -> Results:
    for place in cells.places:
        yield place, _counted(cells, cells.count("total", area=place))


def _share_of_all(table: str, value: str) -> Reckoning:
    def reckon(cells: Cells) -> Results:
        yield "", cells.share(cells.count(table, value), [cells.count("total")])

    return reckon


def _shares_of_all(table: str) -> Reckoning:
    def reckon(cells: Cells) -> Results:
        for value in cells.values(table):
            yield value, cells.share(cells.count(table, value), [cells.count("total")])

    return reckon


def _shares_within(table: str, other: str, value: str) -> Reckoning:
    """For each value of a table: the share with a value of another dimension."""

    def reckon(cells: Cells) -> Results:
        for each in cells.values(table):
            yield each, cells.share(cells.count(f"{table}*{other}", each, value), [cells.count(table, each)])

    return reckon


def _hit_rates(table: str) -> Reckoning:
    """For each value of a table: one less the share that ended with nothing."""
    without = _shares_within(table, "outcome", NOTHING_FOLLOWS)

    def reckon(cells: Cells) -> Results:
        for value, result in without(cells):
            yield value, complement(result) if isinstance(result, Measured) else result

    return reckon


def complement(share: Measured) -> Measured:
    """Return one less a share, with its interval turned round."""
    low = None if share.high is None else 1 - share.high
    high = None if share.low is None else 1 - share.low
    return share._replace(value=1 - share.value, low=low, high=high)


def _on_requisition(mark: RecordMark) -> Reckoning:
    within = _shares_within("basis", "record", mark)

    def reckon(cells: Cells) -> Results:
        for basis, result in within(cells):
            if basis in cells.requisition_bases:
                yield basis, result

    return reckon


def _of_messages(what: Delivery) -> Reckoning:
    def reckon(cells: Cells) -> Results:
        yield "", cells.share(cells.count("delivery", what), [cells.count("delivery", each) for each in _SENT])

    return reckon


def _delivery_time(cells: Cells) -> Results:
    yield "", median_delay({band: cells.count("delivery_delay", band) or 0 for band in (*DELAY_BANDS, LAST_DELAY_BAND)})


def median_delay(messages: Mapping[str, int]) -> Measured | Reason:
    """Find the delay that half of the messages don't exceed, on a straight line through its band.

    ``messages`` by band of ``DELAY_BANDS``. ``low`` and ``high`` are the ends of the band; the last one is open, and
    its beginning is all that can be said.
    """
    total = sum(messages.values())
    if total == 0:
        return Reason.NOT_SHOWN
    if total < LEAST_DENOMINATOR:
        return Reason.SMALL_DENOMINATOR
    begins, reached = 0, 0
    for band, ends in DELAY_BANDS.items():
        inside = messages.get(band, 0)
        if reached + inside >= total / 2:
            value = begins + (ends - begins) * (total / 2 - reached) / inside
            return Measured(value, begins, ends, total)
        begins, reached = ends, reached + inside
    return Measured(begins, begins, None, total)


def _place_gini(cells: Cells) -> Results:
    shown = [cells.count("total", area=place) for place in cells.places]
    counts = [count for count in shown if count is not None]
    if len(counts) < FEWEST_PLACES:
        yield "", Reason.FEW_PARTS
    elif sum(counts) < LEAST_DENOMINATOR:
        yield "", Reason.SMALL_DENOMINATOR
    else:
        yield "", Measured(gini(counts), None, None, sum(counts))


def _location_quotients(cells: Cells) -> Results:
    around = cells.compared_with
    if around is None:
        return
    for band in cells.values("hour_band"):
        inside = (cells.count("hour_band", band), cells.count("total"))
        outside = (cells.count("hour_band", band, area=around), cells.count("total", area=around))
        yield band, _location_quotient(cells, inside, outside)


def _location_quotient(
    cells: Cells, inside: tuple[int | None, int | None], outside: tuple[int | None, int | None]
) -> Measured | Reason:
    """Give the quotient of two shares; its interval from the variances of the four logarithms."""
    (own, total), (theirs, all_of_them) = inside, outside
    if not (own and total and theirs and all_of_them):
        return Reason.NOT_SHOWN
    if total < LEAST_DENOMINATOR:
        return Reason.SMALL_DENOMINATOR
    value = location_quotient(own, total, theirs, all_of_them)
    chance = max(0.0, 1 / own - 1 / total) + max(0.0, 1 / theirs - 1 / all_of_them)
    noise = cells.noise_variance * sum(1 / count**2 for count in (own, total, theirs, all_of_them))
    factor = math.exp(_95 * math.sqrt(chance + noise))
    return Measured(value, value / factor, value * factor, total)


def _time_dispersion(cells: Cells) -> Results:
    months = months_of(cells.period)
    if len(months) > 1:
        counts = [cells.count("total", period=period_of(month)) for month in months]
        yield "month", _dispersion(cells, counts, [days_of(month) for month in months])
    yield (
        "hour_band",
        _dispersion(cells, [cells.count("hour_band", band) for band in HOUR_BANDS], [1] * len(HOUR_BANDS)),
    )


def _dispersion(cells: Cells, shown: Sequence[int | None], lengths: Sequence[int]) -> Measured | Reason:
    counts = [count for count in shown if count is not None]
    if len(counts) < len(shown):
        return Reason.NOT_SHOWN
    if sum(counts) < LEAST_DENOMINATOR:
        return Reason.SMALL_DENOMINATOR
    return dispersion(counts, lengths, cells.noise_variance)


def dispersion(counts: Sequence[int], lengths: Sequence[int], noise_variance: float) -> Measured:
    """Hold counts of parts of a period against chance: Σ (n - e)² / (e + V), divided by the parts less one.

    ``e`` is a part's share of all by its length. 1 is chance; the test is Fisher's, by the χ² law.
    """
    total, whole = sum(counts), sum(lengths)
    expected = [total * length / whole for length in lengths]
    square = sum((n - e) ** 2 / (e + noise_variance) for n, e in zip(counts, expected, strict=True))
    freedom = len(counts) - 1
    return Measured(square / freedom, None, None, total, float(chdtrc(freedom, square)))


def draw_adherence(kept: Adherence, checks: int) -> Measured | Reason:
    """Give the share of an operation's checks that kept to its committed draw, with the runs test of the skipped ones.

    ``checks`` is how many numbers of the draw's counter checks carry. Counts of an operation carry no noise: only of a
    hundred or more is anything said.
    """
    found = None if kept.followed is None else rate(round(kept.followed * checks), checks, noise_variance=0.0)
    if found is None:
        return Reason.SMALL_DENOMINATOR
    chance = None if kept.skipping is None else kept.skipping.p_value
    return Measured(found.share, found.low, found.high, checks, chance)


def _not_counted(_: Cells) -> Results:
    yield "", Reason.NOT_COUNTED


RECKONING: Final[Mapping[str, Reckoning]] = {
    "checks": _checks,
    "checks_per_day": _checks_per_day,
    "checks_by_basis": _counts("basis"),
    "checks_by_hour": _counts("hour_band"),
    "checks_by_place": _checks_by_place,
    "reason_missing": _share_of_all("record", RecordMark.REASON_MISSING),
    "requisition_missing": _on_requisition(RecordMark.REQUISITION_MISSING),
    "requisition_outside": _on_requisition(RecordMark.REQUISITION_OUTSIDE),
    "record_complete": _share_of_all("record", RecordMark.COMPLETE),
    "recorded_late": _share_of_all("record", RecordMark.LATE),
    "nothing": _share_of_all("outcome", NOTHING_FOLLOWS),
    "hit_rate_by_basis": _hit_rates("basis"),
    "hit_rate_by_reason": _hit_rates("reason"),
    "hit_rate_by_hour": _hit_rates("hour_band"),
    "hit_rate_by_selection": _hit_rates("selection"),
    "outcomes": _shares_of_all("outcome"),
    "measures": _shares_of_all("measure"),
    "find_rate_by_measure": _shares_within("measure", "outcome", SEIZED),
    "place_gini": _place_gini,
    "location_quotient": _location_quotients,
    "time_dispersion": _time_dispersion,
    "selection_modes": _shares_of_all("selection"),
    "draw_adherence": _not_counted,
    "delivered": _of_messages(Delivery.DELIVERED),
    "not_delivered": _of_messages(Delivery.NOT_DELIVERED),
    "declined": _share_of_all("delivery", Delivery.DECLINED),
    "delivery_time": _delivery_time,
    "corrections": _share_of_all("record", RecordMark.CORRECTION),
}


def figures(cells: Cells) -> tuple[Figure, ...]:
    """Reckon every indicator of the sheet, in its order."""
    return tuple(
        Figure(indicator.code, category, result)
        for indicator in SHEET
        for category, result in RECKONING[indicator.code](cells)
    )
