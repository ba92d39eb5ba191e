"""``receipt-service directory import FILE.csv``: units and officers, all of the file or nothing."""

from typing import BinaryIO

import click

from receipt_service import telemetry
from receipt_service.bootstrap.directory_import import import_directory_file
from receipt_service.config.loading import load
from receipt_service.config.parts import DatabaseSettings
from receipt_service.issuance.directory import DirectoryReport

EXIT_REFUSED = 1


@click.group()
def directory() -> None:
    """Import units and officers."""


@directory.command("import")
@click.argument("file", type=click.File("rb"))
@click.option("--complete", is_flag=True, help="The file is the whole directory: officers it leaves out are ended.")
@click.pass_context
def import_file(context: click.Context, file: BinaryIO, *, complete: bool) -> None:
    """Import a directory from FILE (CSV, docs/directory.md), or `-` for standard input.

    All of the file, or nothing and a line for each fault. Importing the same file again changes nothing.
    """
    settings = load(DatabaseSettings)
    telemetry.configure("directory", level=settings.log_level)
    report = import_directory_file(settings, file.read(), complete=complete)
    _tell(report)
    if not report.imported:
        context.exit(EXIT_REFUSED)


def _tell(report: DirectoryReport) -> None:
    for fault in report.faults:
        column = f", {fault.column}" if fault.column else ""
        click.echo(f"line {fault.line}{column}: {fault.reason}", err=True)
    if not report.imported:
        click.echo(f"nothing was imported: {len(report.faults)} fault(s)", err=True)
        return
    click.echo(
        f"{report.units} units ({report.units_changed} changed), "
        f"{report.officers} officers ({report.officers_changed} changed, {report.officers_deactivated} ended)"
    )
