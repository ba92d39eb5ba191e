"""The bodies of statistics: JSON for programs, CSV for tables, Parquet for analysts. The same figures in each."""

import csv
import io
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from receipt_service.statistics.answers import Answer, Offer
from receipt_service.statistics.lattice import AreaLevel
from receipt_service.statistics.method.cell_key import THRESHOLD, Mark
from receipt_service.statistics.questions import MOST_DIVISIONS, divisions_of, splits_of
from receipt_service.web.responses import json_response

NOTICE: Final = {
    "fr": "Chaque nombre est protégé par un bruit aléatoire lié à l’ensemble des contrôles qu’il compte (méthode des "
    "clés aléatoires) : il s’écarte un peu du nombre vrai, sans biais, et la même question a toujours la même réponse. "
    f"Aucun nombre inférieur à {THRESHOLD} n’est montré ; une valeur absente veut dire aucun contrôle, ou peu, ou que "
    "la montrer en révélerait peu par différence. Les nombres d’un tableau ne s’additionnent donc pas exactement.",
    "en": "Every number is protected by random noise that belongs to the set of checks which it counts (cell key "
    "method): it lies a little off the true number, without bias, and the same question always has the same answer. No "
    f"number below {THRESHOLD} is shown; a missing value means no check, or few, or that showing it would reveal few "
    "by difference. So the numbers of a table do not add up exactly.",
}


class Format(StrEnum):
    """How figures are given."""

    JSON = "json"
    CSV = "csv"
    PARQUET = "parquet"


MEDIA_TYPES: Final = {
    Format.JSON: "application/json",
    Format.CSV: "text/csv",
    Format.PARQUET: "application/vnd.apache.parquet",
}


class _Out(BaseModel):
    model_config = ConfigDict(extra="forbid")


class FigureOut(_Out):
    """One figure: the value of each division, by its name, the number of checks, and how it is protected."""

    values: dict[str, str] = Field(description="`other` stands for values that are too small to be shown alone.")
    checks: int = Field(ge=THRESHOLD)
    protection: Literal["perturbed", "merged"]


class TotalOut(_Out):
    """All checks of the area and period."""

    checks: int | None = Field(description="None where even the total may not be shown.")
    protection: Literal["perturbed", "withheld"]


class NoticeOut(_Out):
    """How to read the numbers, in both languages."""

    fr: str
    en: str


class StatisticsOut(_Out):
    """Released figures of one question."""

    area: str
    period: str
    by: list[str]
    released_at: datetime = Field(description="Since then the figures of the period have not changed, and never will.")
    threshold: int = Field(description="No smaller number is shown.")
    total: TotalOut
    figures: list[FigureOut]
    notice: NoticeOut


class PeriodOut(_Out):
    """A released period."""

    period: str
    released_at: datetime


class LevelOut(_Out):
    """What the areas of one level can be divided by."""

    areas: list[str]
    tables: list[list[str]] = Field(
        description="Combinations of dimensions that there are; the empty one is the total."
    )
    splits: list[str] = Field(description="Divisions by area, each alone or with one dimension.")


class StatisticsOfferOut(_Out):
    """What the caller can ask for: everything else is refused."""

    periods: list[PeriodOut]
    levels: dict[AreaLevel, LevelOut]
    most_divisions: int
    threshold: int
    notice: NoticeOut


def offer_response(offer: Offer) -> Response:
    """Write what can be asked for."""
    scope = offer.scope
    areas = {
        AreaLevel.FRANCE: ["F"] if scope.france else [],
        AreaLevel.DEPARTMENT: [f"D{code}" for code in sorted(scope.departments)],
        AreaLevel.COMMUNE: [f"C{code}*" for code in sorted(scope.departments)],
        AreaLevel.UNIT: [f"U{code}" for code in sorted(scope.units)],
    }
    return json_response(
        {
            "periods": [{"period": each.period, "released_at": each.released_at} for each in offer.periods],
            "levels": {
                level.value: {
                    "areas": found,
                    "tables": [list(names) for names in divisions_of(level)],
                    "splits": [split.value for split in splits_of(level)],
                }
                for level, found in areas.items()
            },
            "most_divisions": MOST_DIVISIONS,
            "threshold": THRESHOLD,
            "notice": NOTICE,
        }
    )


def answer_response(answer: Answer, form: Format) -> Response:
    """Write an answer in the form asked for."""
    if form is Format.JSON:
        return json_response(_document(answer))
    content = _csv(answer) if form is Format.CSV else _parquet(answer)
    question = answer.question
    name = f"{question.area}-{question.period}-{'-'.join(question.by) or 'total'}.{form.value}"
    return Response(
        content,
        media_type=MEDIA_TYPES[form],
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _document(answer: Answer) -> dict[str, Any]:
    question = answer.question
    return {
        "area": question.area,
        "period": question.period,
        "by": list(question.by),
        "released_at": answer.released_at,
        "threshold": THRESHOLD,
        "total": {
            "checks": answer.total,
            "protection": (Mark.WITHHELD if answer.total is None else Mark.PERTURBED).value,
        },
        "figures": [
            {
                "values": dict(zip(question.by, line.values, strict=True)),
                "checks": line.checks,
                "protection": line.mark.value,
            }
            for line in answer.lines
        ],
        "notice": NOTICE,
    }


def _columns(answer: Answer) -> list[str]:
    return ["area", "period", *answer.question.by, "checks", "protection"]


def _rows(answer: Answer) -> list[tuple[str | int, ...]]:
    question = answer.question
    return [(question.area, question.period, *line.values, line.checks, line.mark.value) for line in answer.lines]


def _csv(answer: Answer) -> bytes:
    """RFC 4180, with a line of names; UTF-8."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(_columns(answer))
    writer.writerows(_rows(answer))
    return text.getvalue().encode()


def _parquet(answer: Answer) -> bytes:
    import pyarrow as pa  # noqa: PLC0415 - 30 MB that no other answer needs
    from pyarrow import parquet  # noqa: PLC0415

    names = _columns(answer)
    schema = pa.schema([(name, pa.int64() if name == "checks" else pa.string()) for name in names])
    rows = [dict(zip(names, row, strict=True)) for row in _rows(answer)]
    buffer = io.BytesIO()
    parquet.write_table(pa.Table.from_pylist(rows, schema), buffer)
    return buffer.getvalue()
