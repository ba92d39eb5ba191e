"""The database goes away and comes back, the signing key ends: what clients are told, and that nothing is lost."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from receipt_service.bootstrap.application import ApiProcess
from receipt_service.bootstrap.keyring import generate_key
from receipt_service.errors import ConfigurationError
from receipt_service.storage.engine import open_engine
from tests.support.api import api_settings
from tests.support.checks_of_now import check_body

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def away(*_: object, **__: object) -> None:
    raise OperationalError("SELECT 'CANARI'", {"name": "CANARI"}, ValueError("CANARI"))


@pytest.fixture
def outage(monkeypatch):
    """Nobody can connect any more; open connections are cut at their next use."""

    def begin():
        monkeypatch.setattr(Engine, "connect", away)

    return begin


def test_reads_say_that_the_database_is_away(api, outage):
    number = api.post(check_body()).json["receipt_number"]
    outage()

    answers = [api.get(f"/v1/stubs/{number}"), api.get("/readyz"), api.get(f"/v1/checks/{number}", "agent-2")]

    assert [(answer.status, answer.problem) for answer in answers] == [(503, "unavailable")] * 3
    assert all(answer.header("retry-after") for answer in answers)
    assert not any(b"CANARI" in answer.body for answer in answers)
    assert answers[1].json["checks"]["database"] is False


def test_a_check_during_an_outage_is_refused_and_its_repeat_is_registered_once(api, monkeypatch):
    body, key = check_body(), str(uuid4())
    assert api.post(check_body()).status == 201
    with monkeypatch.context() as cut:
        cut.setattr(api.process._register, "_write", away)
        answer = api.post(body, key=key)

    assert (answer.status, answer.problem) == (503, "unavailable")
    assert b"CANARI" not in answer.body
    assert api.rows()["stub"] == 1
    assert [api.post(body, key=key).status for _ in range(2)] == [201, 201]
    assert api.rows()["stub"] == 2


def test_an_answer_lost_after_the_commit_is_given_again(api, monkeypatch):
    """The commit happened and its confirmation did not arrive: the client repeats, and gets the one receipt."""
    body, key = check_body(), str(uuid4())
    write = api.process._register._write

    def written_then_away(*arguments):
        write(*arguments)
        away()

    assert api.post(check_body()).status == 201
    with monkeypatch.context() as cut:
        cut.setattr(api.process._register, "_write", written_then_away)
        assert api.post(body, key=key).status == 503

    again = api.post(body, key=key)

    assert again.status == 201
    assert again.header("idempotency-replayed") == "true"
    assert api.rows()["stub"] == 2


def test_a_process_without_a_key_that_signs_now_does_not_start(tmp_path, database_url, law):
    settings = api_settings(tmp_path, database_url)
    generate_key(settings.issuer_keys, None, datetime.now(UTC) + timedelta(days=1))

    with pytest.raises(ConfigurationError):
        ApiProcess(settings, law, open_engine(database_url))
