"""Write the conformance vectors of this folder: receipts good and bogus, links, and the keys that made them.

Everything is fixed (keys, salts, times; signatures are deterministic, RFC 6979), so that running it again
changes nothing: ``python tests/vectors/receipts/make_receipts.py`` and ``git diff --exit-code``; a test does both.
"""

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[2]))

from receipt_service.crypto.signing import Signer  # noqa: E402
from receipt_service.domain.canonical import base64url  # noqa: E402
from receipt_service.domain.check import Place  # noqa: E402
from receipt_service.domain.groups import Group  # noqa: E402
from receipt_service.domain.person import IdentityNotEstablished, NotEstablishedReason  # noqa: E402
from receipt_service.domain.receipt_number import ReceiptNumber  # noqa: E402
from tests.support.forgery import bogus_receipts  # noqa: E402
from tests.support.forging import join, reissued, swapped  # noqa: E402
from tests.support.receipts import (  # noqa: E402
    CHECK,
    ISSUED_ON,
    ISSUER,
    LATE_CORRECTION,
    NOW,
    OTHER_SIGNER,
    PERSON,
    RECEIPT_NUMBER,
    SEED,
    SIGNER,
    sample_link,
    sample_receipt,
)


@dataclass(frozen=True)
class Vector:
    """One text and the verdict that every verifier must come to."""

    name: str
    text: str
    status: str
    comment: str
    reason: str | None = None
    view: str | None = None

    def entry(self) -> dict[str, Any]:
        told = {"name": self.name, "file": f"{self.name}.sd-jwt", "status": self.status, "reason": self.reason}
        return {**told, "view": self.view, "comment": self.comment}


def good() -> Iterator[Vector]:
    receipt = sample_receipt()
    yield Vector("receipt", receipt.compact, "passed", "all five groups", view="receipt")
    yield Vector("stub", receipt.stub.compact, "passed", "without the person", view="stub")
    yield Vector("leaf", f"{receipt.leaf}~", "passed", "no disclosure", view="leaf")
    hidden = join(receipt.leaf, [receipt.disclosures[0], receipt.disclosures[3]])
    yield Vector("hidden-groups", hidden, "passed", "the holder shows two groups", view="partial")
    backwards = join(receipt.leaf, receipt.disclosures[::-1])
    yield Vector("other-order", backwards, "passed", "the order of disclosures means nothing", view="receipt")
    spaced = _spaced(receipt.disclosure(Group.PERSON).value, receipt.disclosure(Group.PERSON).salt)
    disclosures = swapped(receipt, Group.PERSON, spaced)
    respelt = join(reissued(receipt, disclosures), disclosures)
    yield Vector("other-json", respelt, "passed", "signed over JSON with spaces and escapes", view="receipt")
    nobody = sample_receipt(person=IdentityNotEstablished(reason=NotEstablishedReason.REFUSED))
    yield Vector("not-established", nobody.compact, "passed", "identity not established", view="receipt")
    single = sample_receipt(person=replace(PERSON, given_names=""))
    yield Vector("single-name", single.compact, "passed", "a person with one name", view="receipt")
    yield Vector("overseas", _overseas(), "passed", "the clock of Mayotte; no end of the check", view="receipt")
    late = sample_receipt(
        person=IdentityNotEstablished(reason=NotEstablishedReason.NOT_CARRIED_OVER), moment=LATE_CORRECTION
    )
    yield Vector("late-correction", late.compact, "passed", "replaces another one, late, after a tree", view="receipt")
    retired = sample_receipt(signer=OTHER_SIGNER, issued_on=date(2025, 6, 1))
    yield Vector("retired-key", retired.compact, "passed", "signed when its key still signed", view="receipt")


def missing() -> Iterator[Vector]:
    stranger = sample_receipt(issuer="https://autre.example")
    yield Vector(
        "indeterminate-unknown-issuer",
        stranger.compact,
        "indeterminate",
        "an issuer nobody told us of",
        "issuer_unknown",
        "receipt",
    )
    unknown = sample_receipt(kid="AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
    yield Vector(
        "indeterminate-unknown-key",
        unknown.compact,
        "indeterminate",
        "a key id nobody told us of",
        "key_unknown",
        "receipt",
    )


def bogus() -> Iterator[Vector]:
    for item in bogus_receipts():
        yield Vector(f"bogus-{item.name}", item.text, "failed", item.comment, item.reason.value)
    late = sample_receipt(signer=OTHER_SIGNER)
    yield Vector("bogus-key-outside-period", late.compact, "failed", "signed with a retired key", "key_outside_period")
    early = sample_receipt(issued_on=date(2025, 12, 31))
    yield Vector("bogus-key-before-period", early.compact, "failed", "dated before its key", "key_outside_period")
    both = sample_receipt(issuer="https://autre.example").compact
    yield Vector(
        "bogus-altered-unknown-issuer",
        both.replace("~W", "~X", 1),
        "failed",
        "what is wrong in itself is wrong whoever signed",
        "json_not_strict",
    )


def links() -> list[dict[str, Any]]:
    receipt, link = sample_receipt(), sample_link()
    other_number = ReceiptNumber("0" * 25 + "1")
    other = sample_receipt(receipt_number=other_number)
    cases = [
        ("link", link, receipt, None, "the link of receipt.sd-jwt"),
        (
            "bogus-link-person",
            replace(link, person=replace(PERSON, family_name="Autre")),
            receipt,
            "disclosure_not_referenced",
            "another name in the fragment",
        ),
        ("bogus-link-seed", replace(link, seed=bytes(16)), receipt, "disclosure_not_referenced", "another seed"),
        (
            "bogus-link-number",
            replace(link, receipt_number=other_number),
            receipt,
            "receipt_number_mismatch",
            "the service answers with the stub of another number",
        ),
        (
            "bogus-link-stub",
            link,
            other,
            "receipt_number_mismatch",
            "a stub of another number whose person happens to be the same",
        ),
    ]
    return [
        {
            "name": name,
            "url": each.url(ISSUER),
            "receipt_number": each.receipt_number,
            "seed": base64url(each.seed),
            "stub": {
                "receipt_number": each.receipt_number,
                "leaf": served.leaf,
                "disclosures": list(served.stub.disclosures),
                "stub": served.stub.compact,
            },
            "status": "passed" if reason is None else "failed",
            "reason": reason,
            "receipt": served.compact if reason is None else None,
            "comment": comment,
        }
        for name, each, served, reason, comment in cases
    ]


def _overseas() -> str:
    place = Place(
        public_place="Barge, quai Ballou",
        commune="97608",
        commune_name="Dzaoudzi",
        department="976",
        zone="Indian/Mayotte",
    )
    at = datetime.fromisoformat("2026-11-23T16:05:00+03:00")
    return sample_receipt(replace(CHECK, place=place, checked_at=at, ended_at=None)).compact


def _spaced(value: dict[str, Any], salt: str) -> str:
    return base64url(json.dumps([salt, "person", value], indent=1).encode())


def trust_root() -> dict[str, Any]:
    def key(signer: Signer, begin: str, end: str | None) -> dict[str, Any]:
        jwk: dict[str, Any] = {**signer.public_key.jwk, "kid": signer.kid, "alg": "ES256", "use": "sig"}
        jwk["nbf"] = int(datetime.fromisoformat(begin).timestamp())
        return jwk if end is None else {**jwk, "exp": int(datetime.fromisoformat(end).timestamp())}

    keys = [
        key(SIGNER, "2026-01-01T09:30:00Z", None),
        key(OTHER_SIGNER, "2025-01-01T00:00:00Z", "2026-01-02T09:30:00Z"),
    ]
    return {"version": 1, "issuers": [{"issuer": ISSUER, "jwks": {"keys": keys}}]}


def private_jwk(signer: Signer) -> dict[str, str]:
    scalar = signer._key.private_numbers().private_value
    return {**signer.public_key.jwk, "d": base64url(scalar.to_bytes(32, "big")), "kid": signer.kid}


def documents() -> dict[str, str]:
    """Every file of this folder that the generator writes, by name."""
    vectors = [*good(), *missing(), *bogus()]
    manifest = {
        "now": NOW.isoformat().replace("+00:00", "Z"),
        "issued_on": ISSUED_ON.isoformat(),
        "receipt_number": RECEIPT_NUMBER,
        "seed": base64url(SEED),
        "trust_root": "trust-root.json",
        "receipts": [vector.entry() for vector in vectors],
        "links": links(),
    }
    texts = {f"{vector.name}.sd-jwt": vector.text for vector in vectors}
    written = {"vectors.json": manifest, "trust-root.json": trust_root()}
    keys = {"keys": [private_jwk(SIGNER), private_jwk(OTHER_SIGNER)]}
    return {**texts, **{name: _pretty(value) for name, value in {**written, "private-keys.json": keys}.items()}}


def _pretty(value: Any) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False) + "\n"


def main() -> None:
    written = documents()
    for path in HERE.glob("*.sd-jwt"):
        if path.name not in written:
            path.unlink()
    for name, text in written.items():
        (HERE / name).write_text(text, encoding="utf-8", newline="")


if __name__ == "__main__":
    main()
