"""``receipt-service statistics readings``: who looked at the figures of which officers, for whoever watches that."""

import dataclasses
import json
from datetime import UTC, datetime, timedelta

import click

from receipt_service.bootstrap.outbox import opened_outbox
from receipt_service.config.loading import load
from receipt_service.config.parts import DatabaseSettings
from receipt_service.statistics.officers import readings_since


@click.command()
@click.option("--days", type=click.IntRange(1, 1096), default=30, show_default=True, help="How far back.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")
def readings(days: int, *, as_json: bool) -> None:
    """List who looked at officers' figures, when, of which unit and period, and why. Needs no key."""
    with opened_outbox(load(DatabaseSettings)) as engine:
        for one in readings_since(engine, datetime.now(UTC) - timedelta(days=days)):
            fields = dataclasses.asdict(one) | {"read_at": one.read_at.isoformat(timespec="seconds")}
            if as_json:
                click.echo(json.dumps(fields))
            else:
                who = f"{one.reader_number:<8} of {one.reader_unit}"
                click.echo(f"{fields['read_at']}  {who}  read {one.unit_code}, {one.period}: {one.purpose}")
