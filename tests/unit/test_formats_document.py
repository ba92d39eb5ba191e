"""docs/formats.md and docs/verdicts.md say what the code does."""

import hashlib
import re
from pathlib import Path

import pytest

from receipt_service.crypto.derivation import derive
from receipt_service.domain.canonical import base64url, from_base64url
from receipt_service.domain.disclosure import digest_of
from receipt_service.domain.groups import SALT_INFOS, Group
from receipt_service.domain.link import ReceiptLink
from receipt_service.domain.person import (
    EstablishedBy,
    IdentityEstablished,
    IdentityNotEstablished,
    NotEstablishedReason,
)
from receipt_service.domain.receipt import Receipt
from receipt_service.domain.receipt_number import CANONICAL
from receipt_service.verify.verdict import Reason
from receipt_service.verify.verifier import LARGEST
from tests.support.receipts import ISSUER, RECEIPT_NUMBER, SEED, sample_link

ROOT = Path(__file__).resolve().parents[2]
FORMATS = (ROOT / "docs" / "formats.md").read_text(encoding="utf-8")
VERDICTS = (ROOT / "docs" / "verdicts.md").read_text(encoding="utf-8")
RECEIPT = Receipt.parse((ROOT / "tests" / "vectors" / "receipts" / "receipt.sd-jwt").read_text(encoding="ascii"))


def facts():
    header, payload, _ = RECEIPT.leaf.split(".")
    person = RECEIPT.disclosures[2]
    salts = dict(zip(Group, derive(SEED, SALT_INFOS), strict=True))
    return {
        "header": from_base64url(header).decode(),
        "payload": from_base64url(payload).decode(),
        "leaf hash": base64url(hashlib.sha256(RECEIPT.leaf.encode()).digest()),
        "person": from_base64url(person).decode(),
        "disclosure": f"disclosure {person}",
        "digest": f"digest     {digest_of(person)}",
        "seed": base64url(SEED),
        "link": sample_link().url(ISSUER),
        "number": CANONICAL.pattern,
        **{f"salt of {group}": f"{group.value:<12} {base64url(salt)}" for group, salt in salts.items()},
        "order of groups": ", ".join(f"`{group.value}`" for group in Group),
    }


@pytest.mark.parametrize("fact", facts())
def test_the_formats_are_those_of_the_vector(fact):
    assert facts()[fact] in FORMATS


def test_the_stub_of_the_table_is_the_stub_of_the_code():
    names = [group.value for group in Group]
    assert f"`leaf~{'~'.join(names)}~`" in FORMATS
    assert f"`leaf~{'~'.join(name for name in names if name != 'person')}~`" in FORMATS


@pytest.mark.parametrize("proof", EstablishedBy)
def test_the_code_of_every_proof_is_told(proof):
    person = IdentityEstablished(
        family_name="a", given_names="b", birth_date="1990", birth_place="c", established_by=proof
    )
    assert f"`{proof.value}` | {code_of(person)} |" in FORMATS


@pytest.mark.parametrize("reason", NotEstablishedReason)
def test_the_code_of_every_reason_is_told(reason):
    assert f"`{reason.value}` | {code_of(IdentityNotEstablished(reason=reason))} |" in FORMATS


def code_of(person):
    return from_base64url(ReceiptLink(RECEIPT_NUMBER, SEED, person).fragment.split(".")[2]).decode().rpartition("\n")[2]


def test_every_reason_is_explained_and_no_other():
    tables = [line.split("|")[1] for line in VERDICTS.splitlines() if line.startswith("| `")]
    told = [code for cell in tables for code in re.findall(r"`([a-z0-9_]+)`", cell)]
    statuses = ["passed", "failed", "indeterminate"]
    assert told[:3] == statuses
    assert sorted(told[3:]) == sorted(reason.value for reason in Reason)


def test_the_largest_receipt_is_told():
    assert f"{LARGEST:,} characters" in VERDICTS
