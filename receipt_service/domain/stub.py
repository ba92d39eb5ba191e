"""The stub: the counterfoil the service keeps. The leaf and four disclosures, no identity.

It is made of the very characters of the receipt, not of a copy of its facts; so a stub that
differs from its receipt by one character does not verify.
"""

from dataclasses import dataclass
from typing import Final, Self

from receipt_service.errors import MalformedReceipt

DISCLOSURES: Final = 4


@dataclass(frozen=True, slots=True)
class ReducedStub:
    """Leaf and fewer disclosures than four: the others were let go of. What remains verifies as before."""

    leaf: str
    disclosures: tuple[str, ...]

    @property
    def compact(self) -> str:
        """The rest as an SD-JWT."""
        return "~".join((self.leaf, *self.disclosures, ""))


@dataclass(frozen=True, slots=True)
class Stub:
    """Leaf and the disclosures ``legal_basis``, ``consequences``, ``when_where``, ``officer``, in that order."""

    leaf: str
    disclosures: tuple[str, ...]

    def __post_init__(self) -> None:
        """Refuse any other number of disclosures."""
        if len(self.disclosures) != DISCLOSURES:
            raise MalformedReceipt("a stub has four disclosures")

    @property
    def compact(self) -> str:
        """The stub as an SD-JWT: ``leaf~d1~d2~d3~d4~``."""
        return f"{self.leaf}~{self.joined}~"

    @property
    def joined(self) -> str:
        """The four disclosures joined by ``~``, as they are stored."""
        return "~".join(self.disclosures)

    @classmethod
    def from_joined(cls, leaf: str, joined: str) -> Self:
        """Take a stub back from storage."""
        return cls(leaf, tuple(joined.split("~")))

    @classmethod
    def parse(cls, compact: str) -> Self:
        """Split the SD-JWT form. Says nothing about truth: ``verify`` does. Raises ``MalformedReceipt``."""
        leaf, *disclosures = compact.removesuffix("~").split("~")
        if not compact.endswith("~") or not leaf or not all(disclosures):
            raise MalformedReceipt("a stub is a JWT and disclosures, each ended by ~")
        return cls(leaf, tuple(disclosures))
