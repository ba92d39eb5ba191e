"""The supervisors' dashboard put together: sign-in with its provider and key, and the names of places."""

import ssl
from collections.abc import Callable

from receipt_service.bootstrap.session_key import load_or_make_session_key
from receipt_service.config.processes import ApiSettings
from receipt_service.domain.territory import Territory
from receipt_service.statistics.lattice import AreaLevel, code_of, level_of
from receipt_service.web.demo_issuer import DEMO_CLIENT, DemoIssuer
from receipt_service.web.openid_provider import Client, OpenIdProvider
from receipt_service.web.sign_in import CALLBACK_PATH, SignIn
from receipt_service.web.token_keys import KeySource


def build_sign_in(
    settings: ApiSettings, demo_issuer: DemoIssuer | None, keys: KeySource, tls: ssl.SSLContext | None
) -> SignIn | None:
    """Put the sign-in together: with the demonstration's issuer, the configured one, or not at all.

    Raises ``ConfigurationError`` where the session key can't be had.
    """
    issuer = settings.oidc_issuer if demo_issuer is None else demo_issuer.issuer
    client_id = settings.sign_in_client_id if demo_issuer is None else DEMO_CLIENT
    if issuer is None or client_id is None:
        return None
    secret = settings.sign_in_client_secret
    client = Client(
        client_id=client_id,
        client_secret=None if secret is None or demo_issuer is not None else secret.get_secret_value(),
        redirect_uri=redirect_uri(settings),
        scopes=settings.sign_in_scopes,
    )
    provider = OpenIdProvider(
        issuer,
        discovery_url=settings.sign_in_discovery_url if demo_issuer is None else None,
        timeout_seconds=settings.oidc_timeout_seconds,
        tls=tls,
    )
    algorithms = ("ES256",) if demo_issuer is not None else settings.oidc_algorithms
    return SignIn(provider, client, load_or_make_session_key(settings.session_key), keys, algorithms)


def redirect_uri(settings: ApiSettings) -> str:
    """Give the one address to which the issuer may send a browser back."""
    return settings.public_url + CALLBACK_PATH


def area_names(territory: Territory) -> Callable[[str], str | None]:
    """Give names of départements and communes by their areas' codes."""

    def name(area: str) -> str | None:
        code = code_of(area)
        if level_of(area) is AreaLevel.DEPARTMENT:
            department = territory.departments.get(code)
            return None if department is None else department.name
        commune = territory.commune(code)
        return None if commune is None else commune.name

    return name
