"""The one error root of the program, and the conditions that cross layers.

An error's message is for operators and never holds a value that came from a request: identity may
stand in any of them. HTTP status codes live in ``web.problems``, exit codes in ``cli``.
"""

from dataclasses import dataclass


class ReceiptServiceError(Exception):
    """Root of every error this program raises on purpose."""


class ConfigurationError(ReceiptServiceError):
    """A setting, key file or data file is missing or unusable; the process must not start."""


class Unavailable(ReceiptServiceError):
    """A part the request needs is not there just now; the same request may succeed later."""


class NotFound(ReceiptServiceError):
    """Nothing is stored under that name, or the caller may not know that it is."""


class MalformedReceipt(ReceiptServiceError):
    """The bytes are not a receipt, a stub or a link in the one form that we accept."""


class VerificationError(ReceiptServiceError):
    """The receipt is well formed and does not hold: the only type that verification raises."""

    def __init__(self, reason: str, message: str) -> None:
        """``reason`` is a stable code from ``verify.verdict``; ``message`` is for a reader."""
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Violation:
    """One rule that a check request breaks.

    ``field`` is a JSON Pointer (RFC 6901) into the request body, ``rule`` a stable code that
    ``docs/errors.md`` lists, and the two texts are what the officer reads.
    """

    field: str
    rule: str
    fr: str
    en: str


class InvalidCheck(ReceiptServiceError):
    """The check request breaks the catalogue's rules; ``violations`` says which, all of them."""

    def __init__(self, violations: tuple[Violation, ...]) -> None:
        """Keep every violation, in the order of the request's fields."""
        super().__init__(f"{len(violations)} rule(s) broken: {', '.join(v.rule for v in violations)}")
        self.violations = violations


class OfficerUnknown(ReceiptServiceError):
    """The token is valid and its subject is not an active officer of the directory."""


class IdempotencyInProgress(ReceiptServiceError):
    """The same Idempotency-Key is being processed now (HTTP 409)."""


class IdempotencyConflict(ReceiptServiceError):
    """The same Idempotency-Key came before with another body (HTTP 422)."""


class ReplayWindowClosed(ReceiptServiceError):
    """The check of this Idempotency-Key is registered, and its receipt can't be rebuilt any more."""

    def __init__(self, receipt_number: str) -> None:
        """``receipt_number`` still resolves to the stub."""
        super().__init__("the replay key of this request has been destroyed")
        self.receipt_number = receipt_number


class AlreadyAmended(ReceiptServiceError):
    """The receipt was replaced or cancelled before: a newer one may be, this one not again (HTTP 409)."""


class CorrectionWindowClosed(ReceiptServiceError):
    """The officer's time to correct their own check is over: a supervisor still may (HTTP 403)."""


class StubErased(ReceiptServiceError):
    """The stub was there, and its time of retention is over: it was let go of (HTTP 410)."""


class OutsideOwnUnits(ReceiptServiceError):
    """A supervisor asked about a unit that is neither theirs nor below it."""


class PeriodNotReleased(ReceiptServiceError):
    """The figures of the period are not released (yet)."""

    def __init__(self, latest: tuple[str, ...]) -> None:
        """``latest`` are the latest released periods."""
        super().__init__("the period is not released")
        self.latest = latest


class UnitTooLarge(ReceiptServiceError):
    """The unit has more officers than are shown at once."""


class PeriodNotClosed(ReceiptServiceError):
    """The period is none, is not over yet, or is longer than may be asked for."""

    def __init__(self, latest: tuple[str, ...]) -> None:
        """``latest`` are the latest periods that may be asked for."""
        super().__init__("not a period that is over")
        self.latest = latest


class PeriodTooLarge(ReceiptServiceError):
    """The period has more entries, or more days, than are audited while somebody waits."""


class DayNotClosable(ReceiptServiceError):
    """The day has not begun by the unit's clock, or is too long ago to be closed."""


class DayAlreadyClosed(ReceiptServiceError):
    """The day of this unit is closed already, once and for ever."""
