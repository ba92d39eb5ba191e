import os
from pathlib import Path

import pytest

from receipt_service.config.loading import PROCESSES, load
from receipt_service.config.processes import ApiSettings, WorkerSettings
from receipt_service.environment import is_secret
from receipt_service.errors import ConfigurationError

API = {
    "RECEIPT_PUBLIC_URL": "https://recepisse.example",
    "RECEIPT_OIDC_ISSUER": "https://connexion.example/realms/police",
    "RECEIPT_OIDC_AUDIENCE": "receipt-service",
}
WORKER = {
    "RECEIPT_PUBLIC_URL": "https://recepisse.example",
    "RECEIPT_SMS_SENDER": "RECEPISSE",
    "RECEIPT_TWILIO_ACCOUNT_SID": "AC0",
    "RECEIPT_TWILIO_AUTH_TOKEN": "s3cret-value",
    "RECEIPT_SMTP_HOST": "mail.example",
    "RECEIPT_EMAIL_SENDER": "recepisse@recepisse.example",
}
CLASSES = {"api": (ApiSettings, API), "worker": (WorkerSettings, WORKER)}


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch):
    for name in list(os.environ):
        if name.startswith("RECEIPT_"):
            monkeypatch.delenv(name)


@pytest.fixture
def environment(monkeypatch):
    def use(*groups, **more):
        for group in (*groups, more):
            for name, value in group.items():
                monkeypatch.setenv(name, value)

    return use


@pytest.mark.parametrize(("settings", "needed"), CLASSES.values(), ids=CLASSES)
def test_a_process_starts_with_what_it_needs_and_with_nothing_less(environment, monkeypatch, settings, needed):
    environment(needed)
    load(settings)

    for name in needed:
        with monkeypatch.context() as without:
            without.delenv(name)
            with pytest.raises(ConfigurationError, match=name):
                load(settings)


def test_a_misspelt_setting_is_refused_with_the_right_spelling(environment):
    environment(API, RECEIPT_OIDC_AUDIANCE="x")

    with pytest.raises(ConfigurationError, match="RECEIPT_OIDC_AUDIANCE: unknown; did you mean RECEIPT_OIDC_AUDIENCE"):
        load(ApiSettings)


def test_all_faults_are_told_at_once(environment):
    environment(RECEIPT_OIDC_ISSUER="https://i.example", RECEIPT_NONSENSE="1", RECEIPT_LOG_LEVEL="LOUD")

    with pytest.raises(ConfigurationError) as raised:
        load(ApiSettings)

    for name in ("RECEIPT_NONSENSE", "RECEIPT_LOG_LEVEL", "RECEIPT_PUBLIC_URL"):
        assert name in str(raised.value)


@pytest.mark.parametrize(
    ("settings", "group", "fault"),
    [
        (ApiSettings, API, {"RECEIPT_PUBLIC_URL": "http://recepisse.example"}),
        (ApiSettings, API, {"RECEIPT_PUBLIC_URL": "https://user:pw@recepisse.example"}),
        (ApiSettings, API, {"RECEIPT_PUBLIC_URL": "https://recepisse.example/?a=b"}),
        (ApiSettings, API, {"RECEIPT_OIDC_ISSUER": "http://connexion.example"}),
        (ApiSettings, API, {"RECEIPT_OIDC_JWKS_URL": "http://connexion.example/jwks"}),
        (ApiSettings, API, {"RECEIPT_OIDC_ALGORITHMS": "ES256,HS256"}),
        (ApiSettings, API, {"RECEIPT_OIDC_ALGORITHMS": "none"}),
        (ApiSettings, API, {"RECEIPT_OIDC_CLOCK_SKEW_SECONDS": "86400"}),
        (ApiSettings, API, {"RECEIPT_CHANNELS": "sms,fax"}),
        (WorkerSettings, WORKER, {"RECEIPT_SMTP_SECURITY": "none"}),
        (WorkerSettings, WORKER, {"RECEIPT_TWILIO_URL": "http://127.0.0.1:1"}),
        (WorkerSettings, WORKER, {"RECEIPT_SMS_SENDER": "123456"}),
        (WorkerSettings, WORKER, {"RECEIPT_SMS_SENDER": "Police Nat"}),
        (WorkerSettings, WORKER, {"RECEIPT_SMTP_USERNAME": "u"}),
    ],
)
def test_what_would_be_unsafe_is_refused_outside_the_demonstration(environment, settings, group, fault):
    environment(group, fault)

    with pytest.raises(ConfigurationError) as raised:
        load(settings)

    assert next(iter(fault)) in str(raised.value)


def test_no_message_holds_a_value(environment):
    environment(
        WORKER, RECEIPT_SMTP_PASSWORD="hunter2-canary", RECEIPT_LOG_LEVEL="canary-level", RECEIPT_SMTP_PORT="x-canary"
    )

    with pytest.raises(ConfigurationError) as raised:
        load(WorkerSettings)

    assert "canary" not in str(raised.value)


def test_the_demonstration_allows_plain_connections_to_this_machine_only():
    demo = load(ApiSettings, demo=True, public_url="http://127.0.0.1:8000")

    assert demo.built_in_issuer
    with pytest.raises(ConfigurationError, match="PUBLIC_URL"):
        load(ApiSettings, demo=True, public_url="http://recepisse.example")


def test_a_secret_may_come_as_a_file(environment, tmp_path):
    secret = tmp_path / "token"
    secret.write_text("from-the-file\n")
    environment({name: value for name, value in WORKER.items() if name != "RECEIPT_TWILIO_AUTH_TOKEN"})
    environment(RECEIPT_TWILIO_AUTH_TOKEN_FILE=str(secret))

    loaded = load(WorkerSettings)

    assert loaded.twilio_auth_token is not None
    assert loaded.twilio_auth_token.get_secret_value() == "from-the-file"
    assert "from-the-file" not in repr(loaded)


@pytest.mark.parametrize("content", [None, ""])
def test_a_secret_file_that_gives_nothing_is_refused(environment, tmp_path, content):
    secret = tmp_path / "token"
    if content is not None:
        secret.write_text(content)
    environment({name: value for name, value in WORKER.items() if name != "RECEIPT_TWILIO_AUTH_TOKEN"})
    environment(RECEIPT_TWILIO_AUTH_TOKEN_FILE=str(secret))

    with pytest.raises(ConfigurationError, match="RECEIPT_TWILIO_AUTH_TOKEN_FILE"):
        load(WorkerSettings)


def test_a_secret_given_twice_is_refused(environment, tmp_path):
    (tmp_path / "token").write_text("x")
    environment(WORKER, RECEIPT_TWILIO_AUTH_TOKEN_FILE=str(tmp_path / "token"))

    with pytest.raises(ConfigurationError, match="given twice"):
        load(WorkerSettings)


def test_no_secret_has_a_default():
    secrets = [
        (settings, name, field)
        for settings in PROCESSES.values()
        for name, field in settings.model_fields.items()
        if is_secret(field)
    ]

    assert {name for _, name, _ in secrets} >= {"twilio_auth_token", "smtp_password", "issuer_key_passphrase"}
    assert [name for _, name, field in secrets if field.default is not None] == []


def test_the_api_never_reads_the_workers_secrets(environment):
    environment(API, WORKER)

    loaded = load(ApiSettings)

    assert not hasattr(loaded, "twilio_auth_token")
    assert not hasattr(loaded, "smtp_password")
    assert not hasattr(load(WorkerSettings), "issuer_key_passphrase")


def test_settings_are_frozen(environment):
    environment(API)
    loaded = load(ApiSettings)

    with pytest.raises(ValueError, match="frozen"):
        loaded.demo = True


def test_a_stray_dotenv_file_is_not_read(environment, tmp_path, monkeypatch):
    environment(API)
    monkeypatch.chdir(tmp_path)
    Path(".env").write_text("RECEIPT_DEMO=true\n")

    assert not load(ApiSettings).demo
