"""``receipt-service retention``: see what has outlived its term, and let go of it with a record in the log."""

import json
import sys
from collections import Counter
from datetime import UTC, datetime

import click

from receipt_service import telemetry
from receipt_service.bootstrap.retention import retention_status, run_retention
from receipt_service.config.loading import load
from receipt_service.config.parts import RetentionPolicySettings
from receipt_service.config.processes import RetentionSettings
from receipt_service.telemetry import logger


@click.group()
def retention() -> None:
    """Let go of stubs' disclosures and of whole stubs when their time is over (docs/retention.md)."""


@retention.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def status(*, as_json: bool) -> None:
    """Tell the policy, and how many stubs have outlived each term. Needs no key."""
    found = retention_status(load(RetentionPolicySettings), datetime.now(UTC))
    if as_json:
        click.echo(json.dumps({each.term.dropped: {"years": each.term.years, "due": each.due} for each in found}))
        return
    for each in found:
        click.echo(f"{each.due:>12}   stubs recorded more than {each.term.years} years ago: {each.term.dropped}")


@retention.command()
def run() -> None:
    """Let go of everything that is due: for a timer, once a day. Stopped or killed, the next run goes on."""
    settings = load(RetentionSettings)
    telemetry.configure("retention", level=settings.log_level)
    waiting = sum(each.due for each in retention_status(settings, datetime.now(UTC)))
    done: Counter[str] = Counter()
    with click.progressbar(length=waiting, label="stubs", file=sys.stderr, width=40, show_pos=True) as bar:
        for term, stubs in run_retention(settings, lambda: datetime.now(UTC)):
            done[term.dropped] += stubs
            bar.update(stubs)
    for dropped, stubs in done.items():
        click.echo(f"{stubs} stubs: {dropped}")
    if not done:
        click.echo("nothing is due")
    logger().info("retention.done", count=done.total())
