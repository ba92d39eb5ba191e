"""How a receipt stands in the transparency log: the part ``log`` of a verdict, explained in ``docs/verdicts.md``."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock_time
from enum import StrEnum
from typing import Any, Final

MERGE_DELAY: Final = timedelta(hours=24)
"""How long after the end of the day of issuance (UTC) the log may take; a leaf tells the day alone."""


class LogState(StrEnum):
    """What auditors must be able to tell apart, as far as one receipt shows it. Codes never change their meaning."""

    LOGGED = "logged"
    """The proof holds and the policy's quorum of witnesses has cosigned."""
    LOGGED_NOT_WITNESSED = "logged_not_witnessed"
    """The log has signed for it, and too few witnesses: the log may show others another tree."""
    NOT_YET_LOGGED = "not_yet_logged"
    """The log says that it has it not, and still has time."""
    NEVER_LOGGED = "never_logged"
    """The log's time is over and it has it not: misbehaviour, or a stolen key."""
    NOT_CHECKED = "not_checked"
    """Nothing is known; ``LogStanding.why`` says what was missing."""
    PROOF_NOT_VALID = "proof_not_valid"
    """What was given as the proof proves nothing."""


class NotChecked(StrEnum):
    """What was missing. The verification page has one more, ``browser_unable``."""

    NO_POLICY = "no_policy"
    """The trust root has no log policy for this issuer."""
    NO_PROOF = "no_proof"
    """No proof is at hand, and nobody was asked for one."""
    LOG_UNREACHABLE = "log_unreachable"
    """The log did not answer, or something else answered."""


class Clock(StrEnum):
    """Whose clock a time is."""

    WITNESS = "witness"
    LOG = "log"


@dataclass(frozen=True, slots=True)
class Told:
    """A time, and on whose word: the witness's name in the policy, or the log's origin."""

    at: datetime
    by: Clock
    name: str

    def to_json(self) -> dict[str, str]:
        """Write it; UTC, to the second."""
        return {"at": _written(self.at), "by": self.by.value, "name": self.name}


@dataclass(frozen=True, slots=True, kw_only=True)
class LogStanding:
    """The state, and what is known with it."""

    state: LogState
    why: NotChecked | None = None
    """Set exactly when not checked."""
    fault: str | None = None
    """What is wrong with the proof, for whoever looks into it."""
    origin: str | None = None
    """The log's name; set where a checkpoint of it holds."""
    index: int | None = None
    """The entry's place, from 0; set where the log has it."""
    size: int | None = None
    """Entries of the tree that the checkpoint is of."""
    witnesses: tuple[str, ...] = ()
    """Those that cosigned, by the policy's names."""
    not_before: Told | None = None
    """The receipt is no older than this; ``None`` where it names no tree, or nothing shows when that stood."""
    not_after: Told | None = None
    """The receipt is no younger than this; ``None`` where no signature has a time."""
    due: datetime | None = None
    """Until when the log had, or has, time; set where it says that it has it not."""

    def to_json(self) -> dict[str, Any]:
        """Write the part ``log`` of ``schemas/verdict.v1.schema.json``."""
        return {
            "state": self.state.value,
            "why": None if self.why is None else self.why.value,
            "origin": self.origin,
            "index": self.index,
            "size": self.size,
            "witnesses": list(self.witnesses),
            "not_before": None if self.not_before is None else self.not_before.to_json(),
            "not_after": None if self.not_after is None else self.not_after.to_json(),
            "due": None if self.due is None else _written(self.due),
        }


def not_checked(why: NotChecked) -> LogStanding:
    """Say what was missing."""
    return LogStanding(state=LogState.NOT_CHECKED, why=why)


def due_for(issued_on: date) -> datetime:
    """Compute until when a leaf of that UTC day must be in the log: the day's end, and ``MERGE_DELAY``."""
    return datetime.combine(issued_on, clock_time(), UTC) + timedelta(days=1) + MERGE_DELAY


def _written(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
