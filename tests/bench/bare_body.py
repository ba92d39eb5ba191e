"""The body of ``POST /v1/checks`` as anyone would declare it: every member, plain types, no rules.

FastAPI reads and validates it for the bare rung. A test in ``tests/unit/test_bench_body.py`` holds its members to
those of the service's own body.
"""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class BareRequisition(_Body):
    """A prosecutor's requisition."""

    reference: str
    court: str
    signed_at: datetime
    offences: list[str]
    communes: list[str]
    places: str
    starts_at: datetime
    ends_at: datetime
    renewed: bool = False


class BareBasis(_Body):
    """A legal basis and its facts."""

    code: str
    offence_class: Literal["contravention", "delit", "crime"] | None = None
    offence: str | None = None
    measure_breached: str | None = None
    notice_reference: str | None = None
    circumstances: str | None = None
    risk_type: str | None = None
    zone_type: str | None = None
    site: str | None = None
    operation_reference: str | None = None
    operation_started_at: datetime | None = None
    requisition: BareRequisition | None = None
    premises_professional: bool | None = None
    shown_to: str | None = None
    objective_element: str | None = None
    parent_receipt_number: str | None = None
    consent: bool | None = None
    prosecutor_instruction: bool | None = None
    hold_started_at: datetime | None = None
    hold_ended_at: datetime | None = None
    event: str | None = None
    owner_present: bool | None = None


class BarePlace(_Body):
    """A place and its commune."""

    public_place: str
    commune: str


class BareEstablished(_Body):
    """A person whose identity is established."""

    identity: Literal["established"]
    family_name: str
    given_names: str
    birth_date: str
    birth_place: str
    established_by: str


class BareNotEstablished(_Body):
    """A person whose identity is not."""

    identity: Literal["not_established"]
    reason: str


class BareRecipient(_Body):
    """Where the receipt goes."""

    sms: str | None = None
    email: str | None = None
    on_screen: bool = False
    on_paper: bool = False
    declined: bool = False


class BareCheck(_Body):
    """The whole body."""

    legal_bases: list[BareBasis]
    reasons: list[str]
    reason_text: str | None = None
    selection: str
    checked_at: datetime
    ended_at: datetime | None = None
    place: BarePlace
    measures: list[str] = []
    outcomes: list[str]
    ordered_by: str | None = None
    person: Annotated[BareEstablished | BareNotEstablished, Field(discriminator="identity")]
    recipient: BareRecipient
    second_language: str | None = None
    recorded_by_device_at: datetime | None = None
