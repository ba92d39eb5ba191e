import json
from datetime import datetime
from functools import cache
from importlib import util
from pathlib import Path

import pytest

from receipt_service.domain.link import ReceiptLink
from receipt_service.verify.links import verify_link
from receipt_service.verify.trust_root import TrustRoot
from receipt_service.verify.verdict import Reason, Status
from receipt_service.verify.verifier import Verifier

FOLDER = Path(__file__).resolve().parents[1] / "vectors" / "receipts"
MANIFEST = json.loads((FOLDER / "vectors.json").read_text(encoding="utf-8"))
NOW = datetime.fromisoformat(MANIFEST["now"])

each_receipt = pytest.mark.parametrize("vector", MANIFEST["receipts"], ids=lambda vector: vector["name"])
each_link = pytest.mark.parametrize("vector", MANIFEST["links"], ids=lambda vector: vector["name"])


@cache
def verifier():
    return Verifier(TrustRoot.from_json((FOLDER / MANIFEST["trust_root"]).read_bytes()))


@each_receipt
def test_every_receipt_vector_gets_its_verdict(vector):
    verdict = verifier().verify((FOLDER / vector["file"]).read_bytes().decode(), NOW)
    expected = () if vector["reason"] is None else (vector["reason"],)
    assert (verdict.status.value, tuple(map(str, verdict.reasons))) == (vector["status"], expected)
    if vector["view"] is not None:
        assert verdict.view is not None
        assert verdict.view.value == vector["view"]


@each_receipt
def test_nothing_is_shown_of_a_receipt_that_did_not_pass(vector):
    verdict = verifier().verify((FOLDER / vector["file"]).read_bytes().decode(), NOW)
    assert bool(verdict.claims) == (verdict.passed and bool(verdict.shown))


@each_link
def test_every_link_vector_gets_its_verdict(vector):
    link = ReceiptLink.parse_fragment(vector["url"].partition("#")[2])
    verdict, receipt = verify_link(verifier(), link, vector["stub"]["stub"], NOW)
    assert verdict.status.value == vector["status"]
    assert [reason.value for reason in verdict.reasons] == ([] if vector["reason"] is None else [vector["reason"]])
    assert (None if receipt is None else receipt.compact) == vector["receipt"]


def test_the_generator_still_writes_the_same_files():
    spec = util.spec_from_file_location("make_receipts", FOLDER / "make_receipts.py")
    assert spec is not None
    assert spec.loader is not None
    generator = util.module_from_spec(spec)
    spec.loader.exec_module(generator)
    written = generator.documents()
    kept = {path.name for path in FOLDER.iterdir() if path.suffix in {".sd-jwt", ".json"}}
    assert kept == set(written)
    for name, text in written.items():
        assert (FOLDER / name).read_bytes().decode() == text, name


def test_every_reason_of_the_receipt_profile_has_a_vector():
    elsewhere = {
        Reason.NO_RECEIPT_INSIDE,
        Reason.LINK_MALFORMED,
        Reason.STUB_UNREACHABLE,
        Reason.STUB_NOT_FOUND,
        Reason.STUB_MISMATCH,
        Reason.SALT_MISMATCH,
        Reason.GROUP_REQUIRED,
        Reason.ISSUER_UNEXPECTED,
        Reason.KEY_BINDING_INVALID,
        Reason.EXPIRED,
        Reason.NOT_YET_VALID,
        Reason.NEVER_LOGGED,
        Reason.LOG_PROOF_NOT_VALID,
        Reason.NOT_YET_LOGGED,
        Reason.LOG_NOT_WITNESSED,
        Reason.LOG_NOT_CHECKED,
    }
    covered = {vector["reason"] for kind in ("receipts", "links") for vector in MANIFEST[kind]} - {None}
    assert covered == {reason.value for reason in set(Reason) - elsewhere}


def test_the_three_statuses_all_occur():
    assert {vector["status"] for vector in MANIFEST["receipts"]} == {status.value for status in Status}
