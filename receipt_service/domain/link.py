"""The short link: receipt number, seed and person in the fragment, which browsers never send.

``{base}/r#NUMBER.SEED.PERSON``: the page reads the public stub by its number, derives the fifth
salt from the seed, writes the person's disclosure again from the person, and verifies the whole.
The person is spelt compactly, one line per member, so that an SMS can carry it.
"""

from dataclasses import dataclass
from typing import Final, Self

from receipt_service.domain.canonical import base64url, from_base64url
from receipt_service.domain.person import (
    EstablishedBy,
    IdentityEstablished,
    IdentityNotEstablished,
    NotEstablishedReason,
    Person,
)
from receipt_service.domain.receipt_number import ReceiptNumber, canonical_receipt_number
from receipt_service.errors import MalformedReceipt

SEED_BYTES: Final = 16

_PROOF_CODES: Final = {
    EstablishedBy.IDENTITY_CARD: "CI",
    EstablishedBy.PASSPORT: "PA",
    EstablishedBy.RESIDENCE_PERMIT: "TS",
    EstablishedBy.DRIVING_LICENCE: "PC",
    EstablishedBy.FRANCE_IDENTITE: "FI",
    EstablishedBy.OTHER_DOCUMENT: "AU",
    EstablishedBy.WITNESS: "TE",
    EstablishedBy.STATEMENT: "DE",
}
_REASON_CODES: Final = {
    NotEstablishedReason.REFUSED: "R",
    NotEstablishedReason.IMPOSSIBLE: "I",
    NotEstablishedReason.NOT_ASKED: "N",
    NotEstablishedReason.NOT_CARRIED_OVER: "C",
}
_PROOFS: Final = {code: proof for proof, code in _PROOF_CODES.items()}
_REASONS: Final = {code: reason for reason, code in _REASON_CODES.items()}


@dataclass(frozen=True, slots=True, repr=False)
class ReceiptLink:
    """What a link carries. It *is* the receipt for whoever has it: never log it, never put it in a path."""

    receipt_number: ReceiptNumber
    seed: bytes
    person: Person

    def __post_init__(self) -> None:
        """Refuse a seed of any other length: one receipt has one link."""
        if len(self.seed) != SEED_BYTES:
            raise MalformedReceipt("a seed has 16 bytes")

    def __repr__(self) -> str:
        """Show nothing: a repr ends up in logs."""
        return "ReceiptLink(…)"

    @property
    def fragment(self) -> str:
        """``NUMBER.SEED.PERSON``, without the ``#``."""
        return f"{self.receipt_number}.{base64url(self.seed)}.{base64url(_write_person(self.person))}"

    def url(self, base: str) -> str:
        """Write the whole link; ``base`` is the origin of the page, e.g. ``https://recepisse.example``."""
        return f"{base.rstrip('/')}/r#{self.fragment}"

    @classmethod
    def parse_fragment(cls, fragment: str) -> Self:
        """Read what ``fragment`` wrote, and nothing else. Raises ``MalformedReceipt``."""
        parts = fragment.split(".")
        if len(parts) != 3:  # noqa: PLR2004  number, seed, person
            raise MalformedReceipt("a link has a number, a seed and a person")
        number, seed, person = parts
        return cls(canonical_receipt_number(number), from_base64url(seed), _read_person(from_base64url(person)))


def _write_person(person: Person) -> bytes:
    if isinstance(person, IdentityEstablished):
        names = (person.family_name, person.given_names, person.birth_date, person.birth_place)
        if any("\n" in name for name in names):
            raise MalformedReceipt("a name of a person takes one line")
        return "\n".join(("E", *names, _PROOF_CODES[person.established_by])).encode()
    return f"N\n{_REASON_CODES[person.reason]}".encode()


def _read_person(data: bytes) -> Person:
    try:
        lines = data.decode("utf-8").split("\n")
    except UnicodeDecodeError as error:
        raise MalformedReceipt("the person of a link is UTF-8 text") from error
    match lines:
        case ["E", family_name, given_names, birth_date, birth_place, code] if code in _PROOFS:
            return IdentityEstablished(
                family_name=family_name,
                given_names=given_names,
                birth_date=birth_date,
                birth_place=birth_place,
                established_by=_PROOFS[code],
            )
        case ["N", code] if code in _REASONS:
            return IdentityNotEstablished(reason=_REASONS[code])
        case _:
            raise MalformedReceipt("the person of a link is not in the form that we write")
