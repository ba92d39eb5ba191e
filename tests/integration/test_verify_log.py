"""``receipt-service verify`` and the log, as people run it: proofs in files, in PDFs, and from the issuer."""

import json
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import jsonschema
import pytest
from click.testing import CliRunner
from referencing import Registry, Resource

from receipt_service.bootstrap.resources import schema_path
from receipt_service.cli.log_text import STATES, WHY
from receipt_service.cli.verdict_words import WORDS
from receipt_service.cli.verify import verify
from receipt_service.domain.canonical import to_json
from receipt_service.domain.groups import Moment
from receipt_service.errors import ReceiptServiceError
from receipt_service.tlog.merkle import leaf_hash
from receipt_service.verify.log_check import with_standing
from receipt_service.verify.log_standing import LogStanding, LogState, NotChecked, due_for
from receipt_service.verify.trust_root import TrustRoot
from receipt_service.verify.verdict import Reason, Status, failed
from tests.integration.test_verify_command import STARTED
from tests.support.pdf_files import pdf_with
from tests.support.receipts import ISSUER, NOW, RECEIPT_NUMBER, SIGNER, sample_link, sample_receipt, sample_verifier
from tests.support.small_log import LOGGED_AT, NORTH, ORIGIN, PLACE, POLICY, POLICY_NO_WITNESS, SmallLog, leaves
from tests.support.verify_command import RECEIPT, verdict_of

LOG = SmallLog()
UNWITNESSED = SmallLog(witnesses=(NORTH,))
TODAY = datetime.now(UTC).date()


def trusting(issuer=ISSUER, policy=POLICY):
    root = TrustRoot().with_issuer(issuer, {"keys": [{**SIGNER.public_key.jwk, "kid": SIGNER.kid}]})
    return root if policy is None else root.with_log_policy(issuer, policy.encode())


@pytest.fixture
def logged(place):
    """The folder of the receipt, with a trust root that knows the log."""
    (place / "trust.json").write_bytes(trusting().to_json())
    (place / "proof").write_bytes(LOG.proof())
    return place


def run(place, *arguments, stdin=None):
    return CliRunner().invoke(verify, [*map(str, arguments), "--trust-root", str(place / "trust.json")], input=stdin)


def log_of(result):
    return verdict_of(result)["log"]


def as_the_schema_says(result):
    names = ("verdict", "receipt-claims")
    documents = [json.loads(schema_path(f"{name}.v1.schema.json").read_text()) for name in names]
    registry = Registry().with_resources((each["$id"], Resource.from_contents(each)) for each in documents)
    jsonschema.Draft202012Validator(documents[0], registry=registry).validate(verdict_of(result))


def test_a_proof_that_holds_says_where_and_when(logged):
    result = run(logged, logged / "r.sd-jwt", "--proof", logged / "proof", "--json")
    assert result.exit_code == 0, result.output
    assert log_of(result) == {
        "state": "logged",
        "why": None,
        "origin": ORIGIN,
        "index": 3,
        "size": 7,
        "witnesses": ["north", "south"],
        "not_before": None,
        "not_after": {"at": "2026-11-23T13:09:51Z", "by": "witness", "name": "north"},
        "due": None,
    }
    as_the_schema_says(result)


def test_a_receipt_that_names_a_tree_is_no_older_than_it(logged):
    texts = leaves()
    named = sample_receipt(moment=Moment(log=SmallLog(texts=texts).head))
    texts[PLACE] = named.leaf
    log = SmallLog(texts=texts, anchored_at=LOGGED_AT - 300)
    (logged / "named.sd-jwt").write_text(named.compact)
    (logged / "named.tlog-proof").write_bytes(log.proof())
    result = run(logged, logged / "named.sd-jwt", "--json")
    assert log_of(result)["not_before"] == {"at": "2026-11-23T13:04:50Z", "by": "witness", "name": "north"}
    as_the_schema_says(result)
    assert "Pas avant : 2026-11-23 13:04:50 UTC" in run(logged, logged / "named.sd-jwt", "--lang", "fr").output
    (logged / "named.tlog-proof").write_bytes(replace(log, anchored_at=None).proof())
    assert log_of(run(logged, logged / "named.sd-jwt", "--json"))["not_before"] is None


def test_a_tree_that_the_receipt_does_not_name_says_nothing(logged):
    (logged / "proof").write_bytes(replace(LOG, anchored_at=LOGGED_AT - 300).proof())
    found = log_of(run(logged, logged / "r.sd-jwt", "--proof", logged / "proof", "--json"))
    assert (found["state"], found["not_before"]) == ("logged", None)


@pytest.mark.parametrize("lang", ["fr", "en"])
def test_it_is_told_in_words(logged, lang):
    shown = run(logged, logged / "r.sd-jwt", "--proof", logged / "proof", "--lang", lang).output
    assert STATES[LogState.LOGGED][lang].format(number=4, size=7) in shown
    assert "2026-11-23 13:09:51 UTC" in shown
    assert "north, south" in shown


def test_a_proof_beside_the_file_is_found_by_itself(logged):
    (logged / "r.tlog-proof").write_bytes(LOG.proof())
    assert log_of(run(logged, logged / "r.sd-jwt", "--json"))["state"] == "logged"
    (logged / "r.tlog-proof").write_bytes(LOG.proof()[:-1])
    assert log_of(run(logged, logged / "r.sd-jwt", "--json"))["state"] == "proof_not_valid"
    named = run(logged, logged / "r.sd-jwt", "--proof", logged / "proof", "--json")
    assert log_of(named)["state"] == "logged"


def test_a_pdf_carries_its_proof(logged):
    receipt = ("receipt.sd-jwt", RECEIPT.compact.encode())
    (logged / "r.pdf").write_bytes(pdf_with(receipt, ("receipt.tlog-proof", LOG.proof())))
    assert log_of(run(logged, logged / "r.pdf", "--json"))["state"] == "logged"
    (logged / "r.pdf").write_bytes(pdf_with(receipt, *[("receipt.tlog-proof", LOG.proof())] * 2))
    assert log_of(run(logged, logged / "r.pdf", "--json"))["state"] == "proof_not_valid"
    (logged / "r.pdf").write_bytes(pdf_with(receipt))
    assert log_of(run(logged, logged / "r.pdf", "--json"))["why"] == "no_proof"


def test_a_stub_and_a_receipt_have_one_proof(logged):
    (logged / "stub").write_text(RECEIPT.stub.compact)
    assert log_of(run(logged, logged / "stub", "--proof", logged / "proof", "--json"))["state"] == "logged"


def test_without_a_proof_or_a_policy_an_authentic_receipt_still_passes_and_it_is_said(logged):
    result = run(logged, logged / "r.sd-jwt", "--json")
    assert (result.exit_code, log_of(result)["state"], log_of(result)["why"]) == (0, "not_checked", "no_proof")
    as_the_schema_says(result)
    (logged / "trust.json").write_bytes(trusting(policy=None).to_json())
    result = run(logged, logged / "r.sd-jwt", "--proof", logged / "proof", "--json")
    assert (result.exit_code, log_of(result)["why"]) == (0, "no_policy")
    shown = run(logged, logged / "r.sd-jwt", "--lang", "en").output
    assert STATES[LogState.NOT_CHECKED]["en"].format(why=WHY[NotChecked.NO_POLICY]["en"]) in shown


@pytest.mark.parametrize(
    ("proof", "reason"),
    [
        (None, "log_not_checked"),
        (UNWITNESSED.proof(), "log_not_witnessed"),
    ],
)
def test_who_requires_the_log_gets_indeterminate_for_anything_less(logged, proof, reason):
    if proof is not None:
        (logged / "r.tlog-proof").write_bytes(proof)
    assert run(logged, logged / "r.sd-jwt").exit_code == 0
    result = run(logged, logged / "r.sd-jwt", "--require-log", "--json")
    assert result.exit_code == 3
    assert [each["code"] for each in verdict_of(result)["reasons"]] == [reason]
    assert verdict_of(result)["claims"] == {}
    as_the_schema_says(result)


def test_who_requires_the_log_gets_it(logged):
    assert run(logged, logged / "r.sd-jwt", "--require-log", "--proof", logged / "proof").exit_code == 0


def test_too_few_witnesses_are_said(logged):
    (logged / "r.tlog-proof").write_bytes(UNWITNESSED.proof())
    shown = run(logged, logged / "r.sd-jwt", "--lang", "en").output
    assert shown.startswith(WORDS["en"]["passed"])
    assert "may show others another tree" in shown


def test_a_policy_without_witnesses_is_said_to_be_one(logged):
    (logged / "trust.json").write_bytes(trusting(policy=POLICY_NO_WITNESS).to_json())
    shown = run(logged, logged / "r.sd-jwt", "--proof", logged / "proof", "--lang", "en").output
    assert "asks for no witness" in shown
    assert "says the log itself" in shown


def test_a_proof_that_does_not_hold_fails_the_receipt_and_shows_nothing(logged):
    other = replace(LOG, texts=[*LOG.texts[:3], *LOG.texts[4:]])
    (logged / "r.tlog-proof").write_bytes(other.proof(other.texts[3]))
    result = run(logged, logged / "r.sd-jwt", "--json")
    assert result.exit_code == 1
    assert [each["code"] for each in verdict_of(result)["reasons"]] == ["log_proof_not_valid"]
    assert verdict_of(result)["claims"] == {}
    as_the_schema_says(result)
    shown = run(logged, logged / "r.sd-jwt").output
    assert RECEIPT_NUMBER not in shown
    assert f"{WORDS['en']['issuer']}: {ISSUER}" in shown  # its signature did hold


@pytest.mark.parametrize("name", ["missing", "."])
def test_a_proof_that_is_named_must_be_there(logged, name):
    assert run(logged, logged / "r.sd-jwt", "--proof", logged / name).exit_code == 2


def test_the_log_is_not_asked_about_what_is_not_authentic(logged, service):
    _, _, asked = service
    (logged / "bogus").write_text(RECEIPT.compact[:-1])
    result = run(logged, logged / "bogus", "--online", "--require-log", "--json")
    assert result.exit_code == 1
    assert log_of(result) is None
    assert asked == []


@pytest.fixture
def online(place, service):
    """A receipt of an issuer that answers on this machine, issued on a day that the test chooses."""
    base, answers, asked = service

    def issue(issued_on):
        receipt = sample_receipt(issuer=base, issued_on=issued_on)
        log = SmallLog(texts=[*LOG.texts[:3], receipt.leaf], at=int(datetime.now(UTC).timestamp()) - 60)
        (place / "trust.json").write_bytes(trusting(base).to_json())
        (place / "there").write_text(receipt.compact)
        path = f"/v1/log/proofs/{leaf_hash(receipt.leaf.encode()).hex()}"
        answers["/log/checkpoint"] = log.note
        return receipt, log, path

    return base, answers, asked, issue


def test_a_file_is_asked_about_only_where_that_is_wanted(place, online):
    _, answers, asked, issue = online
    _, log, path = issue(TODAY)
    answers[path] = log.proof()
    assert log_of(run(place, place / "there", "--json"))["why"] == "no_proof"
    assert asked == []
    assert log_of(run(place, place / "there", "--online", "--json"))["state"] == "logged"
    assert asked == [path]


def test_a_link_asks_the_issuer_for_the_proof_and_saves_it_beside_the_receipt(place, online):
    base, answers, asked, issue = online
    receipt, log, path = issue(TODAY)
    stub = {"leaf": receipt.leaf, "disclosures": list(receipt.stub.disclosures)}
    answers[f"/v1/stubs/{RECEIPT_NUMBER}"] = to_json(stub)
    answers[path] = log.proof()
    result = run(place, sample_link().url(base), "--save", place / "kept.sd-jwt", "--json")
    assert result.exit_code == 0, result.output
    assert log_of(result)["state"] == "logged"
    assert asked == [f"/v1/stubs/{RECEIPT_NUMBER}", path]
    assert (place / "kept.tlog-proof").read_bytes() == answers[path]
    asked.clear()
    assert log_of(run(place, place / "kept.sd-jwt", "--json"))["state"] == "logged"
    assert asked == []
    (place / "answer").write_bytes(to_json(stub))
    offline = run(place, sample_link().url(base), "--stub", place / "answer", "--json")
    assert log_of(offline)["why"] == "no_proof"
    assert asked == []


def test_a_newer_proof_is_asked_for_where_witnesses_are_missing(place, online):
    _, answers, asked, issue = online
    _, log, path = issue(TODAY)
    (place / "there.tlog-proof").write_bytes(replace(log, witnesses=()).proof())
    answers[path] = replace(log, witnesses=(NORTH,)).proof()
    assert log_of(run(place, place / "there", "--online", "--json"))["state"] == "logged_not_witnessed"
    answers[path] = log.proof()
    assert log_of(run(place, place / "there", "--online", "--json"))["state"] == "logged"
    assert asked == [path, path]


def test_what_the_log_lacks_has_time_until_a_day_after_its_day(place, online):
    _, _, _, issue = online
    issue(TODAY)
    result = run(place, place / "there", "--online", "--json")
    assert (result.exit_code, log_of(result)["state"]) == (0, "not_yet_logged")
    assert log_of(result)["due"] == f"{due_for(TODAY):%Y-%m-%dT%H:%M:%SZ}"
    as_the_schema_says(result)
    required = run(place, place / "there", "--online", "--require-log", "--json")
    assert (required.exit_code, verdict_of(required)["reasons"][0]["code"]) == (3, "not_yet_logged")


def test_what_the_log_lacks_after_that_is_misbehaviour(place, online):
    _, _, _, issue = online
    issue(TODAY - timedelta(days=3))
    result = run(place, place / "there", "--online", "--json")
    assert (result.exit_code, log_of(result)["state"]) == (1, "never_logged")
    assert [each["code"] for each in verdict_of(result)["reasons"]] == ["never_logged"]
    assert verdict_of(result)["leaf_sha256"] is not None
    assert verdict_of(result)["claims"] == {}
    as_the_schema_says(result)


@pytest.mark.parametrize("checkpoint", [404, 500, b"<html>log in</html>", LOG.note[:-1]])
def test_a_log_that_shows_no_checkpoint_accuses_nobody(place, online, checkpoint):
    _, answers, _, issue = online
    issue(TODAY - timedelta(days=3))
    answers["/log/checkpoint"] = checkpoint
    result = run(place, place / "there", "--online", "--json")
    assert (result.exit_code, log_of(result)["why"]) == (0, "log_unreachable")


@pytest.mark.parametrize("answer", [500, 302, b"x" * (1 << 19)])
def test_a_log_that_does_not_answer_is_not_checked(place, online, answer):
    _, answers, _, issue = online
    _, _, path = issue(TODAY - timedelta(days=3))
    answers[path] = answer
    result = run(place, place / "there", "--online", "--json")
    assert (result.exit_code, log_of(result)["why"]) == (0, "log_unreachable")


def test_a_served_proof_is_believed_no_more_than_any_other(place, online):
    _, answers, _, issue = online
    _, _, path = issue(TODAY)
    answers[path] = LOG.proof()
    assert log_of(run(place, place / "there", "--online", "--json"))["state"] == "proof_not_valid"


def test_only_what_is_authentic_stands_in_a_log():
    with pytest.raises(ReceiptServiceError):
        with_standing(failed(Reason.NOT_SD_JWT, "no"), LogStanding(state=LogState.LOGGED))


def test_every_state_and_reason_has_words_and_an_outcome():
    verdict = sample_verifier().verify(RECEIPT.compact, NOW)
    outcomes = {state: with_standing(verdict, LogStanding(state=state)).status for state in LogState}
    strict = {state: with_standing(verdict, LogStanding(state=state), required=True).status for state in LogState}
    lost = {LogState.NEVER_LOGGED, LogState.PROOF_NOT_VALID}
    assert {state for state, status in outcomes.items() if status is Status.FAILED} == lost
    assert {state for state, status in outcomes.items() if status is Status.PASSED} == set(LogState) - lost
    assert {state for state, status in strict.items() if status is Status.PASSED} == {LogState.LOGGED}
    assert {state for state, status in strict.items() if status is Status.FAILED} == lost
    for lang in ("fr", "en"):
        assert all(STATES[state][lang] for state in LogState)
        assert all(WHY[why][lang] for why in NotChecked)


def test_a_witness_s_name_never_steers_the_terminal(logged):
    policy = POLICY.replace("witness north ", "witness no\x9brth ").replace("2 north", "2 no\x9brth")
    (logged / "trust.json").write_bytes(trusting(policy=policy).to_json())
    shown = run(logged, logged / "r.sd-jwt", "--proof", logged / "proof").output
    assert "\x9b" not in shown
    assert "south" in shown


def test_the_log_adds_no_package_to_a_cold_start(logged):
    command = [sys.executable, "-c", STARTED, "verify", "r.sd-jwt", "--trust-root", "trust.json", "--proof", "proof"]
    done = subprocess.run(command, cwd=logged, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr.split() == ["click", "cryptography", "orjson", "pybase64", "receipt_service"]
    assert "north, south" in done.stdout
