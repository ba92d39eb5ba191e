"""Checks that never took place, for the dashboard of a demonstration, which cannot wait for a month to end.

Facts are drawn as skewed as real ones are, over the units of the sample directory and the months of the last quarter
that is over; from there on everything is the product's own: counting, releasing, answering.
"""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from receipt_service.bootstrap.law import Law
from receipt_service.demo.stops.roster import RosterOfficer
from receipt_service.domain.catalogue_entries import LegalBasis
from receipt_service.domain.territory import department_code
from receipt_service.statistics.facts import Fact, born_at_rest, delay_band
from receipt_service.statistics.lattice import HOUR_BANDS, Delivery, Month, Period, RecordMark, months_of
from receipt_service.statistics.releasing.release import closes_at

CHECKS_A_MONTH: Final = 12_000
SEED: Final = 2026
_ROAD: Final = "CROUTE-R233-1"
_BASES: Final = {
    "CPP-78-2-AL2": 34,
    "CPP-78-2-AL7": 22,
    _ROAD: 18,
    "CPP-78-2-AL8": 13,
    "CPP-78-2-AL9": 6,
    "CPP-78-2-2-I": 4,
    "CPP-78-2-AL4": 2,
    "CESEDA-L812-2-1": 1,
}
_OUTCOMES: Final = {"LIBRE": 63, "VERBAL": 14, "VERIF": 7, "PV_CONVOC": 5, "SAISIE": 5, "INTERPEL": 4, "AFD": 2}
_MEASURES: Final = {"PALPATION": 14, "CONSULTATION_FICHIERS": 30, "INSPECTION_BAGAGE": 6, "CAMERA": 10, "MENOTTAGE": 2}
"""In percent of the checks, each by itself."""
_HOURS: Final = (9, 4, 3, 10, 13, 19, 24, 18)
_MODES: Final = {"behaviour": 40, "report": 16, "requisition": 25, "everyone": 14, "random_draw": 5}
_CHANNELS: Final = {"sms": 58, "email": 12, "screen": 8, "paper": 15, "declined": 7}
_DELIVERY: Final[Mapping[str, int]] = {Delivery.DELIVERED: 90, Delivery.SENT: 6, Delivery.NOT_DELIVERED: 4}
_NEAR: Final[Mapping[str, tuple[str, ...]]] = {
    "75": ("75110", "75118", "75119", "75120", "75111", "75113", "75101"),
    "92": ("92050", "92012", "92025"),
    "93": ("93066", "93001", "93048", "93005", "93008"),
    "94": ("94028", "94081"),
    "69": ("69383", "69386", "69266", "69381"),
    "13": ("13201", "13203", "13215"),
    "59": ("59350", "59512", "59599"),
    "77": ("77288", "77284"),
}
"""Where units of a département check besides at their seat."""


def released_months(now: datetime) -> tuple[Month, ...]:
    """Give the months of the last quarter that may be released by now, and those after it that may be."""
    year, quarter = now.year, (now.month - 1) // 3 + 1
    while closes_at(f"{year}-Q{quarter}") > now:
        year, quarter = (year, quarter - 1) if quarter > 1 else (year - 1, 4)
    found = list(months_of(f"{year}-Q{quarter}"))
    while closes_at(_written(following := _next(found[-1]))) <= now:
        found.append(following)
    return tuple(found)


def made_up_facts(law: Law, officers: Sequence[RosterOfficer], months: Sequence[Month]) -> Iterator[Fact]:
    """Draw checks of these officers' units; always the same ones."""
    chance = random.Random(SEED)  # noqa: S311 - a demonstration's, from a known seed
    drawing = _Drawing(chance, law, [officer for officer in officers if officer.department])
    for month in months:
        for _ in range(int(CHECKS_A_MONTH * chance.uniform(0.85, 1.15))):
            yield drawing.check(month)


def _next(month: Month) -> Month:
    return month + 1 if month % 100 < 12 else month + 89  # noqa: PLR2004 - December to January


def _written(month: Month) -> Period:
    return f"{month // 100:04d}-{month % 100:02d}"


@dataclass(frozen=True, slots=True)
class _Drawing:
    chance: random.Random
    law: Law
    officers: Sequence[RosterOfficer]

    def check(self, month: Month) -> Fact:
        """Draw one check and what became of its receipt."""
        officer = self._skewed(self.officers)
        commune = self._commune(officer)
        basis = self.law.current.bases[self._weighted(_BASES)]
        channel = self._weighted(_CHANNELS)
        sent = channel in {"sms", "email"}
        delivery = self._weighted(_DELIVERY)
        return Fact(
            month=month,
            hour_band=self.chance.choices(HOUR_BANDS, _HOURS)[0],
            department=department_code(commune),
            commune=commune,
            unit=officer.unit,
            officer=officer.number,
            basis=basis.code,
            family=basis.family,
            reasons=self._reasons(basis),
            measures=tuple(code for code, share in _MEASURES.items() if self.chance.random() < share / 100),
            outcomes=self._outcomes(),
            selection=self._selection(basis),
            operations=(),
            marks=self._marks(basis),
            channels=(channel,),
            deliveries=(Delivery(delivery),) if sent else born_at_rest((channel,)),
            delays=(self._delay(),) if sent and delivery == Delivery.DELIVERED else (),
        )

    def _weighted(self, weights: Mapping[str, int]) -> str:
        return self.chance.choices(list(weights), list(weights.values()))[0]

    def _skewed(self, officers: Sequence[RosterOfficer]) -> RosterOfficer:
        return officers[int(self.chance.random() ** 1.5 * len(officers))]

    def _commune(self, officer: RosterOfficer) -> str:
        near = _NEAR.get(officer.department or "", ())
        seat = officer.commune or near[0]
        return seat if not near or self.chance.random() < 0.7 else self.chance.choice(near)  # noqa: PLR2004 - a share

    def _reasons(self, basis: LegalBasis) -> tuple[str, ...]:
        if self.chance.random() < 0.04:  # noqa: PLR2004 - the share without a reason
            return ()
        known = sorted(basis.reasons)
        weights = [1 / (rank + 1) for rank in range(len(known))]
        drawn = self.chance.choices(known, weights, k=2 if self.chance.random() < 0.15 else 1)  # noqa: PLR2004
        return tuple(dict.fromkeys(drawn))

    def _outcomes(self) -> tuple[str, ...]:
        first = self._weighted(_OUTCOMES)
        more = first != "LIBRE" and self.chance.random() < 0.1  # noqa: PLR2004 - the share with two
        return (first, "SAISIE") if more and first != "SAISIE" else (first,)

    def _selection(self, basis: LegalBasis) -> str:
        return self._weighted({mode: weight for mode, weight in _MODES.items() if mode in basis.selections})

    def _marks(self, basis: LegalBasis) -> tuple[RecordMark, ...]:
        shares = {RecordMark.REASON_MISSING: 0.04}
        if basis.requires_requisition:
            shares |= {RecordMark.REQUISITION_MISSING: 0.03, RecordMark.REQUISITION_OUTSIDE: 0.02}
        missing = tuple(mark for mark, share in shares.items() if self.chance.random() < share)
        late = (RecordMark.LATE,) if self.chance.random() < 0.06 else ()  # noqa: PLR2004 - the share recorded late
        return (*(missing or (RecordMark.COMPLETE,)), *late)

    def _delay(self) -> str:
        return delay_band(int(self.chance.lognormvariate(2.2, 1.2)))
