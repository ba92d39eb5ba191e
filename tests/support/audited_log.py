"""A stub-book with its published log, made cheaply: real signatures over real disclosures, rows written in bulk."""

import json
import secrets
import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import Engine

from receipt_service.audit.entries import EntryVerifier
from receipt_service.audit.matching import Match, Matcher
from receipt_service.audit.monitor_memory import FolderMemory
from receipt_service.audit.monitoring import Monitor, Watch
from receipt_service.audit.period import AuditPeriod, PeriodResult, audit_period
from receipt_service.bootstrap.audit import Auditing, build_auditing, present
from receipt_service.bootstrap.log_keys import LastSignedFile, load_log_keys, make_log_keys
from receipt_service.crypto.signing import Signer
from receipt_service.domain.attestation import attest, statement
from receipt_service.domain.canonical import base64url
from receipt_service.domain.disclosure import digest_of
from receipt_service.domain.identifiers import RANDOM_BITS, MessageId, StubId, row_id
from receipt_service.domain.receipt_number import receipt_number_from
from receipt_service.storage.engine import open_engine
from receipt_service.storage.issuances import NewIssuance, NewMessage, Register
from receipt_service.storage.stubs import pack_disclosures, pack_leaf
from receipt_service.tlog.note import VerifierKey
from receipt_service.tlog.policy import NOBODY, KnownLog, Policy, format_policy
from receipt_service.transparency import sequencing
from receipt_service.transparency.log_folder import LogFolder
from receipt_service.transparency.publishing import Publisher
from receipt_service.verify.note_checks import NOTE_CHECKS
from receipt_service.verify.trust_root import TrustRoot
from tests.support.checks import territory
from tests.support.receipts import ISSUER, OTHER_SIGNER, SIGNER, sample_claims

ORIGIN = "recepisse.example/log"
BEGIN = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
OLD_SIGNER = OTHER_SIGNER
"""A key whose period ended before ``BEGIN``."""
OLD_KEY_ENDED = datetime(2026, 10, 15, tzinfo=UTC)
_CLAIMS = {group.value: claims for group, claims in sample_claims().items()}
_UNIT = _CLAIMS["officer"]["service"]["code"]


@dataclass(frozen=True)
class MadeStub:
    """One receipt: what the book keeps of it, and the whole of it."""

    issuance: NewIssuance
    compact: str
    leaf: str

    @property
    def stub_id(self) -> StubId:
        return self.issuance.stub_id


def make_stub(
    at: datetime,
    *,
    signer: Signer = SIGNER,
    unit: str = _UNIT,
    officer: str = "1234567",
    registered: datetime | None = None,
    checked_at: datetime | None = None,
    issuer: str = ISSUER,
) -> MadeStub:
    """Sign a receipt as of ``at``; its officer and unit are the ones named, all else is the sample's.

    ``registered`` is when its row is made, where that is another time; ``checked_at`` four minutes before unless told.
    """
    number = receipt_number_from(secrets.token_bytes(16))
    checked = checked_at or at - timedelta(minutes=4)
    service = {**_CLAIMS["officer"]["service"], "code": unit}
    changed = {
        "when_where": {"receipt_number": number, "checked_at": _text(checked), "recorded_at": _text(at)},
        "officer": {"number": officer, "service": service},
    }
    disclosures = [
        base64url(json.dumps([base64url(secrets.token_bytes(16)), name, {**claims, **changed.get(name, {})}],
                             ensure_ascii=False, separators=(",", ":")).encode())
        for name, claims in _CLAIMS.items()
    ]  # fmt: skip
    signed = statement(
        issuer=issuer, kid=signer.kid, issued_on=at.date(), digests=[digest_of(each) for each in disclosures]
    )
    leaf = attest(signed, signer.sign(signed)).leaf
    first = row_id(registered or at, secrets.randbits(RANDOM_BITS))
    kept = [each for each, name in zip(disclosures, _CLAIMS, strict=True) if name != "person"]
    issuance = NewIssuance(
        stub_id=StubId(first),
        receipt_number=number,
        leaf=pack_leaf(leaf),
        disclosures=pack_disclosures(kept),
        officer_number=officer,
        unit_code=unit,
        checked_at=checked,
        committed_at=at,
        messages=(NewMessage(MessageId(first), "screen", "handed_over"),),
        lookup=secrets.token_bytes(16),
        fingerprint=secrets.token_bytes(16),
        replay_period=498_000,
    )
    return MadeStub(issuance, "~".join([leaf, *disclosures, ""]), leaf)


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds")


def trust_root() -> TrustRoot:
    """Trusts the sample key, and the old one until its end."""
    old = {**OLD_SIGNER.public_key.jwk, "kid": OLD_SIGNER.kid, "exp": int(OLD_KEY_ENDED.timestamp())}
    return TrustRoot().with_issuer(ISSUER, {"keys": [{**SIGNER.public_key.jwk, "kid": SIGNER.kid}, old]})


@dataclass
class AuditedLog:
    """A database, the folders of log and keys, and how an auditor sees them."""

    url: str
    folder: Path
    now: datetime | None = None
    """What the publisher's clock shows; the real time unless told."""
    engine: Engine = field(init=False)

    def __post_init__(self) -> None:
        self.engine = open_engine(self.url)
        if not self.keys.exists():
            make_log_keys(self.keys, ORIGIN)

    @property
    def keys(self) -> Path:
        return self.folder / "log-keys"

    @property
    def log(self) -> LogFolder:
        return LogFolder(self.folder / "log")

    @property
    def verifiers(self) -> tuple[VerifierKey, ...]:
        return load_log_keys(self.keys).verifiers

    @property
    def policy(self) -> Policy:
        return Policy(tuple(KnownLog(key) for key in self.verifiers), (), (), NOBODY)

    def register(self, stubs: list[MadeStub]) -> None:
        register = Register(self.engine)
        for start in range(0, len(stubs), 1000):
            register([stub.issuance for stub in stubs[start : start + 1000]])
        register.close()

    def clock(self) -> datetime:
        return self.now or datetime.now(UTC)

    def publish(self, at_once: int = 1000) -> None:
        while sequencing.has_work(self.engine):
            sequencing.sequence(self.engine, at_once)
        sign, last = load_log_keys(self.keys).sign, LastSignedFile(self.keys)
        Publisher(self.engine, self.log, origin=ORIGIN, sign=sign, last=last, clock=self.clock).publish()

    def audit(self, period: AuditPeriod | None = None, now: datetime | None = None, **given) -> PeriodResult:
        return audit_period(self.auditing().sources, period or AuditPeriod(), now or datetime.now(UTC), **given)

    def codes(self, **given) -> dict[str, int]:
        """What an audit finds: how often each code."""
        return {code.value: count for code, count in self.audit(**given).findings.counts.items()}

    @property
    def file(self) -> Path:
        return Path(self.url.removeprefix("sqlite:///"))

    def as_attacker(self, *statements: tuple[str, tuple[Any, ...]]) -> None:
        """Run statements on the database's file as somebody who has it: no trigger and no key is in the way."""
        self.engine.dispose()
        if self.url.startswith("postgresql"):
            with psycopg.connect(self.url) as connection:
                connection.execute("SET session_replication_role = replica")
                for statement, values in statements:
                    assert connection.execute(statement.replace("?", "%s").encode(), values).rowcount != 0, statement
            return
        with closing(sqlite3.connect(self.file, isolation_level=None)) as connection:
            connection.execute("PRAGMA foreign_keys = OFF")
            for (trigger,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
                connection.execute(f"DROP TRIGGER {trigger}")
            for statement, values in statements:
                assert connection.execute(statement, values).rowcount != 0, statement
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def matcher(self) -> Matcher:
        return self.auditing().matcher

    def auditing(self) -> Auditing:
        return build_auditing(
            self.engine, self.log, trust_root=trust_root(), policy_file=self.policy_file, territory=territory()
        )

    @property
    def policy_file(self) -> Path:
        path = self.folder / "auditor.policy"
        path.write_bytes(format_policy(self.policy))
        return path

    def match(self, compact: str, now: datetime | None = None) -> Match:
        """Match what somebody presents."""
        auditing, now = self.auditing(), now or datetime.now(UTC)
        return auditing.matcher.match(present(compact, auditing.verifier, now), now)

    def copied_to(self, folder: Path) -> "AuditedLog":
        """The same log once more, for somebody to damage; keys included."""
        self.engine.dispose()
        with closing(sqlite3.connect(self.file)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(self.file, folder / "stubs.db")
        for name in ("log", "log-keys"):
            shutil.copytree(self.folder / name, folder / name)
        return AuditedLog(f"sqlite:///{folder / 'stubs.db'}", folder, self.now)

    def monitor(
        self, folder: Path, serve: "AuditedLog | None" = None, silence: timedelta = timedelta(hours=24)
    ) -> Monitor:
        """Somebody who follows the log that ``serve`` shows, this one unless told, and keeps a mirror in ``folder``."""
        served = (serve or self).log
        watch = Watch(self.policy, NOTE_CHECKS, EntryVerifier(trust_root()), silence)
        return Monitor(served.read, LogFolder(folder), FolderMemory(folder), watch)

    def close(self) -> None:
        self.engine.dispose()


def stubs_over_days(number: int, days: float = 4, begin: datetime = BEGIN) -> list[MadeStub]:
    """Make receipts spread over some days, in the order of time."""
    step = timedelta(days=days) / number
    return [make_stub(begin + place * step, officer=f"{1234567 + place % 50}") for place in range(number)]
