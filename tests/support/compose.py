"""docker-compose.yml as data: what each service runs, with which environment, secrets and folders."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
FILE = ROOT / "docker-compose.yml"
SMS_FILE = ROOT / "deploy" / "sms.compose.yml"
EXAMPLE = ROOT / "deploy" / "compose.env.example"
IN_CONTAINER = "/run/secrets/"

_VARIABLE = re.compile(r"\$\$|\$\{(\w+)(?:(:[-?])([^}]*))?\}")


class MissingVariable(Exception):
    """A variable without default that nobody has set, as compose would say."""


@dataclass(frozen=True)
class Service:
    """One service, with its variables replaced."""

    name: str
    given: Mapping[str, Any]
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def ours(self) -> bool:
        return str(self.given["image"]).startswith("receipt-service:")

    @property
    def command(self) -> list[str]:
        """What a container of ours executes."""
        return [*self.given.get("entrypoint", ["receipt-service"]), *self.given.get("command", [])]

    @property
    def secrets(self) -> set[str]:
        return set(self.given.get("secrets", []))

    @property
    def networks(self) -> set[str]:
        return set(self.given.get("networks", []))

    @property
    def folders(self) -> dict[str, str]:
        """Named volumes by the place where they are mounted."""
        mounts = [volume.split(":") for volume in self.given.get("volumes", [])]
        return {target: source for source, target, *_ in mounts if not source.startswith(".")}


def interpolate(value: Any, variables: Mapping[str, str]) -> Any:
    """Replace ${NAME}, ${NAME:-default} and ${NAME:?message} as compose does."""
    if isinstance(value, dict):
        return {key: interpolate(inner, variables) for key, inner in value.items()}
    if isinstance(value, list):
        return [interpolate(inner, variables) for inner in value]
    if not isinstance(value, str):
        return value

    def replacement(match: re.Match[str]) -> str:
        name, operator, rest = match[1], match[2], match[3]
        if name is None:
            return "$"
        if variables.get(name):
            return variables[name]
        if operator == ":-":
            return str(rest)
        raise MissingVariable(name)

    return _VARIABLE.sub(replacement, value)


def example_variables() -> dict[str, str]:
    lines = [line.partition("#")[0].strip() for line in EXAMPLE.read_text().splitlines()]
    return dict(line.split("=", 1) for line in lines if line)


def services(variables: Mapping[str, str], file: Path = FILE) -> dict[str, Service]:
    document = interpolate(yaml.safe_load(file.read_text()), variables)
    return {
        name: Service(name, given, {key: str(value) for key, value in given.get("environment", {}).items()})
        for name, given in document["services"].items()
    }
