"""How settings are read: environment variables ``RECEIPT_*``, secrets from files too, and what every process reads.

``config`` says which settings there are.
"""

import os
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import Field
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from receipt_service.errors import ConfigurationError

PREFIX: Final = "RECEIPT_"


def is_secret(field: FieldInfo) -> bool:
    """Tell whether a setting holds a secret, and so may be given as a file."""
    return "SecretStr" in repr(field.annotation)


class _SecretFiles(PydanticBaseSettingsSource):
    """``RECEIPT_X_FILE`` for every secret ``X``: the whole file, without its final line break."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """Return the file's content if the setting is a secret whose file is named."""
        named = os.environ.get(f"{PREFIX}{field_name.upper()}_FILE")
        if named is None or not is_secret(field):
            return None, field_name, False
        if f"{PREFIX}{field_name.upper()}" in os.environ:
            raise ConfigurationError(f"{PREFIX}{field_name.upper()}: given twice, directly and as _FILE")
        try:
            secret = Path(named).read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(
                f"{PREFIX}{field_name.upper()}_FILE: unreadable ({type(error).__name__})"
            ) from None
        if not secret:
            raise ConfigurationError(f"{PREFIX}{field_name.upper()}_FILE: names an empty file")
        return secret, field_name, False

    def __call__(self) -> dict[str, Any]:
        """Collect the secrets that are given as files."""
        values = {name: self.get_field_value(field, name)[0] for name, field in self.settings_cls.model_fields.items()}
        return {name: value for name, value in values.items() if value is not None}


class CoreSettings(BaseSettings):
    """What every process reads."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        frozen=True,
        extra="forbid",
        env_file=None,
        env_ignore_empty=True,
        hide_input_in_errors=True,
        validate_default=True,
    )

    demo: bool = Field(default=False, description="Demonstration: allows plain SMTP, http and the built-in tokens.")
    data_folder: Path = Field(default=Path("var"), description="Where database and keys stand unless told otherwise.")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        default="INFO", description="Of our own events; other libraries are heard from WARNING on, without their text."
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the library's signature
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the library's signature
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read arguments, the environment and secret files; never a stray ``.env``."""
        return init_settings, env_settings, _SecretFiles(settings_cls)
