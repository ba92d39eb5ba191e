"""The JSON body of the indicators: what was reckoned, with what it means and why anything is missing."""

from itertools import groupby
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from receipt_service.statistics.indicator_sheet import INDICATOR_OF, NOT_MEASURED, Indicator, Kind
from receipt_service.statistics.indicators import WHY, Cells, Figure, Reason, figures
from receipt_service.web.responses import json_response

_DIGITS: Final = 6
"""More would be noise."""


class _Out(BaseModel):
    model_config = ConfigDict(extra="forbid")


class BilingualOut(_Out):
    """A text in both languages."""

    fr: str
    en: str


class MissingOut(_Out):
    """Why a value is not given."""

    reason: Reason
    text: BilingualOut


class IndicatorValueOut(_Out):
    """One value of an indicator, or why it is not given; members that have no value are left out."""

    category: str = Field(description="What it is of; empty for all checks of the area and period.")
    value: float | None = None
    low: float | None = Field(default=None, description="95 %: chance and noise, or the band of a median.")
    high: float | None = None
    denominator: int | None = Field(default=None, description="Checks or messages that a share is of, as shown.")
    chance: float | None = Field(
        default=None, description="Probability of as much by chance alone, where it is tested."
    )
    missing: MissingOut | None = None


class IndicatorOut(_Out):
    """One indicator and its values."""

    code: str
    kind: Kind
    label: BilingualOut
    definition: BilingualOut
    formula: str
    source: str
    cannot_show: BilingualOut
    values: list[IndicatorValueOut]


class IndicatorsOut(_Out):
    """The indicators of an area and period."""

    area: str
    period: str
    compared_with: str | None = Field(default=None, description="The area around, where shares are compared with one.")
    indicators: list[IndicatorOut]
    not_measured: BilingualOut = Field(description="What cannot be measured here, and where it is.")


def indicators_response(cells: Cells) -> Response:
    """Reckon and write the indicators; one that has no figure for this kind of area is left out."""
    found = groupby(figures(cells), key=lambda figure: figure.indicator)
    return json_response(
        {
            "area": cells.area,
            "period": cells.period,
            **({} if cells.compared_with is None else {"compared_with": cells.compared_with}),
            "indicators": [_indicator(INDICATOR_OF[code], list(each)) for code, each in found],
            "not_measured": dict(NOT_MEASURED),
        }
    )


def _indicator(indicator: Indicator, found: list[Figure]) -> dict[str, Any]:
    return {
        "code": indicator.code,
        "kind": indicator.kind.value,
        "label": dict(indicator.label),
        "definition": dict(indicator.definition),
        "formula": indicator.formula,
        "source": indicator.source,
        "cannot_show": dict(indicator.cannot_show),
        "values": [_value(figure) for figure in found],
    }


def _value(figure: Figure) -> dict[str, Any]:
    result = figure.result
    if isinstance(result, Reason):
        return {"category": figure.category, "missing": {"reason": result.value, "text": dict(WHY[result])}}
    members = {name: value for name, value in result._asdict().items() if value is not None}
    return {"category": figure.category, **{name: round(value, _DIGITS) for name, value in members.items()}}
