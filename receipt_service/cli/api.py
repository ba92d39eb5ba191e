"""``receipt-service api``: the HTTP API, in one process or several."""

import click

from receipt_service.bootstrap import asgi
from receipt_service.bootstrap.application import build_application
from receipt_service.cli.listening import begin, host_option, listen, listen_with_workers, port_option
from receipt_service.config.loading import load
from receipt_service.config.processes import ApiSettings


@click.command()
@host_option
@port_option
@click.option("--workers", default=1, show_default=True, type=click.IntRange(1, 64), help="Processes.")
def api(host: str, port: int, workers: int) -> None:
    """Run the HTTP API: signs and seals, never opens an envelope.

    Needs a migrated database, a signing key, and the sealing keys that a worker publishes.
    """
    settings = load(ApiSettings)
    if workers > 1 and settings.built_in_issuer:
        raise click.UsageError("the demonstration's token issuer lives in one process: --workers 1")
    begin("api", settings)
    if workers == 1:
        listen(build_application(settings), host, port, settings)
        return
    listen_with_workers(f"{asgi.__name__}:api", host, port, settings, workers)
