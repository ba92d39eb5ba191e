"""``receipt-service verify``: verify a receipt, trusting nobody but the keys you saved."""

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import click

from receipt_service.cli import trust
from receipt_service.cli.fetch import erased_groups, fetch, stub_text
from receipt_service.cli.sources import PROOF_SUFFIX, Source, read_source
from receipt_service.domain.groups import Group
from receipt_service.errors import NotFound, Unavailable, VerificationError
from receipt_service.verify.links import verify_link
from receipt_service.verify.policy import EVERY_GROUP, Policy
from receipt_service.verify.trust_root import TrustRoot
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
@click.option("--proof", type=click.Path(path_type=Path, dir_okay=False), help="The log's proof (.tlog-proof).")
@click.option("--online", is_flag=True, help="For a file: ask the issuer's log for the proof. A link does so anyway.")
@click.option("--require-log", is_flag=True, help="Pass only what is logged and witnessed.")
@click.option("--lang", type=click.Choice(["fr", "en"]), help="Language of the text; else that of the environment.")
@click.option("--json", "as_json", is_flag=True, help="Write the verdict as JSON (schemas/verdict.v1.schema.json).")
@click.option(
    "--save", type=click.Path(path_type=Path, dir_okay=False), help="For a link: keep receipt and proof as files."
)
def verify(source: str, lang: str | None, *, as_json: bool, **options: Any) -> None:
    """Verify a receipt, a stub, or a receipt with groups hidden.

    FILE is a .sd-jwt file or the PDF that it is embedded in, URL the link of the text message (quote it:
    '#' means something to shells), - reads standard input. The log's proof is taken from --proof, from X.tlog-proof
    beside X.sd-jwt, from the PDF, or from the issuer's log. Exit code: 0 passed, 1 failed, 2 wrong usage,
    3 indeterminate.
    """
    verdict, compact, proof = _verdict(source, options)
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
        _save(options["save"], compact.encode("ascii"))
        if proof is not None:
            _save(options["save"].with_suffix(PROOF_SUFFIX), proof)
    sys.exit(EXIT_CODES[verdict.status])


def _verdict(argument: str, options: dict[str, Any]) -> tuple[Verdict, str | None, bytes | None]:
    """Verify; return the receipt in SD-JWT form and the log's proof, as far as there are any, beside the verdict."""
    trust_root = trust.load(options["trust_root"])
    now = datetime.now(UTC)
    try:
        source = read_source(argument)
    except VerificationError as error:
        return failed(Reason(error.reason), str(error)), None, None
    verdict, compact = _authenticity(source, trust_root, now, options)
    if not verdict.passed:
        return verdict, compact, None
    from receipt_service.cli.log_lookup import ProofSources, look_up  # noqa: PLC0415  what fails does without
    from receipt_service.verify.log_check import with_standing  # noqa: PLC0415  likewise

    online = options["online"] or (source.link is not None and options["stub"] is None)
    sources = ProofSources(options["proof"], source.beside, source.embedded_proof, online)
    standing, proof = look_up(verdict, sources, trust_root, now)
    return with_standing(verdict, standing, required=options["require_log"]), compact, proof


def _authenticity(
    source: Source, trust_root: TrustRoot, now: datetime, options: dict[str, Any]
) -> tuple[Verdict, str | None]:
    required = EVERY_GROUP if options["complete"] else frozenset(map(Group, options["require"]))
    verifier = Verifier(trust_root, Policy(issuer=options["issuer"], required=required))
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


def _save(path: Path, content: bytes) -> None:
    try:
        with path.open("xb") as file:
            file.write(content)
    except OSError as error:
        raise click.UsageError(f"cannot save {path}: {error.strerror}") from error
