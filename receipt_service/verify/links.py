"""Verification of a link: the stub it leads to, completed by what only the link knows."""

from datetime import datetime

from receipt_service.crypto.derivation import derive
from receipt_service.domain.canonical import base64url, to_json
from receipt_service.domain.disclosure import SALT_BYTES, encode_disclosure, parse_disclosure
from receipt_service.domain.groups import SALT_INFOS, Group, person_claims
from receipt_service.domain.link import ReceiptLink
from receipt_service.domain.receipt import Receipt
from receipt_service.domain.stub import Stub
from receipt_service.errors import MalformedReceipt
from receipt_service.verify.verdict import Reason, Verdict, failed
from receipt_service.verify.verifier import Verifier

_GROUPS = tuple(Group)


def complete(link: ReceiptLink, stub: Stub) -> Receipt:
    """Write the person's disclosure again, exactly as it was signed, and put it into the stub."""
    salt = derive(link.seed, SALT_INFOS, SALT_BYTES)[_GROUPS.index(Group.PERSON)]
    return Receipt.from_stub(stub, encode_disclosure(salt, Group.PERSON.value, person_claims(link.person)))


def verify_link(
    verifier: Verifier, link: ReceiptLink, stub_text: str, now: datetime, erased: frozenset[Group] = frozenset()
) -> tuple[Verdict, Receipt | None]:
    """Verify the receipt that a link and its stub make together; return it beside the verdict.

    1. The stub has the form of a stub.
    2. Stub and rebuilt person verify as one receipt (``Verifier.verify``): a seed or a person other than
       the signed one gives a disclosure that no digest references.
    3. The receipt's number is the link's.
    4. The salts of all five groups come from the link's seed.

    The receipt is ``None`` unless the verdict passed. ``erased`` are groups that the service says it has let go of:
    then what remains must verify, be just the rest, and have its salts of the seed; there is no whole receipt.
    """
    if erased:
        return _verify_rest(verifier, link, stub_text, now, erased), None
    try:
        receipt = complete(link, Stub.parse(stub_text))  # (1)
    except MalformedReceipt:
        return failed(Reason.STUB_MISMATCH, "what the service answered is not a stub"), None
    verdict = verifier.verify(receipt.compact, now)  # (2)
    if not verdict.passed:
        return verdict, None
    if verdict.receipt_number != link.receipt_number:  # (3)
        return failed(Reason.RECEIPT_NUMBER_MISMATCH, "the stub is another receipt's than the link's"), None
    salts = [base64url(salt) for salt in derive(link.seed, SALT_INFOS, SALT_BYTES)]
    if [parse_disclosure(encoded).salt for encoded in receipt.disclosures] != salts:  # (4)
        return failed(Reason.SALT_MISMATCH, "the salts of the stub do not come from the link's seed"), None
    return verdict, receipt


def _verify_rest(
    verifier: Verifier, link: ReceiptLink, stub_text: str, now: datetime, erased: frozenset[Group]
) -> Verdict:
    salts = dict(zip(_GROUPS, map(base64url, derive(link.seed, SALT_INFOS, SALT_BYTES)), strict=True))
    person = to_json([salts[Group.PERSON], Group.PERSON.value, person_claims(link.person)])
    verdict = verifier.verify(f"{stub_text}{base64url(person)}~", now)
    if not verdict.passed:
        return verdict
    if set(verdict.shown) != set(Group) - erased:
        return failed(Reason.STUB_MISMATCH, "the stub lacks other groups than those that are erased")
    if verdict.receipt_number not in {None, link.receipt_number}:
        return failed(Reason.RECEIPT_NUMBER_MISMATCH, "the stub is another receipt's than the link's")
    kept = (parse_disclosure(encoded) for encoded in stub_text.split("~")[1:-1])
    if any(disclosure.salt != salts[Group(str(disclosure.name))] for disclosure in kept):
        return failed(Reason.SALT_MISMATCH, "the salts of the stub do not come from the link's seed")
    return verdict
