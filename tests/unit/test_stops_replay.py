"""The replay against a service made of paper: what goes wrong there must be told, and nothing else."""

import asyncio
import io
import json
import secrets
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from zoneinfo import ZoneInfo

import pytest
from pypdf import PdfWriter

from receipt_service.demo.api_client import Answer
from receipt_service.demo.received import RECEIPT_FILE, Auditor
from receipt_service.demo.stops import replay as replay_module
from receipt_service.demo.stops.mapping import Replay
from receipt_service.demo.stops.records import FaultyRow, RowFault, StopRecord
from receipt_service.demo.stops.replay import Replayer, Text
from receipt_service.demo.stops.roster import Roster, RosterOfficer
from receipt_service.domain.person import (
    EstablishedBy,
    IdentityEstablished,
    IdentityNotEstablished,
    NotEstablishedReason,
)
from receipt_service.domain.receipt_number import receipt_number_from
from receipt_service.errors import Unavailable
from tests.support.receipts import ISSUER, sample_link, sample_receipt, sample_trust_root

OFFICER = RosterOfficer(
    number="1", subject="demo", quality="OPJ", force="PN", unit="U", unit_name="U", department="75", commune="75110"
)


def records(count):
    return [
        StopRecord(
            line=line,
            at=datetime(2024, 9, 1 + line % 28, line % 24, tzinfo=UTC),
            kind="Person search",
            coordinates=(51.5, -0.1),
            street="On or near Supermarket",
            legislation="Misuse of Drugs Act 1971 (section 23)",
            search_object="Controlled drugs",
            outcome="Arrest",
        )
        for line in range(2, 2 + count)
    ]


class PaperService:
    """Answers as the service would, and puts texts and mails straight on the phone and into the mailbox."""

    def __init__(self, **habits):
        self.habits = habits
        self.texts, self.mails, self.stubs, self.by_key = [], [], {}, {}

    async def submit(self, body, key, _officer):
        await asyncio.sleep(0)
        if self.habits.get("unreachable"):
            raise Unavailable("gone")
        missing = [name for name in ("place", "legal_bases", "outcomes") if not body.get(name)]
        if self.habits.get("refuses"):
            missing = [self.habits["refuses"]]
        if missing and not self.habits.get("takes_anything"):
            return answer(422, {"errors": [{"pointer": f"/{name}", "rule": "required"} for name in missing]})
        if key in self.by_key:
            return answer(201, self.by_key[key], {"Idempotency-Replayed": "true"})
        self.by_key[key] = self.issue(body)
        return answer(201, self.by_key[key])

    def issue(self, body):
        number = receipt_number_from(secrets.token_bytes(16))
        person = person_of(body["person"])
        receipt = sample_receipt(person=person, receipt_number=number)
        link = sample_link(person, receipt_number=number).url(ISSUER)
        self.stubs[number] = self.habits.get("stub", lambda stub: stub)(receipt.stub.compact)
        recipient = body["recipient"]
        for _ in range(self.habits.get("copies", 1)):
            if "sms" in recipient:
                self.texts.append(Text(self.habits.get("to", recipient["sms"]), f"Récépissé\nLien: {link}"))
            if "email" in recipient:
                inside = self.habits.get("in_pdf", receipt.compact)
                self.mails.append(mail(recipient["email"], link, receipt.compact, inside))
        return {"receipt_number": str(number), "receipt": receipt.compact, "link": link}

    async def request(self, method, path, **more):
        if method == "POST":
            receipt = json.loads(more["content"])["receipt"]
            return Answer(200, {}, pdf_with(receipt), 0)
        return answer(200, {"stub": self.stubs[path.rpartition("/")[2]]})

    def taken(self, name):
        waiting = getattr(self, name)
        while waiting:
            yield waiting.pop()


def answer(status, content, headers=None):
    return Answer(status, headers or {}, json.dumps(content).encode(), 0)


def person_of(given):
    if given["identity"] == "established":
        given = {name: value for name, value in given.items() if name != "identity"}
        return IdentityEstablished(**{**given, "established_by": EstablishedBy(given["established_by"])})
    return IdentityNotEstablished(reason=NotEstablishedReason(given["reason"]))


def pdf_with(receipt):
    writer = PdfWriter()
    writer.add_blank_page(100, 100)
    writer.add_attachment(RECEIPT_FILE, receipt.encode())
    file = io.BytesIO()
    writer.write(file)
    return file.getvalue()


def mail(to, link, receipt, in_pdf):
    message = EmailMessage(policy=SMTP)
    message["To"], message["Subject"] = to, "Récépissé"
    message.set_content(f"Lien : {link}\n")
    message.add_attachment(pdf_with(in_pdf), maintype="application", subtype="pdf", filename="recepisse.pdf")
    message.add_attachment(receipt.encode(), maintype="application", subtype="dc+sd-jwt", filename=RECEIPT_FILE)
    return message.as_bytes()


def played(rows, delivered=True, **habits):
    service = PaperService(**habits)
    replayer = Replayer(
        client=service,  # type: ignore[arg-type]
        auditor=Auditor(sample_trust_root().to_json(), ISSUER),
        replay=Replay(
            seed=2026,
            secret=bytes(32),
            before=datetime.now(UTC),
            roster=Roster([OFFICER]),
            zone=ZoneInfo("Europe/Paris"),
        ),
        take_texts=lambda: service.taken("texts"),
        take_mails=lambda: service.taken("mails"),
        delivered=delivered,
        concurrency=4,
    )
    return asyncio.run(replayer.run(rows))


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(replay_module, "_SILENCE_SECONDS", 0.3)
    monkeypatch.setattr(replay_module, "_PAUSE_SECONDS", 0.01)


def test_all_is_well():
    tally = played(records(60))
    assert tally.succeeded(delivered=True), tally.examples
    assert (tally.rows, tally.issued, tally.failures.total()) == (60, 60, 0)
    assert set(tally.verified) == {"sms", "email", "on_screen", "on_paper", "declined"}


def test_equal_rows_and_faulty_rows_are_counted_apart():
    good = records(3)
    gap = StopRecord(**{name: getattr(good[0], name) for name in StopRecord.__slots__} | {"legislation": ""})
    tally = played([*good, *good, gap, FaultyRow(line=9, fault=RowFault.BAD_DATETIME)])
    assert tally.succeeded(delivered=True), tally.examples
    assert (tally.issued, tally.replayed, tally.accounted) == (3, 3, 8)
    assert tally.refused == {"no_legal_basis": 1}
    assert tally.unreadable == {"bad_datetime": 1}
    assert tally.rules == {"/legal_bases required": 1}


def test_issuing_alone_awaits_nothing():
    tally = played(records(5), delivered=False)
    assert tally.succeeded(delivered=False)
    assert not tally.expected


@pytest.mark.parametrize(
    ("habits", "failure"),
    [
        ({"copies": 0}, "sms: never arrived"),
        ({"copies": 2}, "sms: one too many"),
        ({"to": "+33639980000"}, "sms: at another address"),
        ({"stub": lambda stub: stub[:-3] + "AA~"}, "sms: "),
        ({"in_pdf": "another receipt"}, "email: PDF or link differ"),
        ({"refuses": "officer"}, "HTTP 422: /officer required"),
        ({"unreachable": True}, "Unavailable"),
    ],
)
def test_what_must_not_happen_is_a_failure(habits, failure):
    tally = played(records(40), **habits)
    assert not tally.succeeded(delivered=True)
    assert any(kind.startswith(failure) for kind in tally.failures), tally.failures
    assert 0 < len(tally.examples) <= 10


def test_a_faulty_row_that_is_issued_is_a_failure():
    good = records(1)[0]
    gap = StopRecord(**{name: getattr(good, name) for name in StopRecord.__slots__} | {"outcome": "A new outcome"})
    tally = played([gap], takes_anything=True)
    assert tally.failures == {"issued although unknown_outcome": 1}


def test_nothing_played_is_no_success():
    assert not played([]).succeeded(delivered=True)


def test_failures_never_name_a_person():
    tally = played(records(40), copies=0)
    assert not any("+336" in example or "@" in example for example in tally.examples)
