"""The JSON bodies that the API gives: their models, for the OpenAPI document, and how they are made.

The models describe; the hot path writes bytes itself, which costs a fifth of validating them again.
"""

from datetime import datetime
from typing import Any, Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from receipt_service.domain.correction import CancellationReason, Succession
from receipt_service.domain.message import MessageState
from receipt_service.domain.recipient import Channel, Recipient
from receipt_service.issuance.reads import CheckReport, StubReport
from receipt_service.issuance.submission import Cancelled, Issued
from receipt_service.web.services import Services

_NUMBER = r"^[0-7][0-9A-HJKMNP-TV-Z]{25}$"
_SD_JWT = r"^[A-Za-z0-9_\-]+\.[A-Za-z0-9_\-]+\.[A-Za-z0-9_\-]+(~[A-Za-z0-9_\-]+)*~$"
ChannelName = Literal["sms", "email", "screen", "paper", "declined"]


GroupName = Literal["legal_basis", "consequences", "when_where", "officer"]


class _Out(BaseModel):
    model_config = ConfigDict(extra="forbid")


class MessageOut(_Out):
    """One way of delivery and its first state."""

    channel: ChannelName
    state: Literal["queued", "handed_over", "declined"]


class IssuedOut(_Out):
    """A registered check and its receipt, for the officer's screen and printer; kept nowhere by the service."""

    receipt_number: str = Field(pattern=_NUMBER)
    status_url: str
    stub_url: str
    receipt: str = Field(pattern=_SD_JWT, description="The receipt: an SD-JWT (RFC 9901) with all five disclosures.")
    link: str = Field(description="Opens the receipt in a browser; everything personal is in the fragment.")
    messages: list[MessageOut] = Field(min_length=1)
    qr_svg: str | None = Field(default=None, description="The link as a QR code; given when shown on screen or paper.")


class MessageStateOut(_Out):
    """One way of delivery and how it stands; never the address."""

    channel: ChannelName
    state: MessageState
    created_at: datetime
    code: str | None = Field(default=None, description="Stable code of the last refusal or delay.")
    expires_at: datetime | None = Field(default=None, description="When delivery gives up.")
    settled_at: datetime | None = Field(default=None, description="When it reached its final state.")


class AmendmentOut(_Out):
    """Why a check was replaced or cancelled, by whom and when."""

    reason: str
    explanation: str | None = None
    officer_number: str | None = None
    at: datetime


class CancelledOut(_Out):
    """A cancelled receipt."""

    receipt_number: str = Field(pattern=_NUMBER)
    reason: CancellationReason
    cancelled_at: datetime
    status_url: str


class CheckStateOut(_Out):
    """Delivery state of a registered check. No identity."""

    receipt_number: str = Field(pattern=_NUMBER)
    officer_number: str
    unit: str
    checked_at: datetime
    recorded_at: datetime
    messages: list[MessageStateOut] = Field(min_length=1)
    replaces: bool = Field(description="Whether it takes an earlier receipt's place.")
    replaced: bool = Field(
        description="Whether a newer receipt has taken its place. Numbers open stubs and are not given here."
    )
    cancelled: bool = False
    amendment: AmendmentOut | None = None


class StubOut(_Out):
    """The receipt without the identity."""

    receipt_number: str = Field(pattern=_NUMBER)
    leaf: str = Field(description="The signed JWT.")
    disclosures: list[str] = Field(max_length=4)
    stub: str = Field(pattern=_SD_JWT, description="Leaf and disclosures as an SD-JWT.")
    replaces: str | None = Field(default=None, pattern=_NUMBER, description="The receipt whose place it takes.")
    replaced_by: str | None = Field(default=None, pattern=_NUMBER, description="The receipt that took its place.")
    cancelled: bool = Field(default=False, description="Present when no receipt takes its place and it stands no more.")
    reason: str | None = Field(default=None, description="Why it was replaced or cancelled: a code.")
    erased: list[GroupName] | None = Field(
        default=None, description="Groups that were let go of when their time of retention was over."
    )


class IssuerMetadataOut(_Out):
    """The issuer's keys (SD-JWT VC, JWT VC Issuer Metadata); also a trust root to save."""

    issuer: str
    jwks: dict[str, Any]


class HealthOut(_Out):
    """The process answers."""

    status: Literal["ok"]


class ReadyOut(_Out):
    """Everything that issuing needs is there."""

    status: Literal["ready"]
    checks: dict[str, bool]


class CatalogueOut(BaseModel):
    """The legal-basis catalogue (schemas/catalogue); see its own schema for the rest."""

    model_config = ConfigDict(extra="allow")
    version: str


RESPONSES: tuple[type[BaseModel], ...] = (
    IssuedOut,
    CheckStateOut,
    CancelledOut,
    StubOut,
    IssuerMetadataOut,
    HealthOut,
    ReadyOut,
    CatalogueOut,
)

_FIRST_STATE = {
    Channel.SMS: "queued",
    Channel.EMAIL: "queued",
    Channel.SCREEN: "handed_over",
    Channel.PAPER: "handed_over",
    Channel.DECLINED: "declined",
}


def json_response(content: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Write one JSON answer."""
    return Response(orjson.dumps(content), status, headers, "application/json")


def issued_response(issued: Issued, recipient: Recipient, services: Services) -> Response:
    """Answer 201 with the receipt; a repeated request gets the same bytes, whatever was delivered since."""
    number = str(issued.link.receipt_number)
    status_url = f"{services.public_url}/v1/checks/{number}"
    link = issued.link.url(services.public_url)
    content: dict[str, Any] = {
        "receipt_number": number,
        "status_url": status_url,
        "stub_url": f"{services.public_url}/v1/stubs/{number}",
        "receipt": issued.receipt.compact,
        "link": link,
        "messages": [{"channel": c.value, "state": _FIRST_STATE[c]} for c in recipient.channels],
    }
    if recipient.on_screen or recipient.on_paper:
        content["qr_svg"] = services.qr_svg(link)
    headers = {"Location": status_url}
    if issued.replayed:
        headers["Idempotency-Replayed"] = "true"
    return json_response(content, 201, headers)


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(timespec="seconds")


def check_state_response(report: CheckReport) -> Response:
    """Answer 200 with how the messages of a check stand."""
    messages = [
        {
            "channel": message.status.channel.value,
            "state": message.status.state.value,
            "created_at": _time(message.created_at),
            "code": message.code,
            "expires_at": _time(message.expires_at),
            "settled_at": _time(message.settled_at),
        }
        for message in report.messages
    ]
    return json_response(
        {
            "receipt_number": report.receipt_number,
            "officer_number": report.officer_number,
            "unit": report.unit_code,
            "checked_at": _time(report.checked_at),
            "recorded_at": _time(report.recorded_at),
            "messages": messages,
            **_succession_for_staff(report.succession),
        }
    )


def _succession_for_staff(succession: Succession) -> dict[str, Any]:
    """Tell the hierarchy what became of a check: all but the numbers, which would open stubs."""
    told: dict[str, Any] = {
        "replaces": succession.replaces is not None,
        "replaced": not succession.is_effective and not succession.cancelled,
        "cancelled": succession.cancelled,
    }
    if not succession.is_effective:
        told["amendment"] = {
            "reason": succession.reason,
            "explanation": succession.explanation,
            "officer_number": succession.amended_by,
            "at": _time(succession.amended_at),
        }
    return told


def cancelled_response(cancelled: Cancelled, services: Services) -> Response:
    """Answer 201 with what was cancelled; a repeated request gets the same bytes."""
    status_url = f"{services.public_url}/v1/checks/{cancelled.receipt_number}"
    content = {
        "receipt_number": cancelled.receipt_number,
        "reason": cancelled.reason,
        "cancelled_at": _time(cancelled.cancelled_at),
        "status_url": status_url,
    }
    headers = {"Location": status_url}
    if cancelled.replayed:
        headers["Idempotency-Replayed"] = "true"
    return json_response(content, 201, headers)


def stub_content(number: str, report: StubReport) -> dict[str, Any]:
    """Return a stub's members.

    The number of the receipt that took its place is given here, and nowhere else: whoever reads this stub had the
    number of the old one, and is owed what is right.
    """
    stub, succession = report.stub, report.succession
    told = {
        "replaces": succession.replaces,
        "replaced_by": succession.replaced_by,
        "cancelled": succession.cancelled or None,
        "reason": succession.reason,
        "erased": [group.value for group in report.erased] or None,
    }
    return {
        "receipt_number": number,
        "leaf": stub.leaf,
        "disclosures": list(stub.disclosures),
        "stub": stub.compact,
        **{name: value for name, value in told.items() if value is not None},
    }
