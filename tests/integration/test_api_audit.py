"""``/v1/audit`` and ``/v1/closings`` on real parts: who may ask, what is answered, what is on record, and no names."""

from datetime import UTC, datetime, timedelta

import pytest

from receipt_service.bootstrap.audit import own_trust_root
from receipt_service.bootstrap.log import log_policy
from receipt_service.bootstrap.log_keys import LastSignedFile, load_log_keys, make_log_keys
from receipt_service.domain.canonical import from_base64url
from receipt_service.storage import audit_readings
from receipt_service.storage.engine import reading, writing
from receipt_service.tlog.policy import format_policy
from receipt_service.transparency import sequencing
from receipt_service.transparency.log_folder import POLICY, LogFolder
from receipt_service.transparency.publishing import Publisher
from receipt_service.web.authentication import Role
from tests.support.checks_of_now import check_body

WHY = {"purpose": "contestation", "reference": "2026/1187"}
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def post(api, path, body, subject="controle-7", *roles):
    headers = {"authorization": f"Bearer {api.token(subject, *(roles or (Role.AUDITOR,)))}", "accept-language": "en"}
    return api.client.request("POST", path, headers=headers, json=body)


def match(api, compact, **changed):
    return post(api, "/v1/audit/matches", {"presented": compact, **WHY} | changed)


def close(api, subject="agent-2", **body):
    return post(api, "/v1/closings", body, subject, Role.SUPERVISOR)


def today():
    return datetime.now(UTC).date()


def audit(api, first=None, last=None, **changed):
    days = {"first": str(first or today() - timedelta(days=1)), "last": str(last or today())}
    return post(api, "/v1/audit/periods", {**days, **WHY} | changed)


def publish(api):
    settings = api.process._settings
    keys, folder = settings.data_folder / "keys" / "log", LogFolder(settings.log)
    if not keys.exists():
        signer = make_log_keys(keys, "recepisse.example/log")
        folder.write_checkpoint(POLICY, format_policy(log_policy(None, signer.verifiers)))
    sequencing.sequence(api.engine, 100)
    signer = load_log_keys(keys)
    Publisher(api.engine, folder, origin="recepisse.example/log", sign=signer.sign, last=LastSignedFile(keys)).publish()


def readings(api):
    with reading(api.engine) as connection:
        return list(audit_readings.since(connection, EPOCH))


def without(receipt, *names):
    """The receipt with these groups hidden."""
    kept = [
        part
        for part in receipt.split("~")
        if not any(f'"{name}"'.encode() in from_base64url(part)[:44] for name in names if part and "." not in part)
    ]
    return "~".join(kept)


@pytest.fixture
def receipt(api):
    answer = api.post(check_body())
    assert answer.status == 201
    return answer.json["receipt"]


def test_a_receipt_is_matched_whole_with_groups_hidden_and_as_a_bare_leaf(api, receipt):
    assert match(api, receipt).json["outcome"] == "authentic_not_yet_logged"
    leaf = receipt.split("~")[0] + "~"
    assert match(api, leaf).json["outcome"] == "authentic_not_yet_logged"
    publish(api)

    whole, hidden, bare = match(api, receipt), match(api, without(receipt, "person", "officer")), match(api, leaf)

    assert [each.json["outcome"] for each in (whole, hidden, bare)] == ["authentic_logged"] * 3
    assert whole.json["compared"] == ["legal_basis", "consequences", "when_where", "officer"]
    assert hidden.json["compared"] == ["legal_basis", "consequences", "when_where"]
    assert (bare.json["compared"], bare.json["view"], bare.json["index"]) == ([], "leaf", 0)
    assert {each.json["leaf_hash"] for each in (whole, hidden, bare)} == {readings(api)[0].what}


def test_the_identity_is_nowhere_in_the_answer_nor_on_record(api, receipt):
    body = check_body()
    names = [body["person"][member] for member in ("family_name", "given_names", "birth_date", "birth_place")]
    publish(api)

    answer = match(api, receipt)

    kept = repr(readings(api)) + answer.body.decode()
    assert answer.json["view"] == "receipt"
    assert [name for name in names if name in kept] == []


def test_forged_and_foreign_receipts_are_answers_too(api, receipt):
    tampered = receipt.replace("~", "~X", 1)
    head, payload, signature = receipt.split("~")[0].split(".")
    forged = ".".join((head, payload, ("A" if signature[0] != "A" else "B") + signature[1:])) + "~"

    assert match(api, forged).json["outcome"] == "forged"
    assert match(api, tampered).json["outcome"] == "forged"
    assert match(api, "no-receipt").json["outcome"] == "forged"
    assert {each.what for each in readings(api)} == {""}


def test_every_reading_is_on_record_before_it_is_answered(api, receipt):
    publish(api)
    before = datetime.now(UTC).replace(microsecond=0)

    post(api, "/v1/audit/matches", {"presented": receipt, **WHY}, "agent-3")
    audit(api, purpose="inspection", reference="IGPN-12")

    first, second = readings(api)
    assert (first.reader_kind, first.reader, first.kind, len(first.what)) == ("officer", "2222222", "match", 64)
    assert (first.purpose, first.reference) == ("contestation", "2026/1187")
    assert before <= first.read_at <= datetime.now(UTC)
    assert (second.reader_kind, second.reader, second.kind) == ("subject", "controle-7", "period")
    assert second.what == f"{today() - timedelta(days=1)}..{today()}"


def test_where_the_record_cannot_be_written_nothing_is_answered(api, receipt):
    publish(api)
    with writing(api.engine) as connection:
        connection.exec_driver_sql("ALTER TABLE audit_reading RENAME TO audit_reading_elsewhere")

    assert match(api, receipt).status in {500, 503}


@pytest.mark.parametrize(
    "changed",
    [
        {"purpose": "curiosity"},
        {"reference": "DUPONT"},
        {"reference": "0612345678"},
        {"reference": "Jean Dupont 1"},
        {"reference": ""},
        {"reference": "A" * 24 + "1"},
    ],
)
def test_a_reason_is_required_and_is_no_place_for_a_name(api, receipt, changed):
    answer = match(api, receipt, **changed)

    assert (answer.status, answer.problem) == (422, "audit-reason-required")
    assert "contestation" in answer.json["allowed"]
    assert readings(api) == []


@pytest.mark.parametrize("role", [Role.OFFICER, Role.SUPERVISOR, Role.DPO])
def test_only_auditors_audit(api, receipt, role):
    body = {"presented": receipt, **WHY}

    assert post(api, "/v1/audit/matches", body, "agent-3", role).problem == "forbidden"
    assert api.client.request("POST", "/v1/audit/matches", json=body).problem == "unauthenticated"
    assert readings(api) == []


def test_a_period_is_whole_and_says_what_is_not_recorded(api, receipt):
    publish(api)

    found = audit(api).json

    assert (found["whole"], found["counts"], found["entries"], found["stubs"]) == (True, {}, 1, 1)
    assert found["not_recorded"] == ["device_numbering", "daily_closings"]


@pytest.mark.parametrize(
    ("first", "last", "problem"),
    [
        ("2026-11-01", "2026-12-02", "audit-period-refused"),
        ("2026-11-02", "2026-11-01", "audit-period-refused"),
        ("2026-02-30", "2026-03-01", "invalid-check"),
        ("2026-11-1", "2026-11-02", "invalid-check"),
    ],
)
def test_a_period_has_its_bounds(api, first, last, problem):
    assert audit(api, first, last).problem == problem


def test_a_day_is_closed_once_and_stands_in_the_log(api, receipt):
    closed = close(api, day=str(today()), checks=1)
    publish(api)

    assert closed.status == 201
    assert (closed.json["unit"], closed.json["registered"], closed.json["closed_by"]) == ("PN-75-10", 1, "7654321")
    assert b"PN-75-10" not in from_base64url(closed.json["record"].split(".")[1])
    assert close(api, day=str(today()), checks=2).problem == "day-already-closed"
    found = audit(api).json
    assert (found["whole"], found["counts"], found["closings"], found["entries"]) == (True, {}, 1, 2)


def test_checks_that_were_declared_and_are_not_in_the_book_are_a_question(api, receipt):
    close(api, day=str(today()), checks=3)
    publish(api)

    counts = audit(api).json["counts"]

    assert counts == {"closing_declared_differs": 1}
    assert audit(api).json["whole"] is True, "declared otherwise is a question, not a proof"


@pytest.mark.parametrize(
    ("subject", "body", "problem"),
    [
        ("agent-4", {"unit": "PN-75-10"}, "outside-own-units"),
        ("agent-2", {"unit": "PN-75"}, "outside-own-units"),
        ("agent-3", {"unit": "NO-SUCH-UNIT"}, "outside-own-units"),
        ("agent-2", {"day": "2090-01-01"}, "day-not-closable"),
        ("agent-2", {"checks": -1}, "invalid-check"),
        ("agent-2", {"checks": "7"}, "invalid-check"),
        ("agent-5", {}, "officer-unknown"),
    ],
)
def test_a_closing_is_refused(api, subject, body, problem):
    answer = close(api, subject, **({"day": str(today()), "checks": 0} | body))

    assert answer.problem == problem
    assert api.count("daily_closing") == api.count("log_queue") == 0


def test_a_supervisor_may_close_a_unit_below(api):
    assert close(api, "agent-3", day=str(today()), checks=0, unit="PN-75-10").json["closed_by"] == "2222222"
    assert post(api, "/v1/closings", {"day": str(today()), "checks": 0}, "agent-3").problem == "forbidden"


def test_the_data_protection_officer_reads_who_audited(api, receipt):
    match(api, receipt)

    listed = api.get("/v1/audit/readings?days=2", "dpo-1", Role.DPO)

    assert [each["reader"] for each in listed.json["readings"]] == ["controle-7"]
    assert api.get("/v1/audit/readings", "dpo-1", Role.AUDITOR).problem == "forbidden"
    for days in ("0", "1097", "x", "-1", "%C2%B2"):
        assert api.get(f"/v1/audit/readings?days={days}", "dpo-1", Role.DPO).problem == "invalid-parameter"


def test_the_api_trusts_every_key_that_it_published(api):
    settings = api.process._settings

    assert list(own_trust_root(settings.issuer_keys, settings.public_url).issuers) == [settings.public_url]
