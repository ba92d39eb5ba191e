"""``receipt-service serve``: API and delivery worker in one process."""

import click

from receipt_service.bootstrap.database import migrate
from receipt_service.bootstrap.embedded import build_embedded
from receipt_service.cli.listening import begin, host_option, listen, port_option
from receipt_service.config.loading import load
from receipt_service.config.processes import EmbeddedSettings


@click.command()
@host_option
@port_option
def serve(host: str, port: int) -> None:
    """Run API and delivery worker in one process, on SQLite unless told otherwise.

    Brings the database up to date first; needs a signing key.
    """
    settings = load(EmbeddedSettings)
    begin("serve", settings)
    settings.data_folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    migrate(settings.database)
    listen(build_embedded(settings), host, port, settings)
