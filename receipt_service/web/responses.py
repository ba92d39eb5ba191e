"""The JSON bodies that the API gives: their models, for the OpenAPI document, and how they are made.

The models describe; the hot path writes bytes itself, which costs a fifth of validating them again.
"""

from datetime import datetime
from typing import Any, Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from receipt_service.domain.message import MessageState
from receipt_service.domain.recipient import Channel, Recipient
from receipt_service.domain.stub import Stub
from receipt_service.issuance.reads import CheckReport
from receipt_service.issuance.submission import Issued
from receipt_service.web.services import Services

_NUMBER = r"^[0-7][0-9A-HJKMNP-TV-Z]{25}$"
_SD_JWT = r"^[A-Za-z0-9_\-]+\.[A-Za-z0-9_\-]+\.[A-Za-z0-9_\-]+(~[A-Za-z0-9_\-]+)*~$"
ChannelName = Literal["sms", "email", "screen", "paper", "declined"]


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


class CheckStateOut(_Out):
    """Delivery state of a registered check. No identity."""

    receipt_number: str = Field(pattern=_NUMBER)
    officer_number: str
    unit: str
    checked_at: datetime
    recorded_at: datetime
    messages: list[MessageStateOut] = Field(min_length=1)


class StubOut(_Out):
    """The receipt without the identity."""

    receipt_number: str = Field(pattern=_NUMBER)
    leaf: str = Field(description="The signed JWT.")
    disclosures: list[str] = Field(min_length=4, max_length=4)
    stub: str = Field(pattern=_SD_JWT, description="Leaf and disclosures as an SD-JWT.")


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
        }
    )


def stub_content(number: str, stub: Stub) -> dict[str, Any]:
    """Return a stub's members."""
    return {
        "receipt_number": number,
        "leaf": stub.leaf,
        "disclosures": list(stub.disclosures),
        "stub": stub.compact,
    }
