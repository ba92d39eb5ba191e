"""The JSON body of the officer view: its models, for the OpenAPI document, and how it is made."""

from datetime import datetime
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from receipt_service.statistics.method import funnel
from receipt_service.statistics.method.funnel import Comparison, Direction, Entry, Reason
from receipt_service.statistics.officers import (
    INDICATOR,
    NOT_COMPARED,
    NOTICE,
    PURPOSES,
    QUESTIONS,
    OfficerStatistics,
    Purpose,
)
from receipt_service.web.responses import json_response


class _Out(BaseModel):
    model_config = ConfigDict(extra="forbid")


class TextOut(_Out):
    """A text in both languages."""

    fr: str
    en: str


class ComparisonOut(_Out):
    """What colleagues' shares would have given on the officer's own checks, beside what came of them."""

    checks: int = Field(ge=0, description="Checks of kinds that others in these units make too.")
    with_result: int = Field(ge=0, description="Of those, how many had a result.")
    expected: float = Field(ge=0, description="How many would have had one, had each kind gone as for the others.")
    lower: int = Field(ge=0, description="19 of 20 officers without anything unusual have as many or more…")
    upper: int = Field(ge=0, description="…and as many or fewer; chance and honest differences are in it.")


class QuestionOut(_Out):
    """Beyond chance, honest differences and the number of officers looked at. A question, not a finding."""

    direction: Direction
    text: TextOut


class WithheldOut(_Out):
    """Why there is no comparison, or nothing at all."""

    reason: Reason
    text: TextOut


class OfficerOut(_Out):
    """One officer: true counts, and what they are compared with."""

    number: str
    checks: int | None = Field(default=None, description="Null where there are too few to show.")
    with_result: int | None = None
    comparison: ComparisonOut | None = None
    question: QuestionOut | None = None
    withheld: WithheldOut | None = None


class OfficerMethodOut(_Out):
    """How the comparison was made; docs/officer-screen.md."""

    over_dispersion: Literal["additive"]
    officer_deviation: float | None = Field(
        default=None, description="Estimated standard deviation of honest differences between officers, in log odds."
    )
    false_discovery_rate: float
    minimum_checks: int
    minimum_officers: int


class OfficerStatisticsOut(_Out):
    """The officers of a unit and of those below it in a period; in the order of their numbers, never of a score."""

    unit: str
    period: str
    purpose: Purpose
    purpose_text: TextOut
    read_at: datetime = Field(description="When this reading was put on record.")
    result: TextOut = Field(description="What counts as a result.")
    notice: TextOut
    method: OfficerMethodOut
    officers: list[OfficerOut]


_MINIMA: Final = {
    "false_discovery_rate": funnel.FALSE_DISCOVERY_RATE,
    "minimum_checks": funnel.MINIMUM_CHECKS,
    "minimum_officers": funnel.MINIMUM_OFFICERS,
}


def officer_statistics_response(found: OfficerStatistics) -> Response:
    """Answer 200 with what a reading gave."""
    tau_squared = found.screen.tau_squared
    return json_response(
        {
            "unit": found.unit,
            "period": found.period,
            "purpose": found.purpose.value,
            "purpose_text": PURPOSES[found.purpose],
            "read_at": found.read_at.isoformat(timespec="seconds"),
            "result": INDICATOR,
            "notice": NOTICE,
            "method": {
                "over_dispersion": found.screen.over_dispersion.value,
                "officer_deviation": None if tau_squared is None else round(tau_squared**0.5, 3),
                **_MINIMA,
            },
            "officers": [_officer(entry) for entry in found.screen.entries],
        }
    )


def _officer(entry: Entry) -> dict[str, Any]:
    comparison, reason = entry.comparison, entry.reason
    flag = None if comparison is None else comparison.flag
    return {
        "number": entry.officer,
        "checks": entry.checks,
        "with_result": entry.hits,
        "comparison": None if comparison is None else _comparison(comparison),
        "question": None if flag is None else {"direction": flag.value, "text": QUESTIONS[flag]},
        "withheld": None if reason is None else {"reason": reason.value, "text": NOT_COMPARED[reason]},
    }


def _comparison(comparison: Comparison) -> dict[str, Any]:
    return {
        "checks": comparison.checks,
        "with_result": comparison.hits,
        "expected": round(comparison.expected, 1),
        "lower": comparison.lower,
        "upper": comparison.upper,
    }
