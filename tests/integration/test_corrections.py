"""Correcting and cancelling over HTTP, on both databases: what is answered, what is written, what is refused."""

from datetime import datetime, timedelta
from uuid import uuid4

import orjson
import pytest
from sqlalchemy.exc import DBAPIError, OperationalError

from receipt_service.bootstrap.law import load_law
from receipt_service.domain.canonical import base64url, from_base64url
from receipt_service.domain.groups import Group
from receipt_service.domain.log_record import digest_of_facts
from receipt_service.domain.receipt import Receipt
from receipt_service.statistics.facts import FactReader
from receipt_service.statistics.record_keys import RecordKeys
from receipt_service.statistics.rollup import Rollup
from receipt_service.tlog.merkle import leaf_hash
from receipt_service.web.authentication import Role
from tests.support.api import Api
from tests.support.checks_of_now import check_body

NOT_CARRIED = {"identity": "not_established", "reason": "not_carried_over"}
TABLES = ("stub", "message", "idempotency", "correction", "withdrawn_stub", "fold_queue", "log_queue")


def correction(**changed):
    check = check_body(place={"public_place": "Rue de Dunkerque, côté gare", "commune": "75110"})
    return {"reason": "wrong_place", "check": check, **changed}


def amend(api: Api, number, body, *, what="corrections", subject="agent-2", roles=(Role.OFFICER,), key=None):
    headers = api.headers(subject, *roles, key=key)
    return api.client.request("POST", f"/v1/checks/{number}/{what}", headers=headers, json=body)


def issued(api: Api, **changed):
    answer = api.post(check_body(**changed))
    assert answer.status == 201, answer.body
    return answer.json


def rows(api: Api, query):
    with api.engine.connect() as connection:
        return [tuple(row) for row in connection.exec_driver_sql(query)]


def everything(api: Api):
    return {table: api.count(table) for table in TABLES}


def group(receipt, of):
    return Receipt.parse(receipt["receipt"]).disclosure(of).value


def leaf(receipt):
    return receipt["receipt"].split("~")[0]


def test_a_correction_gives_a_new_receipt_that_names_the_old_one_and_both_stubs_say_so(api):
    old = issued(api)
    answer = amend(api, old["receipt_number"], correction())

    assert answer.status == 201, answer.body
    new = answer.json
    assert group(new, Group.WHEN_WHERE)["replaces"] == {
        "receipt_number": old["receipt_number"],
        "reason": "wrong_place",
        "recorded_at": group(old, Group.WHEN_WHERE)["recorded_at"],
    }
    old_stub, new_stub = (api.get(f"/v1/stubs/{each['receipt_number']}").json for each in (old, new))
    assert old_stub["replaced_by"] == new["receipt_number"]
    assert old_stub["reason"] == "wrong_place"
    assert new_stub["replaces"] == old["receipt_number"]
    assert "replaced_by" not in new_stub
    assert "cancelled" not in old_stub
    assert old_stub["leaf"] == leaf(old), "nothing is overwritten"
    state = api.get(f"/v1/checks/{old['receipt_number']}", "agent-2")
    assert (state.json["replaced"], state.json["replaces"], state.json["cancelled"]) == (True, False, False)
    assert state.json["amendment"]["officer_number"] == "7654321"
    assert new["receipt_number"].encode() not in state.body, "a number opens a stub: it is not for whoever supervises"


def test_a_correction_is_one_record_in_the_log_which_conceals_what_it_is_about(api):
    old = issued(api)
    new = amend(api, old["receipt_number"], correction()).json

    ((text, disclosure),) = rows(api, "SELECT record, disclosure FROM correction")
    assert rows(api, "SELECT record FROM log_queue WHERE kind = 5") == [(text,)]
    payload = orjson.loads(from_base64url(text.split(".")[1]))
    assert payload["vct"] == "urn:fr:recepisse:journal:rectification:1"
    assert payload["_sd"] == [digest_of_facts(disclosure)]
    assert "facts" not in payload
    _, name, facts = orjson.loads(from_base64url(disclosure))
    hashes = [base64url(leaf_hash(leaf(each).encode())) for each in (old, new)]
    assert (name, facts) == ("facts", {"replaced": hashes[0], "by": hashes[1], "reason": "wrong_place"})
    assert len(rows(api, "SELECT stub_id FROM log_queue WHERE kind = 1")) == 2
    assert sorted(sign for (sign,) in rows(api, "SELECT sign FROM fold_queue")) == [-1, 1, 1]


def test_a_cancellation_has_no_new_receipt_and_its_record_names_none(api):
    old = issued(api)
    before = everything(api)
    answer = amend(api, old["receipt_number"], {"reason": "duplicate"}, what="cancellation")

    assert answer.status == 201, answer.body
    assert answer.json["reason"] == "duplicate"
    stub = api.get(f"/v1/stubs/{old['receipt_number']}").json
    assert (stub["cancelled"], stub["reason"]) == (True, "duplicate")
    assert "replaced_by" not in stub
    ((disclosure,),) = rows(api, "SELECT disclosure FROM correction")
    assert orjson.loads(from_base64url(disclosure))[2]["by"] is None
    grown = {table: count - before[table] for table, count in everything(api).items() if count != before[table]}
    assert grown == {"idempotency": 1, "correction": 1, "withdrawn_stub": 1, "fold_queue": 1, "log_queue": 1}


@pytest.mark.parametrize("what", ["corrections", "cancellation"])
def test_a_repeated_request_changes_nothing_and_answers_the_same(api, what):
    number = issued(api)["receipt_number"]
    body = correction() if what == "corrections" else {"reason": "no_check"}
    key = str(uuid4())
    first = amend(api, number, body, what=what, key=key)
    before = everything(api)
    again = amend(api, number, body, what=what, key=key)

    assert (again.status, again.body) == (201, first.body)
    assert again.header("idempotency-replayed") == "true"
    assert everything(api) == before
    other = {**body, "reason": "wrong_time" if what == "corrections" else "duplicate"}
    assert amend(api, number, other, what=what, key=key).problem == "idempotency-conflict"
    assert api.post(check_body(), key=key).problem == "idempotency-conflict", "one key, one request of any kind"


def test_a_receipt_is_replaced_once_and_what_replaced_it_may_be_replaced_in_its_turn(api):
    first = issued(api)["receipt_number"]
    second = amend(api, first, correction()).json["receipt_number"]
    before = everything(api)

    assert amend(api, first, correction()).problem == "already-amended"
    assert amend(api, first, {"reason": "duplicate"}, what="cancellation").problem == "already-amended"
    assert everything(api) == before
    third = amend(api, second, correction(reason="wrong_time")).json["receipt_number"]
    assert amend(api, third, {"reason": "no_check"}, what="cancellation").status == 201
    stub = api.get(f"/v1/stubs/{second}").json
    assert (stub["replaces"], stub["replaced_by"]) == (first, third)


@pytest.mark.parametrize("what", ["corrections", "cancellation"])
def test_the_commit_itself_refuses_what_another_process_corrected_meanwhile(api, monkeypatch, what):
    number = issued(api)["receipt_number"]
    assert amend(api, number, correction()).status == 201
    before = everything(api)
    monkeypatch.setattr("receipt_service.issuance.correct._require_open", lambda *_: None)

    late = correction() if what == "corrections" else {"reason": "duplicate"}
    assert amend(api, number, late, what=what).problem == "already-amended"
    assert everything(api) == before, "nothing of it is written"


@pytest.mark.parametrize("what", ["corrections", "cancellation"])
@pytest.mark.parametrize("step", ["corrections.add", "fold_queue.withdraw", "log_queue.ask"])
def test_a_step_that_fails_leaves_nothing_and_the_repeat_makes_it_whole(api, monkeypatch, what, step):
    number = issued(api)["receipt_number"]
    before, key = everything(api), str(uuid4())
    body = correction() if what == "corrections" else {"reason": "duplicate"}

    def gone(*_, **__):
        raise OperationalError("", {}, Exception())

    with monkeypatch.context() as patched:
        patched.setattr(f"receipt_service.issuance.amendments.{step}", gone)
        assert amend(api, number, body, what=what, key=key).problem == "unavailable"
    assert everything(api) == before
    assert amend(api, number, body, what=what, key=key).status == 201


def test_statistics_count_the_effective_check_alone(api):
    law = load_law()
    rollup = Rollup(api.engine, FactReader(law.catalogues, law.territory), RecordKeys(b"k" * 32))
    replaced, cancelled = issued(api)["receipt_number"], issued(api)["receipt_number"]
    issued(api)
    body = correction()
    del body["check"]["recipient"]
    amend(api, replaced, body)
    amend(api, cancelled, {"reason": "duplicate"}, what="cancellation")

    def counted():
        found = rows(api, "SELECT table_code, a, n FROM rollup_cell WHERE area = 'F' AND b = '' AND n <> 0")
        return {(table, a): n for table, a, n in found}

    rollup.fold(1000)
    folded = counted()
    assert folded["total", ""] == 2
    assert folded["record", "correction"] == 1
    assert ("delivery", "declined") not in folded
    rollup.rebuild()
    assert counted() == folded


def test_who_may_correct(api):
    number = issued(api)["receipt_number"]
    supervisor = (Role.SUPERVISOR,)
    for subject, roles in (("agent-1", (Role.OFFICER,)), ("agent-4", supervisor), ("agent-3", (Role.OFFICER,))):
        assert amend(api, number, correction(), subject=subject, roles=roles).problem == "not-found", subject
    assert amend(api, number, correction(), roles=(Role.AUDITOR,)).status == 403
    assert api.count("correction") == 0
    answer = amend(api, number, correction(), subject="agent-3", roles=supervisor)
    assert answer.status == 201
    assert group(answer.json, Group.OFFICER)["number"] == "7654321", "the officer of the check stays its officer"
    assert rows(api, "SELECT officer_number FROM correction") == [("2222222",)]


def test_an_officers_time_is_over_and_a_supervisors_is_not(api):
    number = issued(api)["receipt_number"]
    corrector = api.process._corrector
    assert corrector.own_check == timedelta(hours=72)
    object.__setattr__(corrector, "own_check", timedelta(seconds=-1))

    assert amend(api, number, correction()).problem == "correction-window-closed"
    assert amend(api, number, {"reason": "duplicate"}, what="cancellation").problem == "correction-window-closed"
    assert amend(api, number, correction(), subject="agent-3", roles=(Role.SUPERVISOR,)).status == 201


def test_the_person_is_not_carried_over_unless_given_again(api):
    number = issued(api)["receipt_number"]
    body = correction()
    body["check"]["person"] = NOT_CARRIED
    del body["check"]["recipient"]
    answer = amend(api, number, body)

    assert answer.status == 201, answer.body
    assert group(answer.json, Group.PERSON) == NOT_CARRIED
    assert answer.json["messages"] == [{"channel": "declined", "state": "declined"}]
    refused = api.post(check_body(person=NOT_CARRIED))
    assert [(fault["pointer"], fault["rule"]) for fault in refused.json["errors"]] == [
        ("/person/reason", "not_allowed")
    ]


@pytest.mark.parametrize(
    ("change", "pointer", "rule"),
    [
        ({"reason": "no_such"}, "/reason", "not_allowed"),
        ({"reason": "other_error"}, "/explanation", "correction.explanation_required"),
        ({"explanation": "Erreur signalée par Camille Lefèvre"}, "/explanation", "text.identity"),
        ({"explanation": "x" * 281}, "/explanation", "too_long"),
    ],
)
def test_a_correction_must_say_why_in_sound_words(api, change, pointer, rule):
    number = issued(api)["receipt_number"]
    answer = amend(api, number, correction(**change))

    assert answer.problem == "invalid-check"
    assert (pointer, rule) in {(fault["pointer"], fault["rule"]) for fault in answer.json["errors"]}
    assert api.count("correction") == 0


def test_the_check_of_a_correction_keeps_every_rule_and_faults_point_into_it(api):
    number = issued(api)["receipt_number"]
    body = correction()
    body["check"]["outcomes"] = ["NO_SUCH"]
    body["check"]["person"]["birth_date"] = "17/05/1990"
    shape = amend(api, number, body)
    assert [fault["pointer"] for fault in shape.json["errors"]] == ["/check/person/birth_date"]
    body["check"]["person"]["birth_date"] = "1990-05-17"
    law = amend(api, number, body)
    assert [fault["pointer"] for fault in law.json["errors"]] == ["/check/outcomes/0"]


def test_the_database_keeps_a_correction_as_it_is(api):
    number = issued(api)["receipt_number"]
    assert amend(api, number, correction()).status == 201
    for statement in (
        "UPDATE correction SET reason = 'duplicate'",
        "UPDATE correction SET explanation = NULL, officer_number = ''",
        "DELETE FROM correction",
        "UPDATE stub SET disclosures = ''",
        "DELETE FROM stub",
    ):
        with pytest.raises(DBAPIError), api.engine.begin() as connection:
            connection.exec_driver_sql(statement)


def test_a_late_entry_carries_both_times_and_a_clock_ahead_is_refused(api):
    now = datetime.now().astimezone().replace(microsecond=0)
    late = group(issued(api, recorded_by_device_at=(now - timedelta(minutes=40)).isoformat()), Group.WHEN_WHERE)
    assert late["late"] is True
    assert datetime.fromisoformat(late["recorded_by_device_at"]) == now - timedelta(minutes=40)
    prompt = group(issued(api, recorded_by_device_at=(now - timedelta(minutes=2)).isoformat()), Group.WHEN_WHERE)
    assert not {"late", "recorded_by_device_at"} & prompt.keys()
    for moved, rule in ((timedelta(minutes=9), "time.device_ahead"), (-timedelta(hours=2), "time.device_before_check")):
        answer = api.post(check_body(recorded_by_device_at=(now + moved).isoformat()))
        faults = [(fault["pointer"], fault["rule"]) for fault in answer.json["errors"]]
        assert faults == [("/recorded_by_device_at", rule)]
