"""Every proof of the vectors gets the standing that it must get."""

import json
from datetime import date, datetime
from importlib import util
from pathlib import Path

import pytest

from receipt_service.domain.log_head import LogHead
from receipt_service.tlog.policy import parse_policy
from receipt_service.verify.log_check import judge_absence, judge_proof
from receipt_service.verify.log_standing import LogState, due_for

FOLDER = Path(__file__).resolve().parents[1] / "vectors" / "log"
MANIFEST = json.loads((FOLDER / "vectors.json").read_text(encoding="utf-8"))
NOW = datetime.fromisoformat(MANIFEST["now"])


def policy(vector):
    return parse_policy((FOLDER / vector["policy"]).read_bytes())


def told(standing):
    known = {"index": standing.index, "size": standing.size, "witnesses": list(standing.witnesses)}
    times = {"not_before": seen(standing.not_before), "not_after": seen(standing.not_after)}
    return {"state": standing.state.value, "why": standing.why and standing.why.value, **known, **times}


def seen(when):
    return None if when is None else {"at": int(when.at.timestamp()), "by": when.by.value, "name": when.name}


def head(vector):
    return vector["head"] and LogHead(**vector["head"])


@pytest.mark.parametrize("vector", MANIFEST["proofs"], ids=lambda vector: vector["name"])
def test_every_proof_gets_its_standing(vector):
    proof = (FOLDER / vector["file"]).read_bytes()
    standing = judge_proof(MANIFEST["leaves"][vector["leaf"]], proof, policy(vector), NOW, head(vector))
    assert told(standing) == vector["expected"]
    assert (standing.fault is not None) == (standing.state is LogState.PROOF_NOT_VALID)


@pytest.mark.parametrize("vector", MANIFEST["absences"], ids=lambda vector: vector["name"])
def test_every_absence_gets_its_standing(vector):
    standing = judge_absence(
        date.fromisoformat(vector["issued_on"]),
        vector["checkpoint"].encode(),
        policy(vector),
        datetime.fromisoformat(vector["now"]),
    )
    assert (standing.state.value, standing.why) == (vector["state"], vector["why"])
    assert standing.to_json()["due"] == vector["due"]


def test_the_log_has_a_day_from_the_end_of_the_day():
    assert due_for(date(2026, 12, 31)) == datetime.fromisoformat("2027-01-02T00:00:00Z")


def test_no_flipped_bit_of_a_proof_is_taken_for_another_entry():
    """Whatever is altered, the proof shows nothing, or the same: some bits only say whose a signature is."""
    vector = next(each for each in MANIFEST["proofs"] if each["name"] == "logged")
    sound = (FOLDER / vector["file"]).read_bytes()
    leaf, trusted = MANIFEST["leaves"][vector["leaf"]], policy(vector)
    seen = set()
    for at in range(0, len(sound), 5):
        altered = sound[:at] + bytes([sound[at] ^ (1 << at % 8)]) + sound[at + 1 :]
        standing = judge_proof(leaf, altered, trusted, NOW)
        seen.add(standing.state)
        assert standing.index in {None, vector["expected"]["index"]}
    assert LogState.PROOF_NOT_VALID in seen
    assert seen <= {LogState.PROOF_NOT_VALID, LogState.LOGGED, LogState.LOGGED_NOT_WITNESSED}


def test_every_state_of_a_proof_occurs():
    found = {vector["expected"]["state"] for vector in MANIFEST["proofs"]}
    assert found == {"logged", "logged_not_witnessed", "proof_not_valid"}


def test_the_generator_still_writes_the_same_files():
    spec = util.spec_from_file_location("make_log", FOLDER / "make_log.py")
    assert spec is not None
    assert spec.loader is not None
    generator = util.module_from_spec(spec)
    spec.loader.exec_module(generator)
    written = generator.documents()
    kept = {path.name for path in FOLDER.iterdir() if path.suffix in {".tlog-proof", ".json", ".txt"}}
    assert kept == set(written)
    for name, content in written.items():
        assert (FOLDER / name).read_bytes() == content, name
