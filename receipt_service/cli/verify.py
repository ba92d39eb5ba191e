"""``receipt-service verify``: verify a receipt, trusting nobody but the keys you saved."""

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import click

from receipt_service.cli import trust
from receipt_service.cli.fetch import erased_groups, fetch, stub_text
from receipt_service.cli.sources import Source, read_source
from receipt_service.domain.groups import Group
from receipt_service.errors import NotFound, Unavailable, VerificationError
from receipt_service.verify.links import verify_link
from receipt_service.verify.policy import EVERY_GROUP, Policy
from receipt_service.verify.verdict import Reason, Status, Verdict, failed, indeterminate
from receipt_service.verify.verifier import Verifier

EXIT_CODES: Final = {Status.PASSED: 0, Status.FAILED: 1, Status.INDETERMINATE: 3}
"""2 stays click's own: wrong usage."""


@click.command()
@click.argument("source", metavar="FILE|URL|-")
@click.option("--trust-root", type=click.Path(path_type=Path, dir_okay=False), help="Keys to trust; see `trust fetch`.")
@click.option("--issuer", help="Accept this issuer alone, of those that the trust root knows.")
@click.option("--stub", type=click.Path(path_type=Path, dir_okay=False), help="For a link: its saved stub, no network.")
@click.option("--complete", is_flag=True, help="Fail unless all five groups are shown.")
@click.option(
    "--require", multiple=True, type=click.Choice([group.value for group in Group]), help="Fail unless shown."
)
@click.option("--lang", type=click.Choice(["fr", "en"]), help="Language of the text; else that of the environment.")
@click.option("--json", "as_json", is_flag=True, help="Write the verdict as JSON (schemas/verdict.v1.schema.json).")
@click.option("--save", type=click.Path(path_type=Path, dir_okay=False), help="For a link: keep the receipt as a file.")
def verify(source: str, lang: str | None, *, as_json: bool, **options: Any) -> None:
    """Verify a receipt, a stub, or a receipt with groups hidden.

    FILE is a .sd-jwt file or the PDF that it is embedded in, URL the link of the text message (quote it:
    '#' means something to shells), - reads standard input. Exit code: 0 passed, 1 failed, 2 wrong usage,
    3 indeterminate.
    """
    verdict, compact = _verdict(source, options)
    if as_json:
        click.echo(json.dumps(verdict.to_json(), ensure_ascii=False, indent=2))
    else:
        from receipt_service.cli.succession_text import succession_lines  # noqa: PLC0415  --json does without
        from receipt_service.cli.verdict_text import language, lines  # noqa: PLC0415  likewise

        for line in lines(verdict, lang or language()):
            click.echo(line)
        for line in succession_lines(options.get("document"), lang or language()) if verdict.passed else ():
            click.echo(line)
    if options["save"] is not None and verdict.passed and compact is not None:
        _save(options["save"], compact)
    sys.exit(EXIT_CODES[verdict.status])


def _verdict(argument: str, options: dict[str, Any]) -> tuple[Verdict, str | None]:
    required = EVERY_GROUP if options["complete"] else frozenset(map(Group, options["require"]))
    verifier = Verifier(trust.load(options["trust_root"]), Policy(issuer=options["issuer"], required=required))
    now = datetime.now(UTC)
    try:
        source = read_source(argument)
    except VerificationError as error:
        return failed(Reason(error.reason), str(error)), None
    if source.link is None:
        compact = source.compact or ""
        return verifier.verify(compact, now), compact
    try:
        document = options["document"] = _stub_document(source, options["stub"])
        stub = stub_text(document)
    except NotFound as error:
        return indeterminate(Reason.STUB_NOT_FOUND, str(error)), None
    except Unavailable as error:
        return indeterminate(Reason.STUB_UNREACHABLE, str(error)), None
    verdict, receipt = verify_link(verifier, source.link, stub, now, erased_groups(document))
    return verdict, None if receipt is None else receipt.compact


def _stub_document(source: Source, saved: Path | None) -> bytes:
    if saved is None:
        assert source.link is not None  # noqa: S101  the caller asked
        return fetch(f"{source.base}/v1/stubs/{source.link.receipt_number}")
    try:
        return saved.read_bytes()
    except OSError as error:
        raise click.UsageError(f"cannot read the stub: {error.strerror}") from error


def _save(path: Path, compact: str) -> None:
    try:
        with path.open("x", encoding="ascii") as file:
            file.write(compact)
    except OSError as error:
        raise click.UsageError(f"cannot save the receipt: {error.strerror}") from error
