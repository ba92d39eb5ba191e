"""The stand-in and the channel held to Twilio's own contract: the published OpenAPI document of Messages."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import jsonschema
import pytest
import requests

from receipt_service.demo.twilio_stand_in import Account, create_stand_in
from receipt_service.demo.twilio_store import MAGIC_NUMBERS, MessageStore
from tests.support.servers import serving

DOCUMENT = Path(__file__).parents[3] / "shared" / "twilio" / "messages_openapi.json"
pytestmark = [
    pytest.mark.needs_shared,
    pytest.mark.skipif(not DOCUMENT.exists(), reason="../shared/twilio is not part of the project"),
]
ACCOUNT = Account("AC" + "0" * 32, "not-a-real-token")
LIST = f"/2010-04-01/Accounts/{ACCOUNT.sid}/Messages.json"
LIST_PATH = "/2010-04-01/Accounts/{AccountSid}/Messages.json"
ITEM_PATH = "/2010-04-01/Accounts/{AccountSid}/Messages/{Sid}.json"


def relative_uri(text: object) -> bool:
    return not isinstance(text, str) or re.fullmatch(r"/\S+|https?://\S+", text) is not None


def rfc_2822(text: object) -> bool:
    return not isinstance(text, str) or parsedate_to_datetime(text).tzinfo is not None


def phone_number(text: object) -> bool:
    return not isinstance(text, str) or re.fullmatch(r"\+?[0-9A-Za-z ]{1,15}", text) is not None


CHECKER = jsonschema.FormatChecker(formats=())
for name, check in (("uri", relative_uri), ("date-time-rfc-2822", rfc_2822), ("phone-number", phone_number)):
    CHECKER.checks(name, raises=(ValueError, TypeError))(check)


def plain_schema(schema: Any, document: dict[str, Any]) -> Any:
    """The same schema in plain JSON Schema: references followed, ``nullable`` as a type, nothing undeclared allowed."""
    if isinstance(schema, list):
        return [plain_schema(item, document) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return plain_schema(document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]], document)
    plain = {key: plain_schema(value, document) for key, value in schema.items() if key not in {"description", "title"}}
    if plain.pop("nullable", False):
        plain["type"] = [plain["type"], "null"]
    if "properties" in plain:
        plain |= {"additionalProperties": False, "required": sorted(plain["properties"])}
    return plain


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return json.loads(DOCUMENT.read_text())


@pytest.fixture
def store() -> MessageStore:
    return MessageStore(clock=Clock())


class Clock:
    now = datetime(2026, 11, 23, 14, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


class Client(requests.Session):
    """A plain HTTP client of one server."""

    def __init__(self, base_url: str) -> None:
        super().__init__()
        self.base_url = base_url
        self.auth = (ACCOUNT.sid, ACCOUNT.auth_token)

    def request(self, method: str, url: str, *arguments: Any, **named: Any) -> requests.Response:
        return super().request(method, self.base_url + url, *arguments, **{"timeout": 10, **named})


@pytest.fixture
def client(store: MessageStore) -> Iterator[Client]:
    with serving(create_stand_in(ACCOUNT, store)) as base_url, Client(base_url) as opened:
        yield opened


def hold(document: dict[str, Any], path: str, method: str, status: int, answer: Any) -> None:
    schema = document["paths"][path][method]["responses"][str(status)]["content"]["application/json"]["schema"]
    jsonschema.Draft202012Validator(plain_schema(schema, document), format_checker=CHECKER).validate(answer)


def create(client: Client, to: str = "+33639980001", body: str = "text", **more: str) -> Any:
    return client.post(LIST, data={"To": to, "From": "RECEPISSE", "Body": body, **more})


def test_every_answer_of_a_message_s_life_keeps_the_contract(
    client: Client, store: MessageStore, document: dict[str, Any]
):
    created = create(client, ValidityPeriod="14400", SmartEncoded="false")
    hold(document, LIST_PATH, "post", 201, created.json())
    item = created.json()["uri"]
    seen = [created.json()["status"]]
    for _ in range(3):
        store.clock.now += timedelta(seconds=0.6)
        fetched = client.get(item)
        hold(document, ITEM_PATH, "get", 200, fetched.json())
        seen.append(fetched.json()["status"])
    redacted = client.post(item, data={"Body": ""})
    hold(document, ITEM_PATH, "post", 200, redacted.json())

    assert seen == ["queued", "sent", "delivered", "delivered"]
    assert (redacted.json()["body"], redacted.json()["status"]) == ("", "delivered")
    assert client.delete(item).status_code == 204
    assert client.get(item).status_code == 404


@pytest.mark.parametrize("number", sorted(MAGIC_NUMBERS))
def test_failed_messages_keep_the_contract_too(
    client: Client, store: MessageStore, document: dict[str, Any], number: str
):
    if MAGIC_NUMBERS[number].behaviour.value.startswith(("hangs", "drops", "slow")):
        store.manners[number] = MAGIC_NUMBERS["+33639989010"]
    created = create(client, number)
    if created.status_code == 201:
        store.clock.now += timedelta(seconds=5)
        hold(document, ITEM_PATH, "get", 200, client.get(created.json()["uri"]).json())
    else:
        assert set(created.json()) == {"code", "message", "more_info", "status"}
        assert created.json()["status"] == created.status_code


def test_list_keeps_the_contract_on_every_page(client: Client, document: dict[str, Any]):
    for number in range(7):
        create(client, body=f"text {number}")
        create(client, "+33639980002")

    uri, texts = f"{LIST}?To=%2B33639980001&PageSize=3", []
    while uri:
        page = client.get(uri).json()
        hold(document, LIST_PATH, "get", 200, page)
        texts += [message["body"] for message in page["messages"]]
        uri = page["next_page_uri"]

    assert texts == [f"text {number}" for number in reversed(range(7))]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("DateSent=2026-11-23", 1),
        ("DateSent=2026-11-22", 0),
        ("DateSent%3E=2026-11-23", 1),
        ("DateSent%3E=2026-11-24", 0),
        ("DateSent%3C=2026-11-23", 1),
        ("DateSent%3C=2026-11-22", 0),
        ("DateSent%3E=2026-11-23T13:00:00Z&DateSent%3C=2026-11-23T15:00:00Z", 1),
        ("From=RECEPISSE", 2),
        ("From=OTHER", 0),
    ],
)
def test_list_filters_by_date_sent_which_a_waiting_message_does_not_have(
    client: Client, store: MessageStore, query: str, found: int
):
    create(client)
    store.clock.now += timedelta(seconds=5)
    create(client)

    assert len(client.get(f"{LIST}?{query}").json()["messages"]) == found


def test_channel_s_request_uses_declared_parameters_only(store: MessageStore, document: dict[str, Any]):
    """What the twilio package really sends is read on the wire, and every field of it is in the contract."""
    from tests.integration.test_twilio_channel import dispatch, using  # noqa: PLC0415 - only this test needs it

    sent: dict[str, str] = {}

    async def recording(scope: Any, receive: Any, send: Any) -> None:
        body = (await receive())["body"]
        sent.update(parse_qsl(body.decode(), keep_blank_values=True))
        await send({"type": "http.response.start", "status": 500, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})

    with serving(recording) as base_url:
        using(base_url, lambda channel: channel.send(dispatch()))

    operation = document["paths"][LIST_PATH]["post"]["requestBody"]
    declared = operation["content"]["application/x-www-form-urlencoded"]["schema"]["properties"]
    assert set(sent) == {"To", "From", "Body", "ValidityPeriod", "SmartEncoded"}
    assert set(sent) <= set(declared)
    assert (sent["SmartEncoded"], sent["ValidityPeriod"]) == ("false", "14400")


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({"From": "RECEPISSE", "Body": "x"}, 21604),
        ({"To": "0639980001", "From": "RECEPISSE", "Body": "x"}, 21211),
        ({"To": "+33639980001", "Body": "x"}, 21603),
        ({"To": "+33639980001", "From": "RECEPISSE"}, 21602),
        ({"To": "+33639980001", "From": "RECEPISSE", "Body": "x" * 1601}, 21617),
        ({"To": "+33639980001", "From": "RECEPISSE", "Body": "x", "ValidityPeriod": "36001"}, 20001),
        ({"To": "+33639980001", "From": "RECEPISSE", "Body": "x", "SmartEncoded": "maybe"}, 20001),
    ],
)
def test_bad_requests_are_refused_as_twilio_does(client: Client, form: dict[str, str], code: int):
    refused = client.post(LIST, data=form)

    assert (refused.status_code, refused.json()["code"]) == (400, code)


def test_only_final_messages_can_be_emptied_or_deleted(client: Client):
    item = create(client).json()["uri"]

    assert client.post(item, data={"Body": ""}).json()["code"] == 20009
    assert client.delete(item).json()["code"] == 20009
    assert client.post(item, data={"Body": "other"}).json()["code"] == 20001


def test_strangers_are_refused(client: Client):
    client.auth = (ACCOUNT.sid, "wrong")

    assert create(client).json()["code"] == 20003


def test_phone_shows_the_text_and_keeps_it_when_the_provider_forgets(client: Client, store: MessageStore):
    item = create(client, body="<b>text</b> https://recepisse.example/r#A.B.C").json()["uri"]
    store.clock.now += timedelta(seconds=5)
    client.post(item, data={"Body": ""})

    page = client.get("/").text
    assert "&lt;b&gt;text" in page
    assert '<a href="https://recepisse.example/r#A.B.C">' in page
    assert client.get("/phone.json").json()[0]["text"].startswith("<b>text</b>")
