"""The tools of forgery: sign, join, swap and bend the parts of a receipt."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from receipt_service.crypto.keys import ORDER
from receipt_service.crypto.signing import Signer
from receipt_service.domain.canonical import base64url, from_base64url, from_json, to_json
from receipt_service.domain.disclosure import digest_of
from receipt_service.domain.groups import Group
from receipt_service.domain.receipt import Receipt
from receipt_service.verify.verdict import Reason
from tests.support.receipts import SIGNER

DAY = 86_400


@dataclass(frozen=True)
class Bogus:
    """A text that is no receipt, why, and how a reader should think of it."""

    name: str
    text: str
    reason: Reason
    comment: str


def sign(header: Mapping[str, Any] | bytes, payload: Mapping[str, Any] | bytes, signer: Signer = SIGNER) -> str:
    """A JWS over whatever header and payload."""
    parts = [part if isinstance(part, bytes) else to_json(dict(part)) for part in (header, payload)]
    signing_input = ".".join(map(base64url, parts))
    return f"{signing_input}.{base64url(signer.sign(signing_input.encode()))}"


def header_of(receipt: Receipt) -> dict[str, Any]:
    return dict(from_json(from_base64url(receipt.leaf.split(".")[0])))


def join(leaf: str, disclosures: Iterable[str]) -> str:
    return "~".join([leaf, *disclosures, ""])


def written(*parts: Any) -> str:
    """A disclosure of any JSON."""
    return base64url(to_json(list(parts)))


def reissued(receipt: Receipt, disclosures: Iterable[str], **changed: Any) -> str:
    """The leaf signed anew over these disclosures' digests; ``changed`` replaces payload members."""
    digests = sorted(map(digest_of, disclosures))
    return sign(header_of(receipt), {**receipt.leaf_claims(), "_sd": digests, **changed})


def swapped(receipt: Receipt, group: Group, encoded: str) -> list[str]:
    """The receipt's disclosures with one replaced."""
    names = list(Group)
    return [encoded if name is group else old for name, old in zip(names, receipt.disclosures, strict=True)]


def altered(receipt: Receipt, group: Group, **members: Any) -> str:
    """A group's disclosure with members replaced, same salt."""
    old = receipt.disclosure(group)
    return written(old.salt, group.value, {**old.value, **members})


def turned(leaf: str) -> str:
    """The malleable twin: (r, n - s) verifies as well."""
    head, signature = leaf.rsplit(".", 1)
    raw = from_base64url(signature)
    twin = ORDER - int.from_bytes(raw[32:], "big")
    return f"{head}.{base64url(raw[:32] + twin.to_bytes(32, 'big'))}"


def with_trailing_bits(encoded: str) -> str:
    """Another spelling of the same bytes: the last letter's spare bits set."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    assert len(encoded) % 4, "no spare bits in this one"
    return encoded[:-1] + alphabet[alphabet.index(encoded[-1]) + 1]


def bent(receipt: Receipt, group: Group, encoded: str) -> str:
    """A receipt that the issuer itself signed over this disclosure: only its form can be refused."""
    disclosures = swapped(receipt, group, encoded)
    return join(reissued(receipt, disclosures), disclosures)


def is_low(number: bytes) -> bool:
    return int.from_bytes(number, "big") <= ORDER // 2


def receipt_day(receipt: Receipt, later: int = 0) -> date:
    return datetime.fromtimestamp(receipt.leaf_claims()["iat"] + later * DAY, tz=UTC).date()
