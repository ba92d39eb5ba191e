"""What arrives, matched with what was promised: every receipt once, at the right address, and verified.

An answer of the API promises a receipt by certain channels; a text or a mail may arrive before that answer
is read. Either waits for the other; what is left on one side at the end is a receipt lost, or one too many.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, repr=False)
class Arrival:
    """A message that came in."""

    number: str
    """Receipt number, as the message itself says."""
    channel: str
    address: str
    fault: str | None
    """Why it is no good: the first reason of its verdict, or what is missing; ``None`` if it verified."""


@dataclass(slots=True)
class Post:
    """Promises and arrivals that have not met yet."""

    _promised: dict[tuple[str, str], str] = field(default_factory=dict, repr=False)
    _early: dict[tuple[str, str], list[Arrival]] = field(default_factory=dict, repr=False)

    def promise(self, number: str, channel: str, address: str) -> str | None:
        """Expect a receipt; give the finding at once if it has already come, else ``None``."""
        early = self._early.get((number, channel))
        if early:
            arrival = early.pop(0)
            if not early:
                del self._early[number, channel]
            return _finding(arrival, address)
        self._promised[number, channel] = address
        return None

    def arrive(self, arrival: Arrival) -> str | None:
        """Take a message; give the finding if it was promised, else keep it and give ``None``."""
        address = self._promised.pop((arrival.number, arrival.channel), None)
        if address is None:
            self._early.setdefault((arrival.number, arrival.channel), []).append(arrival)
            return None
        return _finding(arrival, address)

    @property
    def awaited(self) -> int:
        """Receipts promised and not yet arrived."""
        return len(self._promised)

    def lost(self) -> Iterator[tuple[str, str]]:
        """Give the receipts (number, channel) that never arrived."""
        yield from self._promised

    def too_many(self) -> Iterator[tuple[str, str]]:
        """Give the messages (receipt number, channel) that nobody asked for, or that came twice."""
        for key, arrivals in self._early.items():
            yield from [key] * len(arrivals)


VERIFIED = "verified"
"""The finding of a receipt that came to the right address and whose verdict is ``passed``."""


def _finding(arrival: Arrival, address: str) -> str:
    if arrival.fault is not None:
        return arrival.fault
    return VERIFIED if arrival.address == address else "at another address"
