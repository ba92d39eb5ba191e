"""What must be true when everything has died often enough and come back: nothing lost, nothing twice, nothing half."""

import asyncio
import email
import email.policy
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from receipt_service.bootstrap.law import load_law
from receipt_service.bootstrap.statistics_key import load_record_keys
from receipt_service.demo.received import Auditor, link_in, read_mail
from receipt_service.demo.twilio_store import Behaviour
from receipt_service.domain import epoch as epochs
from receipt_service.domain.receipt import Receipt
from receipt_service.statistics.facts import FactReader
from receipt_service.statistics.rollup import Rollup
from receipt_service.storage import rollup
from receipt_service.storage.engine import is_sqlite, reading
from receipt_service.verify.trust_root import TrustRoot
from receipt_service.verify.verdict import Status
from tests.support.crashing import OFFICER, CrashStage, Submission, received_by

FINAL_STATES = "('delivered', 'undeliverable', 'expired', 'handed_over', 'declined')"
UNSETTLED = f"""
    SELECT id FROM message WHERE state NOT IN {FINAL_STATES} AND NOT (channel = 'email' AND state = 'accepted')
"""  # noqa: S608 - our own words
UNREDACTED = "SELECT id FROM attempt WHERE provider_ref IS NOT NULL"


def verify_everything(stage: CrashStage, submissions: Sequence[Submission]) -> list[str]:
    """Hold answers, database, telephones and mailboxes against each other; return every difference.

    The API must be running, to repeat each request and to give each stub.
    """
    return [
        *rows_that_do_not_fit(stage, submissions),
        *unfinished_rows(stage),
        *counts_that_do_not_fit(stage, len(submissions)),
        *asyncio.run(answers_that_do_not_hold(stage, submissions)),
        *texts_that_do_not_fit(stage, submissions),
        *mails_that_do_not_fit(stage, submissions),
    ]


def rows_that_do_not_fit(stage: CrashStage, submissions: Sequence[Submission]) -> Iterator[str]:
    """Stubs are the answers, no more and no less; each with exactly the messages that were asked for."""
    expected = {item.answer["receipt_number"]: item for item in submissions}
    if len(expected) != len(submissions):
        yield f"{len(submissions)} answers name {len(expected)} receipt numbers"
    stubs: dict[int, str] = {row.id: row.receipt_number for row in stage.sql("SELECT id, receipt_number FROM stub")}
    for number in set(expected) - set(stubs.values()):
        yield f"receipt {number} is lost"
    for number in set(stubs.values()) - set(expected):
        yield f"stub {number} was never answered"
    found: dict[int, list[str]] = {}
    for row in stage.sql("SELECT stub_id, channel FROM message"):
        found.setdefault(row.stub_id, []).append(row.channel)
    for stub in set(found) - set(stubs):
        yield f"messages without stub {stub}"
    for stub, number in stubs.items():
        asked = [message["channel"] for message in expected[number].answer["messages"]] if number in expected else []
        if sorted(found.get(stub, [])) != sorted(asked):
            yield f"stub {number}: messages {found.get(stub)}, asked for {asked}"
    records = Counter(row.stub_id for row in stage.sql("SELECT stub_id FROM idempotency"))
    if records != Counter(list(stubs)):
        yield f"{len(stubs)} stubs have {records.total()} idempotency records"


def counts_that_do_not_fit(stage: CrashStage, checks: int) -> Iterator[str]:
    """Every check is in the statistics once: as many as there were, and row by row what a rebuild makes."""
    law = load_law()
    keys = load_record_keys(stage.folder / "keys" / "statistics")
    counts = Rollup(stage.engine, FactReader(law.catalogues, law.territory), keys)
    while counts.lag(utc_now()) or counts.fold(1000).rows:
        counts.fold(1000)
    with reading(stage.engine) as connection:
        folded = rollup.all_rows(connection)
    total = sum(cell.n for cell in folded[0] if (cell.area, cell.table_code) == ("F", "total"))
    if total != checks:
        yield f"{checks} checks are counted as {total}"
    counts.rebuild()
    with reading(stage.engine) as connection:
        if rollup.all_rows(connection) != folded:
            yield "a rebuild makes other counts"


def unfinished_rows(stage: CrashStage) -> Iterator[str]:
    """Nothing leased, sealed, unanswered or unredacted is left, and the files of the database are sound."""
    for what, statement in {
        "unsettled messages": UNSETTLED,
        "references at the provider": UNREDACTED,
        "envelopes": "SELECT message_id FROM envelope",
        "leases": "SELECT id FROM message WHERE leased_until IS NOT NULL",
        "attempts without outcome": "SELECT id FROM attempt WHERE outcome IS NULL",
        "texts accepted and not erased": "SELECT id FROM attempt WHERE outcome = 'accepted' AND provider = 'twilio'"
        " AND redacted_at IS NULL",
        "keys destroyed too early": "SELECT id FROM message WHERE last_code IN ('key_destroyed', 'key_missing')",
    }.items():
        if rows := stage.sql(statement):
            yield f"{len(rows)} {what}"
    if is_sqlite(stage.engine):
        damage = [row[0] for row in stage.sql("PRAGMA integrity_check") if row[0] != "ok"]
        damage += [str(tuple(row)) for row in stage.sql("PRAGMA foreign_key_check")]
        yield from damage


async def answers_that_do_not_hold(stage: CrashStage, submissions: Sequence[Submission]) -> list[str]:
    """Each receipt verifies, matches its stub byte for byte, and comes again, byte for byte, when asked again."""
    auditor = auditor_of(stage)
    limit = asyncio.Semaphore(8)

    async def faults(item: Submission) -> list[str]:
        number = item.answer["receipt_number"]
        async with limit:
            again = await client.submit(item.body, item.key, OFFICER)
            kept = (await client.request("GET", f"/v1/stubs/{number}")).json
        receipt = Receipt.parse(item.answer["receipt"])
        return [
            f"receipt {number}: {fault}"
            for fault, wrong in {
                f"the repeat is another answer ({again.status})": again.content != item.content,
                "its stub has another leaf": kept["leaf"] != receipt.leaf,
                "its stub has other disclosures": kept["disclosures"] != list(receipt.stub.disclosures),
                "it does not verify": auditor.receipt(item.answer["receipt"]).status is not Status.PASSED,
                "its stub does not verify": auditor.stub(kept["stub"]).status is not Status.PASSED,
            }.items()
            if wrong
        ]

    async with stage.client() as client:
        return [fault for found in await asyncio.gather(*map(faults, submissions)) for fault in found]


def auditor_of(stage: CrashStage) -> Auditor:
    return Auditor(TrustRoot().with_issuer(stage.url, stage.keyring.jwks()).to_json(), stage.url)


def texts_that_do_not_fit(stage: CrashStage, submissions: Sequence[Submission]) -> Iterator[str]:
    """Every SMS was taken exactly once, whatever died; those that the provider refuses, never."""
    taken = Counter(record.to for record in stage.phones.records.values())
    arrived = {arrival.to: arrival.text for arrival in stage.phones.phone}
    for record in stage.phones.records.values():
        if record.body:
            yield f"the provider still has the text to {record.to}"
    for item in submissions:
        to = item.recipient.get("sms")
        if to is None:
            continue
        manner = stage.phones.manners.get(to)
        refused = manner is not None and manner.behaviour is Behaviour.REFUSES
        if taken.pop(to, 0) != (0 if refused else 1):
            yield f"the SMS to {to} was taken another number of times than {0 if refused else 1}"
        if not refused and manner is None and link_in(arrived.get(to, "https://nothing/r#x")) != item.answer["link"]:
            yield f"the SMS to {to} carries another link"
    if taken:
        yield f"SMS that nobody asked for: {dict(taken)}"


def mails_that_do_not_fit(stage: CrashStage, submissions: Sequence[Submission]) -> Iterator[str]:
    """Every mail arrived at least once; where twice, under one Message-ID and with one receipt."""
    boxes = received_by(list(stage.mails.mails))
    for item in submissions:
        to = item.recipient.get("email")
        if to is None or item.sleeps:
            continue
        got = boxes.pop(to, [])
        if not got:
            yield f"no mail reached {to}"
        identifiers = {_message_id(mail.raw) for mail in got}
        if len(identifiers) > 1:
            yield f"{to} got {len(identifiers)} different mails"
        if {read_mail(mail.raw).receipt for mail in got[:2]} != {item.answer["receipt"]}:
            yield f"{to} got another receipt"
    if boxes:
        yield f"mails that nobody asked for: {sorted(boxes)}"


def _message_id(raw: bytes) -> str:
    return str(email.message_from_bytes(raw, policy=email.policy.default)["Message-ID"])


def keys_kept_too_long(stage: CrashStage, now: datetime) -> list[str]:
    """Private keys of hours that are over by ``now``: with every message settled, none may be left."""
    over = [epoch for epoch in stage.epochs.held() if epochs.is_over(epoch, now)]
    half = [path.name for path in (stage.folder / "keys").rglob(".*") if path.suffix == ".new"]
    return [*over, *half]


def sealed_epochs(stage: CrashStage) -> set[str]:
    """The hours that still have an envelope."""
    return {row.epoch for row in stage.sql("SELECT DISTINCT epoch FROM envelope")}


def utc_now() -> datetime:
    return datetime.now(UTC)
