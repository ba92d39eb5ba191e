"""Write the answers in receipt_service/web/examples anew, out of the requests beside them: a real issuance.

``python tests/vectors/api/make_examples.py``: a new key and new numbers each time; the requests stay.
"""

import asyncio
import json
import sys
import tempfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT))

from receipt_service.audit.period import AuditPeriod  # noqa: E402
from receipt_service.audit.readings import reason_of  # noqa: E402
from receipt_service.bootstrap.application import ApiProcess  # noqa: E402
from receipt_service.bootstrap.database import migrate  # noqa: E402
from receipt_service.bootstrap.keyring import generate_key  # noqa: E402
from receipt_service.bootstrap.law import load_law  # noqa: E402
from receipt_service.bootstrap.log import log_policy  # noqa: E402
from receipt_service.bootstrap.log_keys import LastSignedFile, make_log_keys  # noqa: E402
from receipt_service.config.loading import load  # noqa: E402
from receipt_service.config.processes import ApiSettings  # noqa: E402
from receipt_service.delivery.worker.epochs import EpochKeys  # noqa: E402
from receipt_service.domain.canonical import from_base64url  # noqa: E402
from receipt_service.issuance.directory import import_directory  # noqa: E402
from receipt_service.issuance.submission import Cancellation, Submission  # noqa: E402
from receipt_service.statistics.answers import Answer, Line, Offer, Scope  # noqa: E402
from receipt_service.statistics.indicators import Cells  # noqa: E402
from receipt_service.statistics.method.cell_key import Mark  # noqa: E402
from receipt_service.statistics.method.funnel import Stratum, Tally, screen  # noqa: E402
from receipt_service.statistics.officers import OfficerStatistics, Purpose  # noqa: E402
from receipt_service.statistics.questions import question_of  # noqa: E402
from receipt_service.storage.engine import open_engine  # noqa: E402
from receipt_service.storage.releases import Release  # noqa: E402
from receipt_service.tlog.policy import format_policy  # noqa: E402
from receipt_service.transparency import sequencing  # noqa: E402
from receipt_service.transparency.log_folder import LogFolder  # noqa: E402
from receipt_service.transparency.publishing import Publisher  # noqa: E402
from receipt_service.web.audit_answers import closing_response, readings_response  # noqa: E402
from receipt_service.web.correction_requests import read_cancellation  # noqa: E402
from receipt_service.web.indicator_answers import indicators_response  # noqa: E402
from receipt_service.web.officer_answers import officer_statistics_response  # noqa: E402
from receipt_service.web.requests import read_check  # noqa: E402
from receipt_service.web.responses import (  # noqa: E402
    cancelled_response,
    check_state_response,
    issued_response,
    stub_content,
)
from receipt_service.web.statistics_answers import Format, answer_response, offer_response  # noqa: E402
from tests.support.api import DIRECTORY  # noqa: E402

FOLDER = ROOT / "receipt_service" / "web" / "examples"
NOW = datetime(2026, 11, 23, 13, 9, 42, tzinfo=UTC)
OFFICER = "agent-1"
LATER = NOW + timedelta(hours=8)


def make_process(folder: Path) -> ApiProcess:
    settings = load(
        ApiSettings,
        public_url="https://recepisse.example",
        data_folder=folder,
        oidc_issuer="https://connexion.example",
        oidc_audience="receipt-service",
    )
    migrate(settings.database)
    generate_key(settings.issuer_keys, None, NOW - timedelta(days=30))
    EpochKeys(folder / "epochs", settings.sealing_keys).prepare(NOW)
    engine, law = open_engine(settings.database), load_law()
    report = import_directory(engine, DIRECTORY.encode(), catalogue=law.current, territory=law.territory, now=NOW)
    assert not report.faults
    return ApiProcess(settings, law, engine)


async def make(process: ApiProcess) -> dict[str, Any]:
    services = process.services
    request, person, recipient = read_check((FOLDER / "check-request.json").read_bytes(), NOW)
    submission = Submission(
        subject=OFFICER,
        idempotency_key="8e03978e-40d5-43dd-bc93-6894a57f9324",
        request=request,
        person=person,
        recipient=recipient,
    )
    issued = await services.issue(submission, NOW)
    answer = json.loads(bytes(issued_response(issued, recipient, services).body))
    number = issued.receipt_number
    reader = await services.officer(OFFICER)
    report = await services.reads.check(number, reader=reader, supervises=False)
    stub = stub_content(number, await services.reads.stub(number))
    asked = read_cancellation((FOLDER / "cancellation-request.json").read_bytes())
    cancelled = await services.cancel(
        Cancellation(
            subject=OFFICER,
            idempotency_key="0d4b7c9e-5b0f-4c39-9f5e-0a6b8f1d2c3e",
            receipt_number=number,
            reason=asked.reason,
            explanation=asked.explanation,
            supervises=False,
        ),
        NOW + timedelta(minutes=20),
    )
    return {
        "check-issued": answer,
        "check-cancelled": json.loads(bytes(cancelled_response(cancelled, services).body)),
        "check-state": json.loads(bytes(check_state_response(report).body)),
        "stub": stub,
        "issuer": {"issuer": services.public_url, "jwks": services.jwks()},
        "receipt-pdf-request": {"receipt": answer["receipt"], "link": answer["link"], "second_language": "en"},
    }


async def audits(process: ApiProcess, receipt: str) -> dict[str, Any]:
    """Log the check, close its day, match the receipt with its identity hidden, audit the day."""
    services, settings = process.services, process._settings
    reader = await services.officer("agent-2")
    closing = await services.closings.close(closer=reader, unit=None, day=NOW.date(), checks=1, now=LATER)
    _publish(process._engine, settings.data_folder / "keys" / "log", LogFolder(settings.log))
    shown = "~".join(part for part in receipt.split("~") if not _is_person(part))
    why, later = {"purpose": "contestation", "reference": "2026/1187"}, LATER + timedelta(minutes=20)
    match = await services.audits.match("controle-7", shown, reason_of(**why), later)
    days = AuditPeriod(NOW.date(), NOW.date())
    period = await services.audits.period("controle-7", days, reason_of("regular_control", "2026/C-3"), later)
    asked = {"first": str(days.first), "last": str(days.last), "purpose": "regular_control", "reference": "2026/C-3"}
    return {
        "closing-request": {"day": str(days.first), "checks": 1},
        "closing": json.loads(bytes(closing_response(closing).body)),
        "audit-match-request": {"presented": shown, **why},
        "audit-match": match.to_json(),
        "audit-period-request": asked,
        "audit-period": period.to_json(),
        "audit-readings": json.loads(bytes(readings_response(await services.audits.readings(NOW)).body)),
    }


def _publish(engine: Engine, keys: Path, folder: LogFolder) -> None:
    origin = "recepisse.example/log"
    signer = make_log_keys(keys, origin)
    folder.write_checkpoint("policy", format_policy(log_policy(None, signer.verifiers)))
    sequencing.sequence(engine, 10)
    last = LastSignedFile(keys)
    Publisher(engine, folder, origin=origin, sign=signer.sign, last=last, clock=lambda: LATER).publish()


def _is_person(part: str) -> bool:
    return bool(part) and "." not in part and b'"person"' in from_base64url(part)[:40]


def officer_statistics() -> dict[str, Any]:
    """Answer for a unit of 26 officers, cut down to one of each kind; the same each time."""
    identity, titles = Stratum("identity_check", "PN-75-10"), Stratum("title_check", "PN-75-10")
    work = {
        f"{1_234_500 + place}": {identity: Tally(180 + 7 * place, 30 + (5 * place) % 17 + place)} for place in range(24)
    }
    work |= {"1234503": {identity: Tally(240, 9)}, "1234524": {identity: Tally(21, 2)}}
    work |= {"1234525": {titles: Tally(64, 20)}}
    found = screen(work)
    shown = {"1234502", "1234503", "1234524", "1234525"}
    statistics = OfficerStatistics(
        unit="PN-75-10",
        period="2026-Q3",
        purpose=Purpose.REGULAR_REVIEW,
        read_at=NOW,
        screen=replace(found, entries=tuple(entry for entry in found.entries if entry.officer in shown)),
    )
    document: dict[str, Any] = json.loads(bytes(officer_statistics_response(statistics).body))
    return document


def statistics() -> dict[str, Any]:
    """Answer a question about made-up figures, and what could be asked."""
    release = Release("2026-Q3", NOW, "", 2.5)
    question = question_of(area="UPN-75-10", period="2026-Q3", by=["outcome"])
    lines = (
        Line(("INTERPEL",), 131, Mark.PERTURBED),
        Line(("LIBRE",), 4218, Mark.PERTURBED),
        Line(("VERBAL",), 507, Mark.PERTURBED),
    )
    answer = Answer(question=question, released_at=NOW, total=4874, lines=lines)
    offer = Offer(Scope(frozenset({"PN-75-10"}), frozenset({"75"}), france=False), {}, (release,))
    released: dict[tuple[str, str, str, str, str], int | None] = {
        ("total", "2026-Q3", "UPN-75-10", "", ""): 4874,
        ("outcome", "2026-Q3", "UPN-75-10", "LIBRE", ""): 4218,
    }
    cells = Cells(released=released, period="2026-Q3", area="UPN-75-10", noise_variance=10)
    indicators = json.loads(bytes(indicators_response(cells).body))
    shown = {"checks", "nothing", "draw_adherence"}
    indicators["indicators"] = [each for each in indicators["indicators"] if each["code"] in shown]
    return {
        "indicators": indicators,
        "statistics": json.loads(bytes(answer_response(answer, Format.JSON).body)),
        "statistics-offer": json.loads(bytes(offer_response(offer).body)),
    }


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        process = make_process(Path(folder))
        examples = asyncio.run(make(process))
        examples |= asyncio.run(audits(process, examples["check-issued"]["receipt"]))
    examples["officer-statistics"] = officer_statistics()
    examples |= statistics()
    for name, content in examples.items():
        text = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
        (FOLDER / f"{name}.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
