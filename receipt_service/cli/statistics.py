"""``receipt-service statistics``: fold checks into the rollup, see how far it is, rebuild it."""

import json
import sys
from datetime import UTC, datetime

import click

from receipt_service import telemetry
from receipt_service.bootstrap.outbox import opened_outbox
from receipt_service.bootstrap.statistics import fold_until_stopped, opened_rollup
from receipt_service.cli.statistics_publish import publish
from receipt_service.cli.statistics_readings import readings
from receipt_service.cli.statistics_release import release
from receipt_service.cli.verify_publication import verify_folder
from receipt_service.config.loading import load
from receipt_service.config.parts import DatabaseSettings, StatisticsSettings
from receipt_service.statistics.rollup import RollupStatus, status_of


@click.group()
def statistics() -> None:
    """Fold checks into statistics, see how far that is, rebuild, release and publish."""


@statistics.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def status(*, as_json: bool) -> None:
    """Tell how many stubs and messages wait to be counted, and for how long. Needs no key."""
    with opened_outbox(load(DatabaseSettings)) as engine:
        now = datetime.now(UTC)
        found = status_of(engine, now)
    if as_json:
        click.echo(json.dumps(_as_json(found, now)))
        return
    folded = "never" if found.folded_at is None else found.folded_at.isoformat(timespec="seconds")
    click.echo(f"{'waiting':<14} {found.waiting:>12}   stubs and moves of messages")
    click.echo(f"{'for':<14} {found.lag_seconds(now):>12.1f}   seconds, the longest")
    click.echo(f"{'cells':<14} {found.cells:>12}")
    click.echo(f"{'officers':<14} {found.officer_cells:>12}   cells of officers")
    click.echo(f"{'last folded':<14} {folded}{'; a rebuild is under way' if found.rebuilding else ''}")


@statistics.command()
def fold() -> None:
    """Fold until stopped: for an installation in which the delivery worker may not read stubs. Needs the key."""
    settings = load(StatisticsSettings)
    telemetry.forbid_core_dumps()
    telemetry.configure("statistics", level=settings.log_level)
    fold_until_stopped(settings)


@statistics.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def rebuild(*, as_json: bool) -> None:
    """Make all cells again from the stubs. Checks go on being registered meanwhile; nothing is folded."""
    settings = load(StatisticsSettings)
    telemetry.configure("statistics", level=settings.log_level)
    with opened_rollup(settings) as rollup:
        stubs = rollup.count_stubs()
        with click.progressbar(length=stubs, label="stubs", file=sys.stderr, width=40, show_pos=True) as bar:
            done = rollup.rebuild(bar.update)
    if as_json:
        click.echo(
            json.dumps(
                {
                    "stubs": done.stubs,
                    "cells": done.cells,
                    "officer_cells": done.officer_cells,
                    "seconds": round(done.seconds, 3),
                }
            )
        )
        return
    click.echo(f"{done.stubs} stubs, {done.cells} cells, {done.officer_cells} of officers, in {done.seconds:.1f} s")


def _as_json(found: RollupStatus, now: datetime) -> dict[str, object]:
    folded = None if found.folded_at is None else found.folded_at.isoformat(timespec="seconds")
    return {
        "waiting": found.waiting,
        "lag_seconds": round(found.lag_seconds(now), 3),
        "folded_at": folded,
        "rebuilding": found.rebuilding,
        "cells": found.cells,
        "officer_cells": found.officer_cells,
    }


statistics.add_command(release)
statistics.add_command(publish)
statistics.add_command(verify_folder)
statistics.add_command(readings)
