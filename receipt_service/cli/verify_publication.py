"""``receipt-service statistics verify-publication``: is a folder what was published."""

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import click

from receipt_service.cli import trust
from receipt_service.domain.signed_manifest import SIGNED_MANIFEST
from receipt_service.verify.publication import Manifest, verify_publication
from receipt_service.verify.signed_manifest import LARGEST_MANIFEST, NotAsSigned
from receipt_service.verify.verdict import Status

EXIT_CODES: Final = {Status.PASSED: 0, Status.FAILED: 1, Status.INDETERMINATE: 3}
"""As those of ``receipt-service verify``."""
LARGEST_FILE: Final = 64 << 20


@click.command("verify-publication")
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--trust-root", type=click.Path(path_type=Path, dir_okay=False), help="Keys to trust; see `trust fetch`.")
@click.option("--json", "as_json", is_flag=True, help="Write the verdict as JSON.")
def verify_folder(folder: Path, trust_root: Path | None, *, as_json: bool) -> None:
    """Verify a published FOLDER: signature, and every file. Needs no network.

    Exit code: 0 passed, 1 failed, 2 wrong usage, 3 indeterminate (the key is not known).
    """
    trusted = trust.load(trust_root)
    try:
        manifest = verify_publication(_read(folder), trusted, datetime.now(UTC))
    except NotAsSigned as error:
        _tell({"status": error.status.value, "reason": error.reason, "message": str(error)}, as_json=as_json)
        sys.exit(EXIT_CODES[error.status])
    _tell(_described(manifest), as_json=as_json)


def _described(manifest: Manifest) -> dict[str, Any]:
    return {
        "status": Status.PASSED.value,
        "issuer": manifest.issuer,
        "kid": manifest.kid,
        "period": manifest.period,
        "published_at": manifest.published_at.isoformat(),
        "files": [file.name for file in manifest.files],
    }


def _read(folder: Path) -> dict[str, bytes]:
    """Read the folder's files; a folder or a link inside is a file that nobody signed. Raises ``click.UsageError``."""
    files: dict[str, bytes] = {}
    try:
        for path in sorted(folder.iterdir()):
            if path.is_symlink() or not path.is_file():
                files[path.name] = b""
                continue
            bound = LARGEST_MANIFEST if path.name == SIGNED_MANIFEST else LARGEST_FILE
            with path.open("rb") as file:
                files[path.name] = file.read(bound + 1)
    except OSError as error:
        raise click.UsageError(f"cannot read the folder: {error.strerror}") from error
    return files


def _tell(verdict: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(verdict, ensure_ascii=False, indent=2))
        return
    for name, value in verdict.items():
        click.echo(f"{name:<13} {', '.join(value) if isinstance(value, list) else value}")
