"""Settings that several processes share: databases, folders, keys, and what the outside sees."""

from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, model_validator

from receipt_service.config.fields import LOCAL_HOSTS, Seconds, Url, Words
from receipt_service.environment import CoreSettings


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


class LogKeySettings(CoreSettings):
    """The folder of the log's keys: `keys`, which makes them, and the process that keeps the log."""

    log_keys_folder: Path | None = Field(
        default=None,
        description="The keys that sign checkpoints, and the record of the last one. Unset: `keys/log` in the data "
        "folder.",
    )

    @property
    def log_keys(self) -> Path:
        """The folder of the log's keys."""
        return self.log_keys_folder or self.data_folder / "keys" / "log"


class KeySettings(IssuerKeySettings, StatisticsKeySettings, LogKeySettings):
    """The keys that `keys` makes: for signing receipts, for statistics, for the log."""


class LogFolderSettings(CoreSettings):
    """The folder of the published log: the log's process writes it, the API serves it."""

    log_folder: Path | None = Field(
        default=None, description="Tiles and checkpoints, served under `/log/`. Unset: `log` in the data folder."
    )

    @property
    def log(self) -> Path:
        """The folder with the log's files."""
        return self.log_folder or self.data_folder / "log"


class LogSettings(DatabaseSettings, LogKeySettings, LogFolderSettings):
    """Keeping the log: reads leaves and publishes them, opens nothing, knows no provider."""

    log_pause_seconds: Seconds = Field(
        default=0.4,
        description="Pause between two publications. A longer one hides better when a check was, and makes its holder "
        "wait longer for a proof.",
    )
    log_policy_file: Path | None = Field(
        default=None,
        description="Witnesses to ask, with their addresses, and how many must cosign (C2SP tlog-policy, without "
        "`log` lines). Unset: none is asked.",
    )
    log_witness_timeout_seconds: Seconds = Field(default=5, description="Longest wait for one answer of a witness.")


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
        local = urlsplit(self.public_url).hostname in LOCAL_HOSTS
        if not self.public_url.startswith("https://") and not (self.demo and local):
            raise ValueError("public_url: https, unless in the demonstration on this machine")
        if unknown := set(self.channels) - {"sms", "email"}:
            raise ValueError(f"channels: {len(unknown)} word(s) other than sms, email")
        return self


class RetentionPolicySettings(DatabaseSettings):
    """How long the stub-book keeps what (docs/retention.md)."""

    retention_disclosures_years: int = Field(
        default=6,
        ge=1,
        le=100,
        description="How long a stub's disclosures are kept, from the record of the check (CPP art. 8: prescription of "
        "délits).",
    )
    retention_groups: Words = Field(
        default=("legal_basis", "consequences", "when_where", "officer"),
        description="Which disclosures go then: the others stay until the whole stub goes.",
    )
    retention_stubs_years: int = Field(
        default=10,
        ge=1,
        le=100,
        description="How long a stub is kept at all; then only its leaf stays. *Unconfirmed*: no text sets a term yet.",
    )

    @model_validator(mode="after")
    def _check_retention(self) -> Self:
        known = {"legal_basis", "consequences", "when_where", "officer"}
        if not self.retention_groups or set(self.retention_groups) - known:
            raise ValueError(f"retention_groups: of {', '.join(sorted(known))}")
        if self.retention_stubs_years < self.retention_disclosures_years:
            raise ValueError("retention_stubs_years: not shorter than retention_disclosures_years")
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
