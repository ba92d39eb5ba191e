"""The officer view: what a supervisor may see of the officers of their own units, and the questions that it raises.

The one place that reads officers' counts, and it never reads them without writing down who did, when, of which unit and
period, and for which purpose. The counts are true ones, not anonymised statistics: they are personal data about
officers, for those who answer for their work and for nobody else. Nothing here ranks or decides: see
docs/officer-screen.md.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from sqlalchemy import Connection, Engine

from receipt_service.domain.check import Officer
from receipt_service.errors import OutsideOwnUnits, PeriodNotClosed, UnitTooLarge
from receipt_service.statistics.lattice import Month, Period, months_of, period_of
from receipt_service.statistics.method.funnel import Direction, Reason, Screen, Stratum, Tally, Work, screen
from receipt_service.storage import directory, officer_readings, rollup
from receipt_service.storage.engine import reading, writing
from receipt_service.storage.officer_readings import OfficerReading

ALL_OUTCOMES: Final = ""
"""What ``officer_cell`` counts all checks under."""
NOTHING_FOLLOWS: Final = "LIBRE"
"""The one outcome that excludes the others: the person was free to go. A hit is a check that ended otherwise."""
LAST_CLOCK_HOURS: Final = 10
"""Tahiti is ten hours behind UTC: a month is over in all of France that much after it is over in UTC."""

MOST_OFFICERS: Final = 5000
"""A unit with more is too large a one to look at officer by officer: those below it may be asked about."""

Texts = Mapping[str, str]


class Purpose(StrEnum):
    """Why somebody looks. A closed list: words of one's own could name a person."""

    REGULAR_REVIEW = "regular_review"
    TRAINING = "training"
    COMPLAINT = "complaint"
    INSPECTION = "inspection"


PURPOSES: Final[Mapping[Purpose, Texts]] = {
    Purpose.REGULAR_REVIEW: {"fr": "Revue périodique de l’encadrement", "en": "Regular review by the hierarchy"},
    Purpose.TRAINING: {"fr": "Recherche d’un besoin de formation", "en": "Search for a need of training"},
    Purpose.COMPLAINT: {
        "fr": "Instruction d’une réclamation ou d’un signalement",
        "en": "Handling of a complaint or a report",
    },
    Purpose.INSPECTION: {
        "fr": "Demande d’une inspection, du Défenseur des droits ou de l’autorité judiciaire",
        "en": "Request of an inspectorate, the Defender of Rights or a judicial authority",
    },
}
INDICATOR: Final[Texts] = {
    "fr": "Contrôles dont l’issue est autre que « libre de partir, sans suite »",
    "en": "Checks that ended otherwise than “free to go, nothing further”",
}
NOTICE: Final[Texts] = {
    "fr": "Un signalement est une question posée à l’encadrement, pas un constat : bien des raisons que ces nombres ne "
    "montrent pas peuvent l’expliquer. Rien n’est classé, et aucune décision ne peut reposer sur ces seuls nombres. "
    "Cette consultation est enregistrée.",
    "en": "A flag is a question to the hierarchy, not a finding: many reasons that these numbers do not show may "
    "explain it. Nothing is ranked, and no decision may rest on these numbers alone. This reading is on record.",
}
QUESTIONS: Final[Mapping[Direction, Texts]] = {
    Direction.BELOW: {
        "fr": "Moins de contrôles ont une suite que chez les collègues aux mêmes fondements dans les mêmes services. "
        "Qu’est-ce qui l’explique : les lieux, les horaires, les missions, la saisie des suites, le choix des "
        "personnes contrôlées ?",
        "en": "Fewer checks lead to something than among colleagues with the same legal bases in the same units. What "
        "explains it: places, hours, duties, the recording of outcomes, the choice of whom to check?",
    },
    Direction.ABOVE: {
        "fr": "Davantage de contrôles ont une suite que chez les collègues aux mêmes fondements dans les mêmes "
        "services. Qu’est-ce qui l’explique : les lieux, les missions, des contrôles sans suite non enregistrés, une "
        "pratique à partager ?",
        "en": "More checks lead to something than among colleagues with the same legal bases in the same units. What "
        "explains it: places, duties, checks without result that were not recorded, a practice worth sharing?",
    },
}
NOT_COMPARED: Final[Mapping[Reason, Texts]] = {
    Reason.FEW_CHECKS: {
        "fr": "Trop peu de contrôles dans la période : rien n’est montré.",
        "en": "Too few checks in the period: nothing is shown.",
    },
    Reason.NO_PEERS: {
        "fr": "Presque personne d’autre ne fait les mêmes contrôles, ou leur issue est presque toujours la même : "
        "aucune comparaison.",
        "en": "Hardly anybody else does the same checks, or they nearly always end the same way: no comparison.",
    },
    Reason.FEW_OFFICERS: {
        "fr": "Trop peu d’agents comparables dans ces services : aucune comparaison.",
        "en": "Too few officers to compare in these units: no comparison.",
    },
}


@dataclass(frozen=True, slots=True, kw_only=True)
class OfficerStatistics:
    """What one reading gave."""

    unit: str
    period: Period
    purpose: Purpose
    read_at: datetime
    screen: Screen


def is_over(month: Month, now: datetime) -> bool:
    """Tell whether a month is over by every French clock."""
    year, number = divmod(month, 100)
    ends = datetime(year + number // 12, number % 12 + 1, 1, LAST_CLOCK_HOURS, tzinfo=UTC)
    return now >= ends


def latest_closed(now: datetime) -> tuple[Period, Period]:
    """Return the latest month and the latest quarter that are over."""
    month = now.year * 100 + now.month
    while not is_over(month, now):
        month = _before(month)
    last = month
    while last % 100 % 3:
        last = _before(last)
    return period_of(month), f"{last // 100:04d}-Q{last % 100 // 3}"


def _before(month: Month) -> Month:
    return month - 1 if month % 100 > 1 else month - 100 + 11


def closed_months(period: Period, now: datetime) -> tuple[Month, ...]:
    """Return the months of a month or quarter that is over. Raises ``PeriodNotClosed`` for anything else."""
    try:
        months = months_of(period)
        closed = len(months) <= 3 and is_over(months[-1], now)  # noqa: PLR2004 - the months of a quarter
    except ValueError:  # no period, or of the year 0, which no calendar has
        raise PeriodNotClosed(latest_closed(now)) from None
    if not closed:
        raise PeriodNotClosed(latest_closed(now))
    return months


def work_of(cells: Iterable[rollup.OfficerRow]) -> Work:
    """Turn officers' cells into tallies: a hit is a check of which more is told than that nothing followed."""
    checks: dict[str, dict[Stratum, int]] = defaultdict(lambda: defaultdict(int))
    without: dict[tuple[str, Stratum], int] = defaultdict(int)
    for cell in cells:
        stratum = Stratum(cell.family, cell.unit_code)
        if cell.outcome == ALL_OUTCOMES:
            checks[cell.officer_number][stratum] += cell.n
        elif cell.outcome == NOTHING_FOLLOWS:
            without[cell.officer_number, stratum] += cell.n
    return {
        officer: {stratum: Tally(done, done - without[officer, stratum]) for stratum, done in strata.items()}
        for officer, strata in checks.items()
    }


class OfficerScreens:
    """Answers supervisors, each in one transaction and off the event loop."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def read(
        self, *, reader: Officer, unit: str, period: Period, purpose: Purpose, now: datetime
    ) -> OfficerStatistics:
        """Screen the officers who checked for a unit and those below it in a period that is over.

        Raises ``OutsideOwnUnits`` unless the unit is the reader's own or below it, ``PeriodNotClosed``, and
        ``UnitTooLarge`` beyond ``MOST_OFFICERS``. The reading is on record before anything is answered.
        """
        months = closed_months(period, now)
        return await asyncio.to_thread(self._read, reader, unit, period, months, purpose, now)

    def _read(
        self, reader: Officer, unit: str, period: Period, months: tuple[Month, ...], purpose: Purpose, now: datetime
    ) -> OfficerStatistics:
        with writing(self._engine) as connection:
            units = _own_units(connection, reader, unit)
            work = work_of(rollup.officer_cells(connection, months=months, units=units))
            if len(work) > MOST_OFFICERS:
                raise UnitTooLarge("more officers than are shown at once")
            officer_readings.note(
                connection,
                OfficerReading(
                    read_at=now,
                    reader_number=reader.number,
                    reader_unit=reader.service.code,
                    unit_code=unit,
                    period=period,
                    purpose=purpose.value,
                    officers=len(work),
                ),
            )
        return OfficerStatistics(unit=unit, period=period, purpose=purpose, read_at=now, screen=screen(work))

    def forget_outlived(self, now: datetime) -> int:
        """Delete the readings that have been kept their three years, and count them."""
        with reading(self._engine) as connection:
            if not officer_readings.has_outlived(connection, now):
                return 0
        with writing(self._engine) as connection:
            return officer_readings.forget_outlived(connection, now)


def readings_since(engine: Engine, moment: datetime) -> Iterator[OfficerReading]:
    """Yield what is on record of readings from a moment on, the oldest first."""
    with reading(engine) as connection:
        yield from officer_readings.since(connection, moment)


def _own_units(connection: Connection, reader: Officer, unit: str) -> list[str]:
    """Return the unit and all below it. Raises ``OutsideOwnUnits``, also where there is no such unit."""
    below: dict[str | None, list[str]] = defaultdict(list)
    known = directory.units(connection)
    for entry in known.values():
        below[entry.parent_code].append(entry.code)
    if unit not in known or unit not in _subtree(reader.service.code, below):
        raise OutsideOwnUnits("the unit is neither the reader's nor below it")
    return sorted(_subtree(unit, below))


def _subtree(top: str, below: Mapping[str | None, list[str]]) -> set[str]:
    found, waiting = set(), [top]
    while waiting:
        code = waiting.pop()
        if code not in found:
            found.add(code)
            waiting += below.get(code, [])
    return found
