"""The kinds of value a request may hold, each strict about its form. No message here quotes a value.

Texts are put into one Unicode form (NFC) with single spaces; control and formatting characters
(NUL, bidirectional overrides, zero-width joiners) are refused, since what is printed on a receipt
must be what was read on the officer's screen.
"""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final

import phonenumbers
from email_validator import EmailNotValidError, validate_email
from phonenumbers import PhoneNumberType
from pydantic import (
    AfterValidator,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    PlainValidator,
    StringConstraints,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError, core_schema

from receipt_service.domain.receipt_number import parse_receipt_number
from receipt_service.errors import MalformedReceipt
from receipt_service.web.problems import IDEMPOTENCY_KEY_INVALID, IDEMPOTENCY_KEY_MISSING
from receipt_service.web.refusals import Refused

_LOCAL_TIME: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?")
_TIMESTAMP: Final = re.compile(_LOCAL_TIME.pattern + r"(Z|[+\-][0-9]{2}:[0-9]{2})")
_BIRTH_DATE: Final = r"^[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?$"
_OLDEST_BIRTH_YEAR: Final = 1900
_NAME_MARKS: Final = frozenset(" -.'\u2019\u02bc\u2010\u2011\u00b7")
_PLACE_MARKS: Final = _NAME_MARKS | frozenset("0123456789(),/")
_MOBILE: Final = frozenset({PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE})
_FICTIONAL_MOBILE: Final = re.compile(r"\+3363998[0-9]{4}")
"""06 39 98 xx xx, which ARCEP keeps for fiction: what samples and demonstrations use."""
_FRANCE: Final[Any] = phonenumbers.PhoneMetadata.metadata_for_region("FR", None)
_FRENCH_MOBILE: Final = re.compile(rf"\+33(?:{_FRANCE.mobile.national_number_pattern})")
"""As the library itself knows them: most numbers here are, and reading each in full costs as much as a signature."""
_PHONE_CHARACTERS: Final = re.compile(r"\+[0-9 .()\-\u00a0\u202f]{6,30}")
_BARE_UUID: Final = re.compile(r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-4[0-9a-fA-F]{3}-[89abAB][0-9a-fA-F]{3}-[0-9a-fA-F]{12}")


def _fault(rule: str) -> PydanticCustomError:
    """Make an error that carries a rule's code and nothing else."""
    return PydanticCustomError(rule, "refused")


def _clean(value: str) -> str:
    """Put a text into NFC with single spaces; refuse characters that print nothing or reorder others."""
    text = value if value.isascii() else unicodedata.normalize("NFC", value)
    text = " ".join(text.split())
    if not text.isprintable() and any(unicodedata.category(c) in {"Cc", "Cf", "Co", "Cn", "Cs"} for c in text):
        raise _fault("character")
    return text


def _name(value: str) -> str:
    """Letters and marks of any script, spaces, hyphens, apostrophes, full stops."""
    if not value.isalpha():
        _require_letters(value, _NAME_MARKS)
    return value


def _birth_place(value: str) -> str:
    """As a name, and digits, commas, brackets and strokes (``Paris 13e``, ``Alger (Algérie)``)."""
    if not value.isalpha():
        _require_letters(value, _PLACE_MARKS)
    return value


def _require_letters(value: str, beside: frozenset[str]) -> None:
    """Refuse characters that are neither letters, nor marks on letters, nor among those beside them; ask a letter."""
    others = [c for c in value if not c.isalpha()]
    if not all(c in beside or unicodedata.category(c)[0] == "M" for c in others):
        raise _fault("character")
    if len(others) == len(value):
        raise _fault("no_letter")


def _birth_date(value: str) -> str:
    """Check that it is a real year, month or day since 1900; the future is refused with the whole request."""
    parts = [int(part) for part in value.split("-")]
    try:
        datetime(*(parts + [1] * (3 - len(parts))))  # type: ignore[arg-type]  # noqa: DTZ001 - a date without an hour
    except ValueError:
        raise _fault("date") from None
    if parts[0] < _OLDEST_BIRTH_YEAR:
        raise _fault("date_too_old")
    return value


def _timestamp(value: Any) -> datetime:
    """Read RFC 3339 with an offset, seconds optional; pydantic alone would take numbers and spaces too.

    Receipts count in seconds, so the fractions that tablets send are dropped.
    """
    if not isinstance(value, str) or not _LOCAL_TIME.match(value):
        raise _fault("timestamp")
    if not _TIMESTAMP.fullmatch(value):
        raise _fault("timestamp_offset" if _LOCAL_TIME.fullmatch(value) else "timestamp")
    try:
        return datetime.fromisoformat(value).replace(microsecond=0)
    except ValueError:
        raise _fault("timestamp") from None


def _mobile(value: str) -> str:
    """Write a mobile number as E.164; French overseas and foreign ones as well."""
    if _FRENCH_MOBILE.fullmatch(value) or _FICTIONAL_MOBILE.fullmatch(value):
        return value
    if not _PHONE_CHARACTERS.fullmatch(value):
        raise _fault("phone_international")
    try:
        number = phonenumbers.parse(value, None)
    except phonenumbers.NumberParseException:
        raise _fault("phone") from None
    written: str = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    if _FICTIONAL_MOBILE.fullmatch(written):
        return written
    if not phonenumbers.is_valid_number(number):
        raise _fault("phone")
    if phonenumbers.number_type(number) not in _MOBILE:
        raise _fault("phone_not_mobile")
    return written


def _address(value: str) -> str:
    """Check an e-mail address's form without asking the network; its domain is written in ASCII."""
    try:
        found = validate_email(value, allow_smtputf8=False, allow_quoted_local=False, check_deliverability=False)
    except EmailNotValidError:
        raise _fault("email") from None
    return found.ascii_email or found.normalized


def _receipt_number(value: str) -> str:
    """Write a receipt number canonically."""
    try:
        return parse_receipt_number(value)
    except MalformedReceipt:
        raise _fault("receipt_number") from None


@dataclass(frozen=True)
class Text:
    """Marks a text in words of at most ``limit`` characters once it is cleaned.

    ``form`` sees the cleaned text; ``pattern`` is what the JSON Schema can say of it.
    """

    limit: int
    form: Callable[[str], str] | None = None
    pattern: str | None = None

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        """Bound the raw text, clean it, bound the clean one, then look at its form."""
        steps: list[core_schema.CoreSchema] = [
            core_schema.str_schema(max_length=4 * self.limit, strict=True),
            core_schema.no_info_plain_validator_function(_clean),
            core_schema.str_schema(min_length=1, max_length=self.limit),
        ]
        if self.form is not None:
            steps.append(core_schema.no_info_plain_validator_function(self.form))
        return core_schema.chain_schema(steps)

    def __get_pydantic_json_schema__(self, schema: Any, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Describe the text to clients."""
        described: dict[str, Any] = {"type": "string", "minLength": 1, "maxLength": self.limit}
        return described if self.pattern is None else {**described, "pattern": self.pattern}


# JSON Schema has no portable way to say "letters of any script": the patterns exclude what is surely wrong.
FamilyName = Annotated[str, Text(60, _name, r"^[^\u0000-\u001f!-&(-,/-@\[-`{-~]+$")]
GivenNames = Annotated[str, Text(80, _name, r"^[^\u0000-\u001f!-&(-,/-@\[-`{-~]+$")]
BirthPlace = Annotated[str, Text(60, _birth_place, r"^[^\u0000-\u001f!-&*+:-@\[-`{-~]+$")]
BirthDate = Annotated[str, StringConstraints(pattern=_BIRTH_DATE), AfterValidator(_birth_date)]
Timestamp = Annotated[
    datetime, PlainValidator(_timestamp), WithJsonSchema({"type": "string", "format": "date-time"}, mode="validation")
]
Code = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_\-]{0,39}$")]
Commune = Annotated[str, StringConstraints(pattern=r"^([0-9]{5}|2[AB][0-9]{3})$")]
OfficerNumber = Annotated[str, StringConstraints(pattern=r"^[A-Z0-9\-]{1,20}$")]
LanguageTag = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}$")]
Mobile = Annotated[
    str,
    StringConstraints(max_length=40),
    AfterValidator(_mobile),
    WithJsonSchema({"type": "string", "maxLength": 40, "pattern": r"^\+[0-9 .()\-]{6,30}$"}),
]
EmailAddress = Annotated[
    str,
    StringConstraints(max_length=254),
    AfterValidator(_address),
    WithJsonSchema({"type": "string", "format": "email", "maxLength": 254}),
]
AnyReceiptNumber = Annotated[
    str,
    StringConstraints(max_length=40),
    AfterValidator(_receipt_number),
    WithJsonSchema({"type": "string", "maxLength": 40, "pattern": "^[0-9A-Za-z-]{26,40}$"}),
]


def idempotency_key(values: list[bytes]) -> str:
    """Read the Idempotency-Key header: a Structured Field string (RFC 9651 §3.3.3) that is a version 4 UUID.

    A bare UUID is taken too, since many clients send one. Raises ``Refused`` (400). The value is a
    secret: who has it, within the replay window, can ask for the receipt again.
    """
    if not values:
        raise Refused(IDEMPOTENCY_KEY_MISSING)
    if len(values) > 1:
        raise Refused(IDEMPOTENCY_KEY_INVALID)
    written = values[0].decode("latin-1").strip(" ")
    if len(written) > 1 and written.startswith('"') and written.endswith('"'):
        written = written[1:-1]
    if not written:
        raise Refused(IDEMPOTENCY_KEY_MISSING)
    if not _BARE_UUID.fullmatch(written):
        raise Refused(IDEMPOTENCY_KEY_INVALID)
    return written.lower()
