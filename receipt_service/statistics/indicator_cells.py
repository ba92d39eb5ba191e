"""What the indicators are reckoned from: the same answers that anybody gets who asks the API."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from receipt_service.statistics.answers import Answer, Offer
from receipt_service.statistics.indicator_sheet import SHEET
from receipt_service.statistics.indicators import Cells
from receipt_service.statistics.lattice import (
    FRANCE,
    AreaLevel,
    Period,
    code_of,
    level_of,
    months_of,
    unit_area,
)
from receipt_service.statistics.questions import AREA_OF_SPLIT, Split, splits_of
from receipt_service.statistics.releasing.protection import OTHER

Ask = Callable[[str, Period, Sequence[str]], Awaitable[Answer]]
"""Area, period, divisions."""
_AROUND: Final = ("total", "hour_band")
"""Tables that are compared with those of an area around."""


async def cells_of(
    ask: Ask, area: str, period: Period, *, offer: Offer, requisition_bases: frozenset[str], noise_variance: float
) -> Cells:
    """Ask everything that the sheet of indicators needs of an area and period."""
    released: dict[tuple[str, Period, str, str, str], int | None] = {}
    for table in sorted({table for indicator in SHEET for table in indicator.tables}):
        _keep(released, await ask(area, period, _divisions(table)))
    if len(months_of(period)) > 1:
        for line in (await ask(area, period, (Split.MONTH,))).lines:
            released["total", line.values[0], area, "", ""] = line.checks
    places: list[str] = []
    for split in splits_of(level_of(area)):
        for line in (await ask(area, period, (split,))).lines:
            places.append(AREA_OF_SPLIT[split](line.values[0]))
            released["total", period, places[-1], "", ""] = line.checks
    around = area_around(area, offer)
    for table in _AROUND if around else ():
        _keep(released, await ask(str(around), period, _divisions(table)))
    return Cells(
        released=released,
        period=period,
        area=area,
        noise_variance=noise_variance,
        requisition_bases=requisition_bases,
        places=tuple(places),
        compared_with=around,
    )


def area_around(area: str, offer: Offer) -> str | None:
    """Give the area to compare with: the unit above, or France; None where the reader may not ask for it."""
    around: str | None = FRANCE if level_of(area) is AreaLevel.DEPARTMENT else None
    if level_of(area) is AreaLevel.UNIT:
        unit = offer.units.get(code_of(area))
        around = None if unit is None or unit.parent_code is None else unit_area(unit.parent_code)
    return around if around is not None and offer.scope.allows(around) else None


def _divisions(table: str) -> tuple[str, ...]:
    return () if table == "total" else tuple(table.split("*"))


def _keep(released: dict[tuple[str, Period, str, str, str], int | None], answer: Answer) -> None:
    question = answer.question
    if not question.by:
        released["total", question.period, question.area, "", ""] = answer.total
        return
    for line in answer.lines:
        a, b = (*(OTHER if value == "other" else value for value in line.values), "")[:2]
        released[question.table.code, question.period, question.area, a, b] = line.checks
