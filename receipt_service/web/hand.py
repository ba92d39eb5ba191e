"""How much one process takes in hand at once; beyond it clients are asked to come back."""

from receipt_service.web.problems import OVERLOADED
from receipt_service.web.refusals import Refused


class Hand:
    """Counts what is in hand. For one event loop, so it needs no lock."""

    def __init__(self) -> None:
        self.taken = 0

    def take(self, limit: int) -> None:
        """Take one more. Raises ``Refused`` (503) when ``limit`` are in hand."""
        if self.taken >= limit:
            raise Refused(OVERLOADED)
        self.taken += 1

    def release(self) -> None:
        """Give one back."""
        self.taken -= 1


class Hands:
    """The counts of one application."""

    def __init__(self) -> None:
        self.checks = Hand()
        self.prints = Hand()
        self.matches = Hand()
        self.periods = Hand()
