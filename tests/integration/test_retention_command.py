"""``receipt-service retention``, as a timer runs it: keys and policy from the environment."""

import json
from datetime import UTC, datetime

import pytest
from click.testing import CliRunner
from sqlalchemy import text

from receipt_service.bootstrap.keyring import generate_key, read_keys
from receipt_service.cli.retention import retention
from receipt_service.config.loading import load
from receipt_service.config.parts import RetentionPolicySettings
from receipt_service.domain.canonical import from_base64url
from receipt_service.errors import ConfigurationError
from receipt_service.storage.engine import reading
from tests.support.retained import fill


@pytest.fixture
def installation(engine, database_url, tmp_path, monkeypatch):
    generate_key(tmp_path / "keys" / "issuer", None, datetime.now(UTC))
    for name, value in {
        "DATABASE_URL": database_url,
        "DATA_FOLDER": str(tmp_path),
        "PUBLIC_URL": "https://recepisse.example",
        "RETENTION_DISCLOSURES_YEARS": "1",
        "RETENTION_STUBS_YEARS": "1",
        "RETENTION_GROUPS": "officer",
    }.items():
        monkeypatch.setenv(f"RECEIPT_{name}", value)
    return tmp_path


def run(*arguments):
    return CliRunner().invoke(retention, list(arguments), catch_exceptions=False)


def test_nothing_is_due_in_a_young_book(engine, installation):
    fill(engine, 2)
    found = run("status", "--json")
    assert json.loads(found.output) == {"officer": {"years": 1, "due": 0}, "stub": {"years": 1, "due": 0}}
    assert "nothing is due" in run("run").output


def test_what_is_due_goes_under_records_that_the_issuers_key_signed(engine, installation, monkeypatch):
    fill(engine, 3)
    monkeypatch.setattr("receipt_service.cli.retention.datetime", _Later)
    status = run("status")
    assert "3   stubs recorded more than 1 years ago: officer" in status.output
    done = run("run")
    assert "3 stubs: officer" in done.output
    assert "3 stubs: stub" in done.output
    assert "nothing is due" in run("run").output
    with reading(engine) as connection:
        records = connection.execute(text("SELECT record FROM deletion")).scalars().all()
    (key,) = read_keys(installation / "keys" / "issuer")
    assert len(records) == 2
    for record in records:
        assert json.loads(from_base64url(record.split(".")[0]))["kid"] == key.kid


class _Later(datetime):
    @classmethod
    def now(cls, tz=None):
        return datetime(2028, 6, 1, tzinfo=tz)


@pytest.mark.parametrize(
    ("name", "value"),
    [("STUBS_YEARS", "5"), ("GROUPS", "person"), ("GROUPS", ","), ("DISCLOSURES_YEARS", "0")],
)
def test_a_policy_that_makes_no_sense_is_refused(monkeypatch, name, value):
    monkeypatch.setenv(f"RECEIPT_RETENTION_{name}", value)
    with pytest.raises(ConfigurationError, match="RECEIPT_RETENTION"):
        load(RetentionPolicySettings)
