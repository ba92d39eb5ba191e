"""``/v1/checks`` on real parts: what is answered, what is written, what is never written."""

import copy
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import orjson
import pytest

from receipt_service.domain.groups import Group
from receipt_service.domain.link import ReceiptLink
from receipt_service.domain.receipt import Receipt
from receipt_service.verify.links import verify_link
from receipt_service.verify.trust_root import TrustRoot
from receipt_service.verify.verifier import Verifier
from receipt_service.web.authentication import Role
from tests.support.api import PUBLIC_URL
from tests.support.checks_of_now import check_body


def verifier(api):
    return Verifier(TrustRoot.from_issuer_metadata(api.get("/.well-known/jwt-vc-issuer").body, PUBLIC_URL))


def test_a_check_becomes_a_receipt_that_verifies(api):
    answer = api.post(check_body())

    assert answer.status == 201
    content = answer.json
    assert answer.header("location") == content["status_url"] == f"{PUBLIC_URL}/v1/checks/{content['receipt_number']}"
    assert answer.header("idempotency-replayed") is None
    assert answer.header("cache-control") == "no-store"
    assert verifier(api).verify(content["receipt"], datetime.now(UTC)).passed
    assert content["messages"] == [
        {"channel": "sms", "state": "queued"},
        {"channel": "email", "state": "queued"},
        {"channel": "screen", "state": "handed_over"},
    ]
    assert content["qr_svg"].startswith("<svg")
    assert api.rows() == {"stub": 1, "message": 3, "idempotency": 1, "attempt": 0}


def test_the_link_and_the_stub_make_the_receipt(api):
    content = api.post(check_body()).json
    base, _, fragment = content["link"].partition("#")

    stub = api.get(f"/v1/stubs/{content['receipt_number']}").json
    verdict, receipt = verify_link(verifier(api), ReceiptLink.parse_fragment(fragment), stub["stub"], datetime.now(UTC))

    assert base == f"{PUBLIC_URL}/r"
    assert verdict.passed
    assert receipt.compact == content["receipt"]


def test_the_stub_holds_no_identity(api):
    body = check_body()
    content = api.post(body).json

    stub = api.get(f"/v1/stubs/{content['receipt_number']}")

    receipt = Receipt.parse(content["receipt"])
    assert stub.json["disclosures"] == list(receipt.stub.disclosures)
    assert receipt.disclosures[2].encode() not in stub.body
    assert receipt.disclosure(Group.PERSON).value["family_name"] == body["person"]["family_name"]


@pytest.mark.parametrize(
    ("person", "shown"),
    [
        (
            {"identity": "not_established", "reason": "impossible"},
            {"identity": "not_established", "reason": "impossible"},
        ),
    ],
)
def test_a_receipt_without_an_identity_has_the_same_shape(api, person, shown):
    content = api.post(check_body(person=person, recipient={"declined": True})).json

    receipt = Receipt.parse(content["receipt"])
    assert receipt.disclosure(Group.PERSON).value == shown
    assert len(receipt.disclosures) == 5
    assert content["messages"] == [{"channel": "declined", "state": "declined"}]
    assert "qr_svg" not in content


def test_number_rank_and_service_come_from_the_directory(api):
    content = api.post(check_body(), subject="agent-1").json

    officer = Receipt.parse(content["receipt"]).disclosure(Group.OFFICER).value
    assert (officer["number"], officer["rank"], officer["quality"]) == ("1234567", "PN-GARDIEN-DE-LA-PAIX", "APJ")
    assert officer["service"]["code"] == "PN-75-10"
    assert officer["ordered_by"] == "7654321"


def test_a_repeated_request_gets_the_same_bytes_and_writes_nothing(api):
    body, key = check_body(), str(uuid4())
    first = api.post(body, key=key)
    written = api.rows()

    second = api.post(body, key=key)

    assert second.status == 201
    assert second.body == first.body
    assert second.header("idempotency-replayed") == "true"
    assert api.rows() == written


def test_a_repeat_in_another_spelling_of_the_same_json_is_the_same_request(api):
    body, key = check_body(), str(uuid4())
    first = api.post(body, key=key)

    headers = {**api.headers(key=key.upper()), "idempotency-key": key.upper(), "content-type": "application/json"}
    again = orjson.dumps(dict(reversed(body.items())), option=orjson.OPT_INDENT_2)
    second = api.client.request("POST", "/v1/checks", headers=headers, body=again)

    assert second.body == first.body


def test_the_same_key_with_another_body_is_refused(api):
    key = str(uuid4())
    api.post(check_body(), key=key)
    written = api.rows()
    other = check_body()
    other["person"]["given_names"] = "Dominique"

    answer = api.post(other, key=key)

    assert (answer.status, answer.problem) == (422, "idempotency-conflict")
    assert api.rows() == written


def test_the_same_key_of_another_officer_is_another_request(api):
    body, key = check_body(), str(uuid4())

    numbers = {api.post(body, key=key, subject=subject).json["receipt_number"] for subject in ("agent-1", "agent-2")}

    assert len(numbers) == 2


def test_the_same_request_twice_at_once_registers_one_check(api):
    body, key = check_body(), str(uuid4())
    request = {"method": "POST", "target": "/v1/checks", "headers": api.headers(key=key), "json": body}

    answers = api.client.together(*[request] * 8)

    assert {answer.status for answer in answers} <= {201, 409}
    assert len({answer.body for answer in answers if answer.status == 201}) == 1
    assert {answer.problem for answer in answers if answer.status == 409} <= {"idempotency-in-progress"}
    assert all(answer.header("retry-after") for answer in answers if answer.status == 409)
    assert api.rows()["stub"] == 1
    assert api.post(body, key=key).status == 201


def test_many_checks_at_once_are_all_registered(api):
    requests = [
        {"method": "POST", "target": "/v1/checks", "headers": api.headers(), "json": check_body()} for _ in range(60)
    ]

    answers = api.client.together(*requests)

    assert {answer.status for answer in answers} == {201}
    assert len({answer.json["receipt_number"] for answer in answers}) == 60
    assert api.rows() == {"stub": 60, "message": 180, "idempotency": 60, "attempt": 0}


def test_beyond_the_limit_clients_are_asked_to_come_back(api):
    api.process.services.hands.checks.taken = api.process.services.issuance_queue_limit

    answer = api.post(check_body())

    assert (answer.status, answer.problem) == (503, "overloaded")
    assert answer.header("retry-after") == "2"
    assert api.rows()["stub"] == 0
    api.process.services.hands.checks.taken = 0


def refusals():
    future = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    yield "no order", "agent-1", {"ordered_by": None}, "/ordered_by"
    yield "in the future", "agent-2", {"checked_at": future}, "/checked_at"
    yield "no such basis", "agent-2", {"legal_bases": [{"code": "CPP-99"}]}, "/legal_bases/0/code"
    yield "no such commune", "agent-2", {"place": {"public_place": "Mairie", "commune": "75999"}}, "/place/commune"
    yield "free and held", "agent-2", {"outcomes": ["LIBRE", "GAV"]}, "/outcomes"
    yield "a name in the reason", "agent-2", {"reason_text": "Contrôle de Camille Lefevre"}, "/reason_text"
    yield "no way", "agent-2", {"recipient": {}}, "/recipient"
    yield "a field too many", "agent-2", {"ethnicity": "x"}, "/ethnicity"


@pytest.mark.parametrize(
    ("subject", "change", "pointer"), [case[1:] for case in refusals()], ids=[case[0] for case in refusals()]
)
def test_a_refused_check_names_the_field_and_writes_nothing(api, subject, change, pointer):
    answer = api.post(check_body(**change), subject=subject)

    assert (answer.status, answer.problem) == (422, "invalid-check")
    assert any(found.startswith(pointer) for found, _ in answer.faults), answer.faults
    assert api.rows() == {"stub": 0, "message": 0, "idempotency": 0, "attempt": 0}


def test_a_key_of_a_refused_check_may_be_used_again(api):
    key = str(uuid4())
    assert api.post(check_body(reasons=["NOPE"]), key=key).status == 422

    assert api.post(check_body(), key=key).status == 201


@pytest.mark.parametrize("language", ["fr", "en"])
def test_faults_are_told_in_the_language_that_is_asked_for(api, language):
    answer = api.post(check_body(checked_at="2999-01-01T00:00:00Z"), **{"accept-language": language})

    assert answer.header("content-language") == language
    details = " ".join(fault["detail"] for fault in answer.json["errors"])
    assert ("dans le futur" in details, "in the future" in details) == (language == "fr", language == "en")


@pytest.mark.parametrize(
    ("subject", "roles", "status"),
    [
        ("agent-1", (Role.OFFICER,), 200),
        ("agent-2", (Role.OFFICER,), 404),
        ("agent-2", (Role.OFFICER, Role.SUPERVISOR), 200),
        ("agent-3", (Role.SUPERVISOR,), 200),
        ("agent-3", (Role.OFFICER,), 404),
        ("agent-4", (Role.SUPERVISOR,), 404),
        ("agent-1", (Role.AUDITOR,), 403),
        ("agent-5", (Role.OFFICER,), 403),
        ("nobody", (Role.OFFICER,), 403),
    ],
)
def test_the_state_of_a_check_is_its_officers_and_their_hierarchys(api, subject, roles, status):
    number = api.post(check_body(), subject="agent-1").json["receipt_number"]

    answer = api.get(f"/v1/checks/{number}", subject, *roles)

    assert answer.status == status
    if status == 200:
        assert {message["channel"]: message["state"] for message in answer.json["messages"]} == {
            "sms": "queued",
            "email": "queued",
            "screen": "handed_over",
        }
    elif status == 404:
        assert answer.json == api.get(f"/v1/checks/{'0' * 26}", subject, *roles).json


def test_the_state_of_a_check_says_nothing_about_the_person(api):
    body = check_body()
    number = api.post(body).json["receipt_number"]

    answer = api.get(f"/v1/checks/{number}", "agent-2")

    for value in (*body["person"].values(), body["recipient"]["sms"], body["recipient"]["email"]):
        assert value.encode() not in answer.body


@pytest.mark.parametrize(
    "form", [str.lower, lambda number: "-".join((number[:5], number[5:])), lambda number: number.replace("0", "O")]
)
def test_a_stub_is_found_by_its_number_as_people_type_it(api, form):
    number = api.post(check_body()).json["receipt_number"]

    answer = api.get(f"/v1/stubs/{form(number)}")

    assert answer.status == 200
    assert answer.json["receipt_number"] == number
    assert answer.header("cache-control") == "private, max-age=60"


@pytest.mark.parametrize("number", ["0" * 26, "nonsense", "U" * 26, "%00", "é", "0" * 400])
def test_no_other_number_has_a_stub(api, number):
    answer = api.get(f"/v1/stubs/{number}")

    assert (answer.status, answer.problem) == (404, "not-found")


def test_a_receipt_is_printed_for_the_officer(api):
    content = api.post(check_body()).json
    request = {"receipt": content["receipt"], "link": content["link"], "second_language": "en"}

    answer = api.client.request("POST", "/v1/receipts/pdf", headers=api.headers(), json=request)

    assert answer.status == 200
    assert answer.header("content-type") == "application/pdf"
    assert answer.body.startswith(b"%PDF-")


def test_only_our_own_intact_receipts_are_printed(api):
    first, second = api.post(check_body()).json, api.post(check_body()).json
    receipt = Receipt.parse(first["receipt"])
    altered = copy.copy(first)
    altered["receipt"] = first["receipt"].replace(receipt.leaf, Receipt.parse(second["receipt"]).leaf)
    cases = [
        {"receipt": altered["receipt"], "link": first["link"]},
        {"receipt": first["receipt"], "link": second["link"]},
        {"receipt": first["receipt"], "link": first["link"].replace(PUBLIC_URL, "https://elsewhere.example")},
        {"receipt": receipt.stub.compact, "link": first["link"]},
        {"receipt": first["receipt"][:-1], "link": first["link"]},
        {"receipt": "~" * 300, "link": first["link"]},
    ]

    answers = [api.client.request("POST", "/v1/receipts/pdf", headers=api.headers(), json=case) for case in cases]

    assert [(answer.status, answer.problem) for answer in answers] == [(422, "invalid-receipt")] * len(cases)


def test_the_catalogue_is_the_bytes_that_receipts_commit_to(api):
    receipt = Receipt.parse(api.post(check_body()).json["receipt"])
    named = receipt.disclosure(Group.LEGAL_BASIS).value["catalogue"]

    present = api.get("/v1/catalogue")
    versioned = api.get(f"/v1/catalogue?version={named['version']}")

    assert present.body == versioned.body
    assert present.header("etag") == f'"{named["sha256"]}"'
    assert present.json["version"] == named["version"]
    assert "immutable" in versioned.header("cache-control")
    again = api.client.request("GET", "/v1/catalogue", headers={"if-none-match": f'W/"x", "{named["sha256"]}"'})
    assert (again.status, again.body) == (304, b"")
    assert api.get("/v1/catalogue?version=1999.1").problem == "not-found"


def test_a_process_that_can_issue_is_ready_and_one_that_cannot_says_what_is_missing(api, tmp_path):
    assert api.get("/healthz").json == {"status": "ok"}
    ready = api.get("/readyz")
    assert ready.status == 200
    assert all(ready.json["checks"].values())

    for path in (tmp_path / "keys" / "sealing").iterdir():
        path.unlink()
    api.process._sealing_keys._current = None

    answer = api.get("/readyz")
    assert (answer.status, answer.problem) == (503, "unavailable")
    assert [name for name, good in answer.json["checks"].items() if not good] == ["sealing_key"]
    refused = api.post(check_body())
    assert (refused.status, refused.problem) == (503, "unavailable")
    assert refused.header("retry-after")
    assert api.rows()["stub"] == 0


def test_the_verification_page_is_served(api):
    answer = api.get("/r")

    assert answer.status == 200
    assert answer.header("content-type").startswith("text/html")
    assert "connect-src 'self'" in answer.header("content-security-policy")
