"""The JSON bodies of corrections and cancellations, in shape."""

from datetime import datetime
from typing import Annotated, Final, Literal

from pydantic import Field, ValidationError

from receipt_service.domain.check_request import CheckRequest
from receipt_service.domain.correction import EXPLANATION_LIMIT, CancellationReason, CorrectionReason
from receipt_service.domain.person import NotEstablishedReason, Person
from receipt_service.domain.recipient import Recipient
from receipt_service.errors import InvalidCheck, Violation
from receipt_service.web import fields, json_body
from receipt_service.web.requests import Body, CheckFields, IdentityEstablishedIn, RecipientIn, values_of
from receipt_service.web.shape_faults import faults_of

Explanation = Annotated[str, fields.Text(EXPLANATION_LIMIT)]
_CHECK: Final = "/check"
_NOBODY: Final = RecipientIn(declined=True)


class IdentityNotInCorrectionIn(Body):
    """No identity on the new receipt, and why; ``not_carried_over`` when the person is no longer there to give it."""

    identity: Literal["not_established"]
    reason: NotEstablishedReason


class CorrectedCheckIn(CheckFields):
    """The whole check as it should have been recorded. Nothing is taken over from the receipt that it replaces."""

    person: Annotated[IdentityEstablishedIn | IdentityNotInCorrectionIn, Field(discriminator="identity")]
    recipient: RecipientIn | None = Field(
        default=None, description="Left out when there is nobody to send the new receipt to."
    )


class CorrectionIn(Body):
    """The body of ``POST /v1/checks/{receipt_number}/corrections``."""

    reason: CorrectionReason
    explanation: Explanation | None = None
    check: CorrectedCheckIn


class CancellationIn(Body):
    """The body of ``POST /v1/checks/{receipt_number}/cancellation``."""

    reason: CancellationReason
    explanation: Explanation | None = None


def read_correction(body: bytes, now: datetime) -> tuple[CorrectionIn, CheckRequest, Person, Recipient]:
    """Read a correction's body; raises as ``requests.read_check`` does, with pointers into this body."""
    json_body.read_object(body)
    try:
        given = CorrectionIn.model_validate_json(body)
    except ValidationError as error:
        raise InvalidCheck(faults_of(error, CorrectionIn)) from None
    try:
        values = values_of(given.check, given.check.person, given.check.recipient or _NOBODY, now)
    except InvalidCheck as refused:
        raise InvalidCheck(
            tuple(Violation(_CHECK + fault.field, fault.rule, fault.fr, fault.en) for fault in refused.violations)
        ) from None
    return given, *values


def read_cancellation(body: bytes) -> CancellationIn:
    """Read a cancellation's body; raises as ``requests.read_check`` does."""
    json_body.read_object(body)
    try:
        return CancellationIn.model_validate_json(body)
    except ValidationError as error:
        raise InvalidCheck(faults_of(error, CancellationIn)) from None
