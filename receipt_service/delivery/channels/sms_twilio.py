"""SMS by Twilio: one request per attempt, every answer classified, texts found again and erased.

Twilio's Messages API has no idempotency key, so a lost answer is never followed by a second POST
before the provider was asked (``look_up``). A look-up lists the messages to that number and compares
whole texts: the text holds the receipt's link, so it names the message. The list is not filtered by
``DateSent``: a message that waits at the provider has none and would be taken for absent.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from twilio.base.exceptions import TwilioException, TwilioRestException, TwilioServiceException
from twilio.http.response import Response
from twilio.rest import Client

from receipt_service.delivery.channel import (
    Absent,
    Capabilities,
    Dispatch,
    Failed,
    Found,
    Gone,
    LookUpAnswer,
    Pending,
    Reached,
    RedactAnswer,
    Redacted,
    SmsContent,
    StatusAnswer,
    Unanswered,
)
from receipt_service.delivery.channels.sender_rules import check_sender
from receipt_service.delivery.channels.twilio_http import AnswerLost, NotSent, OneShotHttpClient, RateLimited
from receipt_service.domain.message import Accepted, Configuration, Outcome, Permanent, Transient, Unknown
from receipt_service.errors import ConfigurationError

PERMANENT = frozenset({21211, 21602, 21604, 21610, 21614, 21635})
"""This number will never take it: invalid, opted out, a landline, no mobile."""
CONFIGURATION = frozenset(
    {20003, 20404, 21408, 21603, 21606, 21608, 21612, 21617, 21659, 21663, 21670, 30029, 30030, 30700}
)
"""Sender, account, region, text: ours to mend, and no fault of the person's."""
RATE = frozenset({20429, 21611})

LONGEST_VALIDITY = timedelta(hours=4)
"""How long Twilio may try each time (its own limit is 10 h)."""
UNFORESEEN_ATTEMPTS = 3
"""How often an answer that is in no table may be tried again."""
CLOCK_SKEW = timedelta(days=1)
"""How much older than our first attempt a message may look and still be compared."""
LOOK_UP_PAGE = 100

_REACHED = frozenset({"delivered", "read"})
_FAILED = frozenset({"failed", "undelivered", "canceled"})
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_NO_ENVIRONMENT: Mapping[str, str] = {"": ""}
"""Not empty, or the package would read its region and credentials from the process's environment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TwilioSettings:
    """What the channel needs to know. ``key_sid`` is an API key, or None to use the account's own token."""

    account_sid: str
    secret: str = field(repr=False)
    """The API key's secret, or the account's auth token."""
    sender: str
    key_sid: str | None = None
    region: str | None = None
    """Where the account's data is processed, e.g. ``ie1``."""
    edge: str | None = None
    """Where Twilio's network is entered, e.g. ``dublin``."""
    base_url: str | None = None
    """Another address of the API: a stand-in. HTTPS, or plain HTTP to this machine alone."""
    limit_seconds: float = 10.0
    connections: int = 32
    plain_http_allowed: bool = False
    """Plain HTTP to another machine; for a demonstration's closed network only."""


class TwilioSms:
    """The SMS channel. Build it once; its calls may run concurrently on one event loop."""

    provider = "twilio"
    capabilities = Capabilities(looks_up=True, follows_up=True, redacts=True)

    def __init__(self, settings: TwilioSettings) -> None:
        """Check the settings.

        Raises:
            ConfigurationError: the sender breaks a French rule, or a setting is unusable.

        """
        self._sender = check_sender(settings.sender)
        _check(settings)
        self._http = OneShotHttpClient(limit=settings.limit_seconds, connections=settings.connections)
        self._client = Client(
            settings.key_sid or settings.account_sid,
            settings.secret,
            account_sid=settings.account_sid,
            region=settings.region,
            edge=settings.edge,
            http_client=self._http,
            environment=_NO_ENVIRONMENT,
        )
        if settings.base_url is not None:
            self._client.api.base_url = settings.base_url.rstrip("/")

    async def send(self, dispatch: Dispatch[SmsContent]) -> Outcome:
        """Ask Twilio once to take the SMS."""
        validity = max(1, int(min(dispatch.validity, LONGEST_VALIDITY).total_seconds()))
        try:
            message = await self._client.messages.create_async(
                to=dispatch.to,
                from_=self._sender,
                body=dispatch.content.text,
                validity_period=validity,
                smart_encoded=False,
            )
        except RateLimited as limited:
            return Transient("429", retry_after=limited.retry_after)
        except NotSent:
            return Transient("unreachable")
        except AnswerLost as lost:
            return Unknown(lost.code)
        except (TwilioRestException, TwilioServiceException) as refusal:
            return classify(refusal.status, refusal.code)
        except _UNREADABLE:
            return Unknown("unreadable")
        return Accepted(message.sid) if isinstance(message.sid, str) else Unknown("unreadable")

    async def look_up(self, dispatch: Dispatch[SmsContent]) -> LookUpAnswer:
        """Search the account's messages to this number for the very text."""
        oldest = dispatch.created_at - CLOCK_SKEW
        found: list[tuple[datetime, str]] = []
        try:
            stream = await self._client.messages.stream_async(to=dispatch.to, page_size=LOOK_UP_PAGE)
            async for message in stream:
                if message.date_created < oldest:
                    break
                if message.body == dispatch.content.text and message.direction == "outbound-api":
                    found.append((message.date_created, message.sid))
        except _FAILURES as failure:
            return _unanswered(failure)
        return Found(tuple(sid for _, sid in sorted(found))) if found else Absent()

    async def status(self, ref: str) -> StatusAnswer:
        """Fetch the message's status."""
        try:
            message = await self._client.messages(ref).fetch_async()
        except _FAILURES as failure:
            return Gone() if _is_absent(failure) else _unanswered(failure)
        if message.status in _REACHED:
            return Reached()
        if message.status in _FAILED:
            return Failed(str(message.error_code or message.status))
        return Pending()

    async def redact(self, ref: str) -> RedactAnswer:
        """Empty the text at Twilio, then fetch the message to see that it is empty."""
        try:
            await self._client.messages(ref).update_async(body="")
            message = await self._client.messages(ref).fetch_async()
        except _FAILURES as failure:
            return Gone() if _is_absent(failure) else _unanswered(failure)
        return Unanswered("not_redacted") if message.body else Redacted()

    async def aclose(self) -> None:
        """Close the connections, and give TLS a moment to say goodbye."""
        await self._http.close()
        await asyncio.sleep(0)


_UNREADABLE = (TwilioException, ValueError, LookupError, TypeError, AttributeError)
"""What the package raises when a successful answer isn't what its contract says."""
_FAILURES = (RateLimited, NotSent, AnswerLost, *_UNREADABLE)


def classify(status: int, code: Any) -> Outcome:
    """Turn an error answer to a create request into an outcome.

    ``status`` is the HTTP status, ``code`` Twilio's own number, when it gave one. A server error is
    ambiguous (https://www.twilio.com/docs/errors/20500); a code in no table is tried again a few
    times, then left to an operator.
    """
    text = str(code)[:16] if isinstance(code, int) else str(status)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Unknown(text)
    if code in RATE:
        return Transient(text)
    if code in PERMANENT:
        return Permanent(text)
    if code in CONFIGURATION or status in {401, 403, 404} or status < HTTPStatus.BAD_REQUEST:
        return Configuration(text)
    return Transient(text, most=UNFORESEEN_ATTEMPTS)


def _is_absent(failure: Exception) -> bool:
    return getattr(failure, "status", None) == HTTPStatus.NOT_FOUND


def _unanswered(failure: Exception) -> Unanswered:
    """Keep a failure's code and nothing of its words: Twilio's messages and URLs name the recipient."""
    match failure:
        case RateLimited():
            return Unanswered("429", failure.retry_after)
        case NotSent():
            return Unanswered("unreachable")
        case AnswerLost():
            return Unanswered(failure.code)
        case TwilioRestException() | TwilioServiceException():
            return Unanswered(str(failure.code if isinstance(failure.code, int) else failure.status)[:16])
        case TwilioException(args=(_, Response() as response)):  # what the package raises for a page of a list
            return Unanswered(str(response.status_code))
        case _:
            return Unanswered("unreadable")


def _check(settings: TwilioSettings) -> None:
    if not settings.secret:
        raise ConfigurationError("the Twilio secret is empty")
    if not settings.account_sid.startswith("AC"):
        raise ConfigurationError("the Twilio account SID begins with AC")
    if settings.limit_seconds <= 0 or settings.connections < 1:
        raise ConfigurationError("Twilio's time limit and number of connections must be positive")
    if settings.base_url is None:
        return
    address = urlsplit(settings.base_url)
    if settings.region or settings.edge:
        raise ConfigurationError("a Twilio region or edge can't be combined with another base URL")
    plain = address.scheme == "http" and (settings.plain_http_allowed or address.hostname in _LOOPBACK)
    if not plain and address.scheme != "https":
        raise ConfigurationError("the Twilio base URL must be https, or http on this machine")
