"""``receipt-service statistics release``: show the figures of closed periods, once and for good."""

import sys
from collections.abc import Callable

import click

from receipt_service import telemetry
from receipt_service.bootstrap.release import release_due, release_period
from receipt_service.config.loading import load
from receipt_service.config.parts import ReleaseSettings
from receipt_service.statistics.releasing.release import Released


@click.command()
@click.argument("period", required=False)
@click.option("--due", is_flag=True, help="Every closed period that is not released: for a timer.")
def release(period: str | None, *, due: bool) -> None:
    """Release the figures of a closed PERIOD (2026-10, 2026-Q3, 2026): what may be shown is decided once.

    A month needs none before it, a quarter its months, a year its months and quarters.
    """
    if (period is None) is not due:
        raise click.UsageError("name one period, or give --due")
    settings = load(ReleaseSettings)
    telemetry.configure("release", level=settings.log_level)
    if period is not None:
        try:
            _tell(release_period(settings, period, _progress(period)))
        except ValueError as error:
            raise click.UsageError(str(error)) from None
        return
    for released in release_due(settings, _progress):
        _tell(released)


def _progress(period: str) -> Callable[[int, int], None]:
    """Write how far it is, on a terminal."""

    def show(done: int, of: int) -> None:
        if sys.stderr.isatty():
            click.echo(f"\r{period}: {done} of {of} areas", nl=done == of, err=True)

    return show


def _tell(released: Released) -> None:
    click.echo(
        f"{released.period}: {released.cells} figures of {released.areas} areas; "
        f"averaging over tables divides the noise's variance by {released.leak:.2f} at most"
    )
