"""``receipt-service audit verify-evidence``: does an evidence file hold, by keys of yours. No database, no network."""

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import click

from receipt_service.cli import trust
from receipt_service.domain.evidence import LARGEST
from receipt_service.errors import ConfigurationError
from receipt_service.tlog.notation import MalformedLogText
from receipt_service.tlog.policy import Policy, parse_policy
from receipt_service.verify.evidence import Evidence, EvidenceNotVerified, verify_evidence
from receipt_service.verify.verdict import Status

EXIT_CODES: Final = {Status.PASSED: 0, Status.FAILED: 1, Status.INDETERMINATE: 3}
"""As those of ``receipt-service verify``."""
_FILE = click.Path(path_type=Path, dir_okay=False, exists=True)


@click.command("verify-evidence")
@click.argument("file", type=_FILE)
@click.option("--trust-root", type=_FILE, help="Keys to trust; see `trust fetch`.")
@click.option("--policy", "policy_file", type=_FILE, help="The log's keys, from elsewhere; else those of the file.")
@click.option("--json", "as_json", is_flag=True, help="Write the verdict as JSON.")
def verify_evidence_file(file: Path, *, trust_root: Path | None, policy_file: Path | None, as_json: bool) -> None:
    """Verify an evidence FILE: signature, contents, the receipt inside, and its place in the log.

    Exit code: 0 passed, 1 failed, 2 wrong usage, 3 indeterminate (the key is not known).
    """
    with file.open("rb") as opened:
        data = opened.read(LARGEST + 1)
    try:
        evidence = verify_evidence(data, trust.load(trust_root), datetime.now(UTC), _policy(policy_file))
    except EvidenceNotVerified as error:
        _tell({"status": error.status.value, "reason": error.reason, "message": str(error)}, as_json=as_json)
        sys.exit(EXIT_CODES[error.status])
    _tell(_described(evidence), as_json=as_json)


def _policy(path: Path | None) -> Policy | None:
    try:
        return None if path is None else parse_policy(path.read_bytes())
    except (OSError, MalformedLogText) as error:
        raise ConfigurationError(f"{path}: {error}") from error


def _described(evidence: Evidence) -> dict[str, Any]:
    checkpoint = evidence.checked.checkpoint
    return {
        "status": Status.PASSED.value,
        "issuer": evidence.issuer,
        "made_at": evidence.made_at.isoformat(),
        "outcome": evidence.outcome,
        "shown": [group.value for group in evidence.verdict.shown],
        "issued_on": str(evidence.verdict.issued_on),
        "log": checkpoint.origin,
        "index": evidence.index,
        "log_size": checkpoint.size,
        "witnesses": len(evidence.checked.cosignatures),
        "log_keys": "yours" if evidence.policy_is_own else "of the file",
    }


def _tell(verdict: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(verdict, ensure_ascii=False, indent=2))
        return
    for name, value in verdict.items():
        click.echo(f"{name:<10} {', '.join(value) if isinstance(value, list) else value}")
