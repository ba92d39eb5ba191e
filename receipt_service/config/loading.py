"""Reading one process's settings: every fault named at once, no value shown."""

import difflib
import os
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, TypeVar

from pydantic import ValidationError

from receipt_service.config.parts import (
    DatabaseSettings,
    KeySettings,
    LogSettings,
    ReleaseSettings,
    StatisticsSettings,
)
from receipt_service.config.processes import (
    ApiSettings,
    AuditSettings,
    EmbeddedSettings,
    PublishSettings,
    RetentionSettings,
    WorkerSettings,
)
from receipt_service.environment import PREFIX, CoreSettings, is_secret
from receipt_service.errors import ConfigurationError

PROCESSES: Final[Mapping[str, type[CoreSettings]]] = {
    "api": ApiSettings,
    "worker": WorkerSettings,
    "serve": EmbeddedSettings,
    "migrate": DatabaseSettings,
    "publish": PublishSettings,
    "keys": KeySettings,
    "statistics": StatisticsSettings,
    "release": ReleaseSettings,
    "log": LogSettings,
    "audit": AuditSettings,
    "retention": RetentionSettings,
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
