"""The settings of the dashboard's sign-in: off unless a client is named, refused where half of it is missing."""

import pytest

from receipt_service.bootstrap.supervision import build_sign_in
from receipt_service.config.loading import load
from receipt_service.config.processes import ApiSettings
from receipt_service.errors import ConfigurationError
from receipt_service.web.demo_issuer import DemoIssuer
from receipt_service.web.token_keys import FixedKeys

NEEDED = {
    "public_url": "https://recepisse.example",
    "oidc_issuer": "https://connexion.example/realms/police",
    "oidc_audience": "receipt-service",
}


def settings(folder, **given):
    return load(ApiSettings, **NEEDED, data_folder=folder, **given)


def test_without_a_client_there_is_no_sign_in_and_no_key(tmp_path):
    assert build_sign_in(settings(tmp_path), None, FixedKeys({}), None) is None
    assert list(tmp_path.iterdir()) == []


def test_with_a_client_there_is_and_its_key_is_made(tmp_path):
    assert build_sign_in(settings(tmp_path, sign_in_client_id="dashboard"), None, FixedKeys({}), None) is not None
    assert (tmp_path / "keys" / "session" / "session.key").exists()


def test_the_demonstration_signs_in_with_its_own_issuer(tmp_path):
    given = load(ApiSettings, demo=True, public_url="http://127.0.0.1:8000", data_folder=tmp_path)
    issuer = DemoIssuer(given.public_url, demo=True)

    assert build_sign_in(given, issuer, issuer.keys, None) is not None


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"sign_in_client_secret": "canary"}, "RECEIPT_SIGN_IN_CLIENT_ID"),
        ({"sign_in_client_id": "x", "sign_in_scopes": "profile"}, "RECEIPT_SIGN_IN_SCOPES"),
        ({"sign_in_client_id": "x", "sign_in_discovery_url": "http://keycloak/x"}, "RECEIPT_SIGN_IN_DISCOVERY_URL"),
        ({"statistics_variance": 0}, "RECEIPT_STATISTICS_VARIANCE"),
    ],
)
def test_half_a_sign_in_is_refused_by_name_and_without_its_values(tmp_path, given, named):
    with pytest.raises(ConfigurationError, match=named) as raised:
        settings(tmp_path, **given)
    assert "canary" not in str(raised.value)
