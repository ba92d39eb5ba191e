"""The stub-book at 10^4 and 10^6: bytes on disk per stub with everything, and what one more receipt costs.

Fills a database for each size with stubs of the real form (every legal basis in turn; only salts, digests,
signatures and envelopes are noise, for speed), each with an SMS that is sealed, sent, delivered and erased, and with
its place in the log, a thousand at a time, and reads the sizes that the database itself reports. Then it issues through
the real use case, one round on each database in turn, so that whatever else the machine does falls on both. Run it as

    python -m tests.bench.stub_book --sizes 10000,1000000
"""

import argparse
import asyncio
import itertools
import json
import secrets
import statistics
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from sqlalchemy import Engine

from receipt_service.bootstrap.database import migrate
from receipt_service.bootstrap.replay_keys import ReplayKeyFolder
from receipt_service.crypto.sealing import Sealer
from receipt_service.domain.canonical import base64url, from_json
from receipt_service.domain.envelope import Envelope
from receipt_service.domain.epoch import epoch_of
from receipt_service.domain.groups import claims_of
from receipt_service.domain.identifiers import MessageId, StubId
from receipt_service.domain.receipt import draft_receipt
from receipt_service.domain.receipt_number import receipt_number_from
from receipt_service.issuance.group_commit import GroupCommit
from receipt_service.issuance.issue import Issuer, issue
from receipt_service.issuance.reads import Reads
from receipt_service.issuance.row_ids import RowIds
from receipt_service.issuance.submission import Submission
from receipt_service.storage.engine import SQLITE_PAGE_BYTES, is_sqlite, open_engine, reading, writing
from receipt_service.storage.issuances import NewIssuance, NewMessage, Register
from receipt_service.storage.stubs import pack_disclosures, pack_leaf
from receipt_service.transparency.sequencing import sequence
from tests.support.checks import NOW, Situation, catalogue, situation, territory
from tests.support.databases import running_postgres
from tests.support.receipts import SIGNER

ISSUER = "https://recepisse.interieur.gouv.example"
CONCURRENT = 32
ROUNDS = 15
PER_ROUND = 320
BATCH = 1000
HPKE_BYTES = 32 + 16
"""An encapsulated key and a tag."""
LIFE = """
    UPDATE message SET state = 'sending', leased_until = created_at WHERE settled_at IS NULL AND state = 'queued';
    INSERT INTO attempt (message_id, provider, started_at)
        SELECT id, 'twilio', created_at FROM message WHERE settled_at IS NULL AND state = 'sending';
    UPDATE attempt SET outcome = 'accepted', finished_at = started_at, redact_due_at = started_at,
        provider_ref = 'SM0123456789abcdef0123456789abcdef'
        WHERE message_id IN (SELECT id FROM message WHERE settled_at IS NULL AND state = 'sending');
    UPDATE message SET state = 'accepted', leased_until = NULL, settled_at = created_at
        WHERE settled_at IS NULL AND state = 'sending';
    UPDATE message SET state = 'delivered', due_at = NULL WHERE state = 'accepted' AND due_at IS NOT NULL;
    UPDATE attempt SET provider_ref = NULL, redact_due_at = NULL, redacted_at = started_at
        WHERE provider_ref IS NOT NULL;
    DELETE FROM fold_queue
"""
"""What the worker does with an SMS and folding with a stub, for many at once; each statement a commit of its own."""


@dataclass(frozen=True)
class Size:
    """Bytes on disk per stub: of everything, of message and attempt, of the place in the log; by table."""

    all_bytes: float
    message_bytes: float
    log_bytes: float
    by_name: dict[str, int]


class Forms:
    """Stubs of every legal basis in turn, each with salts, number, digests and signature of its own."""

    def __init__(self) -> None:
        self._samples = [_sample(found) for found in map(situation, sorted(catalogue().bases))]
        self._ids = RowIds()
        self._next = 0

    def issuance(self, at: datetime) -> NewIssuance:
        """One more check, with one sealed SMS."""
        header, payload, disclosures, sealed = self._samples[self._next % len(self._samples)]
        self._next += 1
        number = receipt_number_from(secrets.token_bytes(16))
        noise = base64url(secrets.token_bytes(48 * 6 + 12 * 8))
        for index in range(5):
            payload = payload.replace(f"<digest {index}>", noise[index * 43 : index * 43 + 43])
        for index in range(4):
            disclosures = disclosures.replace(f"<salt {index}>", noise[220 + index * 22 : 242 + index * 22])
        first = MessageId(self._ids.take(at, 1))
        return NewIssuance(
            stub_id=StubId(first),
            receipt_number=number,
            leaf=f"{header}\n{payload}\n{noise[310:396]}",
            disclosures=disclosures.replace("<number>", number),
            officer_number=f"{self._next % 120_000:07}",
            unit_code=f"PN-{self._next % 3000:04}",
            checked_at=at - timedelta(minutes=4),
            committed_at=at,
            messages=(
                NewMessage(
                    first,
                    "sms",
                    "queued",
                    epoch_of(at),
                    secrets.token_bytes(sealed),
                    due_at=at,
                    expires_at=at + timedelta(hours=24),
                ),
            ),
            lookup=secrets.token_bytes(16),
            fingerprint=secrets.token_bytes(16),
            replay_period=498_000,
        )


def _sample(given: Situation) -> tuple[str, str, str, int]:
    """Header, payload and disclosures of a real stub, with marks where each stub differs; the size of its envelope."""
    number = receipt_number_from(bytes(16))
    claims = claims_of(given.check(), given.person, receipt_number=number, recorded_at=NOW, catalogue=catalogue())
    draft = draft_receipt(
        claims, salts=[bytes([index]) * 16 for index in range(5)], issuer=ISSUER, kid=SIGNER.kid, issued_on=NOW.date()
    )
    receipt = draft.signed(bytes(64))
    envelope = Envelope(to="+33639980001", receipt=receipt.compact, seed=bytes(16), languages=("fr", "en")).encode()
    stub = receipt.stub
    header, payload, _ = pack_leaf(stub.leaf).split("\n")
    for index, digest in enumerate(from_json(payload.encode())["_sd"]):
        payload = payload.replace(digest, f"<digest {index}>")
    lines = pack_disclosures(stub.disclosures).replace(number, "<number>").split("\n")
    for index, line in enumerate(lines):
        salt = from_json(line.encode())[0]
        lines[index] = line.replace(salt, f"<salt {index}>")
    return header, payload, "\n".join(lines), len(envelope) + HPKE_BYTES


def fill(engine: Engine, forms: Forms, count: int) -> None:
    """Register stubs, and deliver their messages, until there are ``count``."""
    register = Register(engine)
    with reading(engine) as connection:
        present = connection.exec_driver_sql("SELECT count(*) FROM stub").scalar_one()
    at = NOW - timedelta(days=20)
    for start in range(present, count, BATCH):
        batch = [forms.issuance(at + timedelta(milliseconds=start)) for _ in range(min(BATCH, count - start))]
        register(batch)
        for statement in LIFE.split(";"):
            with writing(engine) as connection:
                connection.exec_driver_sql(statement)
        sequence(engine, BATCH)
        _sweep(engine)
    register.close()


def _sweep(engine: Engine) -> None:
    """Do what PostgreSQL does by itself once a minute; a thousand checks are a minute of the busiest hour."""
    if not is_sqlite(engine):
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("VACUUM (ANALYZE) message, attempt, envelope, fold_queue, log_queue")


def sizes(engine: Engine) -> Size:
    """Ask the database how many bytes its tables and indexes take."""
    with reading(engine) as connection:
        stubs = connection.exec_driver_sql("SELECT count(*) FROM stub").scalar_one()
        if is_sqlite(connection):
            query = (
                "SELECT m.tbl_name, sum(d.pageno) * (SELECT page_size FROM pragma_page_size) FROM dbstat d"
                " JOIN sqlite_master m ON m.name = d.name WHERE d.aggregate = TRUE GROUP BY m.tbl_name"
            )
        else:
            query = (
                "SELECT relname, pg_total_relation_size(oid) FROM pg_class"
                " WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
            )
        found = {name: int(size) for name, size in connection.exec_driver_sql(query)}
        if is_sqlite(connection):
            free = connection.exec_driver_sql("PRAGMA freelist_count").scalar_one()
            found["free pages"] = free * SQLITE_PAGE_BYTES
    return Size(
        sum(found.values()) / stubs, (found["message"] + found["attempt"]) / stubs, found["log_entry"] / stubs, found
    )


class _Officers:
    def __init__(self, given: Situation) -> None:
        self._given = given

    async def by_subject(self, _subject: str) -> Any:
        return self._given.officer

    async def by_number(self, _number: str) -> Any:
        return self._given.ordered_by


class Issuing:
    """One process that issues receipts with one SMS each, 32 at a time, on one database."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        self._given = situation("CPP-78-2-AL7")
        self._register = Register(engine)
        self._group = GroupCommit(self._register)
        self._moments = itertools.count()
        sealer = Sealer(X25519PrivateKey.generate().public_key().public_bytes_raw(), epoch_of(NOW))
        self._issuer = Issuer(
            url=ISSUER,
            catalogue=catalogue(),
            territory=territory(),
            officers=_Officers(self._given),
            earlier=Reads(engine),
            replay_keys=ReplayKeyFolder(folder, window=timedelta(hours=72), now=NOW),
            signer_at=lambda _now: SIGNER,
            sealer_at=lambda _now: sealer,
            commit=self._group.commit,
        )

    async def a_round(self) -> tuple[float, float]:
        """Give microseconds for each receipt: by the clock, and of this process's processor time."""
        clock, processor = time.perf_counter(), time.process_time()
        await asyncio.gather(*(self._some(PER_ROUND // CONCURRENT) for _ in range(CONCURRENT)))
        scale = 1e6 / PER_ROUND
        return (time.perf_counter() - clock) * scale, (time.process_time() - processor) * scale

    async def _some(self, count: int) -> None:
        for _ in range(count):
            submission = Submission(
                subject="agent",
                idempotency_key=str(uuid4()),
                request=self._given.request,
                person=self._given.person,
                recipient=self._given.recipient,
            )
            now = NOW + timedelta(microseconds=100 * next(self._moments))
            await issue(submission, issuer=self._issuer, now=now)

    def close(self) -> None:
        """End the writer thread."""
        self._group.close()
        self._register.close()


async def _in_turn(processes: list[Issuing]) -> list[list[tuple[float, float]]]:
    for process in processes:
        await process.a_round()
    rounds: list[list[tuple[float, float]]] = [[] for _ in processes]
    for _ in range(ROUNDS):
        for process, found in zip(processes, rounds, strict=True):
            found.append(await process.a_round())
    return rounds


def measure(urls: dict[int, str], folder: Path) -> list[dict[str, Any]]:
    """Fill a database to each size, then measure them side by side."""
    results = []
    engines = []
    for count, url in urls.items():
        migrate(url)
        engines.append(engine := open_engine(url))
        fill(engine, Forms(), count)
        found = sizes(engine)
        results.append(
            {
                "database": engine.dialect.name,
                "stubs": count,
                "bytes_per_stub": round(found.all_bytes),
                "bytes_per_settled_message": round(found.message_bytes),
                "bytes_per_place": round(found.log_bytes),
                "tables": found.by_name,
            }
        )
    processes = [Issuing(engine, folder) for engine in engines]
    try:
        for result, rounds in zip(results, asyncio.run(_in_turn(processes)), strict=True):
            result["issuing_us"] = round(statistics.median(clock for clock, _ in rounds))
            result["issuing_processor_us"] = round(statistics.median(processor for _, processor in rounds))
    finally:
        for process in processes:
            process.close()
        for engine in engines:
            engine.dispose()
    return results


def main() -> None:
    """Print one JSON line for each size and database."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default="10000,1000000")
    parser.add_argument("--databases", default="sqlite,postgresql")
    arguments = parser.parse_args()
    counts = [int(size) for size in arguments.sizes.split(",")]
    with tempfile.TemporaryDirectory(prefix="stub-book-") as name, ExitStack() as stack:
        folder = Path(name)
        results = []
        if "sqlite" in arguments.databases:
            results += measure({count: f"sqlite:///{folder / str(count)}.db" for count in counts}, folder / "replay")
        if "postgresql" in arguments.databases:
            server = stack.enter_context(running_postgres())
            results += measure({count: server.create(f"stubs_{count}") for count in counts}, folder / "replay")
    for result in results:
        print(json.dumps(result))


if __name__ == "__main__":
    main()
