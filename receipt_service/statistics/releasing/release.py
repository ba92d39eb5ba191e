"""Releasing a period: once it is closed, every figure of it that may be shown is decided, once and for good.

After that the same question has the same answer on any day and by any path, and a check that comes late changes none.
Areas are taken from the largest to the smallest and periods from the shortest to the longest, so that each figure keeps
its distance from all that are shown already (``statistics.releasing.protection``).

Reading goes on from one state of the rollup. What is written becomes visible at once, when all of it stands; whoever is
killed before leaves nothing to be seen, and the next one begins anew.
"""

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import Connection, Engine

from receipt_service.errors import ConfigurationError, ReceiptServiceError
from receipt_service.statistics.lattice import Period, months_of, parts_of, period_of
from receipt_service.statistics.method.cell_key import Perturbation
from receipt_service.statistics.releasing.choice import Choice
from receipt_service.storage import directory, fold_queue, releases, rollup, rollup_units
from receipt_service.storage.engine import is_sqlite, reading, writing
from receipt_service.storage.releases import Release, ReleasedCell

DELAY: Final = timedelta(days=5)
"""How long after its end a period may be released: until then checks come in that were made without a network."""
_AT_ONCE: Final = 20_000
_LEASE: Final = timedelta(minutes=2)
_LAST_MIDNIGHT: Final = timedelta(hours=12)
"""A month ends last in the west: twelve hours after UTC's."""


class NotReleasable(ReceiptServiceError):
    """The period is not closed, or one that it is made of is not released; or it is released already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """The perturbation, its variance for counts above the smallest ones, and a digest that names its parameters."""

    noise: Perturbation
    variance: float
    digest: str


@dataclass(frozen=True, slots=True)
class Released:
    """What a release came to."""

    period: Period
    areas: int
    """Areas of which something is shown."""
    cells: int
    leak: float
    """M at the area where averaging over tables would help a reader most; the noise's variance is divided by it."""


def closes_at(period: Period) -> datetime:
    """Give the moment from which a period may be released. Raises ``ValueError`` when it is none."""
    last = months_of(period)[-1]
    year, month = divmod(last, 100)
    end = datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC)
    return end + _LAST_MIDNIGHT + DELAY


def due(engine: Engine, now: datetime) -> list[Period]:
    """Give the periods that are closed, have checks and are not released, in the order in which they can be."""
    with reading(engine) as connection:
        months = list(rollup_units.months(connection))
        earlier = releases.released(connection)
    years = sorted({month // 100 for month in months})
    found = [period_of(month) for month in months]
    for parts in ([f"{year}-Q{quarter}" for year in years for quarter in range(1, 5)], [f"{year}" for year in years]):
        found += [period for period in parts if {*parts_of(period)} <= {*found, *earlier}]
    return [period for period in found if period not in earlier and closes_at(period) <= now]


def release(
    engine: Engine,
    period: Period,
    *,
    method: Method,
    now: datetime,
    clock: Callable[[], datetime],
    progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> Released:
    """Release a period. ``progress`` hears how many areas are done, of how many.

    Raises ``ValueError`` for what is no period, ``NotReleasable``, and ``ConfigurationError`` when the noise is too
    small for the lattice: a reader who averaged over tables could find counts to less than one check.
    """
    with reading(engine) as connection:
        _require_ripe(connection, period, now)
    claim = _Claim(engine, period, clock, now + _LEASE)
    with writing(engine) as connection:
        if not releases.claim(connection, period, method=method.digest, now=now, until=claim.held):
            raise NotReleasable(f"{period} is released, or is being released")
    with _one_state(engine) as connection:
        choice = Choice(connection, period, method.noise)
        done = _write(claim, choice, progress)
        leak = choice.leak()
    if method.variance < leak:
        raise ConfigurationError(f"the noise is too small for what is shown: its variance must be above {leak:.2f}")
    claim.finish(Release(period, clock(), method.digest, leak))
    return Released(period, *done, leak)


def _require_ripe(connection: Connection, period: Period, now: datetime) -> None:
    """Hold a period against what must have happened before its release. Raises ``NotReleasable``."""
    if now < closes_at(period):
        raise NotReleasable(f"{period} may be released from {closes_at(period):%Y-%m-%d} on")
    earlier = releases.released(connection)
    if missing := [part for part in parts_of(period) if part not in earlier]:
        raise NotReleasable(f"{period} needs these to be released first: {', '.join(missing)}")
    waiting = fold_queue.waiting(connection)
    if waiting.since is not None and waiting.since < closes_at(period):
        raise NotReleasable(f"{waiting.rows} stubs and messages of that time are not folded into the rollup yet")
    if rollup.state(connection).directory_revision != directory.revision(connection):
        raise NotReleasable("units have moved in the directory, and the rollup has not followed yet: fold first")


def _one_state(engine: Engine) -> closing[Connection]:
    """Open a transaction that sees the database as it is now until its end."""
    connection = engine.connect()
    return closing(connection if is_sqlite(engine) else connection.execution_options(isolation_level="REPEATABLE READ"))


class _Claim:
    """The right to write a release. Whoever stands still for longer than the lease has lost it, and writes no more."""

    def __init__(self, engine: Engine, period: Period, clock: Callable[[], datetime], held: datetime) -> None:
        self.held = held
        self._engine, self._period, self._clock = engine, period, clock

    def is_old(self) -> bool:
        """Whether a good part of the lease is over."""
        return self._clock() > self.held - _LEASE / 2

    def add(self, cells: list[ReleasedCell]) -> None:
        """Write cells, and hold on to the lease in the same transaction. Raises ``NotReleasable``."""
        until = max(self._clock() + _LEASE, self.held)
        with writing(self._engine) as connection:
            if not releases.prolong(connection, self._period, held=self.held, until=until):
                raise NotReleasable(f"{self._period} was begun anew by another process meanwhile")
            releases.add_cells(connection, cells)
        self.held = until

    def finish(self, release: Release) -> None:
        """Show the release. Raises ``NotReleasable``."""
        with writing(self._engine) as connection:
            if not releases.finish(connection, release, held=self.held):
                raise NotReleasable(f"{self._period} was begun anew by another process meanwhile")


def _write(claim: _Claim, choice: Choice, progress: Callable[[int, int], None]) -> tuple[int, int]:
    """Write what is shown, many cells at once; return how many areas show something, and how many cells there are."""
    waiting: list[ReleasedCell] = []
    areas = cells = 0
    for number, (area, shown) in enumerate(choice.areas()):
        areas += bool(shown)
        cells += len(shown)
        waiting += [
            ReleasedCell(choice.period, cell.table, area, cell.a, cell.b, found.value, found.mark.value, *found.truth)
            for cell, found in shown.items()
        ]
        if len(waiting) >= _AT_ONCE or claim.is_old():
            claim.add(waiting)
            waiting.clear()
        progress(number + 1, choice.number_of_areas)
    claim.add(waiting)
    return areas, cells
