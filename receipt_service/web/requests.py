"""The JSON bodies that the API accepts, in shape; what the law asks of them is ``domain.rules``' part.

``read_check`` is the way from bytes to domain values. Faults come out as ``InvalidCheck`` with the
same form as the rules' own: a pointer, a rule, and a text in both languages, never a value.
"""

from datetime import datetime, timedelta
from typing import Annotated, Any, Final, Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from receipt_service.domain.check import BasisUse, Requisition, SelectionMode
from receipt_service.domain.check_request import (
    MAX_BASES,
    MAX_MEASURES,
    MAX_OUTCOMES,
    MAX_REASONS,
    MAX_REQUISITION_COMMUNES,
    MAX_REQUISITION_OFFENCES,
    TEXT_LIMITS,
    CheckRequest,
    PlaceRequest,
)
from receipt_service.domain.person import (
    EstablishedBy,
    IdentityEstablished,
    IdentityNotEstablished,
    NotEstablishedReason,
    Person,
)
from receipt_service.domain.recipient import Recipient
from receipt_service.errors import InvalidCheck
from receipt_service.web import fields, json_body
from receipt_service.web.shape_faults import birth_date_in_future, faults_of

RequisitionReference = Annotated[str, fields.Text(TEXT_LIMITS["reference"])]
Court = Annotated[str, fields.Text(TEXT_LIMITS["court"])]
Offence = Annotated[str, fields.Text(TEXT_LIMITS["offences"])]
Places = Annotated[str, fields.Text(TEXT_LIMITS["places"])]
_LATEST_ZONE: Final = timedelta(hours=14)


_ONE_WAY: Final[list[Any]] = [
    {"required": [name], "properties": {name: {"const": True}}} for name in ("on_screen", "on_paper", "declined")
] + [{"required": [name], "properties": {name: {"type": "string"}}} for name in ("sms", "email")]
"""What a JSON Schema can say of "at least one way"."""


class Body(BaseModel):
    """What all bodies hold to: no unknown members, no conversions, no values in errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True)


class RequisitionIn(Body):
    """A prosecutor's written requisition."""

    reference: RequisitionReference
    court: Court
    signed_at: fields.Timestamp
    offences: Annotated[list[Offence], Field(min_length=1, max_length=MAX_REQUISITION_OFFENCES)]
    communes: Annotated[list[fields.Commune], Field(min_length=1, max_length=MAX_REQUISITION_COMMUNES)]
    places: Places
    starts_at: fields.Timestamp
    ends_at: fields.Timestamp
    renewed: bool = False


class BasisUseIn(Body):
    """One legal basis and the facts that the catalogue asks for it; the main basis comes first."""

    code: fields.Code
    offence_class: Literal["contravention", "delit", "crime"] | None = None
    offence: Annotated[str, fields.Text(TEXT_LIMITS["offence"])] | None = None
    measure_breached: Annotated[str, fields.Text(TEXT_LIMITS["measure_breached"])] | None = None
    notice_reference: Annotated[str, fields.Text(TEXT_LIMITS["notice_reference"])] | None = None
    circumstances: Annotated[str, fields.Text(TEXT_LIMITS["circumstances"])] | None = None
    risk_type: fields.Code | None = None
    zone_type: fields.Code | None = None
    site: Annotated[str, fields.Text(TEXT_LIMITS["site"])] | None = None
    operation_reference: Annotated[str, fields.Text(TEXT_LIMITS["operation_reference"])] | None = None
    operation_started_at: fields.Timestamp | None = None
    requisition: RequisitionIn | None = None
    premises_professional: bool | None = None
    shown_to: Annotated[str, fields.Text(TEXT_LIMITS["shown_to"])] | None = None
    objective_element: fields.Code | None = None
    parent_receipt_number: fields.AnyReceiptNumber | None = None
    consent: bool | None = None
    prosecutor_instruction: bool | None = None
    hold_started_at: fields.Timestamp | None = None
    hold_ended_at: fields.Timestamp | None = None
    event: Annotated[str, fields.Text(TEXT_LIMITS["event"])] | None = None
    owner_present: bool | None = None


class PlaceIn(Body):
    """A public place in words and the INSEE code of its commune; never a dwelling's address."""

    public_place: Annotated[str, fields.Text(TEXT_LIMITS["public_place"])]
    commune: fields.Commune


class IdentityEstablishedIn(Body):
    """The person as their proof of identity spells them; the proof's kind, never its number."""

    identity: Literal["established"]
    family_name: fields.FamilyName
    given_names: fields.GivenNames
    birth_date: fields.BirthDate
    birth_place: fields.BirthPlace
    established_by: EstablishedBy


class IdentityNotEstablishedIn(Body):
    """No identity on the receipt, and why."""

    identity: Literal["not_established"]
    reason: Literal[NotEstablishedReason.REFUSED, NotEstablishedReason.IMPOSSIBLE, NotEstablishedReason.NOT_ASKED]


class NotEstablishedIn(Protocol):
    """No identity, and why: of a check, or of a correction, which has one reason more."""

    @property
    def reason(self) -> NotEstablishedReason:
        """Why."""


class RecipientIn(Body):
    """Where the person wants the receipt: at least one way, or declined."""

    model_config = ConfigDict(json_schema_extra={"anyOf": _ONE_WAY})

    sms: fields.Mobile | None = None
    email: fields.EmailAddress | None = None
    on_screen: bool = False
    on_paper: bool = False
    declined: bool = False

    @model_validator(mode="after")
    def _check_ways(self) -> "RecipientIn":
        chosen = self.sms is not None or self.email is not None or self.on_screen or self.on_paper
        if not chosen and not self.declined:
            raise PydanticCustomError("recipient_missing", "refused")
        if chosen and self.declined:
            raise PydanticCustomError("recipient_declined_and_chosen", "refused")
        return self


class CheckFields(Body):
    """What a check and a corrected check say alike."""

    legal_bases: Annotated[list[BasisUseIn], Field(min_length=1, max_length=MAX_BASES)]
    reasons: Annotated[list[fields.Code], Field(min_length=1, max_length=MAX_REASONS)]
    reason_text: Annotated[str, fields.Text(TEXT_LIMITS["reason_text"])] | None = None
    selection: SelectionMode
    checked_at: fields.Timestamp
    ended_at: fields.Timestamp | None = None
    place: PlaceIn
    measures: Annotated[list[fields.Code], Field(max_length=MAX_MEASURES)] = []
    outcomes: Annotated[list[fields.Code], Field(min_length=1, max_length=MAX_OUTCOMES)]
    ordered_by: fields.OfficerNumber | None = None
    second_language: fields.LanguageTag | None = None
    recorded_by_device_at: fields.Timestamp | None = None


class CheckRequestIn(CheckFields):
    """The body of ``POST /v1/checks``. The officer is not in it: the token says who they are."""

    person: Annotated[IdentityEstablishedIn | IdentityNotEstablishedIn, Field(discriminator="identity")]
    recipient: RecipientIn


class ReceiptPdfIn(Body):
    """The body of ``POST /v1/receipts/pdf``: what ``POST /v1/checks`` answered, handed back for printing."""

    receipt: Annotated[str, Field(min_length=1, max_length=32_768, pattern=r"^[A-Za-z0-9_.~\-]+$")]
    link: Annotated[str, Field(min_length=1, max_length=2048, pattern=r"^https?://[^\s#]+#[A-Za-z0-9_.\-]+$")]
    second_language: fields.LanguageTag | None = None


def _requisition(given: RequisitionIn | None) -> Requisition | None:
    if given is None:
        return None
    return Requisition(
        reference=given.reference,
        court=given.court,
        signed_at=given.signed_at,
        offences=tuple(given.offences),
        communes=tuple(given.communes),
        places=given.places,
        starts_at=given.starts_at,
        ends_at=given.ends_at,
        renewed=given.renewed,
    )


def _basis(given: BasisUseIn) -> BasisUse:
    facts: dict[str, Any] = {name: getattr(given, name) for name in given.model_fields_set if name != "requisition"}
    return BasisUse(**facts, requisition=_requisition(given.requisition))


def _person(given: IdentityEstablishedIn | NotEstablishedIn) -> Person:
    if not isinstance(given, IdentityEstablishedIn):
        return IdentityNotEstablished(reason=given.reason)
    return IdentityEstablished(
        family_name=given.family_name,
        given_names=given.given_names,
        birth_date=given.birth_date,
        birth_place=given.birth_place,
        established_by=given.established_by,
    )


def _check_request(given: CheckFields) -> CheckRequest:
    return CheckRequest(
        legal_bases=tuple([_basis(basis) for basis in given.legal_bases]),
        reasons=tuple(given.reasons),
        selection=given.selection,
        checked_at=given.checked_at,
        place=PlaceRequest(public_place=given.place.public_place, commune=given.place.commune),
        outcomes=tuple(given.outcomes),
        measures=tuple(given.measures),
        reason_text=given.reason_text,
        ended_at=given.ended_at,
        ordered_by=given.ordered_by,
        second_language=given.second_language,
        recorded_by_device_at=given.recorded_by_device_at,
    )


def read_check(body: bytes, now: datetime) -> tuple[CheckRequest, Person, Recipient]:
    """Read the body of ``POST /v1/checks`` into the three values that ``issuance.issue`` takes.

    Raises ``Refused`` (400) when it is not one JSON object, ``InvalidCheck`` (422) with every fault of
    shape. ``now`` decides whether a birth date lies in the future, at the place where it is latest.
    """
    json_body.read_object(body)
    try:
        given = CheckRequestIn.model_validate_json(body)
    except ValidationError as error:
        raise InvalidCheck(faults_of(error, CheckRequestIn)) from None
    return values_of(given, given.person, given.recipient, now)


def values_of(
    given: CheckFields, person_given: IdentityEstablishedIn | NotEstablishedIn, ways: RecipientIn, now: datetime
) -> tuple[CheckRequest, Person, Recipient]:
    """Turn a body of good shape into domain values. Raises ``InvalidCheck`` for a birth date in the future."""
    person = _person(person_given)
    if isinstance(person, IdentityEstablished):
        latest = (now + _LATEST_ZONE).date().isoformat()
        if person.birth_date > latest[: len(person.birth_date)]:
            raise InvalidCheck((birth_date_in_future(),))
    recipient = Recipient(
        sms=ways.sms, email=ways.email, on_screen=ways.on_screen, on_paper=ways.on_paper, declined=ways.declined
    )
    return _check_request(given), person, recipient


def read_receipt_pdf(body: bytes) -> ReceiptPdfIn:
    """Read the body of ``POST /v1/receipts/pdf``; raises as ``read_check`` does."""
    json_body.read_object(body)
    try:
        return ReceiptPdfIn.model_validate_json(body)
    except ValidationError as error:
        raise InvalidCheck(faults_of(error, ReceiptPdfIn)) from None
