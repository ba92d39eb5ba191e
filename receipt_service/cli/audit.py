"""``receipt-service audit``: match a receipt, audit a period, follow the log, make and check an evidence file."""

import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import click

from receipt_service.audit.matching import Match, Outcome
from receipt_service.audit.monitoring import told
from receipt_service.audit.period import BadPeriod, PeriodResult, audit_period, parse_audit_period
from receipt_service.audit.readings import AUDIT_PURPOSES, ReadingBook, ReadingKind
from receipt_service.bootstrap.audit import opened_auditing, present
from receipt_service.bootstrap.law import load_law
from receipt_service.bootstrap.memory import settle
from receipt_service.bootstrap.outbox import opened_outbox
from receipt_service.cli.audit_evidence import evidence
from receipt_service.cli.audit_monitor import monitor
from receipt_service.cli.audit_options import reason, reasoned, system_user, trusted, trusting
from receipt_service.cli.audit_words import OUTCOMES
from receipt_service.cli.evidence_check import verify_evidence_file
from receipt_service.cli.sources import read_source
from receipt_service.cli.verdict_text import language
from receipt_service.config.loading import load
from receipt_service.config.parts import DatabaseSettings
from receipt_service.config.processes import AuditSettings
from receipt_service.errors import VerificationError

EXIT_ALARM: Final = 1
"""Something can't be honest; 2 stays click's own."""
EXIT_INDETERMINATE: Final = 3
_EXIT_CODES: Final = {
    Outcome.AUTHENTIC_LOGGED: 0,
    Outcome.LOGGED_STUB_LAWFULLY_DELETED: 0,
    Outcome.AUTHENTIC_NOT_YET_LOGGED: EXIT_INDETERMINATE,
    Outcome.SIGNER_UNKNOWN: EXIT_INDETERMINATE,
}


@click.group()
def audit() -> None:
    """Hold receipts, stub-book and log against each other. Every audit beside the database is on record."""


audit.add_command(monitor)
audit.add_command(evidence)
audit.add_command(verify_evidence_file)


@audit.command()
@click.argument("source", metavar="FILE|-")
@trusting
@reasoned
@click.option("--json", "as_json", is_flag=True, help="Write the match as JSON (schemas/audit-match.v1.schema.json).")
def match(
    source: str,
    *,
    trust_root: Path | None,
    policy_file: Path | None,
    purpose: str | None,
    reference: str | None,
    as_json: bool,
) -> None:
    """Match a receipt, whole or with groups hidden, or a bare leaf, to its stub and its place in the log.

    The identity, if it is in the file, is neither kept nor shown. Exit code: 0 authentic and logged, 1 an alarm or
    forged, 2 wrong usage, 3 not yet logged or signed by a key that is not trusted.
    """
    why = reason(purpose, reference)
    try:
        compact = read_source(source).compact or ""
    except VerificationError as error:
        raise click.UsageError(str(error)) from None
    now = datetime.now(UTC)
    settings = load(AuditSettings)
    with opened_auditing(
        settings, trust_root=trusted(trust_root), policy_file=policy_file, territory=load_law().territory
    ) as auditing:
        presented = present(compact, auditing.verifier, now)
        auditing.book.note(system_user(), ReadingKind.MATCH, presented.leaf_hash, why, now)
        found = auditing.matcher.match(presented, now)
    if as_json:
        click.echo(json.dumps(found.to_json(), indent=2))
    else:
        _tell_match(found)
    sys.exit(_EXIT_CODES.get(found.outcome, EXIT_ALARM))


def _tell_match(found: Match) -> None:
    click.echo(f"{OUTCOMES[found.outcome][language()]} [{found.outcome.value}]")
    for name, value in found.to_json().items():
        if name not in {"version", "outcome"} and value not in (None, []):
            click.echo(f"  {name:<15} {', '.join(value) if isinstance(value, list) else value}")


@audit.command()
@click.argument("days", metavar="FIRST..LAST|all")
@trusting
@reasoned
@click.option("--json", "as_json", is_flag=True, help="Write the result as JSON (schemas/audit-period.v1.schema.json).")
def period(
    days: str,
    *,
    trust_root: Path | None,
    policy_file: Path | None,
    purpose: str | None,
    reference: str | None,
    as_json: bool,
) -> None:
    """Audit what was registered on days, both included (2026-11-01..2026-11-30): log, tree, stubs, daily closings.

    Exit code: 0 whole, 1 an alarm, 2 wrong usage.
    """
    why, now = reason(purpose, reference), datetime.now(UTC)
    try:
        asked = parse_audit_period(days)
    except BadPeriod as error:
        raise click.UsageError(str(error)) from None
    settings = load(AuditSettings)
    territory = load_law().territory
    settle()  # among what an audit makes and drops there is no cycle for the collector to find
    with (
        opened_auditing(
            settings, trust_root=trusted(trust_root), policy_file=policy_file, territory=territory
        ) as auditing,
        click.progressbar(length=1, label="entries and stubs", file=sys.stderr, width=40, show_pos=True) as bar,
    ):

        def progress(done: int, total: int) -> None:
            bar.length = max(total, 1)
            bar.update(done - bar.pos)

        auditing.book.note(system_user(), ReadingKind.PERIOD, str(asked), why, now)
        result = audit_period(auditing.sources, asked, now, progress)
    if as_json:
        click.echo(json.dumps(result.to_json(), indent=2))
    else:
        _tell_period(result)
    sys.exit(0 if result.whole else EXIT_ALARM)


def _tell_period(result: PeriodResult) -> None:
    shown = result.to_json()
    for name in ("period", "log_size", "log_root", "entries", "stubs", "closings"):
        click.echo(f"{name:<13} {shown[name]}")
    for line in told(result.findings):
        click.echo(line)
    for name in shown["not_recorded"]:
        click.echo(f"{'not recorded':<13} {name}")
    click.echo("whole" if result.whole else f"{result.findings.alarms} alarm(s)")


@audit.command()
@click.option("--days", type=click.IntRange(1, 1096), default=30, show_default=True, help="How far back.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")
def readings(days: int, *, as_json: bool) -> None:
    """List who audited what, when and why; for the data-protection officer. Needs no key."""
    with opened_outbox(load(DatabaseSettings)) as engine:
        for one in ReadingBook(engine).since(datetime.now(UTC) - timedelta(days=days)):
            fields = one.to_json()
            click.echo(json.dumps(fields) if as_json else "  ".join(fields.values()))


@audit.command()
def purposes() -> None:
    """List the purposes that an audit may have."""
    for purpose, text in AUDIT_PURPOSES.items():
        click.echo(f"{purpose.value:<24} {text[language()]}")
