"""What the auditor's commands have in common: whom to trust, why one looks, and who one is."""

import os
import pwd
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from receipt_service.audit.readings import AUDIT_PURPOSES, Reader, Reason, ReasonRequired, reason_of
from receipt_service.cli import trust
from receipt_service.verify.trust_root import TrustRoot

F = TypeVar("F", bound=Callable[..., Any])
_FILE = click.Path(path_type=Path, dir_okay=False)


def trusting(command: F) -> F:
    """Add the options of whom to trust."""
    command = click.option(
        "--policy", "policy_file", type=_FILE, help="Log, witnesses, quorum (C2SP tlog-policy). Else the log's own."
    )(command)
    return click.option("--trust-root", type=_FILE, help="Issuer keys to trust. Else the service's own.")(command)


def reasoned(command: F) -> F:
    """Add the options of why one looks; both are kept on record with who, when and what."""
    command = click.option("--reference", help="Number of the case or mandate: capitals and digits.")(command)
    return click.option("--purpose", help="Why: " + ", ".join(purpose.value for purpose in AUDIT_PURPOSES) + ".")(
        command
    )


def reason(purpose: str | None, reference: str | None) -> Reason:
    """Read the reason. Raises ``click.UsageError``."""
    try:
        return reason_of(purpose, reference)
    except ReasonRequired as error:
        allowed = ", ".join(each.value for each in AUDIT_PURPOSES)
        raise click.UsageError(f"{error}; --purpose is one of: {allowed}; --reference is like 2026/1187") from None


def trusted(path: Path | None) -> TrustRoot | None:
    """Read the trust root that was named; ``None`` stands for the service's own keys."""
    return None if path is None else trust.load(path)


def system_user() -> Reader:
    """Name whoever runs the command, as the operating system knows them."""
    number = os.getuid()
    try:
        return Reader("system_user", pwd.getpwuid(number).pw_name)
    except KeyError:
        return Reader("system_user", str(number))
