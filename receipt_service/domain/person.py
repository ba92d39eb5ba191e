"""The person who was checked: in memory of the request, in the sealed envelope, on the receipt, nowhere else."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal


class EstablishedBy(StrEnum):
    """Kind of proof by which the identity was established (CPP 78-2 al. 1: by any means). Never its number."""

    IDENTITY_CARD = "identity_card"
    PASSPORT = "passport"
    RESIDENCE_PERMIT = "residence_permit"
    DRIVING_LICENCE = "driving_licence"
    FRANCE_IDENTITE = "france_identite"
    OTHER_DOCUMENT = "other_document"
    WITNESS = "witness"
    STATEMENT = "statement"


class NotEstablishedReason(StrEnum):
    """Why a receipt carries no identity."""

    REFUSED = "refused"
    IMPOSSIBLE = "impossible"
    NOT_ASKED = "not_asked"
    """The measure did not need it (a vehicle or a bag alone), or the officer did not ask."""
    NOT_CARRIED_OVER = "not_carried_over"
    """In a correction alone: the identity is on the replaced receipt, and kept nowhere from where to copy it."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class IdentityEstablished:
    """Names as the person's proof spells them; ``birth_date`` is ``YYYY``, ``YYYY-MM`` or ``YYYY-MM-DD``."""

    family_name: str
    given_names: str
    birth_date: str
    birth_place: str
    established_by: EstablishedBy
    identity: Literal["established"] = "established"

    def __repr__(self) -> str:
        """Show nothing: a repr ends up in logs."""
        return "IdentityEstablished(…)"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class IdentityNotEstablished:
    """The same shape of receipt, without an identity and with the reason."""

    reason: NotEstablishedReason
    identity: Literal["not_established"] = "not_established"

    def __repr__(self) -> str:
        """Show nothing, so that both shapes look the same in a log."""
        return "IdentityNotEstablished(…)"


Person = IdentityEstablished | IdentityNotEstablished
