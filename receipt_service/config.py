"""Settings: environment variables ``RECEIPT_*``, read once, frozen, refused when unknown.

Every process has a class of its own and reads only that class's variables, so the API never learns
the mail password. A secret has no default, and ``RECEIPT_X_FILE`` may name a file that holds it.
What would be unsafe (plain SMTP, http addresses, the built-in token issuer) needs ``RECEIPT_DEMO=true``.
``load`` turns every fault into one ``ConfigurationError`` which names settings, never their values.
"""

import difflib
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self, TypeVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import NoDecode

from receipt_service.environment import PREFIX, CoreSettings, is_secret
from receipt_service.errors import ConfigurationError

ASYMMETRIC_ALGORITHMS: Final = ("ES256", "PS256", "RS256", "EdDSA")

_HOST = re.compile(r"[a-zA-Z0-9.\-\[\]:]+")
_OADC = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9]{3,11}")
_LOCAL_HOSTS: Final = frozenset({"127.0.0.1", "localhost", "::1"})


def _origin(value: str) -> str:
    """Accept an absolute http(s) address without query or fragment; drop the final slash."""
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.netloc or parts.query or parts.fragment or parts.username:
        raise ValueError("an absolute http(s) address without user, query or fragment")
    if not _HOST.fullmatch(parts.netloc):
        raise ValueError("a host in plain ASCII (use the xn-- form)")
    return value.rstrip("/")


def _split(value: object) -> object:
    """Make a list of the words between commas."""
    return [word.strip() for word in value.split(",") if word.strip()] if isinstance(value, str) else value


Url = Annotated[str, AfterValidator(_origin)]
Words = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]
Seconds = Annotated[float, Field(gt=0, le=3600)]


class DatabaseSettings(CoreSettings):
    """Where the rows are: `migrate`, `directory` and every process that stores."""

    database_url: SecretStr | None = Field(
        default=None,
        description="`sqlite:///…` or `postgresql+psycopg://…`; unset: SQLite in the data folder.",
    )
    database_connections: int = Field(
        default=8, ge=1, le=200, description="Connections that one process keeps open; ten more under load."
    )

    @property
    def database(self) -> str:
        """The database's URL, the embedded SQLite file unless set."""
        if self.database_url is not None:
            return self.database_url.get_secret_value()
        return f"sqlite:///{(self.data_folder / 'receipts.sqlite3').resolve()}"


class IssuerKeySettings(CoreSettings):
    """The folder of the signing keys: `keys` and the processes that sign."""

    issuer_keys_folder: Path | None = Field(default=None, description="Unset: `keys/issuer` in the data folder.")
    issuer_key_passphrase: SecretStr | None = Field(
        default=None, description="Opens the signing keys; without it their files must be 0600."
    )

    @property
    def issuer_keys(self) -> Path:
        """The folder of the signing keys."""
        return self.issuer_keys_folder or self.data_folder / "keys" / "issuer"


class StatisticsKeySettings(CoreSettings):
    """The folder of the statistics key: `keys`, which makes it, and the processes that fold."""

    statistics_key_folder: Path | None = Field(
        default=None, description="The key behind the noise of statistics. Unset: `keys/statistics` in the data folder."
    )

    @property
    def statistics_key(self) -> Path:
        """The folder of the statistics key."""
        return self.statistics_key_folder or self.data_folder / "keys" / "statistics"


class KeySettings(IssuerKeySettings, StatisticsKeySettings):
    """The keys that `keys` makes: for signing, and for statistics."""


class StatisticsSettings(DatabaseSettings, StatisticsKeySettings):
    """Folding checks into statistics: reads stubs and counts them, opens and signs nothing."""

    statistics_pause_seconds: Seconds = Field(
        default=1, description="Longest pause between two rounds of folding: how far statistics lag behind."
    )


class PublicSettings(CoreSettings):
    """What the outside sees: shared by the API, which signs it, and the worker, which links to it."""

    public_url: Url = Field(description="Origin of this service as people and verifiers reach it; also the issuer.")
    channels: Words = Field(default=("sms", "email"), description="Which of `sms`, `email` are offered.")
    sealing_keys_folder: Path | None = Field(
        default=None, description="Public keys of the sealing epochs. Unset: `keys/sealing` in the data folder."
    )

    @property
    def sealing_keys(self) -> Path:
        """The folder of the epochs' public keys: the worker writes, the API reads."""
        return self.sealing_keys_folder or self.data_folder / "keys" / "sealing"

    @model_validator(mode="after")
    def _check_public(self) -> Self:
        local = urlsplit(self.public_url).hostname in _LOCAL_HOSTS
        if not self.public_url.startswith("https://") and not (self.demo and local):
            raise ValueError("public_url: https, unless in the demonstration on this machine")
        if unknown := set(self.channels) - {"sms", "email"}:
            raise ValueError(f"channels: {len(unknown)} word(s) other than sms, email")
        return self


class NoiseSettings(CoreSettings):
    """What may be known of the noise: `statistics release` makes it, the dashboard's intervals allow for it."""

    statistics_variance_checks: float = Field(
        default=10, gt=0, le=200, description="Variance of the noise; the release refuses one that is too small."
    )


class ReleaseSettings(DatabaseSettings, NoiseSettings):
    """`statistics release`: protects the figures of a closed period. Whoever knows these is told more by a figure."""

    statistics_deviation_checks: int = Field(
        default=15, ge=11, le=50, description="The furthest that a shown number lies from the true one."
    )
    statistics_ons_table: Path | None = Field(
        default=None, description="Perturbation table in the ONS's form (CSV: pcv, ckey, pvalue), in place of our own."
    )


class OpenDataSettings(CoreSettings):
    """The folder of the public files: `statistics publish` writes it, the API serves it."""

    open_data_folder: Path | None = Field(
        default=None, description="Published files, served under `/open-data/`. Unset: `open-data` in the data folder."
    )

    @property
    def open_data(self) -> Path:
        """The folder with one sub-folder for each published quarter."""
        return self.open_data_folder or self.data_folder / "open-data"


class PublishSettings(DatabaseSettings, IssuerKeySettings, PublicSettings, OpenDataSettings):
    """`statistics publish`: reads counts, signs, writes the public file."""


class SignInSettings(CoreSettings):
    """Signing in to the dashboard with a browser; off without a client."""

    sign_in_client_id: str | None = Field(
        default=None,
        description="This service as the token issuer knows it, for the dashboard's sign-in. Unset: no sign-in; a "
        "reverse proxy must bring the token.",
    )
    sign_in_client_secret: SecretStr | None = Field(
        default=None, description="Of a confidential client. Unset: a public client, with PKCE alone."
    )
    sign_in_discovery_url: Url | None = Field(
        default=None,
        description="Where the API finds the issuer's discovery document, if not below the issuer's own address.",
    )
    sign_in_scopes: str = Field(default="openid", description="Scopes asked for, between spaces; `openid` among them.")
    session_key_folder: Path | None = Field(
        default=None, description="The key of the dashboard's cookies. Unset: `keys/session` in the data folder."
    )

    @property
    def session_key(self) -> Path:
        """The folder of the session key, shared by all API processes."""
        return self.session_key_folder or self.data_folder / "keys" / "session"

    @model_validator(mode="after")
    def _check_sign_in(self) -> Self:
        if self.sign_in_client_secret is not None and self.sign_in_client_id is None:
            raise ValueError("sign_in_client_id: required with sign_in_client_secret")
        discovery = self.sign_in_discovery_url
        if discovery is not None and not discovery.startswith("https://") and not self.demo:
            raise ValueError("sign_in_discovery_url: https outside the demonstration")
        if "openid" not in self.sign_in_scopes.split():
            raise ValueError("sign_in_scopes: openid must be among them")
        return self


class ApiSettings(DatabaseSettings, IssuerKeySettings, PublicSettings, OpenDataSettings, SignInSettings, NoiseSettings):
    """The HTTP API: signs and seals, never opens an envelope, knows no provider."""

    replay_keys_folder: Path | None = Field(
        default=None, description="Short-lived keys of repeated requests. Unset: `keys/replay` in the data folder."
    )
    replay_window_hours: int = Field(
        default=72, ge=1, le=168, description="How long a repeated request gives the same receipt."
    )
    oidc_issuer: Url | None = Field(default=None, description="`iss` of officers' tokens; required outside the demo.")
    oidc_audience: str | None = Field(default=None, description="`aud` that a token must hold; required likewise.")
    oidc_jwks_url: Url | None = Field(default=None, description="Unset: asked from the issuer's discovery document.")
    oidc_algorithms: Words = Field(
        default=("ES256", "PS256", "RS256"), description="Signature algorithms of tokens: asymmetric ones only."
    )
    oidc_subject_claim: str = Field(
        default="sub", description="Claim that names the officer as the directory's `subject` column does."
    )
    oidc_roles_claim: str = Field(default="realm_access.roles", description="Path of the claim that lists the roles.")
    oidc_clock_skew_seconds: int = Field(default=60, ge=0, le=300, description="Tolerated difference of clocks.")
    oidc_token_max_age_seconds: int = Field(
        default=36_000, ge=60, le=86_400, description="Oldest accepted token, whatever its own end says."
    )
    oidc_timeout_seconds: Seconds = Field(default=5, description="Longest wait for the token issuer's keys.")
    oidc_ca_file: Path | None = Field(default=None, description="CA of the token issuer. Unset: the system's.")
    jwks_max_age_seconds: int = Field(default=3600, ge=60, le=86_400, description="When the keys are fetched anew.")
    request_limit_bytes: int = Field(default=65_536, ge=4096, le=1_048_576, description="Largest request body.")
    issuance_queue_limit: int = Field(
        default=512, ge=1, le=10_000, description="Checks in hand at once per process; beyond it clients get 503."
    )
    issuance_timeout_seconds: Seconds = Field(default=15, description="Longest wait for one check's commit.")
    shutdown_grace_seconds: int = Field(default=20, ge=1, le=300, description="Longest wait for requests at the end.")

    @property
    def replay_keys(self) -> Path:
        """The folder of the replay keys, shared by all API processes."""
        return self.replay_keys_folder or self.data_folder / "keys" / "replay"

    @property
    def built_in_issuer(self) -> bool:
        """Whether tokens come from the demonstration's own issuer."""
        return self.demo and self.oidc_issuer is None

    @model_validator(mode="after")
    def _check_tokens(self) -> Self:
        if not self.demo and (self.oidc_issuer is None or self.oidc_audience is None):
            raise ValueError("oidc_issuer, oidc_audience: required outside the demonstration")
        if self.oidc_issuer is not None and self.oidc_audience is None:
            raise ValueError("oidc_audience: required with oidc_issuer")
        if set(self.oidc_algorithms) - set(ASYMMETRIC_ALGORITHMS) or not self.oidc_algorithms:
            raise ValueError(f"oidc_algorithms: of {', '.join(ASYMMETRIC_ALGORITHMS)}")
        for name in ("oidc_issuer", "oidc_jwks_url"):
            address = getattr(self, name)
            if address is not None and not address.startswith("https://") and not self.demo:
                raise ValueError(f"{name}: https outside the demonstration")
        return self


class WorkerSettings(StatisticsSettings, PublicSettings):
    """The delivery worker: opens envelopes and knows the providers, never signs; folds where it has the key for it."""

    epoch_keys_folder: Path | None = Field(
        default=None, description="Private keys of the sealing epochs. Unset: `keys/epochs` in the data folder."
    )
    lease_seconds: int = Field(default=60, ge=5, le=600, description="How long a worker holds a message it sends.")
    unknown_grace_seconds: int = Field(
        default=120, ge=0, le=3600, description="Wait before asking what became of an attempt without an answer."
    )
    worker_concurrency: int = Field(default=32, ge=1, le=256, description="Messages sent at the same time.")
    worker_poll_seconds: Seconds = Field(default=1, description="Longest pause of an idle worker.")
    sms_sender: str | None = Field(default=None, description="Sender shown (AF2M): 3 to 11 letters and digits.")
    twilio_account_sid: str | None = Field(default=None, description="Account; required when SMS is offered.")
    twilio_auth_token: SecretStr | None = Field(
        default=None, description="The account's token, or the API key's secret; required when SMS is offered."
    )
    twilio_api_key_sid: str | None = Field(default=None, description="An API key. Unset: the account's own token.")
    twilio_url: Url = Field(default="https://api.twilio.com", description="Twilio's API, or a region of it.")
    twilio_timeout_seconds: Seconds = Field(default=10, description="Longest wait for one answer of Twilio.")
    smtp_host: str | None = Field(default=None, description="Mail server; required when e-mail is offered.")
    smtp_port: int = Field(default=587, ge=1, le=65_535, description="Its port.")
    smtp_security: Literal["starttls", "tls", "none"] = Field(
        default="starttls", description="TLS is required; `none` only in the demonstration."
    )
    smtp_ca_file: Path | None = Field(default=None, description="CA of the mail server. Unset: the system's.")
    smtp_username: str | None = Field(default=None, description="Unset: no authentication.")
    smtp_password: SecretStr | None = Field(default=None, description="Required with a user name.")
    smtp_timeout_seconds: Seconds = Field(default=30, description="Longest wait for one e-mail to be taken.")
    email_sender: str | None = Field(default=None, description="Address in From; required when e-mail is offered.")
    email_sender_name: str = Field(default="", max_length=60, description="Name beside it.")

    @property
    def epoch_keys(self) -> Path:
        """The worker's own folder: never shared, never backed up."""
        return self.epoch_keys_folder or self.data_folder / "keys" / "epochs"

    @model_validator(mode="after")
    def _check_sms(self) -> Self:
        if "sms" not in self.channels:
            return self
        if self.sms_sender is None or self.twilio_account_sid is None or self.twilio_auth_token is None:
            raise ValueError("sms_sender, twilio_account_sid, twilio_auth_token: required when SMS is offered")
        if not _OADC.fullmatch(self.sms_sender):
            raise ValueError("sms_sender: 3 to 11 letters and digits, not digits only")
        if not self.twilio_url.startswith("https://") and not self.demo:
            raise ValueError("twilio_url: https outside the demonstration")
        return self

    @model_validator(mode="after")
    def _check_email(self) -> Self:
        if "email" not in self.channels:
            return self
        if self.smtp_host is None or self.email_sender is None:
            raise ValueError("smtp_host, email_sender: required when e-mail is offered")
        if self.smtp_security == "none" and not self.demo:
            raise ValueError("smtp_security: TLS is required outside the demonstration")
        if (self.smtp_username is None) != (self.smtp_password is None):
            raise ValueError("smtp_username, smtp_password: both or neither")
        return self


class EmbeddedSettings(ApiSettings, WorkerSettings):
    """API and worker in one process, as `serve` and the demonstration run them."""


PROCESSES: Final[Mapping[str, type[CoreSettings]]] = {
    "api": ApiSettings,
    "worker": WorkerSettings,
    "serve": EmbeddedSettings,
    "migrate": DatabaseSettings,
    "publish": PublishSettings,
    "keys": KeySettings,
    "statistics": StatisticsSettings,
    "release": ReleaseSettings,
}
"""Which settings each kind of process reads; together, all there are."""

AnySettings = TypeVar("AnySettings", bound=CoreSettings)


def known_variables() -> frozenset[str]:
    """Return the names of all environment variables that any process understands."""
    names: set[str] = set()
    for settings in PROCESSES.values():
        for name, field in settings.model_fields.items():
            names.add(f"{PREFIX}{name.upper()}")
            if is_secret(field):
                names.add(f"{PREFIX}{name.upper()}_FILE")
    return frozenset(names)


def _unknown_variables() -> Iterator[str]:
    known = known_variables()
    for name in sorted(os.environ):
        if name.upper().startswith(PREFIX) and name.upper() not in known:
            near = difflib.get_close_matches(name.upper(), known, n=1)
            yield f"{name}: unknown" + (f"; did you mean {near[0]}?" if near else "")


def _faults(error: ValidationError, settings: type[CoreSettings]) -> Iterator[str]:
    """Say each fault with the variable names that an operator typed."""
    names = re.compile(rf"\b({'|'.join(settings.model_fields)})\b(?=[,:])")
    for fault in error.errors(include_url=False, include_input=False, include_context=False):
        name = f"{PREFIX}{str(fault['loc'][0]).upper()}: " if fault["loc"] else ""
        text = fault["msg"].removeprefix("Value error, ")
        yield name + names.sub(lambda found: PREFIX + found[0].upper(), text)


def load(settings: type[AnySettings], **given: Any) -> AnySettings:
    """Read one process's settings from the environment, or from ``given`` before it.

    Raises ConfigurationError naming every setting at fault and no value; a variable that begins with
    ``RECEIPT_`` and that no process knows is a fault too, since a misspelt safety is no safety.
    """
    faults = list(_unknown_variables())
    try:
        loaded = settings(**given)
    except ValidationError as error:
        faults += _faults(error, settings)
        raise ConfigurationError("; ".join(faults)) from None
    if faults:
        raise ConfigurationError("; ".join(faults))
    return loaded
