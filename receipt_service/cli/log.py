"""``receipt-service log``: keep the transparency log, see how it stands, write its folder anew."""

import json
import sys
from datetime import UTC, datetime

import click

from receipt_service import telemetry
from receipt_service.bootstrap.log import build_publisher, keep_until_stopped, log_status
from receipt_service.bootstrap.outbox import opened_outbox
from receipt_service.config.loading import load
from receipt_service.config.parts import LogSettings


@click.group()
def log() -> None:
    """Keep the transparency log: give each attestation its place, publish tiles and signed checkpoints."""


@log.command()
def run() -> None:
    """Keep the log until stopped, where `serve` does not. Any number may be started: one at a time does it."""
    settings = load(LogSettings)
    telemetry.forbid_core_dumps()
    telemetry.configure("log", level=settings.log_level)
    keep_until_stopped(settings)


@log.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def status(*, as_json: bool) -> None:
    """Tell how many entries have their place, are published, and wait. Needs no key."""
    settings = load(LogSettings)
    with opened_outbox(settings) as engine:
        found = log_status(settings, engine)
    lag = 0.0 if found.waiting_since is None else (datetime.now(UTC) - found.waiting_since).total_seconds()
    if as_json:
        at = None if found.published_at is None else found.published_at.isoformat(timespec="seconds")
        click.echo(
            json.dumps(
                {
                    "entries": found.size,
                    "published": found.published_size,
                    "published_at": at,
                    "witnessed": found.witnessed_size,
                    "waiting": found.waiting,
                    "lag_seconds": round(max(lag, 0.0), 3),
                }
            )
        )
        return
    click.echo(f"{'entries':<12} {found.size:>12}   have their place")
    click.echo(f"{'published':<12} {found.published_size:>12}   under a signed checkpoint")
    click.echo(f"{'witnessed':<12} {found.witnessed_size:>12}   under one that enough witnesses cosigned")
    click.echo(f"{'waiting':<12} {found.waiting:>12}   for their place")
    click.echo(f"{'for':<12} {max(lag, 0.0):>12.1f}   seconds, the longest")


@log.command()
def rebuild() -> None:
    """Write all tiles and entry bundles again from the database, for a folder that was lost.

    Needs every stub that has a place; files that are there stay, and one that would have to change is an error.
    """
    settings = load(LogSettings)
    telemetry.configure("log", level=settings.log_level)
    with opened_outbox(settings) as engine:
        entries = log_status(settings, engine).size
        with click.progressbar(length=entries, label="entries", file=sys.stderr, width=40, show_pos=True) as bar:
            for done in build_publisher(settings, engine).rebuild():
                bar.update(done - bar.pos)
    click.echo(f"{entries} entries")
