"""What comes in is bounded, what goes out is a problem in words of ours, and neither logs nor bodies repeat a value."""

import io
import json
from dataclasses import replace
from uuid import uuid4

import orjson
import pytest

from receipt_service import telemetry
from receipt_service.errors import Unavailable
from receipt_service.web.app import create_app
from receipt_service.web.authentication import Role
from receipt_service.web.problems import PROBLEMS
from tests.support.asgi import AsgiClient
from tests.support.checks_of_now import check_body

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

CANARY = "CANARI"


def post(api, body=b"", **headers):
    given = {**api.headers(), "content-type": "application/json", **headers}
    return api.client.request(
        "POST", "/v1/checks", headers={name: value for name, value in given.items() if value is not None}, body=body
    )


@pytest.mark.parametrize(
    ("headers", "body", "status", "problem"),
    [
        ({"authorization": None}, b"{}", 401, "unauthenticated"),
        ({"authorization": "Bearer x.y.z"}, b"{}", 401, "invalid-token"),
        ({"content-type": "text/plain"}, b"{}", 415, "unsupported-media-type"),
        ({"content-type": None}, b"{}", 415, "unsupported-media-type"),
        ({"content-encoding": "gzip"}, b"{}", 415, "unsupported-media-type"),
        ({"idempotency-key": None}, b"{}", 400, "idempotency-key-missing"),
        ({"idempotency-key": "1"}, b"{}", 400, "idempotency-key-invalid"),
        ({}, b"", 400, "malformed-request"),
        ({}, b"[]", 400, "malformed-request"),
        ({}, b'{"a":1,"a":1}', 400, "malformed-request"),
        ({}, b"[" * 50_000, 400, "malformed-request"),
        ({}, b"{}", 422, "invalid-check"),
        ({"accept": "text/html"}, b"{}", 406, "not-acceptable"),
        ({"accept": "application/json;q=0"}, b"{}", 406, "not-acceptable"),
        ({}, b" " * 65_537, 413, "body-too-large"),
        ({"content-length": "70000"}, b"{}", 413, "body-too-large"),
        ({"content-length": "-1"}, b"{}", 413, "body-too-large"),
        ({"content-length": "9" * 40}, b"{}", 413, "body-too-large"),
    ],
)
def test_each_refusal_is_a_problem_and_writes_nothing(api, headers, body, status, problem):
    answer = post(api, body, **headers)

    assert (answer.status, answer.problem) == (status, problem)
    assert (answer.header("www-authenticate") is not None) == (status == 401)
    assert api.rows()["stub"] == 0


@pytest.mark.parametrize(
    "accept", ["*/*", "application/*", "application/json", "text/html, application/json;q=0.1", ""]
)
def test_whoever_takes_json_gets_json(api, accept):
    assert api.client.request("GET", "/healthz", headers={"accept": accept}).status == 200


def test_a_body_in_pieces_is_bounded_too(api):
    headers = {**api.headers(), "content-type": "application/json"}

    answer = api.client.request("POST", "/v1/checks", headers=headers, body=[b" " * 10_000] * 10)

    assert (answer.status, answer.problem) == (413, "body-too-large")


def test_a_body_that_does_not_arrive_is_not_waited_for(api, monkeypatch):
    monkeypatch.setattr("receipt_service.web.boundary.BODY_SECONDS", 0.05)
    headers = {**api.headers(), "content-type": "application/json"}

    answer = api.client.request("POST", "/v1/checks", headers=headers, body=[])

    assert (answer.status, answer.problem) == (408, "request-timeout")


@pytest.mark.parametrize(
    ("method", "target", "status", "problem"),
    [
        ("GET", "/", 404, "not-found"),
        ("GET", "/v1", 404, "not-found"),
        ("GET", "/v1/checks/", 404, "not-found"),
        ("GET", "/docs", 404, "not-found"),
        ("GET", "/redoc", 404, "not-found"),
        ("GET", "/v1/../etc/passwd", 404, "not-found"),
        ("GET", "/r/static/../../app.py", 404, "not-found"),
        ("GET", "/demo/oidc/jwks/x", 404, "not-found"),
        ("GET", "/v1/checks", 405, "method-not-allowed"),
        ("DELETE", "/v1/checks", 405, "method-not-allowed"),
        ("POST", "/v1/catalogue", 405, "method-not-allowed"),
        ("TRACE", "/v1/catalogue", 405, "method-not-allowed"),
        ("OPTIONS", "/v1/checks", 405, "method-not-allowed"),
    ],
)
def test_the_routers_own_refusals_are_problems_too(api, method, target, status, problem):
    answer = api.client.request(method, target)

    assert (answer.status, answer.problem) == (status, problem)
    assert (answer.header("allow") is not None) == (status == 405)


def test_head_is_get_without_the_content(api):
    got, head = api.get("/v1/catalogue"), api.client.request("HEAD", "/v1/catalogue")

    assert (head.status, head.body) == (200, b"")
    assert head.header("etag") == got.header("etag")
    assert head.header("content-length") == got.header("content-length")


def test_every_answer_is_kept_out_of_caches_frames_and_other_origins(api):
    answers = [api.get("/healthz"), api.get("/nowhere"), post(api), api.get("/r"), api.post(check_body())]

    for answer in answers:
        assert answer.header("x-content-type-options") == "nosniff"
        assert answer.header("referrer-policy") == "no-referrer"
        assert "default-src 'none'" in answer.header("content-security-policy")
        assert "frame-ancestors 'none'" in answer.header("content-security-policy")
        assert answer.header("access-control-allow-origin") is None
        assert answer.header("server") is None
        names = [name for name, _ in answer.headers]
        assert len(names) == len(set(names))
    assert [answers[index].header("cache-control") for index in (0, 1, 2, 4)] == ["no-store"] * 4


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        (None, "fr"),
        ("", "fr"),
        ("fr-FR,fr;q=0.9,en;q=0.8", "fr"),
        ("en-GB,en;q=0.9", "en"),
        ("en;q=0.5,fr;q=0.7", "fr"),
        ("fr;q=0,en;q=0.1", "en"),
        ("de", "fr"),
        ("*", "fr"),
        ("en;q=x", "fr"),
        ("," * 10_000, "fr"),
    ],
)
def test_problems_are_told_in_french_unless_english_is_preferred(api, asked, given):
    headers = {} if asked is None else {"accept-language": asked}

    answer = api.client.request("GET", "/nowhere", headers=headers)

    assert answer.header("content-language") == given
    assert answer.json["title"] == PROBLEMS["not-found"].title[given]
    assert "accept-language" in answer.header("vary").lower()


@pytest.fixture
def events():
    stream = io.BytesIO()
    telemetry._writer.stream = stream
    yield lambda: stream.getvalue().decode()
    telemetry._writer.stream = None


def canaried():
    body = check_body()
    body["person"] |= {
        "family_name": f"{CANARY} Nom",
        "given_names": f"{CANARY} Prénom",
        "birth_place": f"{CANARY} Ville",
        "birth_date": "1991-07-13",
    }
    body["recipient"] |= {"sms": "+33639981313", "email": "canari@canari.example"}
    return body


def searched(*texts):
    return [needle for needle in ("canari", "639981313", "1991-07-13") for text in texts if needle in text.lower()]


@pytest.mark.parametrize(
    "fault",
    [
        {"reasons": ["NOPE"]},
        {"person": {"identity": "established", "family_name": CANARY, "extra": CANARY}},
        {CANARY: CANARY, "reason_text": f"{CANARY} Nom"},
        {"checked_at": CANARY},
        {"selection": CANARY, "second_language": CANARY},
        {"place": {"public_place": f"chez {CANARY} Nom", "commune": CANARY}},
    ],
)
def test_no_refusal_and_no_event_repeats_a_value(api, events, fault):
    body = canaried()
    fault = {**body, **fault, "person": {**body["person"], **fault.get("person", {})}}

    answer = api.post(fault)

    assert answer.status == 422
    assert searched(answer.body.decode(), events()) == []


def test_no_event_holds_anything_of_a_registered_check(api, events):
    answer = api.post(canaried())
    number = answer.json["receipt_number"]
    api.get(f"/v1/checks/{number}", "agent-2", Role.OFFICER)
    api.get(f"/v1/stubs/{number}")
    api.get(f"/v1/stubs/{number[::-1]}")
    api.client.request("GET", f"/v1/catalogue?version={CANARY}")

    assert answer.status == 201
    assert searched(events()) == []
    assert number not in events()
    assert number[::-1] not in events()


def broken(api, **replaced):
    return AsgiClient(create_app(replace(api.process.services, start=None, stop=None, **replaced)))


def test_a_fault_of_ours_is_numbered_and_says_nothing(api, events):
    async def explode(submission, now):
        raise ValueError(f"bad value {submission.person.family_name}", orjson.dumps(submission.person))

    with broken(api, issue=explode) as client:
        answer = client.request("POST", "/v1/checks", headers=api.headers(), json=canaried())

    assert (answer.status, answer.problem) == (500, "internal-error")
    assert searched(answer.body.decode(), events()) == []
    occurrence = answer.json["instance"].rpartition(":")[2]
    line = next(line for line in map(json.loads, events().splitlines()) if line["event"] == "internal_error")
    assert line["occurrence"] == occurrence
    assert line["exception"][0] == "builtins.ValueError"
    assert line["route"] == "/v1/checks"


def test_a_part_that_is_away_is_said_to_be(api):
    async def away(submission, now):
        raise Unavailable("the database does not answer")

    with broken(api, issue=away) as client:
        answer = client.request("POST", "/v1/checks", headers=api.headers(), json=canaried())

    assert (answer.status, answer.problem) == (503, "unavailable")
    assert answer.header("retry-after") == "5"


def test_the_frameworks_telemetry_is_off(api):
    app = api.client.app

    assert not app._native_telemetry.enabled()
    assert [name for name, on in app._telemetry.items() if on] == []
    assert app.debug is False


def test_a_channel_that_is_not_offered_is_refused(api):
    with broken(api, channels=frozenset({"email"})) as client:
        answer = client.request("POST", "/v1/checks", headers=api.headers(), json=check_body())

    assert answer.faults == {("/recipient/sms", "channel_not_offered")}


def test_the_demonstrations_tokens_can_be_taken_over_http(api):
    form = b"subject=agent-2&roles=officer+supervisor"

    answer = api.client.request("POST", "/demo/oidc/token", body=form)

    token = answer.json["access_token"]
    headers = {**api.headers(), "authorization": f"Bearer {token}", "idempotency-key": str(uuid4())}
    assert api.client.request("POST", "/v1/checks", headers=headers, json=check_body()).status == 201
    assert api.client.request("POST", "/demo/oidc/token", body=b"").problem == "invalid-parameter"
    assert api.client.request("POST", "/demo/oidc/token", body=b"subject=a&roles=root").problem == "invalid-parameter"
    assert api.get("/demo/oidc/.well-known/openid-configuration").json["jwks_uri"].endswith("/demo/oidc/jwks")


def test_outside_the_demonstration_there_is_no_token_to_take(api):
    with broken(api, demo_issuer=None) as client:
        assert client.request("POST", "/demo/oidc/token", body=b"subject=a").problem == "not-found"


def test_no_more_prints_wait_than_a_printer_could_serve(api):
    issued = api.post(check_body()).json
    api.process.services.hands.prints.taken = 32

    answer = api.client.request(
        "POST", "/v1/receipts/pdf", headers=api.headers(), json={"receipt": issued["receipt"], "link": issued["link"]}
    )

    assert (answer.status, answer.problem) == (503, "overloaded")
