"""The receipt: one attestation with all five disclosures. Whoever holds it decides what to show."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Self

from receipt_service.domain.attestation import VCT, attest, statement
from receipt_service.domain.canonical import base64url, from_base64url, from_json
from receipt_service.domain.disclosure import Disclosure, digest_of, disclosure_text, parse_disclosure
from receipt_service.domain.groups import Group
from receipt_service.domain.receipt_number import ReceiptNumber, canonical_receipt_number
from receipt_service.domain.stub import Stub
from receipt_service.errors import MalformedReceipt

_GROUPS = tuple(Group)
_NAMES = tuple(group.value for group in _GROUPS)
_PERSON = _GROUPS.index(Group.PERSON)


@dataclass(frozen=True, slots=True, repr=False)
class Receipt:
    """Leaf and five disclosures in the order of ``Group``, as characters that nobody touches."""

    leaf: str
    disclosures: tuple[str, ...]

    def __post_init__(self) -> None:
        """Refuse any other number of disclosures."""
        if len(self.disclosures) != len(_GROUPS):
            raise MalformedReceipt("a receipt has five disclosures")

    def __repr__(self) -> str:
        """Show nothing: a repr ends up in logs, and this one holds an identity."""
        return "Receipt(…)"

    @property
    def compact(self) -> str:
        """The receipt as an SD-JWT: ``leaf~d1~d2~d3~d4~d5~``."""
        return f"{self.leaf}~{'~'.join(self.disclosures)}~"

    @property
    def stub(self) -> Stub:
        """The same characters without the person."""
        return Stub(self.leaf, self.disclosures[:_PERSON] + self.disclosures[_PERSON + 1 :])

    def disclosure(self, group: Group) -> Disclosure:
        """Read one group's disclosure."""
        return parse_disclosure(self.disclosures[_GROUPS.index(group)])

    def claims(self) -> dict[Group, Any]:
        """Read all five groups, for whoever prints or sends the receipt. Trusts the signer: does not verify."""
        return {group: self.disclosure(group).value for group in _GROUPS}

    def leaf_claims(self) -> dict[str, Any]:
        """Read the payload of the leaf: issuer, type, day, digests. Does not verify."""
        return _leaf_part(self.leaf, 1)

    @property
    def receipt_number(self) -> ReceiptNumber:
        """The number in ``when_where``."""
        return canonical_receipt_number(str(self.disclosure(Group.WHEN_WHERE).value["receipt_number"]))

    @classmethod
    def from_stub(cls, stub: Stub, person: str) -> Self:
        """Put the person's disclosure back in its place."""
        kept = stub.disclosures
        return cls(stub.leaf, (*kept[:_PERSON], person, *kept[_PERSON:]))

    @classmethod
    def parse(cls, compact: str) -> Self:
        """Take a complete receipt in the form that we write: five groups, in order, each in the leaf.

        For our own use of our own receipts (rendering, sending); a receipt from elsewhere goes
        through ``verify``, which also checks the signature. Raises ``MalformedReceipt``.
        """
        if not compact.endswith("~"):
            raise MalformedReceipt("a receipt ends with ~")
        leaf, *disclosures = compact[:-1].split("~")
        receipt = cls(leaf, tuple(disclosures))
        names = [parse_disclosure(encoded).name for encoded in disclosures]
        if names != [group.value for group in _GROUPS]:
            raise MalformedReceipt("a receipt has the five groups in their order")
        if receipt.leaf_claims().get("_sd") != sorted(map(digest_of, disclosures)):
            raise MalformedReceipt("the digests of a receipt are those of its disclosures")
        return receipt


@dataclass(frozen=True, slots=True, repr=False)
class Draft:
    """A receipt before its signature: the bytes to sign and the five disclosures they commit to."""

    signing_input: bytes
    disclosures: tuple[str, ...]
    texts: tuple[bytes, ...]
    """The JSON that each disclosure spells."""

    @property
    def stub_texts(self) -> tuple[bytes, ...]:
        """The texts of the four disclosures that a stub keeps."""
        return self.texts[:_PERSON] + self.texts[_PERSON + 1 :]

    def __repr__(self) -> str:
        """Show nothing: a repr ends up in logs."""
        return "Draft(…)"

    def signed(self, signature: bytes) -> Receipt:
        """Join the signature over ``signing_input`` (64 bytes, ``r || s``)."""
        return Receipt(attest(self.signing_input, signature).leaf, self.disclosures)


def draft_receipt(
    claims: Mapping[Group, Mapping[str, Any]],
    *,
    salts: Sequence[bytes],
    issuer: str,
    kid: str,
    issued_on: date,
    vct: str = VCT,
) -> Draft:
    """Write the five disclosures and the statement that commits to them.

    ``claims`` come from ``groups.claims_of``, ``salts`` (16 bytes each, in the order of ``Group``)
    from ``crypto.derivation.derive`` over ``groups.SALT_INFOS``; ``issued_on`` is the UTC day.
    """
    texts = tuple(
        [disclosure_text(salt, name, claims[group]) for group, name, salt in zip(_GROUPS, _NAMES, salts, strict=True)]
    )
    disclosures = tuple([base64url(text) for text in texts])
    digests = [digest_of(encoded) for encoded in disclosures]
    return Draft(statement(issuer=issuer, kid=kid, issued_on=issued_on, digests=digests, vct=vct), disclosures, texts)


def _leaf_part(leaf: str, index: int) -> dict[str, Any]:
    parts = leaf.split(".")
    if len(parts) != 3:  # noqa: PLR2004  header, payload, signature (RFC 7515 §7.1)
        raise MalformedReceipt("a leaf is a JWS in compact form")
    value = from_json(from_base64url(parts[index]))
    if not isinstance(value, dict):
        raise MalformedReceipt("a leaf's header and payload are JSON objects")
    return value
