"""Where ``verify`` takes the log's proof from: a file, the PDF, or the issuer's log."""

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import click

from receipt_service.cli.fetch import TEXT, fetch
from receipt_service.errors import NotFound, Unavailable
from receipt_service.tlog.merkle import leaf_hash
from receipt_service.tlog.policy import Policy
from receipt_service.tlog.proof import LARGEST_PROOF
from receipt_service.verify.log_check import judge_absence, judge_proof
from receipt_service.verify.log_standing import LogStanding, LogState, NotChecked, not_checked
from receipt_service.verify.not_before import log_head_of
from receipt_service.verify.trust_root import TrustRoot
from receipt_service.verify.verdict import Verdict


@dataclass(frozen=True, slots=True)
class ProofSources:
    """Where a proof may be; the first that is there counts, in this order."""

    named: Path | None = None
    """The file that the caller named: it must be there."""
    beside: Path | None = None
    """The file beside the receipt, if there is one."""
    embedded: bytes | None = field(default=None, repr=False)
    online: bool = False
    """Whether the issuer may be asked: when there is no proof here, or one that too few witnesses have seen."""

    def read(self) -> bytes | None:
        """Read the proof that is here. Raises ``click.UsageError`` for a named file that cannot be read."""
        for path in (self.named, self.beside):
            if path is None:
                continue
            try:
                with path.open("rb") as file:
                    return file.read(LARGEST_PROOF + 1)
            except OSError as error:
                if path is self.named:
                    raise click.UsageError(f"cannot read the proof: {error.strerror}") from error
        return self.embedded


def look_up(
    verdict: Verdict, sources: ProofSources, trust_root: TrustRoot, now: datetime
) -> tuple[LogStanding, bytes | None]:
    """Say how a receipt whose verdict passed stands in its issuer's log, and return the proof that shows it.

    The issuer itself is asked, whose name is signed; never the address in a link, which anybody can write.
    Raises ``click.UsageError``.
    """
    assert verdict.issuer is not None  # noqa: S101  it passed
    assert verdict.leaf is not None  # noqa: S101  likewise
    policy = trust_root.log_policy(verdict.issuer)
    proof = sources.read()
    if policy is None:
        return not_checked(NotChecked.NO_POLICY), None
    if proof is None:
        return _ask(verdict, policy, now) if sources.online else (not_checked(NotChecked.NO_PROOF), None)
    standing = judge_proof(verdict.leaf, proof, policy, now, log_head_of(verdict.claims))
    if standing.state is LogState.LOGGED_NOT_WITNESSED and sources.online:
        newer, newer_proof = _ask(verdict, policy, now)
        if newer.state is LogState.LOGGED:
            return newer, newer_proof
    return standing, proof


def _ask(verdict: Verdict, policy: Policy, now: datetime) -> tuple[LogStanding, bytes | None]:
    assert verdict.leaf is not None  # noqa: S101  the caller asked
    assert verdict.issued_on is not None  # noqa: S101  likewise
    try:
        try:
            proof = fetch(f"{verdict.issuer}/v1/log/proofs/{leaf_hash(verdict.leaf.encode()).hex()}", TEXT)
        except NotFound:
            checkpoint = fetch(f"{verdict.issuer}/log/checkpoint", TEXT)
            return judge_absence(verdict.issued_on, checkpoint, policy, now), None
    except (NotFound, Unavailable):
        return not_checked(NotChecked.LOG_UNREACHABLE), None
    return judge_proof(verdict.leaf, proof, policy, now, log_head_of(verdict.claims)), proof
