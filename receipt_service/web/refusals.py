"""From a condition to its problem: what the lower layers raise, and what the HTTP layer refuses itself, as an answer.

A problem says which rule was broken and where in the request (a JSON Pointer), never what stood there.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson
from starlette.responses import Response

from receipt_service import errors
from receipt_service.errors import Violation
from receipt_service.web.languages import Language, preferred_language
from receipt_service.web.problems import (
    ALREADY_AMENDED,
    AUDIT_PERIOD_REFUSED,
    BODY_TOO_LARGE,
    CORRECTION_WINDOW_CLOSED,
    DAY_ALREADY_CLOSED,
    DAY_NOT_CLOSABLE,
    FORBIDDEN,
    IDEMPOTENCY_CONFLICT,
    IDEMPOTENCY_IN_PROGRESS,
    INTERNAL_ERROR,
    INVALID_CHECK,
    INVALID_RECEIPT,
    MALFORMED_REQUEST,
    MEDIA_TYPE,
    METHOD_NOT_ALLOWED,
    NOT_ACCEPTABLE,
    NOT_FOUND,
    OFFICER_UNKNOWN,
    OUTSIDE_OWN_UNITS,
    PERIOD_NOT_CLOSED,
    PERIOD_NOT_RELEASED,
    REPLAY_WINDOW_CLOSED,
    REQUEST_TIMEOUT,
    STUB_ERASED,
    UNAUTHENTICATED,
    UNAVAILABLE,
    UNIT_TOO_LARGE,
    UNSUPPORTED_MEDIA_TYPE,
    Problem,
)

_BY_STATUS: Final = {
    400: MALFORMED_REQUEST,
    401: UNAUTHENTICATED,
    403: FORBIDDEN,
    404: NOT_FOUND,
    405: METHOD_NOT_ALLOWED,
    406: NOT_ACCEPTABLE,
    408: REQUEST_TIMEOUT,
    413: BODY_TOO_LARGE,
    415: UNSUPPORTED_MEDIA_TYPE,
    503: UNAVAILABLE,
}

_BY_CONDITION: Final[Mapping[type[errors.ReceiptServiceError], Problem]] = {
    errors.InvalidCheck: INVALID_CHECK,
    errors.OfficerUnknown: OFFICER_UNKNOWN,
    errors.IdempotencyInProgress: IDEMPOTENCY_IN_PROGRESS,
    errors.IdempotencyConflict: IDEMPOTENCY_CONFLICT,
    errors.ReplayWindowClosed: REPLAY_WINDOW_CLOSED,
    errors.NotFound: NOT_FOUND,
    errors.AlreadyAmended: ALREADY_AMENDED,
    errors.CorrectionWindowClosed: CORRECTION_WINDOW_CLOSED,
    errors.StubErased: STUB_ERASED,
    errors.OutsideOwnUnits: OUTSIDE_OWN_UNITS,
    errors.UnitTooLarge: UNIT_TOO_LARGE,
    errors.PeriodNotClosed: PERIOD_NOT_CLOSED,
    errors.PeriodNotReleased: PERIOD_NOT_RELEASED,
    errors.PeriodTooLarge: AUDIT_PERIOD_REFUSED,
    errors.DayAlreadyClosed: DAY_ALREADY_CLOSED,
    errors.DayNotClosable: DAY_NOT_CLOSABLE,
    errors.Unavailable: UNAVAILABLE,
    errors.MalformedReceipt: INVALID_RECEIPT,
    errors.VerificationError: INVALID_RECEIPT,
}


class Refused(errors.ReceiptServiceError):
    """The request is refused by the HTTP layer itself, with this problem."""

    def __init__(
        self,
        problem: Problem,
        violations: Sequence[Violation] = (),
        headers: Mapping[str, str] | None = None,
        **members: Any,
    ) -> None:
        """``members`` are extension members of the problem (RFC 9457 §3.2): our own values only."""
        super().__init__(problem.slug)
        self.problem = problem
        self.violations = tuple(violations)
        self.headers = dict(headers or {})
        self.members = members


def refusal_of(error: errors.ReceiptServiceError) -> Refused | None:
    """Translate a condition of the lower layers; None means that it is a fault of ours (500)."""
    if isinstance(error, Refused):
        return error
    for condition, problem in _BY_CONDITION.items():
        if isinstance(error, condition):
            violations = error.violations if isinstance(error, errors.InvalidCheck) else ()
            if isinstance(error, errors.ReplayWindowClosed):
                return Refused(problem, receipt_number=error.receipt_number)
            if isinstance(error, errors.PeriodNotClosed | errors.PeriodNotReleased):
                return Refused(problem, allowed=list(error.latest))
            return Refused(problem, violations)
    return None


def problem_of_status(status: int) -> Problem:
    """Return the problem that stands for a status which the framework chose."""
    return _BY_STATUS.get(status, MALFORMED_REQUEST if status < 500 else INTERNAL_ERROR)  # noqa: PLR2004


def problem_document(refused: Refused, language: Language, instance: str | None = None) -> dict[str, Any]:
    """Return the problem's members, ready to serialise."""
    problem = refused.problem
    document: dict[str, Any] = {
        "type": problem.type,
        "title": problem.title[language],
        "status": problem.status,
        "detail": problem.detail[language],
    }
    if instance is not None:
        document["instance"] = instance
    if refused.violations:
        document["errors"] = [
            {"pointer": v.field, "rule": v.rule, "detail": v.fr if language == "fr" else v.en}
            for v in refused.violations
        ]
    return {**document, **refused.members}


def problem_response(refused: Refused, accept_language: str | None, instance: str | None = None) -> Response:
    """Return the HTTP answer of a refusal; always a problem document, whatever Accept says (RFC 9110 §15.5.7)."""
    language = preferred_language(accept_language)
    headers = {
        **refused.problem.headers,
        **refused.headers,
        "Content-Language": language,
        "Vary": "Accept-Language",
        "Cache-Control": "no-store",
    }
    body = orjson.dumps(problem_document(refused, language, instance))
    return Response(body, refused.problem.status, headers, MEDIA_TYPE)
