"""The indicators as a page shows them: figures with intervals, or why there are none, beside what they mean."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from markupsafe import Markup

from receipt_service.statistics.indicator_sheet import INDICATOR_OF, Indicator, Kind
from receipt_service.statistics.indicators import WHY, Cells, Figure, Reason, figures
from receipt_service.web.supervision.charts import Bar, bar_chart
from receipt_service.web.supervision.figures import KEEP_ORDER
from receipt_service.web.supervision.words import Words

_BY_PLACE = "checks_by_place"
_IN_TIME = "time_dispersion"


@dataclass(frozen=True, slots=True, kw_only=True)
class IndicatorRow:
    """One figure: what it is of, its value, its interval, and the number that it is a share of."""

    category: str
    label: str
    value: str
    interval: str
    denominator: str
    why: str
    """Why it is not given; empty where it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IndicatorSection:
    """One indicator."""

    code: str
    label: str
    definition: str
    formula: str
    source: str
    cannot_show: str
    rows: tuple[IndicatorRow, ...]
    chart: Markup | None

    @property
    def shares(self) -> bool:
        """Whether a line says what its figure is a share of."""
        return any(row.denominator for row in self.rows)


def indicator_sections(cells: Cells, words: Words) -> list[IndicatorSection]:
    """Reckon the indicators and put them in words, in the sheet's order; one that has no figure here is left out."""
    found = groupby(figures(cells), key=lambda figure: figure.indicator)
    return [_section(INDICATOR_OF[code], list(each), words) for code, each in found]


def _section(indicator: Indicator, found: Sequence[Figure], words: Words) -> IndicatorSection:
    found = _in_order(indicator, found)
    rows = tuple(_row(indicator, figure, words) for figure in found)
    return IndicatorSection(
        code=indicator.code,
        label=indicator.label[words.language],
        definition=indicator.definition[words.language],
        formula=indicator.formula,
        source=indicator.source,
        cannot_show=indicator.cannot_show[words.language],
        rows=rows,
        chart=_chart(indicator, found, rows, words),
    )


def _in_order(indicator: Indicator, found: Sequence[Figure]) -> list[Figure]:
    """Put figures in the order of their values' own (hours), else the largest group first; what is not given, last."""
    if indicator.tables and indicator.tables[0].split("*")[0] in KEEP_ORDER:
        return list(found)

    def size(figure: Figure) -> tuple[bool, float]:
        result = figure.result
        if isinstance(result, Reason):
            return True, 0.0
        groups = indicator.kind is Kind.SHARE and len(indicator.tables[0].split("*")) > 1
        return False, -float(result.denominator or 0) if groups else -result.value

    return sorted(found, key=size)


def _row(indicator: Indicator, figure: Figure, words: Words) -> IndicatorRow:
    result = figure.result
    label = _label(indicator, figure.category, words)
    if isinstance(result, Reason):
        why = WHY[result][words.language]
        return IndicatorRow(category=figure.category, label=label, value="", interval="", denominator="", why=why)
    interval = words.say("no_interval")
    if result.low is not None and result.high is not None:
        ends = (_written(indicator.kind, end, words) for end in (result.low, result.high))
        interval = words.say("interval", **dict(zip(("low", "high"), ends, strict=True)))
    elif result.chance is not None:
        interval = words.say("by_chance", share=words.number(result.chance, 3))
    return IndicatorRow(
        category=figure.category,
        label=label,
        value=_written(indicator.kind, result.value, words),
        interval=interval,
        denominator="" if result.denominator is None else words.number(result.denominator),
        why="",
    )


def _label(indicator: Indicator, category: str, words: Words) -> str:
    if not category:
        return words.say("all_checks")
    if indicator.code == _BY_PLACE:
        return words.area(category)
    if indicator.code == _IN_TIME:
        return words.division(category)
    return words.value(indicator.tables[0].split("*")[0], category)


def _written(kind: Kind, value: float, words: Words) -> str:
    match kind:
        case Kind.SHARE:
            return words.percent(value)
        case Kind.SECONDS:
            return words.duration(value)
        case Kind.COUNT:
            return words.number(value)
        case Kind.PER_DAY:
            return words.number(value, 1)
        case Kind.INDEX:
            return words.number(value, 2)


def _chart(indicator: Indicator, found: Sequence[Figure], rows: Sequence[IndicatorRow], words: Words) -> Markup | None:
    """Draw shares that can be compared: two or more of them."""
    bars = [
        Bar(label=row.label, text=row.value, value=figure.result.value, low=figure.result.low, high=figure.result.high)
        for figure, row in zip(found, rows, strict=True)
        if not isinstance(figure.result, Reason)
    ]
    if indicator.kind is not Kind.SHARE or len(bars) < 2:  # noqa: PLR2004 - nothing to compare
        return None
    largest = max(bars, key=lambda bar: bar.value or 0)
    description = words.say("chart.interval", number=words.number(len(bars)), label=largest.label, value=largest.text)
    return bar_chart(
        f"indicator-{indicator.code}", bars, title=indicator.label[words.language], description=description
    )
