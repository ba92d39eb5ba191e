"""The audit put together: database, folder, keys and policy in; match, period and closings out.

Here, and nowhere behind it, is a receipt taken apart with its identity in it: what the audit is handed has none.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, tzinfo
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlalchemy import Engine

from receipt_service.audit.entries import EntryVerifier
from receipt_service.audit.matching import Matcher, Presented
from receipt_service.audit.period import AuditSources
from receipt_service.audit.readings import ReadingBook
from receipt_service.bootstrap.keyring import read_keys
from receipt_service.bootstrap.outbox import opened_outbox
from receipt_service.config.processes import AuditSettings
from receipt_service.domain.groups import STUB_GROUPS
from receipt_service.domain.territory import Territory
from receipt_service.errors import ConfigurationError
from receipt_service.storage import directory
from receipt_service.storage.engine import reading
from receipt_service.tlog.notation import MalformedLogText
from receipt_service.tlog.policy import Policy, parse_policy
from receipt_service.tlog.proof import parse_proof
from receipt_service.tlog.trust import CheckedCheckpoint, check_checkpoint, check_logged
from receipt_service.transparency.log_folder import CHECKPOINT, POLICY, LogFolder
from receipt_service.transparency.proving import Proofs
from receipt_service.verify.note_checks import NOTE_CHECKS
from receipt_service.verify.sd_jwt import parse
from receipt_service.verify.trust_root import TrustRoot
from receipt_service.verify.verifier import Verifier

_PARIS = ZoneInfo("Europe/Paris")


def present(compact: str, verifier: Verifier, now: datetime) -> Presented:
    """Verify what somebody presents, and hand it on without the person group."""
    verdict = verifier.verify(compact, now)
    kept: dict[str, str] = {}
    if verdict.passed:
        by_name = {each.name: each.encoded for each in parse(compact).disclosures}
        kept = {group.value: by_name[group.value] for group in STUB_GROUPS if group.value in by_name}
    return Presented(
        status=verdict.status.value,
        reasons=tuple(reason.value for reason in verdict.reasons),
        view=None if verdict.view is None else verdict.view.value,
        leaf=verdict.leaf,
        issued_on=verdict.issued_on,
        disclosures=kept,
        receipt_number=verdict.receipt_number,
        identity_shown=len(verdict.shown) > len(kept),
    )


@dataclass(frozen=True, slots=True)
class Auditing:
    """What an auditor works with."""

    engine: Engine
    sources: AuditSources
    matcher: Matcher
    verifier: Verifier
    book: ReadingBook
    trust_root: TrustRoot
    policy: Callable[[], Policy]


def own_trust_root(keys_folder: Path, issuer: str) -> TrustRoot:
    """Return the service's own published keys, which need no passphrase. Raises ``ConfigurationError``."""
    return TrustRoot().with_issuer(issuer, {"keys": [key.jwk for key in read_keys(keys_folder)]})


def read_policy(path: Path | None, folder: LogFolder) -> Policy:
    """Read the auditor's policy, or the one that the log proposes. Raises ``ConfigurationError``."""
    try:
        data = folder.read(POLICY) if path is None else path.read_bytes()
        if data is None:
            raise ConfigurationError("the log's folder has no policy: nothing was published")
        return parse_policy(data)
    except OSError as error:
        raise ConfigurationError(f"{path}: {error.strerror}") from error
    except MalformedLogText as error:
        raise ConfigurationError(f"{'the policy' if path is None else path}: {error}") from error


def build_auditing(
    engine: Engine, folder: LogFolder, *, trust_root: TrustRoot, policy_file: Path | None, territory: Territory
) -> Auditing:
    """Put an audit together. The policy is read when it is needed: the log may be younger than the process."""
    policy = partial(read_policy, policy_file, folder)
    verifier = EntryVerifier(trust_root)
    sources = AuditSources(
        engine=engine,
        read_tile=folder.read_tile,
        checkpoint=partial(_newest_checkpoint, folder, policy),
        verifier=verifier,
        zones=_Zones(engine, territory),
    )
    matcher = Matcher(
        engine=engine,
        prove=Proofs(engine, folder).of_leaf,
        check_proof=partial(_check_proof, policy),
        check_entry=verifier.check,
    )
    return Auditing(engine, sources, matcher, Verifier(trust_root), ReadingBook(engine), trust_root, policy)


@contextmanager
def opened_auditing(
    settings: AuditSettings, *, trust_root: TrustRoot | None, policy_file: Path | None, territory: Territory
) -> Iterator[Auditing]:
    """Open the database for an auditor's command; ``trust_root`` ``None`` is the service's own keys.

    Raises ``ConfigurationError`` and ``Unavailable``.
    """
    trusted = trust_root or own_trust_root(settings.issuer_keys, settings.public_url)
    with opened_outbox(settings) as engine:
        yield build_auditing(
            engine, LogFolder(settings.log), trust_root=trusted, policy_file=policy_file, territory=territory
        )


def _newest_checkpoint(folder: LogFolder, policy: Callable[[], Policy]) -> CheckedCheckpoint | None:
    note = folder.read(CHECKPOINT)
    return None if note is None else check_checkpoint(note, policy(), NOTE_CHECKS)


def _check_proof(policy: Callable[[], Policy], leaf_hash: bytes, proof: bytes) -> tuple[int, CheckedCheckpoint]:
    parsed = parse_proof(proof)
    return parsed.index, check_logged(leaf_hash, parsed, policy(), NOTE_CHECKS)


def zone_of_department(territory: Territory) -> Callable[[str | None], tzinfo]:
    """Return the clock of a département; Paris' for a unit that has none."""

    def zone(department: str | None) -> tzinfo:
        found = None if department is None else territory.departments.get(department)
        return _PARIS if found is None else territory.zones[found.zone]

    return zone


class _Zones(Mapping[str, tzinfo]):
    """The clock of each unit, from the directory as it is when an audit first asks."""

    def __init__(self, engine: Engine, territory: Territory) -> None:
        self._engine, self._zone_of = engine, zone_of_department(territory)
        self._known: dict[str, tzinfo] | None = None

    def _zones(self) -> dict[str, tzinfo]:
        if self._known is None:
            with reading(self._engine) as connection:
                units = directory.units(connection)
            self._known = {code: self._zone_of(unit.department) for code, unit in units.items()}
        return self._known

    def __getitem__(self, unit: str) -> tzinfo:
        return self._zones()[unit]

    def __iter__(self) -> Iterator[str]:
        return iter(self._zones())

    def __len__(self) -> int:
        return len(self._zones())
