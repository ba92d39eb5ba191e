import hashlib
from datetime import UTC, datetime, timedelta, timezone

import pytest

from receipt_service.crypto.derivation import derive
from receipt_service.domain.canonical import base64url
from receipt_service.domain.groups import SALT_INFOS, STUB_GROUPS, Group
from receipt_service.domain.link import ReceiptLink
from receipt_service.verify.links import verify_link
from receipt_service.verify.policy import EVERY_GROUP, Policy
from receipt_service.verify.trust_root import TrustRoot
from receipt_service.verify.verdict import Reason, Status, Verdict, View
from receipt_service.verify.verifier import Verifier
from tests.support.forging import join
from tests.support.receipts import (
    ISSUED_ON,
    ISSUER,
    NOW,
    PERSON,
    RECEIPT_NUMBER,
    SEED,
    SIGNER,
    sample_claims,
    sample_link,
    sample_receipt,
    sample_trust_root,
    sample_verifier,
)


def test_a_passed_verdict_says_what_was_verified():
    receipt = sample_receipt()
    verdict = sample_verifier().verify(receipt.compact, NOW)
    assert verdict.passed
    assert (verdict.view, verdict.shown, verdict.hidden) == (View.RECEIPT, tuple(Group), ())
    assert (verdict.issuer, verdict.kid, verdict.issued_on) == (ISSUER, SIGNER.kid, ISSUED_ON)
    assert verdict.receipt_number == RECEIPT_NUMBER
    assert verdict.claims == sample_claims()
    assert verdict.leaf == receipt.leaf
    assert verdict.leaf_sha256 == base64url(hashlib.sha256(receipt.leaf.encode()).digest())
    assert "Lef" not in repr(verdict)


def test_a_stub_and_a_leaf_say_what_they_hide():
    receipt = sample_receipt()
    stub = sample_verifier().verify(receipt.stub.compact, NOW)
    assert (stub.view, stub.shown, stub.hidden) == (View.STUB, STUB_GROUPS, (Group.PERSON,))
    leaf = sample_verifier().verify(f"{receipt.leaf}~", NOW)
    assert (leaf.view, leaf.shown, leaf.hidden, leaf.receipt_number) == (View.LEAF, (), tuple(Group), None)


@pytest.mark.parametrize("hidden", list(Group))
def test_a_holder_may_hide_any_group_unless_the_policy_asks_for_it(hidden):
    receipt = sample_receipt()
    kept = [text for group, text in zip(Group, receipt.disclosures, strict=True) if group is not hidden]
    text = join(receipt.leaf, kept)
    verdict = sample_verifier().verify(text, NOW)
    assert (verdict.passed, verdict.hidden) == (True, (hidden,))
    for policy in (Policy(required=EVERY_GROUP), Policy(required=frozenset({hidden}))):
        asked = sample_verifier(policy).verify(text, NOW)
        assert asked.reasons == (Reason.GROUP_REQUIRED,)
        assert asked.claims == {}
    assert sample_verifier(Policy(required=EVERY_GROUP - {hidden})).verify(text, NOW).passed


def test_the_policy_names_issuer_and_kind():
    text = sample_receipt().compact
    assert sample_verifier(Policy(issuer=ISSUER)).verify(text, NOW).passed
    other = sample_verifier(Policy(issuer="https://autre.example")).verify(text, NOW)
    assert other.reasons == (Reason.ISSUER_UNEXPECTED,)
    assert sample_verifier(Policy(vct="urn:x")).verify(text, NOW).reasons == (Reason.VCT_UNEXPECTED,)


def test_without_a_key_the_verdict_waits_but_never_for_what_is_wrong_in_itself():
    receipt = sample_receipt()
    nobody = Verifier(TrustRoot())
    assert nobody.verify(receipt.compact, NOW).status is Status.INDETERMINATE
    assert nobody.verify(receipt.compact, NOW).claims == {}
    assert nobody.verify(receipt.compact[:-1], NOW).status is Status.FAILED
    other = sample_receipt(salts=[bytes([n] * 16) for n in range(5)])
    swapped = join(receipt.leaf, [other.disclosures[0]])
    assert nobody.verify(swapped, NOW).reasons == (Reason.DISCLOSURE_NOT_REFERENCED,)


@pytest.mark.parametrize(
    ("now", "passed"),
    [
        (datetime(2026, 11, 23, 0, 0, tzinfo=UTC), True),
        (datetime(2026, 11, 22, 23, 56, tzinfo=UTC), True),
        (datetime(2026, 11, 22, 23, 54, tzinfo=UTC), False),
        (datetime(2126, 11, 22, tzinfo=UTC), True),
    ],
)
def test_the_day_of_issue_is_not_to_come_but_for_a_clock_a_little_late(now, passed):
    verdict = sample_verifier().verify(sample_receipt().compact, now)
    assert verdict.passed == passed
    assert passed or verdict.reasons == (Reason.ISSUED_IN_FUTURE,)


def test_now_may_be_told_in_any_zone():
    local = NOW.astimezone(timezone(timedelta(hours=-11)))
    assert sample_verifier().verify(sample_receipt().compact, local).passed
    assert sample_verifier(Policy(clock_skew=timedelta(0))).verify(sample_receipt().compact, NOW).passed


def test_a_key_of_one_issuer_never_speaks_for_another():
    root = sample_trust_root().with_issuer("https://autre.example", {"keys": [SIGNER.public_key.jwk]})
    text = sample_receipt(issuer="https://autre.example", kid=SIGNER.kid).compact
    assert Verifier(root, Policy(issuer=ISSUER)).verify(text, NOW).reasons == (Reason.ISSUER_UNEXPECTED,)
    assert sample_verifier().verify(text, NOW).reasons == (Reason.ISSUER_UNKNOWN,)


def test_a_link_and_its_stub_make_the_receipt():
    receipt = sample_receipt()
    verdict, rebuilt = verify_link(sample_verifier(), sample_link(), receipt.stub.compact, NOW)
    assert verdict.passed
    assert rebuilt == receipt


@pytest.mark.parametrize("text", ["", "~", "a~b~c~d~e~", "<html>"])
def test_what_is_no_stub_is_told(text):
    verdict, receipt = verify_link(sample_verifier(), sample_link(), text, NOW)
    assert verdict.status is Status.FAILED
    assert receipt is None


def test_a_stub_whose_other_salts_come_from_elsewhere_is_told():
    """An issuer that mixed two seeds: the person fits the link, the rest does not."""
    salts = [bytes([n] * 16) for n in range(5)]
    good = sample_receipt()
    mixed = sample_receipt(salts=[*salts[:2], derive(SEED, SALT_INFOS)[2], *salts[3:]])
    verdict, receipt = verify_link(sample_verifier(), sample_link(), mixed.stub.compact, NOW)
    assert verdict.reasons == (Reason.SALT_MISMATCH,)
    assert receipt is None
    assert mixed.disclosures[2] == good.disclosures[2]


def test_a_link_to_an_unknown_issuer_waits():
    verdict, receipt = verify_link(Verifier(TrustRoot()), sample_link(), sample_receipt().stub.compact, NOW)
    assert verdict.status is Status.INDETERMINATE
    assert receipt is None


def test_a_verdict_that_says_nothing_hides_nothing():
    assert Verdict(status=Status.FAILED).hidden == ()
    assert ReceiptLink(RECEIPT_NUMBER, SEED, PERSON) == sample_link()
