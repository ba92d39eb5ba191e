"""Issuing as one process does it, on a real database, with keys in folders of the test."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from sqlalchemy import Engine

from receipt_service.bootstrap.replay_keys import ReplayKeyFolder
from receipt_service.bootstrap.sealing_keys import SealingKeys
from receipt_service.crypto.opening import Opener
from receipt_service.domain.check import Officer
from receipt_service.domain.envelope import Envelope, sealing_info
from receipt_service.domain.epoch import epoch_of, public_name
from receipt_service.domain.identifiers import MessageId
from receipt_service.domain.recipient import Channel, Recipient
from receipt_service.errors import OfficerUnknown
from receipt_service.issuance.group_commit import GroupCommit
from receipt_service.issuance.issue import Issuer, issue
from receipt_service.issuance.reads import Reads
from receipt_service.issuance.submission import Issued, Submission
from receipt_service.storage.engine import open_engine, reading
from receipt_service.storage.issuances import Register
from tests.support.checks import NOW, Situation, catalogue, situation, territory
from tests.support.receipts import SIGNER

ISSUER_URL = "https://recepisse.example"
WINDOW = timedelta(hours=72)
BASIS = "CPP-78-2-AL7"


@dataclass
class Officers:
    """A directory with whom the test puts in."""

    known: dict[str, Officer] = field(default_factory=dict)

    async def by_subject(self, subject: str) -> Officer:
        if subject not in self.known:
            raise OfficerUnknown("nobody")
        return self.known[subject]

    async def by_number(self, number: str) -> Officer | None:
        return next((officer for officer in self.known.values() if officer.number == number), None)


@dataclass
class Issuing:
    """One process that issues; ``beside()`` makes another one on the same database and folders."""

    engine: Engine
    folder: Path
    private_key: X25519PrivateKey
    now: datetime
    officers: Officers
    issuer: Issuer = field(init=False)

    def __post_init__(self) -> None:
        self._register = Register(self.engine)
        self.group_commit = GroupCommit(self._register)
        self.replay_keys = ReplayKeyFolder(self.folder / "replay", window=WINDOW, now=self.now)
        self.issuer = Issuer(
            url=ISSUER_URL,
            catalogue=catalogue(),
            territory=territory(),
            officers=self.officers,
            earlier=Reads(self.engine),
            replay_keys=self.replay_keys,
            signer_at=lambda _now: SIGNER,
            sealer_at=SealingKeys(self.folder / "sealing").sealer_at,
            commit=self.group_commit.commit,
        )

    def publish_key(self, now: datetime) -> None:
        folder = self.folder / "sealing"
        folder.mkdir(exist_ok=True)
        (folder / public_name(epoch_of(now))).write_bytes(self.private_key.public_key().public_bytes_raw())

    def beside(self) -> "Issuing":
        return Issuing(open_engine(self.engine.url.render_as_string(hide_password=False)), self.folder,
                       self.private_key, self.now, self.officers)  # fmt: skip

    def submission(
        self, given: Situation | None = None, *, recipient: Recipient | None = None, **changed
    ) -> Submission:
        given = given or situation(BASIS)
        self.officers.known["agent"] = given.officer
        if given.ordered_by is not None:
            self.officers.known.setdefault("opj", given.ordered_by)
        plain = Submission(
            subject="agent",
            idempotency_key=str(uuid4()),
            request=given.request,
            person=given.person,
            recipient=recipient or given.recipient,
        )
        return replace(plain, **changed)

    async def aissue(self, submission: Submission, now: datetime | None = None) -> Issued:
        return await issue(submission, issuer=self.issuer, now=now or self.now)

    def issue(self, submission: Submission, now: datetime | None = None) -> Issued:
        return asyncio.run(self.aissue(submission, now))

    def rows(self) -> dict[str, int]:
        with reading(self.engine) as connection:
            return {
                table: connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one()  # noqa: S608
                for table in ("stub", "message", "idempotency")
            }

    def envelopes(self) -> list[tuple[Channel, Envelope]]:
        """Open every sealed message, as the worker would."""
        with reading(self.engine) as connection:
            rows = connection.exec_driver_sql(
                "SELECT id, channel, epoch, ciphertext FROM message JOIN envelope ON message_id = id ORDER BY id"
            ).all()
        opened = []
        for number, channel, epoch, sealed in rows:
            info = sealing_info(MessageId(number), epoch, Channel(channel))
            plaintext = Opener(self.private_key, epoch).open(bytes(sealed), info)
            opened.append((Channel(channel), Envelope.decode(plaintext)))
        return opened

    def close(self) -> None:
        assert self.group_commit.close()
        self._register.close()
        self.engine.dispose()


@pytest.fixture
def issuing(engine: Engine, tmp_path: Path) -> Iterator[Issuing]:
    process = Issuing(engine, tmp_path, X25519PrivateKey.generate(), NOW, Officers())
    process.publish_key(NOW)
    yield process
    process.close()
