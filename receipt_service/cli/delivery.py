"""``receipt-service delivery``: the outbox as an operator sees it, without anything of whom the messages are for."""

import json
from datetime import UTC, datetime, timedelta

import click

from receipt_service.bootstrap.outbox import opened_outbox
from receipt_service.config.loading import load
from receipt_service.config.parts import DatabaseSettings
from receipt_service.delivery import operations
from receipt_service.domain.identifiers import MessageId

_MINUTE, _HOUR = timedelta(minutes=1), timedelta(hours=1)


@click.group()
def delivery() -> None:
    """Look after messages: what is on its way, what is stuck, and sending it again."""


@delivery.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def status(*, as_json: bool) -> None:
    """Count the messages by state."""
    with opened_outbox(load(DatabaseSettings)) as engine:
        found = operations.delivery_status(engine)
    due = None if found.next_due_at is None else found.next_due_at.isoformat(timespec="seconds")
    if as_json:
        states = {state.value: number for state, number in sorted(found.by_state.items())}
        click.echo(json.dumps({"messages": states, "not_yet_redacted": found.not_yet_redacted, "next_due_at": due}))
        return
    for state, number in sorted(found.by_state.items()):
        click.echo(f"{state.value:<14} {number:>10}")
    click.echo(f"{'not redacted':<14} {found.not_yet_redacted:>10}   texts that a provider may still hold")
    click.echo(f"next due       {due or 'nothing'}")


@delivery.command("dead-letters")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")
@click.option("--limit", type=click.IntRange(1, 100_000), default=1000, show_default=True, help="The most to list.")
def dead_letters(*, as_json: bool, limit: int) -> None:
    """List the messages that wait for an operator, the oldest first."""
    with opened_outbox(load(DatabaseSettings)) as engine:
        found = operations.dead_letters(engine, now=datetime.now(UTC), limit=limit)
    for letter in found:
        if as_json:
            click.echo(
                json.dumps(
                    {
                        "id": str(letter.id),
                        "channel": letter.channel.value,
                        "state": letter.state.value,
                        "code": letter.code,
                        "age_seconds": int(letter.age.total_seconds()),
                        "expires_in_seconds": int(letter.expires_in.total_seconds()),
                    }
                )
            )
        else:
            age, left = _span(letter.age), _span(letter.expires_in)
            click.echo(f"{letter.id:<20} {letter.channel.value:<6} {letter.code or '-':<16} {age:>7} old, {left} left")
    if not as_json:
        click.echo(f"{len(found)} dead letter(s)")


@delivery.command()
@click.argument("message_ids", metavar="[ID]...", nargs=-1, type=click.IntRange(min=1))
@click.option("--all", "everything", is_flag=True, help="Every dead letter whose window is open.")
def replay(*, message_ids: tuple[int, ...], everything: bool) -> None:
    """Put dead letters back into the queue. Repeating it is harmless."""
    if everything == bool(message_ids):
        raise click.UsageError("give the numbers of dead letters, or --all")
    with opened_outbox(load(DatabaseSettings)) as engine:
        now = datetime.now(UTC)
        if everything:
            click.echo(f"{operations.replay_all(engine, now=now)} message(s) queued")
            return
        done = operations.replay(engine, map(MessageId, message_ids), now=now)
    for message_id, state in done.left_alone:
        click.echo(f"{message_id}: left alone, {state.value}")
    click.echo(f"{len(done.queued)} message(s) queued")


def _span(length: timedelta) -> str:
    if length >= _HOUR:
        return f"{length // _HOUR} h"
    return f"{length // _MINUTE} min"
