"""Settings of each kind of process: it reads its own class's variables and learns no other's secrets."""

import re
from pathlib import Path
from typing import Final, Literal, Self

from pydantic import Field, SecretStr, model_validator

from receipt_service.config.fields import Seconds, Url, Words
from receipt_service.config.parts import (
    DatabaseSettings,
    IssuerKeySettings,
    LogFolderSettings,
    LogSettings,
    NoiseSettings,
    OpenDataSettings,
    PublicSettings,
    RetentionPolicySettings,
    SignInSettings,
    StatisticsSettings,
)

ASYMMETRIC_ALGORITHMS: Final = ("ES256", "PS256", "RS256", "EdDSA")

_OADC = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9]{3,11}")


class PublishSettings(DatabaseSettings, IssuerKeySettings, PublicSettings, OpenDataSettings):
    """`statistics publish`: reads counts, signs, writes the public file."""


class AuditSettings(DatabaseSettings, IssuerKeySettings, LogFolderSettings):
    """`audit` beside the database: reads stubs and log, signs nothing but an evidence file."""

    public_url: Url = Field(description="Origin of this service, which is the issuer of its receipts.")


class RetentionSettings(RetentionPolicySettings, IssuerKeySettings, PublicSettings):
    """`retention run`: lets go of what has outlived its term, and signs the record of it for the log."""


class ApiSettings(
    DatabaseSettings,
    IssuerKeySettings,
    PublicSettings,
    OpenDataSettings,
    LogFolderSettings,
    SignInSettings,
    NoiseSettings,
):
    """The HTTP API: signs and seals, never opens an envelope, knows no provider."""

    replay_keys_folder: Path | None = Field(
        default=None, description="Short-lived keys of repeated requests. Unset: `keys/replay` in the data folder."
    )
    replay_window_hours: int = Field(
        default=72, ge=1, le=168, description="How long a repeated request gives the same receipt."
    )
    correction_hours: int = Field(
        default=72,
        ge=0,
        le=720,
        description="How long after the first record officers may correct or cancel their own check; supervisors "
        "always may.",
    )
    late_after_seconds: Seconds = Field(
        default=900,
        description="From the officer's device to here: a check that took longer is marked late, with both times.",
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


class WorkerSettings(StatisticsSettings, PublicSettings, LogFolderSettings):
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


class EmbeddedSettings(ApiSettings, WorkerSettings, LogSettings):
    """API, worker and log in one process, as `serve` and the demonstration run them."""
