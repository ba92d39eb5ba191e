"""All tables at once, for the migrations alone: nobody else may reach every table through one import."""

from sqlmodel import SQLModel

from receipt_service.storage.attempts import AttemptRow
from receipt_service.storage.audit_readings import AuditReadingRow
from receipt_service.storage.corrections import CorrectionRow
from receipt_service.storage.daily_closings import DailyClosingRow
from receipt_service.storage.deletions import DeletionRow, DeletionStubRow
from receipt_service.storage.directory import DirectoryRevisionRow, OfficerRow, UnitRow
from receipt_service.storage.envelopes import EnvelopeRow
from receipt_service.storage.fold_queue import FoldQueueRow, WithdrawnStubRow
from receipt_service.storage.frames import FrameRow
from receipt_service.storage.idempotency import IdempotencyRow
from receipt_service.storage.log_anchors import LogAnchorRow
from receipt_service.storage.log_entries import LogEntryRow
from receipt_service.storage.log_queue import LogQueueRow
from receipt_service.storage.log_tree import LogTreeRow
from receipt_service.storage.officer_readings import OfficerReadingRow
from receipt_service.storage.outbox import MessageRow
from receipt_service.storage.publications import PublicationRow
from receipt_service.storage.releases import ReleasedCellRow, ReleaseRow
from receipt_service.storage.rollup import OfficerCellRow, RollupCellRow, RollupStateRow, RollupUnitRow
from receipt_service.storage.stubs import StubRow

ROWS = (
    FrameRow,
    StubRow,
    MessageRow,
    EnvelopeRow,
    AttemptRow,
    IdempotencyRow,
    UnitRow,
    OfficerRow,
    DirectoryRevisionRow,
    FoldQueueRow,
    WithdrawnStubRow,
    RollupCellRow,
    OfficerCellRow,
    RollupUnitRow,
    RollupStateRow,
    OfficerReadingRow,
    PublicationRow,
    ReleaseRow,
    ReleasedCellRow,
    LogQueueRow,
    LogEntryRow,
    LogTreeRow,
    LogAnchorRow,
    DailyClosingRow,
    AuditReadingRow,
    CorrectionRow,
    DeletionRow,
    DeletionStubRow,
)
metadata = SQLModel.metadata
