"""From an answer to what a page shows of it: rows for the table, bars for the chart, words about the protection."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from markupsafe import Markup

from receipt_service.statistics.answers import Answer
from receipt_service.statistics.lattice import MESSAGE_DIMENSIONS, Dimension
from receipt_service.statistics.method.cell_key import THRESHOLD, Mark
from receipt_service.statistics.questions import AREA_OF_SPLIT, Question, Split
from receipt_service.web.supervision.charts import Bar, bar_chart
from receipt_service.web.supervision.words import Words

API_PATH: Final = "/v1/statistics/checks"
KEEP_ORDER: Final = frozenset({Dimension.HOUR_BAND, Dimension.DELIVERY_DELAY, Split.MONTH, Split.QUARTER})
"""Divisions whose values have an order of their own; the others are shown by size, the largest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of a table."""

    values: tuple[str, ...]
    """Codes, as the answer has them."""
    labels: tuple[str, ...]
    checks: int | None
    """None where nothing is shown."""
    text: str
    mark: Mark
    protection: str
    area: str | None = None
    """The area that the line is about, where one may ask for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A chart and a table of the same figures."""

    name: str
    """Unique on the page; also the beginning of ids."""
    title: str
    caption: str
    columns: tuple[str, ...]
    groups: tuple[tuple[str, tuple[Row, ...]], ...]
    """Rows under a heading; one group without heading where a question is divided once."""
    chart: Markup | None
    notes: tuple[str, ...]
    api: str
    """The same question to the API."""

    @property
    def rows(self) -> list[Row]:
        """All rows, in order."""
        return [row for _, rows in self.groups for row in rows]


def section(answer: Answer, words: Words, parts: Sequence[str] = (), *, caption_area: str) -> Section:
    """Show an answer. ``parts`` are the values that there could be, for a question that is divided once."""
    question = answer.question
    rows = _rows(answer, words, parts if len(question.by) == 1 else ())
    name = "-".join((question.area, *question.by)).lower().replace(".", "_")
    title = words.say("title.by", division=_named(question, words))
    caption = words.say("caption", title=title, area=caption_area, period=words.period(question.period))
    groups = _grouped(rows) if len(question.by) > 1 else (("", tuple(rows)),)
    return Section(
        name=name,
        title=title,
        caption=caption,
        columns=(words.division(question.by[-1]), counted(question, words), words.say("protection")),
        groups=groups if rows else (),
        chart=_chart(name, groups, title, words) if any(row.checks for row in rows) else None,
        notes=_notes(question, rows, words),
        api=address_of(question),
    )


def counted(question: Question, words: Words) -> str:
    """Say what the numbers count: checks, or messages."""
    messages = MESSAGE_DIMENSIONS.intersection(question.table.dimensions)
    return words.say("messages" if messages else "checks")


def address_of(question: Question) -> str:
    """Write a question as the API takes it."""
    asked = {"area": question.area, "period": question.period, "by": ",".join(question.by)}
    return f"{API_PATH}?{urlencode({name: value for name, value in asked.items() if value}, safe=',')}"


def _named(question: Question, words: Words) -> str:
    return words.say("and").join(words.division(division) for division in question.by)


def _rows(answer: Answer, words: Words, parts: Sequence[str]) -> list[Row]:
    by = answer.question.by
    shown = [_row(line.values, by, line.checks, line.mark, words) for line in answer.lines]
    if by[-1] not in KEEP_ORDER:
        shown.sort(key=lambda row: (row.values[:-1], row.mark is Mark.MERGED, -(row.checks or 0), row.values))
    if not parts:
        return shown
    found = {row.values[0] for row in shown}
    merged = any(row.mark is Mark.MERGED for row in shown)
    absent = [_absent(part, by, words, merged=merged) for part in parts if part not in found]
    if by[-1] in KEEP_ORDER:
        place = {part: position for position, part in enumerate(parts)}
        return sorted([*shown, *absent], key=lambda row: place.get(row.values[0], len(place)))
    return [*shown, *absent]


def _row(values: tuple[str, ...], by: Sequence[str], checks: int, mark: Mark, words: Words) -> Row:
    return Row(
        values=values,
        labels=tuple(words.value(division, value) for division, value in zip(by, values, strict=True)),
        checks=checks,
        text=words.number(checks),
        mark=mark,
        protection=words.say(f"mark.{mark.value}"),
        area=_area(by, values),
    )


def _absent(part: str, by: Sequence[str], words: Words, *, merged: bool) -> Row:
    return Row(
        values=(part,),
        labels=(words.value(by[0], part),),
        checks=None,
        text=words.say("not_shown"),
        mark=Mark.WITHHELD,
        protection=words.say("mark.in_other" if merged else "mark.withheld"),
        area=_area(by, (part,)),
    )


def _area(by: Sequence[str], values: Sequence[str]) -> str | None:
    return AREA_OF_SPLIT[by[0]](values[0]) if by[0] in AREA_OF_SPLIT else None


def _grouped(rows: Sequence[Row]) -> tuple[tuple[str, tuple[Row, ...]], ...]:
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(row.values[0], []).append(row)
    largest_first = sorted(groups.values(), key=lambda group: -sum(row.checks or 0 for row in group))
    return tuple((group[0].labels[0], tuple(group)) for group in largest_first)


def _chart(name: str, groups: Sequence[tuple[str, tuple[Row, ...]]], title: str, words: Words) -> Markup:
    bars = [
        Bar(
            label=row.labels[-1],
            text=row.text,
            value=row.checks,
            kind="merged" if row.mark is Mark.MERGED else "plain",
            heading=heading,
        )
        for heading, rows in groups
        for row in rows
    ]
    shown = [bar for bar in bars if bar.value is not None]
    largest = max(shown, key=lambda bar: bar.value or 0)
    label = f"{largest.heading}, {largest.label}" if largest.heading else largest.label
    description = words.say("chart", number=words.number(len(shown)), label=label, value=largest.text)
    return bar_chart(name, bars, title=title, description=description)


def _notes(question: Question, rows: Sequence[Row], words: Words) -> tuple[str, ...]:
    """Say how the numbers of a table are protected; one sentence for each mark that stands in it."""
    threshold = {"threshold": str(THRESHOLD)}
    marks = {row.mark for row in rows}
    notes = [words.say(f"note.{mark.value}", **threshold) for mark in (Mark.PERTURBED, Mark.MERGED) if mark in marks]
    notes.append(words.say("note.withheld", **threshold))
    if MESSAGE_DIMENSIONS.intersection(question.table.dimensions):
        notes.append(words.say("note.messages"))
    elif question.table.dimensions and question.table.dimensions[-1] in _SEVERAL:
        notes.append(words.say("note.several"))
    return tuple(notes)


_SEVERAL: Final = frozenset({Dimension.REASON, Dimension.MEASURE, Dimension.OUTCOME, Dimension.CHANNEL})
