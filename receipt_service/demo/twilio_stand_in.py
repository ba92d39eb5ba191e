"""A stand-in for Twilio's Messages API: an ASGI program with a memory, to try deliveries on.

It speaks the contract of ``twilio_api_v2010`` for create, fetch, list, update (redaction) and
delete, with Twilio's own shape of error (``code``, ``message``, ``more_info``, ``status``), and it
misbehaves for the numbers in ``twilio_store.MAGIC_NUMBERS``. Tests hold its answers to the contract.
Like Twilio it names the recipient in its error messages, so that a client that logs them is found out.
"""

import asyncio
import base64
import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from html import escape
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from receipt_service.demo.twilio_store import FINAL_STATUSES, Behaviour, Manner, MessageStore, Record

E164 = re.compile(r"\+[1-9]\d{6,14}")
MESSAGES = "/2010-04-01/Accounts/{account_sid}/Messages.json"
MESSAGE = "/2010-04-01/Accounts/{account_sid}/Messages/{sid}.json"
LONGEST_BODY = 1600
LONGEST_VALIDITY = 36_000
LARGEST_PAGE = 1000
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Account:
    """The only account of a stand-in; ``auth_token`` is made up for the occasion."""

    sid: str
    auth_token: str

    def allows(self, request: Request) -> bool:
        """Say whether the request carries this account's HTTP Basic credentials."""
        expected = "Basic " + base64.b64encode(f"{self.sid}:{self.auth_token}".encode()).decode()
        given = request.headers.get("authorization", "")
        return hmac.compare_digest(given.encode(), expected.encode())


class _Refusal(Exception):
    """An error answer of the API."""

    def __init__(self, status: int, code: int, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__()
        self.response = JSONResponse(
            {
                "code": code,
                "message": message,
                "more_info": f"https://www.twilio.com/docs/errors/{code}",
                "status": status,
            },
            status,
            headers,
        )


def create_stand_in(account: Account, store: MessageStore, *, slow_seconds: float = 2.0) -> Starlette:
    """Build the stand-in. ``GET /`` shows the phones, ``GET /phone.json`` the same as data."""
    api = _Api(account, store, slow_seconds)
    return Starlette(
        routes=[
            Route(MESSAGES, api.guard(api.create), methods=["POST"]),
            Route(MESSAGES, api.guard(api.list), methods=["GET"]),
            Route(MESSAGE, api.guard(api.fetch), methods=["GET"]),
            Route(MESSAGE, api.guard(api.update), methods=["POST"]),
            Route(MESSAGE, api.guard(api.delete), methods=["DELETE"]),
            Route("/", api.phone_page),
            Route("/phone.json", api.phone_json),
        ],
        exception_handlers={_Refusal: _answer_refusal},
    )


async def _answer_refusal(_request: Request, refusal: Exception) -> Response:
    assert isinstance(refusal, _Refusal)  # noqa: S101 - narrows the type Starlette declares
    return refusal.response


class _Api:
    def __init__(self, account: Account, store: MessageStore, slow_seconds: float) -> None:
        self._account = account
        self._store = store
        self._slow_seconds = slow_seconds

    def guard(self, operation: Callable[[Request], Any]) -> Callable[[Request], Any]:
        """Authenticate before the operation runs."""

        async def endpoint(request: Request) -> Response:
            if not self._account.allows(request):
                raise _Refusal(401, 20003, "Authenticate")
            if request.path_params["account_sid"] != self._account.sid:
                raise _Refusal(404, 20404, f"The requested resource {request.url.path} was not found")
            answer: Response = await operation(request)
            return answer

        return endpoint

    async def create(self, request: Request) -> Response:
        self._store.requests["CreateMessage"] += 1
        form = await _form(request)
        to, sender, body = _checked(form)
        manner = self._store.manner_of(to, body)
        _refuse_if_told(manner, to)
        match manner.behaviour:
            case Behaviour.SLOW:
                await asyncio.sleep(self._slow_seconds)
            case Behaviour.HANGS_ONCE:
                await _hang(request)
        record = self._store.take(to=to, sender=sender, body=body, manner=manner)
        match manner.behaviour:
            case Behaviour.DROPS_AFTER_TAKING_ONCE:
                await _drop(request)
            case Behaviour.HANGS_AFTER_TAKING_ONCE:
                await _hang(request)
            case Behaviour.BREAKS_AFTER_TAKING_ONCE:
                raise _Refusal(500, 20500, "An internal server error has occurred")
        return JSONResponse(self._store.resource(record, self._account.sid), 201)

    async def fetch(self, request: Request) -> Response:
        self._store.requests["FetchMessage"] += 1
        return JSONResponse(self._store.resource(self._record(request), self._account.sid))

    async def list(self, request: Request) -> Response:
        self._store.requests["ListMessage"] += 1
        wanted = dict(parse_qsl(request.url.query, keep_blank_values=True))
        size = _whole_number(wanted.get("PageSize", "50"), 1, LARGEST_PAGE)
        page = _whole_number(wanted.get("Page", "0"), 0, None)
        passes = _filter(wanted, self._store)
        records = [record for record in self._store.find(wanted.get("To")) if passes(record)]
        shown = records[page * size : (page + 1) * size]
        more = (page + 1) * size < len(records)

        def uri(number: int) -> str:
            query = {key: value for key, value in wanted.items() if key not in {"Page", "PageToken", "PageSize"}}
            token = {"PageToken": f"PA{records[number * size - 1].sid}"} if number else {}
            return f"{request.url.path}?{urlencode(query | {'PageSize': str(size), 'Page': str(number)} | token)}"

        return JSONResponse(
            {
                "end": max(page * size + len(shown) - 1, 0),
                "first_page_uri": uri(0),
                "next_page_uri": uri(page + 1) if more else None,
                "page": page,
                "page_size": size,
                "previous_page_uri": uri(page - 1) if page and records else None,
                "messages": [self._store.resource(record, self._account.sid) for record in shown],
                "start": page * size,
                "uri": uri(page) if shown else uri(0),
            }
        )

    async def update(self, request: Request) -> Response:
        self._store.requests["UpdateMessage"] += 1
        record = self._record(request)
        form = await _form(request)
        status = self._store.status(record)
        if form.get("Status") == "canceled":
            if status != "queued":
                raise _Refusal(400, 30409, "Message is not in a cancelable state")
            record.canceled = True
        elif form.get("Body") == "":
            if status not in FINAL_STATUSES:
                raise _Refusal(409, 20009, "Cannot update this resource before it is complete")
            record.body = ""
        else:
            raise _Refusal(400, 20001, "Body must be empty: a message can be redacted, not rewritten")
        record.updated_at = self._store.clock()
        return JSONResponse(self._store.resource(record, self._account.sid))

    async def delete(self, request: Request) -> Response:
        self._store.requests["DeleteMessage"] += 1
        record = self._record(request)
        if self._store.status(record) not in FINAL_STATUSES:
            raise _Refusal(409, 20009, "Cannot delete this resource before it is complete")
        del self._store.records[record.sid]
        return Response(status_code=204)

    def _record(self, request: Request) -> Record:
        record = self._store.records.get(request.path_params["sid"])
        if record is None:
            raise _Refusal(404, 20404, f"The requested resource {request.url.path} was not found")
        return record

    async def phone_json(self, _request: Request) -> Response:
        return JSONResponse(
            [
                {
                    "to": arrival.to,
                    "from": arrival.sender,
                    "text": arrival.text,
                    "at": arrival.at.isoformat(timespec="seconds"),
                    "segments": arrival.segments,
                }
                for arrival in reversed(self._store.phone)
            ]
        )

    async def phone_page(self, _request: Request) -> Response:
        items = "".join(
            f"<li><p><b>{escape(a.sender)}</b> to {escape(a.to)}, {a.at:%H:%M:%S} UTC, {a.segments} segments</p>"
            f"<pre>{_with_links(a.text)}</pre></li>"
            for a in list(reversed(self._store.phone))[:200]
        )
        return HTMLResponse(_PAGE.replace("ITEMS", items or "<li>No message yet.</li>"))


_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta http-equiv="refresh" content="5"><title>Demo phone</title>
<style>body{font:16px/1.4 sans-serif;max-width:32rem;margin:1rem auto;padding:0 1rem}ul{padding:0;list-style:none}
li{border:1px solid #999;border-radius:.5rem;margin:.5rem 0;padding:0 1rem}
pre{white-space:pre-wrap;overflow-wrap:anywhere}</style>
<h1>Demo phone</h1><ul>ITEMS</ul></html>"""


def _with_links(text: str) -> str:
    return re.sub(r"(https?://[^\s<>&]+)", r'<a href="\1">\1</a>', escape(text))


async def _form(request: Request) -> dict[str, str]:
    fields = parse_qs((await request.body()).decode(), keep_blank_values=True)
    return {name: values[0] for name, values in fields.items()}


def _checked(form: dict[str, str]) -> tuple[str, str, str]:
    """Return To, From and Body, or refuse as Twilio does."""
    to, sender, body = form.get("To", ""), form.get("From", ""), form.get("Body", "")
    if not to:
        raise _Refusal(400, 21604, "A 'To' phone number is required.")
    if not E164.fullmatch(to):
        raise _Refusal(400, 21211, f"Invalid 'To' Phone Number: {to}")
    if not sender and not form.get("MessagingServiceSid"):
        raise _Refusal(400, 21603, "A 'From' phone number is required.")
    if not body:
        raise _Refusal(400, 21602, "Message body is required.")
    if len(body) > LONGEST_BODY:
        raise _Refusal(400, 21617, "The concatenated message body exceeds the 1600 character limit.")
    if "ValidityPeriod" in form:
        _whole_number(form["ValidityPeriod"], 1, LONGEST_VALIDITY)
    if form.get("SmartEncoded", "false").lower() not in {"true", "false"}:
        raise _Refusal(400, 20001, "SmartEncoded is invalid")
    return to, sender, body


def _refuse_if_told(manner: Manner, to: str) -> None:
    match manner.behaviour:
        case Behaviour.REFUSES:
            raise _Refusal(400, manner.code or 20001, f"The message to {to} can't be sent.")
        case Behaviour.LIMITS_ONCE:
            raise _Refusal(429, 20429, "Too Many Requests", {"Retry-After": "1"})
        case Behaviour.BREAKS_ONCE:
            raise _Refusal(500, 20500, "An internal server error has occurred")


def _whole_number(text: str, least: int, most: int | None) -> int:
    if not re.fullmatch(r"\d{1,9}", text) or int(text) < least or (most is not None and int(text) > most):
        raise _Refusal(400, 20001, "A parameter is out of range")
    return int(text)


def _filter(wanted: dict[str, str], store: MessageStore) -> Callable[[Record], bool]:
    """Build the test of From and the three DateSent filters; a message not yet sent has no date and passes none."""
    sender = wanted.get("From")
    on, until, since = (_moment(wanted.get(key)) for key in ("DateSent", "DateSent<", "DateSent>"))
    if until is not None and until.time() == time(0):
        until += _DAY  # a date without time means that whole day

    def passes(record: Record) -> bool:
        if sender is not None and record.sender != sender:
            return False
        if on is until is since is None:
            return True
        sent_at = store.sent_at(record)
        return (
            sent_at is not None
            and (on is None or on <= sent_at < on + _DAY)
            and (until is None or sent_at <= until)
            and (since is None or sent_at >= since)
        )

    return passes


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        if len(text) == len("2026-11-23"):
            return datetime.combine(date.fromisoformat(text), time(0), UTC)
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise _Refusal(400, 20001, "DateSent is invalid") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


async def _hang(request: Request) -> None:
    """Wait until the client has gone."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def _drop(request: Request) -> None:
    """Cut the connection without an answer. ASGI has no word for it, so uvicorn's transport is used."""
    cycle = getattr(request.receive, "__self__", None)
    if cycle is None or not hasattr(cycle, "transport"):
        raise _Refusal(502, 20502, "The server in use can't drop a connection")
    cycle.transport.abort()
    await asyncio.sleep(0.05)
