"""What the law has taken out of the stub-book, as an audit asks for it: a port, until deletion records are kept."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Protocol

from sqlalchemy import Connection

from receipt_service.domain.identifiers import StubId


class Deletions(Protocol):
    """The deletions that a record in the log answers for."""

    def of_stubs(self, connection: Connection, ids: Sequence[StubId]) -> Mapping[StubId, frozenset[str]]:
        """Return, for those of the stubs of which something was deleted, the names of the groups that were."""

    def of_days(self, connection: Connection, first: date, last: date) -> Mapping[tuple[str, date], int]:
        """Return how many whole stubs of a unit's day were deleted."""


class NoDeletions:
    """Nothing was ever deleted, so nothing may be missing."""

    def of_stubs(self, _connection: Connection, _ids: Sequence[StubId]) -> Mapping[StubId, frozenset[str]]:
        """Return nothing."""
        return {}

    def of_days(self, _connection: Connection, _first: date, _last: date) -> Mapping[tuple[str, date], int]:
        """Return nothing."""
        return {}
