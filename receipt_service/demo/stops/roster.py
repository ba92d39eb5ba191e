"""The officers of the sample directory, by the place they can be sent to.

Read from the same CSV file that ``receipt-service directory import`` takes: no officer is invented.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from receipt_service.domain.directory import OfficerEntry, UnitEntry
from receipt_service.domain.directory_csv import read_directory
from receipt_service.domain.territory import department_code
from receipt_service.errors import ConfigurationError

OPJ = "OPJ"
_CHECKING = frozenset({OPJ, "APJ"})
"""Qualities that may check under every basis of the replay (CPP 16, 20)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RosterOfficer:
    """An officer whose token the demonstration asks for."""

    number: str
    subject: str
    quality: str
    force: str
    unit: str
    unit_name: str
    department: str | None
    commune: str | None


class Roster:
    """Officers found by quality and force, or by the commune nearest to which they serve."""

    def __init__(self, officers: Iterable[RosterOfficer]) -> None:
        """Keep the order of the directory. Raises ``ConfigurationError`` without a single OPJ."""
        self._officers = tuple(officers)
        self._checking = tuple(officer for officer in self._officers if officer.quality in _CHECKING)
        self._near: dict[tuple[str, bool], tuple[RosterOfficer, ...]] = {}
        if not any(officer.quality == OPJ for officer in self._officers):
            raise ConfigurationError("the directory has no OPJ, without whom no check can be ordered")

    @property
    def officers(self) -> Sequence[RosterOfficer]:
        """All of them."""
        return self._officers

    def one(self, *, quality: str, force: str, department: str | None = None) -> RosterOfficer:
        """Give the first officer of that kind. Raises ``ConfigurationError`` when there is none."""
        for officer in self._officers:
            if (officer.quality, officer.force) == (quality, force) and department in {None, officer.department}:
                return officer
        raise ConfigurationError(f"the sample directory has no {quality} of {force} in {department or 'any place'}")

    def orders(self, officer: RosterOfficer) -> RosterOfficer:
        """Give the OPJ who orders the checks of an officer: of the same unit, else of the département, else any."""
        able = [other for other in self._officers if other.quality == OPJ and other.force == officer.force]
        near = [other for other in able if other.unit == officer.unit]
        near = near or [other for other in able if other.department == officer.department]
        return (near or able or [self.near("", opj=True)[0]])[0]

    def near(self, commune: str, *, opj: bool) -> Sequence[RosterOfficer]:
        """Give the OPJ and APJ nearest to a commune, at least one; ``opj``: OPJ only."""
        key = (commune, opj)
        if key not in self._near:
            able = tuple(officer for officer in self._checking if officer.quality == OPJ or not opj)
            department = department_code(commune)
            self._near[key] = (
                tuple(officer for officer in able if officer.commune == commune)
                or tuple(officer for officer in able if officer.department == department)
                or able
            )
        return self._near[key]


def read_roster(path: Path) -> Roster:
    """Read the active officers of a directory file. Raises ``ConfigurationError``."""
    try:
        file = read_directory(path.read_bytes())
    except OSError:
        raise ConfigurationError("the directory file can't be read") from None
    if file.faults:
        raise ConfigurationError(f"the directory file has {len(file.faults)} faults")
    entries = [placed.entry for placed in file.placed]
    units = {entry.code: entry for entry in entries if isinstance(entry, UnitEntry)}
    return Roster(
        _officer(entry, units[entry.unit_code]) for entry in entries if isinstance(entry, OfficerEntry) and entry.active
    )


def _officer(entry: OfficerEntry, unit: UnitEntry) -> RosterOfficer:
    return RosterOfficer(
        number=entry.number,
        subject=entry.subject,
        quality=entry.quality,
        force=unit.force,
        unit=unit.code,
        unit_name=unit.name,
        department=unit.department,
        commune=unit.commune,
    )
