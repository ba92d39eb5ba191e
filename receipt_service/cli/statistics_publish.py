"""``receipt-service statistics publish``: the public file, made once."""

from datetime import UTC, datetime

import click

from receipt_service import telemetry
from receipt_service.config.loading import load
from receipt_service.config.processes import PublishSettings


@click.command()
@click.argument("period", metavar="QUARTER")
def publish(period: str) -> None:
    """Publish the public file of a closed QUARTER (2026-Q3), once and for ever.

    It spends the quarter's privacy budget: a published quarter is never made again, whatever becomes of its files.
    A run that was stopped is finished by the next one, where its files were whole.
    """
    from receipt_service.bootstrap.publication import publish_quarter  # noqa: PLC0415  OpenDP and Arrow load slowly

    settings = load(PublishSettings)
    telemetry.configure("publish", level=settings.log_level)
    published = publish_quarter(settings, period, datetime.now(UTC))
    if published.finished:
        click.echo("the files of an earlier run were whole: put in place, no noise drawn")
    click.echo(f"{period} published in {published.folder}")
    click.echo(f"SHA-256 of its manifest: {published.manifest_sha256}")
