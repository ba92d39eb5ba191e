"""The demonstration's issuer: no password, and yet nothing for another client, address, verifier or time."""

from datetime import UTC, datetime, timedelta

import pytest

from receipt_service.errors import ConfigurationError
from receipt_service.web.demo_issuer import CODE_SECONDS, DEMO_CLIENT, DemoIssuer
from receipt_service.web.sign_in import challenge_of

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
CALLBACK = "http://127.0.0.1:8000/supervision/callback"
VERIFIER = "v" * 43
QUERY = {
    "response_type": "code",
    "client_id": DEMO_CLIENT,
    "redirect_uri": CALLBACK,
    "state": "s",
    "nonce": "n",
    "code_challenge": challenge_of(VERIFIER),
    "code_challenge_method": "S256",
}


@pytest.fixture
def issuer():
    return DemoIssuer("http://127.0.0.1:8000", demo=True, redirect_uri=CALLBACK)


def redeem(issuer, given, at=NOW, **changed):
    form = {"client_id": DEMO_CLIENT, "redirect_uri": CALLBACK, "code_verifier": VERIFIER, "code": given, **changed}
    return issuer.redeem(form, at)


def a_code(issuer):
    return issuer.code("demo-supervisor-paris", issuer.authorization(QUERY), NOW)


def test_it_does_not_exist_outside_the_demonstration():
    with pytest.raises(ConfigurationError):
        DemoIssuer("https://recepisse.example", demo=False, redirect_uri=CALLBACK)


def test_a_code_gives_tokens_once(issuer):
    code = a_code(issuer)

    assert {"access_token", "id_token"} < redeem(issuer, code).keys()
    assert redeem(issuer, code) is None


@pytest.mark.parametrize(
    "changed",
    [
        {"client_id": "another"},
        {"redirect_uri": CALLBACK + "/"},
        {"code_verifier": "w" * 43},
        {"code_verifier": ""},
        {"code": "another"},
    ],
)
def test_a_code_of_another_is_spent_for_nothing(issuer, changed):
    code = a_code(issuer)

    assert redeem(issuer, code, **changed) is None
    assert (redeem(issuer, code) is None) == ("code" not in changed)


def test_a_code_is_good_for_a_minute(issuer):
    assert redeem(issuer, a_code(issuer), NOW + timedelta(seconds=CODE_SECONDS)) is None
    assert redeem(issuer, a_code(issuer), NOW + timedelta(seconds=CODE_SECONDS - 1)) is not None


@pytest.mark.parametrize(
    "changed",
    [
        {"response_type": "token"},
        {"client_id": "another"},
        {"redirect_uri": "https://elsewhere.example/supervision/callback"},
        {"redirect_uri": CALLBACK + "?x"},
        {"code_challenge_method": "plain"},
        {"code_challenge": ""},
        {"state": ""},
        {"nonce": ""},
    ],
)
def test_other_requests_are_refused(issuer, changed):
    assert issuer.authorization({**QUERY, **changed}) is None
    assert issuer.authorization({}) is None


def test_an_issuer_without_an_address_to_answer_to_refuses_all():
    assert DemoIssuer("http://127.0.0.1:8000", demo=True).authorization(QUERY) is None
