"""The JSON bodies that auditors, supervisors who close a day, and data-protection officers get; for the document."""

from datetime import date, datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from receipt_service.audit.closings import Closing
from receipt_service.audit.findings import Code, Weight
from receipt_service.audit.matching import Outcome, State
from receipt_service.audit.readings import AuditPurpose, ReadingKind, RecordedReading
from receipt_service.web.responses import json_response


class _Out(BaseModel):
    model_config = ConfigDict(extra="forbid")


class AuditMatchOut(_Out):
    """What matching found: codes, hashes and names of groups, nothing of what they say."""

    version: Literal[1]
    outcome: Outcome
    verdict: Literal["passed", "failed", "indeterminate"]
    reasons: list[str] = Field(description="Of the verdict, see docs/verdicts.md.")
    view: Literal["leaf", "stub", "receipt", "partial"] | None
    issued_on: date | None
    leaf_hash: str | None = Field(pattern="^[0-9a-f]{64}$")
    index: int | None = Field(ge=0, description="Place in the log, where it was proved.")
    log_size: int | None = Field(ge=1)
    log_root: str | None = Field(pattern="^[0-9a-f]{64}$")
    witnesses: int | None = Field(ge=0, description="How many witnesses cosigned the checkpoint of the proof.")
    quorum_reached: bool | None
    compared: list[str] = Field(description="Groups shown that were held against the stub; the person's never is.")
    differing: list[str] = Field(description="In what: `leaf`, groups, `disclosures`, `columns`, `correction`.")
    erased: list[str] = Field(description="Groups of the stub that a retention rule took, as the log says.")
    state: State | None = Field(description="What became of the receipt since; null where there is no stub.")


class AuditFindingOut(_Out):
    """One finding; what it has nothing to say about is left out."""

    code: Code
    weight: Weight
    index: int | None = None
    stub_id: str | None = Field(default=None, description="Row number of a stub, which opens nothing.")
    unit: str | None = None
    day: str | None = None
    expected: int | None = None
    found: int | None = None


class AuditPeriodOut(_Out):
    """What the audit of a period found."""

    version: Literal[1]
    period: str
    audited_at: datetime
    whole: bool = Field(description="Nothing was found that can't be honest.")
    log_size: int
    log_root: str | None
    entries: int = Field(description="Entries of the log that were checked.")
    stubs: int = Field(description="Stubs registered in the period, each of which has its place.")
    closings: int
    counts: dict[str, int] = Field(description="How often each code.")
    findings: list[AuditFindingOut] = Field(description="The first thousand of each code.")
    not_recorded: list[str] = Field(description="What would have to be compared and is not recorded.")


class DailyClosingOut(_Out):
    """A day that was closed, for ever, and the record of it that stands in the log."""

    unit: str
    day: date
    checks: int
    registered: int = Field(description="Checks of that unit and day in the book at that moment.")
    closed_by: str = Field(description="An officer's number.")
    closed_at: datetime
    record: str = Field(description="The signed record as it enters the log (docs/log-records.md).")
    disclosure: str = Field(description="What the record conceals from the public.")


class AuditReadingOut(_Out):
    """One audit on record."""

    read_at: datetime
    reader_kind: Literal["officer", "subject", "system_user"]
    reader: str
    kind: ReadingKind
    what: str = Field(description="A leaf hash, or a period; empty for what was no receipt of this service.")
    purpose: AuditPurpose
    reference: str


class AuditReadingsOut(_Out):
    """Who audited what, when and why, the oldest first."""

    readings: list[AuditReadingOut]


AUDIT_RESPONSES: tuple[type[BaseModel], ...] = (AuditMatchOut, AuditPeriodOut, DailyClosingOut, AuditReadingsOut)


def closing_response(closing: Closing) -> Response:
    """Answer 201 with a day that was closed."""
    content: dict[str, Any] = {
        **closing.facts.to_json(),
        "closed_at": closing.closed_at.isoformat(timespec="seconds"),
        "record": closing.record.text,
        "disclosure": closing.record.disclosure,
    }
    return json_response(content, 201)


def readings_response(readings: list[RecordedReading]) -> Response:
    """Answer 200 with the audits on record."""
    return json_response({"readings": [reading.to_json() for reading in readings]})
