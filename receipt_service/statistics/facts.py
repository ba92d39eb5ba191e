"""From the claims of a stub to what is counted of it, and from that to its cells. Pure; no identity comes by here.

``cells_of`` says, check by check, what the rollup holds. ``aggregation`` reckons the same for many checks at once; a
property test holds the two together.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, Final

import orjson

from receipt_service.domain.catalogue import Catalogue
from receipt_service.domain.territory import Territory
from receipt_service.errors import MalformedReceipt
from receipt_service.statistics.lattice import (
    DELAY_BANDS,
    FRANCE,
    HOUR_BANDS,
    LAST_DELAY_BAND,
    MESSAGE_DIMENSIONS,
    TABLES,
    AreaLevel,
    Delivery,
    Dimension,
    Month,
    RecordMark,
    Table,
    commune_area,
    department_area,
    tables_of,
)
from receipt_service.statistics.units import UnitTree

LATE_AFTER: Final = timedelta(hours=1)
"""A check that was recorded later than this after it took place is marked ``late``."""

_DELIVERY_OF: Final[Mapping[str, Delivery]] = {
    "accepted": Delivery.SENT,
    "delivered": Delivery.DELIVERED,
    "undeliverable": Delivery.NOT_DELIVERED,
    "expired": Delivery.NOT_DELIVERED,
    "dead_letter": Delivery.NOT_DELIVERED,
}
"""What a message's state (``domain.message``) counts as; a state that isn't here is on its way, and counts not."""
_BORN_AT_REST: Final[Mapping[str, Delivery]] = {
    "screen": Delivery.SHOWN,
    "paper": Delivery.PRINTED,
    "declined": Delivery.DECLINED,
}
"""By channel: what is at rest the moment it is registered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """What is counted of one check, or (``counts_check`` false) of one message of a check."""

    month: Month
    """In the local time of the place, as everything here."""
    hour_band: str
    department: str
    commune: str
    unit: str
    officer: str
    basis: str
    """The main legal basis: the first on the receipt."""
    family: str
    """Its family in the catalogue."""
    reasons: tuple[str, ...]
    measures: tuple[str, ...]
    outcomes: tuple[str, ...]
    selection: str
    operations: tuple[str, ...]
    marks: tuple[RecordMark, ...]
    draw_counter: int | None = None
    """Place in the committed random draw, where the stub carries one."""
    channels: tuple[str, ...] = ()
    deliveries: tuple[Delivery, ...] = ()
    """One for each message that has come to rest."""
    delays: tuple[str, ...] = ()
    """One for each message whose delivery was confirmed."""
    counts_check: bool = True
    corrects: bool = False
    """The receipt takes another one's place."""

    def values(self, dimension: Dimension) -> tuple[str, ...]:
        """Return the values that the fact has of a dimension: one where it partitions the checks, else any number."""
        match dimension:
            case Dimension.BASIS:
                return (self.basis,)
            case Dimension.HOUR_BAND:
                return (self.hour_band,)
            case Dimension.SELECTION:
                return (self.selection,)
            case _:
                found: tuple[str, ...] = getattr(self, _MEMBERS[dimension])
                return found


_MEMBERS: Final[Mapping[Dimension, str]] = {
    Dimension.REASON: "reasons",
    Dimension.MEASURE: "measures",
    Dimension.OUTCOME: "outcomes",
    Dimension.CHANNEL: "channels",
    Dimension.DELIVERY: "deliveries",
    Dimension.DELIVERY_DELAY: "delays",
    Dimension.OPERATION: "operations",
    Dimension.RECORD: "marks",
}


def cells_of(fact: Fact, tree: UnitTree) -> Iterator[tuple[str, str, str, str]]:
    """Yield table, area, ``a`` and ``b`` of each cell in which the fact is counted, once for each time it is."""
    entries = {table: list(_entries(fact, table)) for table in TABLES}
    whole = (FRANCE, department_area(fact.department), *tree.areas(fact.unit))
    of_commune = frozenset(tables_of(AreaLevel.COMMUNE))
    for table, found in entries.items():
        areas = (*whole, commune_area(fact.commune)) if table in of_commune else whole
        for a, b in found:
            for area in areas:
                yield table.code, area, a, b


def _entries(fact: Fact, table: Table) -> Iterator[tuple[str, str]]:
    of_messages = bool(MESSAGE_DIMENSIONS.intersection(table.dimensions))
    if not (of_messages or fact.counts_check):
        return
    first, second = (*map(fact.values, table.dimensions), ("",), ("",))[:2]
    for a in first:
        for b in second:
            yield a, b


def officer_cells_of(fact: Fact) -> Iterator[tuple[Month, str, str, str, str]]:
    """Yield month, unit, officer, family and outcome of each officer's cell: each outcome, and all (empty)."""
    if fact.counts_check:
        for outcome in ("", *fact.outcomes):
            yield fact.month, fact.unit, fact.officer, fact.family, outcome


def resting(fact: Fact, state: str | None, elapsed_seconds: int | None) -> Fact | None:
    """Return what is counted of a message of this check in that state; None while it is on its way."""
    delivery = _DELIVERY_OF.get(state or "")
    if delivery is None:
        return None
    confirmed = delivery is Delivery.DELIVERED and elapsed_seconds is not None
    delays = (delay_band(elapsed_seconds or 0),) if confirmed else ()
    return replace(fact, channels=(), deliveries=(delivery,), delays=delays, counts_check=False)


def born_at_rest(channels: tuple[str, ...], *, corrects: bool = False) -> tuple[Delivery, ...]:
    """Return what became of the messages that needed no sending: shown, printed, declined.

    A correction that went to nobody was declined by nobody: as a rule the person was no longer there.
    """
    at_rest = (_BORN_AT_REST[channel] for channel in channels if channel in _BORN_AT_REST)
    return tuple(each for each in at_rest if not (corrects and each is Delivery.DECLINED))


def delay_band(seconds: int) -> str:
    """Return the band of a delay."""
    return next((band for band, end in DELAY_BANDS.items() if seconds < end), LAST_DELAY_BAND)


class FactReader:
    """Reads facts off stubs, with every version of the catalogue that they may name."""

    def __init__(self, catalogues: Mapping[str, Catalogue], territory: Territory) -> None:
        self._catalogues = catalogues
        self._territory = territory

    def read(self, disclosures: str) -> Fact:
        """Read the four disclosures of a stub, as they are stored: a line of JSON each, ``[salt, name, claims]``.

        Raises ``MalformedReceipt`` for anything that ``domain.groups`` does not write.
        """
        try:
            basis, consequences, place, officer = (
                each[2] for each in orjson.loads("[" + disclosures.replace("\n", ",") + "]")
            )
            return self._fact(basis, consequences, place, officer)
        except (ValueError, LookupError, TypeError, AttributeError):
            raise MalformedReceipt("not the disclosures of a stub") from None

    def _fact(self, basis: Any, consequences: Any, place: Any, officer: Any) -> Fact:
        catalogue = self._catalogues[basis["catalogue"]["version"]]
        used = basis["bases"]
        checked_at = place["checked_at"]
        operations = (use["operation_reference"] for use in used if "operation_reference" in use)
        return Fact(
            month=int(checked_at[:4]) * 100 + int(checked_at[5:7]),
            hour_band=HOUR_BANDS[int(checked_at[11:13]) // 3],
            department=place["department"],
            commune=place["commune"],
            unit=officer["service"]["code"],
            officer=officer["number"],
            basis=used[0]["code"],
            family=catalogue.bases[used[0]["code"]].family,
            reasons=_once(basis["reasons"]),
            measures=_once(consequences["measures"]),
            outcomes=_once(consequences["outcomes"]),
            selection=basis["selection"],
            operations=_once(operations),
            marks=_Marks(basis, place, catalogue, self._territory).all,
            draw_counter=basis.get("draw_counter"),
            corrects="replaces" in place,
        )


def _once(values: Any) -> tuple[str, ...]:
    return tuple(dict.fromkeys(values))


@dataclass(frozen=True)
class _Marks:
    """Completeness and agreement of one check."""

    basis: Any
    place: Any
    catalogue: Catalogue
    territory: Territory

    @cached_property
    def all(self) -> tuple[RecordMark, ...]:
        missing = [mark for mark, holds in self._faults() if holds]
        marks = missing or [RecordMark.COMPLETE]
        if self._recorded_late():
            marks.append(RecordMark.LATE)
        if "replaces" in self.place:
            marks.append(RecordMark.CORRECTION)
        return tuple(marks)

    def _faults(self) -> Iterator[tuple[RecordMark, bool]]:
        used = self.basis["bases"]
        yield RecordMark.REASON_MISSING, not self.basis["reasons"] and not self.basis.get("reason_text")
        needed = (use for use in used if "requisition" in self.catalogue.bases[use["code"]].required_fields)
        yield RecordMark.REQUISITION_MISSING, any("requisition" not in use for use in needed)
        named = (use["requisition"] for use in used if "requisition" in use)
        yield RecordMark.REQUISITION_OUTSIDE, any(not self._inside(requisition) for requisition in named)

    def _inside(self, requisition: Any) -> bool:
        at = datetime.fromisoformat(self.place["checked_at"])
        starts, ends = (datetime.fromisoformat(requisition[name]) for name in ("starts_at", "ends_at"))
        commune = self.territory.commune(self.place["commune"])
        listed = tuple(requisition["communes"])
        return starts <= at <= ends and commune is not None and self.territory.covers(listed, commune)

    def _recorded_late(self) -> bool:
        """Of a correction what counts is when the receipt was recorded that it replaces."""
        checked, recorded = self.place["checked_at"], self.place.get("replaces", self.place)["recorded_at"]
        return datetime.fromisoformat(recorded) - datetime.fromisoformat(checked) > LATE_AFTER
