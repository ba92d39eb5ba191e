"""``receipt-service audit evidence``: a signed, self-contained file for a court."""

from datetime import UTC, datetime
from pathlib import Path

import click

from receipt_service.audit.readings import ReadingKind
from receipt_service.bootstrap.audit import opened_auditing, present
from receipt_service.bootstrap.evidence import evidence_of, stub_of_number
from receipt_service.bootstrap.law import load_law
from receipt_service.cli.audit_options import reason, reasoned, system_user, trusted, trusting
from receipt_service.cli.sources import read_source
from receipt_service.config.loading import load
from receipt_service.config.processes import AuditSettings
from receipt_service.domain.receipt_number import parse_receipt_number
from receipt_service.errors import MalformedReceipt, VerificationError


@click.command()
@click.argument("source", metavar="FILE|-|RECEIPT-NUMBER")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True, help="The zip to write.")
@trusting
@reasoned
def evidence(
    source: str,
    *,
    out: Path,
    trust_root: Path | None,
    policy_file: Path | None,
    purpose: str | None,
    reference: str | None,
) -> None:
    """Write a signed zip that shows, without this service, that a receipt is authentic and in the log.

    FILE is a receipt as its holder presents it, with the groups that they chose to show: it goes into the zip as it
    is, and nowhere else. Of a receipt number it is the stub, which holds no identity.
    """
    why, now = reason(purpose, reference), datetime.now(UTC)
    settings = load(AuditSettings)
    with opened_auditing(
        settings, trust_root=trusted(trust_root), policy_file=policy_file, territory=load_law().territory
    ) as auditing:
        compact = _compact(source)
        if compact is None:
            compact = stub_of_number(auditing, parse_receipt_number(source))
        presented = present(compact, auditing.verifier, now)
        auditing.book.note(system_user(), ReadingKind.EVIDENCE, presented.leaf_hash, why, now)
        data = evidence_of(auditing, settings, compact, presented, now)
    try:
        with out.open("xb") as file:
            file.write(data)
    except OSError as error:
        raise click.UsageError(f"cannot write the file: {error.strerror}") from error
    click.echo(f"{out}: {len(data)} bytes")


def _compact(source: str) -> str | None:
    """Read a file; ``None`` for a receipt number."""
    try:
        parse_receipt_number(source)
    except MalformedReceipt:
        try:
            return read_source(source).compact or ""
        except VerificationError as error:
            raise click.UsageError(str(error)) from None
    return None
