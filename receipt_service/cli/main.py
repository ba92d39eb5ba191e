"""The command ``receipt-service``: its sub-commands are imported when they are called, not before.

So ``verify`` starts in a fraction of a second and needs neither the database's nor the web's packages,
and ``--help`` needs none at all.
"""

import sys
from collections.abc import Mapping
from importlib import import_module
from typing import Any, Final

import click

from receipt_service.errors import ConfigurationError, ReceiptServiceError

EXIT_FAILED: Final = 1
EXIT_USAGE: Final = 2
"""Wrong settings, keys or arguments: nothing was started."""

_COMMANDS: Final[Mapping[str, tuple[str, str]]] = {
    "api": ("receipt_service.cli.api:api", "Run the HTTP API."),
    "audit": ("receipt_service.cli.audit:audit", "Audit receipts, stub-book and log."),
    "demo": ("receipt_service.cli.demo:demo", "Show the whole service at work on this machine."),
    "delivery": ("receipt_service.cli.delivery:delivery", "Look after messages: dead letters, replay."),
    "directory": ("receipt_service.cli.directory:directory", "Import units and officers."),
    "keys": ("receipt_service.cli.keys:keys", "Make, rotate and list the signing keys."),
    "log": ("receipt_service.cli.log:log", "Keep the transparency log."),
    "migrate": ("receipt_service.cli.migrate:migrate", "Bring the database to this version's schema."),
    "openapi": ("receipt_service.cli.openapi:openapi", "Print the OpenAPI document of the API."),
    "retention": ("receipt_service.cli.retention:retention", "Let go of what was kept long enough."),
    "serve": ("receipt_service.cli.serve:serve", "Run API and delivery worker in one process."),
    "statistics": ("receipt_service.cli.statistics:statistics", "Fold checks into statistics, rebuild, publish."),
    "trust": ("receipt_service.cli.trust:trust", "Keep the keys that receipts are verified with."),
    "verify": ("receipt_service.cli.verify:verify", "Verify a receipt, trusting nobody."),
    "witness": ("receipt_service.cli.witness:witness", "Cosign what a log publishes, for whoever is not its operator."),
    "worker": ("receipt_service.cli.worker:worker", "Run the delivery worker."),
}
"""Name, where it is, and the line that ``--help`` shows without importing it."""


class _LazyGroup(click.Group):
    """A group that knows its commands' names and loads one when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - the library's signature
        return sorted(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - likewise
        if cmd_name not in _COMMANDS:
            return None
        module, _, name = _COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(import_module(module), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - likewise
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, summary) in sorted(_COMMANDS.items())])


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="receipt-service")
def receipt_service() -> None:
    """Signed receipts for French identity checks, and a stub-book without names."""


def main(arguments: list[str] | None = None) -> Any:
    """Run the command line; a condition that we know becomes one line on stderr and an exit code."""
    try:
        return receipt_service(arguments, prog_name="receipt-service")
    except ConfigurationError as error:
        click.echo(f"receipt-service: {error}", err=True)
        sys.exit(EXIT_USAGE)
    except ReceiptServiceError as error:
        click.echo(f"receipt-service: {error}", err=True)
        sys.exit(EXIT_FAILED)
