"""The bodies of an auditor's questions and of a daily closing, in shape."""

from datetime import date
from typing import Annotated, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from pydantic_core import PydanticCustomError
from starlette.datastructures import Headers
from starlette.requests import Request

from receipt_service.audit.closings import MOST_CHECKS
from receipt_service.audit.readings import AUDIT_PURPOSES, AuditPurpose, Reason, ReasonRequired, reason_of
from receipt_service.errors import InvalidCheck
from receipt_service.web import json_body
from receipt_service.web.problems import AUDIT_REASON_REQUIRED
from receipt_service.web.refusals import Refused
from receipt_service.web.shape_faults import faults_of

M = TypeVar("M", bound=BaseModel)


def _day(text: str) -> str:
    """Refuse a day that no calendar has; the years are those that row numbers can name (``domain.identifiers``)."""
    try:
        date.fromisoformat(text)
    except ValueError:
        raise PydanticCustomError("date", "refused") from None
    return text


Day = Annotated[
    str,
    StringConstraints(pattern=r"^20(2[6-9]|[3-8][0-9]|9[0-4])-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$"),
    AfterValidator(_day),
]
Purpose = Annotated[
    str,
    Field(
        json_schema_extra={"enum": [purpose.value for purpose in AuditPurpose]},
        description="Why: " + "; ".join(f"`{code}`: {text['en']}" for code, text in AUDIT_PURPOSES.items()) + ".",
    ),
]
Reference = Annotated[
    str,
    Field(
        json_schema_extra={"pattern": r"^[A-Z0-9][A-Z0-9/._-]{0,23}$"},
        description="Number of the case or the mandate: capitals and digits, one digit at least, not eight in a row.",
    ),
]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True)


class _Reasoned(_Body):
    purpose: Purpose
    reference: Reference

    def reason(self) -> Reason:
        """Read why somebody looks. Raises ``Refused`` (422)."""
        try:
            return reason_of(self.purpose, self.reference)
        except ReasonRequired:
            raise Refused(AUDIT_REASON_REQUIRED, allowed=[purpose.value for purpose in AuditPurpose]) from None


class AuditMatchIn(_Reasoned):
    """The body of ``POST /v1/audit/matches``. An identity that is shown is neither kept nor answered nor logged."""

    presented: Annotated[str, Field(min_length=1, max_length=32_768, pattern=r"^[A-Za-z0-9_.~\-]+$")] = Field(
        description="The receipt, whole or with groups hidden, or a bare leaf with its final `~`."
    )


class AuditPeriodIn(_Reasoned):
    """The body of ``POST /v1/audit/periods``: days by which checks were registered, both included, in UTC."""

    first: Day
    last: Day


class DailyClosingIn(_Body):
    """The body of ``POST /v1/closings``."""

    day: Day = Field(description="By the unit's own clock.")
    checks: Annotated[int, Field(ge=0, le=MOST_CHECKS)] = Field(description="As the unit's officers counted them.")
    unit: Annotated[str, StringConstraints(pattern=r"^[A-Z0-9][A-Z0-9._-]{0,39}$")] | None = Field(
        default=None, description="A unit below your own; your own when left out."
    )


async def read_json(request: Request, model: type[M]) -> M:
    """Read a body. Raises ``Refused`` (400, 415) and ``InvalidCheck`` (422) with every fault of shape."""
    headers = Headers(scope=request.scope)
    content_type, coding = headers.get("content-type"), headers.get("content-encoding")
    json_body.require_json(
        None if content_type is None else content_type.encode("latin-1"),
        None if coding is None else coding.encode("latin-1"),
    )
    body = await request.body()
    json_body.read_object(body)
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        raise InvalidCheck(faults_of(error, model)) from None
